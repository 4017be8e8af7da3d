// The README's ten lines: a session, a context, a memory in another session, and everything forgotten.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createRecollect } from 'recollect'
import { expect } from '../expect.ts'

const dataDir = path.join(await mkdtemp(path.join(os.tmpdir(), 'recollect-')), 'data')
const recollect = await createRecollect({ dataDir })
const alice = recollect.user('alice')
const session = await alice.session('support-42')

await session.append({ role: 'user', text: 'I moved to Lisbon, and I am vegetarian.' })
await session.append({ role: 'assistant', text: 'Noted. How can I help with the move?' })
const context = await session.context({ budgetTokens: 8_000 })
expect('the context holds what was said', JSON.stringify(context.messages).includes('Lisbon'))
expect('the receipt covers the log', context.receipt.upTo === 2)

await alice.memories.settled()
const found = await alice.memories.search('where did she move to?')
expect(
  'it is found in long-term memory',
  found.hits.some((hit) => hit.record.text.includes('Lisbon')),
)

const next = await alice.session('support-43')
await next.append({ role: 'user', text: 'Where did I move to?' })
const later = await next.context({ budgetTokens: 8_000 })
expect('another session is told', JSON.stringify(later.messages).includes('Lisbon'))
expect(
  'and the receipt says so',
  later.receipt.recall.items.some((item) => item.outcome === 'injected'),
)

const stranger = await recollect.user('bob').memories.search('where did she move to?')
expect('nobody else is', stranger.hits.length === 0)

const receipt = await alice.erase()
expect('everything is gone, and probed', receipt.clean)
await recollect.close()
await rm(path.dirname(dataDir), { recursive: true, force: true })
