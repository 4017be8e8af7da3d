// The process that is killed: appends numbered messages and says each number only after the append has returned.
import { createRecollect } from 'recollect'

const recollect = await createRecollect({ dataDir: process.argv[2] as string, background: false })
const session = await recollect.user('alice').session('log')
for (let n = Number(process.argv[3]); ; n++) {
  await session.append({ id: `m${n}`, role: 'user', text: `message ${n}` })
  process.stdout.write(`${n}\n`)
}
