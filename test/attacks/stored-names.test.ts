// What a thief or writer of the store finds beside the sealed bodies: ids without content, and a trail of what did not open.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { logKinds } from '../../src/core/log-ref.ts'
import { toUtf8 } from '../../src/core/json.ts'
import { memoryLogId } from '../../src/core/memory.ts'
import { createRecollect, type Recollect } from '../../src/index.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { snapshotName } from '../../src/recall/partition/snapshot.ts'
import { memoryKeyProvider } from '../../src/security/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { memoryStores, start } from '../surfaces/library-world.ts'

const open = (clock: ReturnType<typeof manualClock>, stores: ReturnType<typeof memoryStores>, seed: number): Promise<Recollect> =>
  createRecollect({
    clock,
    random: seededRandom(seed),
    background: false,
    embedder: 'off',
    receipts: 'durable',
    stores: Object.fromEntries(Object.entries(stores).map(([name, store]) => [name, { ...store, close: async () => {} }])) as typeof stores,
    keyProvider: memoryKeyProvider({ random: seededRandom(11) }),
  })

const said = 'heliotrope locker'
const noted = 'marigold cellar'

/** Every id that a store holds of an owner, in the order it stands there. */
async function namesOf(stores: readonly LogStore[], ownerId: string): Promise<string[]> {
  const names: string[] = []
  for (const store of stores)
    for (const kind of logKinds)
      for (const { logId } of (await store.list({ tenantId: 'default', ownerId }, kind)).items) {
        names.push(logId)
        names.push(...(await store.read({ tenantId: 'default', ownerId, kind, logId }, { limit: 5_000 })).map(({ id }) => id))
      }
  return names
}

/** All ways in which a bare text, as given or as compared, would show in an id. */
const tracesOf = (text: string): string[] =>
  [text, text.toUpperCase(), `The ${text}.`, `the ${text}.`].flatMap((one) => [
    one,
    ...['sha1', 'sha256', 'md5'].flatMap((algorithm) => {
      const digest = createHash(algorithm).update(one).digest()
      return [digest.toString('hex').slice(0, 16), digest.toString('base64url').slice(0, 16)]
    }),
  ])

test('ids that Recollect makes hold no content, no bare hash of it, and are not the same for two owners who said the same [SEAL-11]', async () => {
  const clock = manualClock(start)
  const stores = memoryStores(clock)
  const recollect = await open(clock, stores, 5)
  for (const ownerId of ['alice', 'bob']) {
    const user = recollect.user(ownerId)
    const session = await user.session()
    await session.append([
      { role: 'user', text: `The ${said}.` },
      { role: 'assistant', text: `The ${said}.` },
    ])
    await user.memories.settled()
    const { record } = await user.memories.remember(`The ${noted}.`)
    await session.context({ budgetTokens: 8_000 })
    await user.memories.forget(record.id)
    await session.patchState({ [said]: noted })
  }
  const everywhere = [stores.sessions, stores.memories]
  const [alices, bobs] = [await namesOf(everywhere, 'alice'), await namesOf(everywhere, 'bob')]
  expect(alices.length).toBeGreaterThan(10)
  const joined = [...alices, ...bobs].join('\n')
  for (const trace of [...tracesOf(said), ...tracesOf(noted)]) expect(joined).not.toContain(trace)
  const shared = alices.filter((name) => bobs.includes(name))
  for (const name of shared) expect(name).toMatch(/^(memory|gone\.\d+\.\d+)$/) // the one log's fixed name, and seqs
  await recollect.close()
})

test('a snapshot that somebody changed is never served: the search goes on from the log, and it stands in the trail [SEAL-13, AUD-5]', async () => {
  const clock = manualClock(start)
  const stores = memoryStores(clock)
  const first = await open(clock, stores, 5)
  await first.user('alice').memories.remember(`The ${noted}.`)
  await first.close()
  const lease = await stores.memories.lease({ tenantId: 'default', ownerId: 'alice', purpose: 'work' }, 60_000)
  const ref = { tenantId: 'default', ownerId: 'alice', kind: 'memory', logId: memoryLogId } as const
  const forged = { name: snapshotName, upTo: 1, chunks: [toUtf8('x'.repeat(200))] }
  await stores.memories.saveSnapshot(ref, forged, { fence: lease?.fence ?? expect.fail() })
  const second = await open(clock, stores, 6)
  expect((await second.user('alice').memories.search(noted)).hits).toHaveLength(1)
  await second.close() // writes what waits
  const third = await open(clock, stores, 7)
  expect(await third.audit.verify('default')).toMatchObject({ ok: true, checked: 1 })
  await third.close()
})
