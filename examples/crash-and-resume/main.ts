// Kills a writer in the middle of appends, several times, and reads what is there: nothing acknowledged is lost, nothing is there twice.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { createRecollect } from 'recollect'
import { expect } from '../expect.ts'

const rounds = 5
const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-'))
const dataDir = path.join(folder, 'data')

let acknowledged = 0
for (let round = 1; round <= rounds; round++) acknowledged = await writeUntilKilled(acknowledged + 1, 20 + 15 * round)
console.log(`${acknowledged} messages acknowledged in ${rounds} rounds, each ended by kill -9`)

const recollect = await createRecollect({ dataDir })
const session = await recollect.user('alice').session('log')
const seen: string[] = []
for (let after = 0; ;) {
  const page = await session.messages({ after, limit: 200 })
  seen.push(...page.items.map(({ message }) => message.id))
  if (page.next === undefined) break
  after = page.next
}
expect('something was acknowledged', acknowledged > 0)
expect(
  'nothing acknowledged is lost',
  Array.from({ length: acknowledged }, (_, i) => `m${i + 1}`).every((id) => seen.includes(id)),
)
expect('nothing is there twice', new Set(seen).size === seen.length)
expect('at most the one append in flight at each kill is more', seen.length - acknowledged <= rounds)
const context = await session.context({ budgetTokens: 4_000 })
expect('the session goes on', context.receipt.upTo === seen.length)
await recollect.close()
await rm(folder, { recursive: true, force: true })

/** Starts the writer at `first`, kills it after it has acknowledged `count` messages, and gives the last number it acknowledged. */
function writeUntilKilled(first: number, count: number): Promise<number> {
  const writer = spawn(process.execPath, [path.join(import.meta.dirname, 'writer.ts'), dataDir, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let last = first - 1
  createInterface({ input: writer.stdout }).on('line', (line) => {
    last = Number(line)
    if (last - first + 1 === count) writer.kill('SIGKILL')
  })
  return new Promise((resolve) => writer.on('close', () => resolve(last)))
}
