// Erases one owner and looks for itself: no byte of what was said is left in any file, a neighbour is untouched, and the receipt can be checked.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createRecollect } from 'recollect'
import { expect } from '../expect.ts'

const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-'))
const canary = 'heliotrope-ostrich-4711'

// Sealing is turned off here on purpose: with it on, no plain text is ever in a file, and finding none would prove little.
const recollect = await createRecollect({ dataDir: path.join(folder, 'data'), seal: 'off' })
const alice = recollect.user('alice')
const bob = recollect.user('bob')
for (const user of [alice, bob]) {
  const session = await user.session('diary')
  for (let day = 1; day <= 20; day++)
    await session.append({ role: 'user', text: `Day ${day}: ${user === alice ? canary : 'quiet'}, and I walked by the river.` })
  await user.memories.settled()
}
expect('the words are in the files before', (await filesWith(canary)).length > 0)

const receipt = await alice.erase()
expect('the receipt says clean', receipt.clean)
expect(
  'it says what went',
  receipt.removed.some((store) => store.logs > 0 && store.entries >= 20),
)
expect('it says where it looked', receipt.probes.length > 0 && receipt.probes.every((probe) => probe.found === 0))
expect('it names nobody', !JSON.stringify(receipt).includes('alice'))
expect('no file holds the words any more', (await filesWith(canary)).length === 0)

const trail = await recollect.audit.verify('default')
expect('the audit log is whole', trail.ok && trail.checked >= 2)
expect('the neighbour is untouched', (await (await bob.session('diary')).messages()).items.length === 20)
const again = await alice.session('diary')
expect('the same name starts anew, empty', (await again.messages()).items.length === 0)

await recollect.close()
await rm(folder, { recursive: true, force: true })

async function filesWith(text: string): Promise<string[]> {
  const found: string[] = []
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue
    const file = path.join(item.parentPath, item.name)
    if ((await readFile(file)).includes(text)) found.push(file)
  }
  return found
}
