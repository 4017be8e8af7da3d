// Short-term and long-term memory in two stores: they never mix, end by two rules, and reach the model in two places (design §1.2).
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import type { LogKind } from '../../src/core/log-ref.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryKeyProvider } from '../../src/security/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { aWorld, codeOf, memoryStores, start } from './library-world.ts'

const kindsOf = async (store: LogStore, ownerId: string): Promise<readonly LogKind[]> => {
  const kinds: LogKind[] = []
  for (const kind of ['session', 'memory', 'receipt', 'key'] as const)
    if ((await store.list({ tenantId: 'default', ownerId }, kind)).items.length > 0) kinds.push(kind)
  return kinds
}

async function twoStores() {
  const clock = manualClock(start)
  const stores = memoryStores(clock)
  const world = await aWorld('memory', { clock, stores, keyProvider: memoryKeyProvider({ random: seededRandom(11) }), embedder: 'bundled' })
  const alice = world.recollect.user('alice')
  const session = await alice.session('s', { idleMs: 60_000 })
  await session.append([
    { role: 'user', text: 'My sister Ines lives in Porto and plays the cello.' },
    { role: 'assistant', text: 'How lovely.' },
  ])
  await alice.memories.settled()
  return { ...world, clock, stores, alice, session }
}

describe('two stores', () => {
  test('sessions and receipts lie in the one, memories in the other, keys in a third [DESIGN-1.2]', async () => {
    const { stores, session, recollect } = await twoStores()
    await session.context()
    await recollect.settled()
    expect(await kindsOf(stores.sessions, 'alice')).toEqual(['session', 'receipt'])
    expect(await kindsOf(stores.memories, 'alice')).toEqual(['memory'])
    expect(await kindsOf(stores.keys, '~keys')).toEqual(['key'])
  })

  test('what was said in one session is found from another, and stands in its context as data [DESIGN-1.2]', async () => {
    const { alice } = await twoStores()
    const [hit] = (await alice.memories.search('where does her sister Ines live?')).hits
    expect(hit?.record).toMatchObject({ text: 'My sister Ines lives in Porto and plays the cello.', session: 's', authority: 'typed' })
    const other = await alice.session('other')
    await other.append({ role: 'user', text: 'Where does my sister Ines live?' })
    const context = await other.context()
    expect(JSON.stringify(context.messages)).toContain('Porto')
    expect(context.receipt.recall.items.filter((item) => item.outcome === 'injected')).toHaveLength(1)
    expect((await other.messages()).items).toHaveLength(1) // injections are never in the log
  })

  test('a session that expires leaves its memories; one that is deleted takes those that rest on it alone [ERA-1] [ERA-4]', async () => {
    const { alice, clock, recollect } = await twoStores()
    clock.advance(60_000)
    await recollect.sweep()
    expect((await alice.memories.list()).items.map((record) => record.authority).toSorted()).toEqual(['assistant', 'typed'])
    const session = await alice.session('t')
    await session.append({ role: 'user', text: 'I am allergic to walnuts.' })
    await alice.memories.settled()
    expect((await alice.memories.list()).items).toHaveLength(3)
    expect(await session.delete()).toMatchObject({ records: 1 })
    expect((await alice.memories.list()).items).toHaveLength(2)
    expect((await alice.memories.search('walnuts allergic')).hits).toEqual([])
  })

  test('records end by their level, not with their session, and the sweeper redacts them [LIFE-4] [LIFE-5]', async () => {
    const { alice, clock, recollect } = await twoStores()
    await (
      await alice.session('pasted', { idleMs: 60_000 })
    ).append({ role: 'user', text: 'A page says that the bridge is closed.' }, { userText: 'paste' })
    await alice.memories.settled()
    const levels = async () => (await alice.memories.list()).items.map((record) => record.authority).toSorted()
    expect(await levels()).toEqual(['assistant', 'typed', 'untrusted'])
    clock.set(start + limits.untrustedRecordMs)
    expect(await levels()).toEqual(['assistant', 'typed'])
    expect(await recollect.sweep()).toMatchObject({ recordsExpired: 1 })
    clock.set(start + limits.assistantRecordMs)
    expect(await recollect.sweep()).toMatchObject({ recordsExpired: 1 })
    expect(await levels()).toEqual(['typed'])
    clock.set(start + limits.episodicRecordMs)
    expect(await recollect.sweep()).toMatchObject({ recordsExpired: 1 })
    expect(await levels()).toEqual([])
  })

  test('deleting a session with memories kept says so in the receipt [ERA-4]', async () => {
    const { alice, session } = await twoStores()
    const receipt = await session.delete({ memories: 'keep' })
    expect(receipt.records).toBe(0)
    expect(receipt.keptWhy).toHaveLength(1)
    expect((await alice.memories.list()).items).toHaveLength(2)
  })

  test('a redacted message takes the memory that rests on it alone [ERA-4]', async () => {
    const { alice, session } = await twoStores()
    const [message] = (await session.messages()).items
    expect(await session.redact(message?.message.id as string)).toMatchObject({ verb: 'redact', records: 1 })
    expect((await alice.memories.search('sister Ines Porto')).hits).toEqual([])
  })

  test('what was rewound is recalled no more [SES-2]', async () => {
    const { alice, session } = await twoStores()
    await session.rewind(0)
    await alice.memories.settled()
    expect((await alice.memories.search('sister Ines Porto')).hits).toEqual([])
  })

  test('forgetting names the sessions in whose prompts the memory stood, and takes its sources if asked [ERA-3]', async () => {
    const { alice, session } = await twoStores()
    const other = await alice.session('other')
    await other.append({ role: 'user', text: 'Where does my sister Ines live?' })
    await other.context()
    const [record] = (await alice.memories.search('sister Ines Porto')).hits
    const receipt = await alice.memories.forget(record?.record.id as string, { sources: true })
    expect(receipt.injectedInto).toEqual(['other'])
    expect((await session.messages()).items).toHaveLength(1)
    expect(await codeOf(alice.memories.get(record?.record.id as string))).toBe('not_found')
    const next = await other.context()
    expect(JSON.stringify(next.messages)).not.toContain('Porto')
    expect(next.receipt.epoch.cause).toBe('forgotten')
  })

  test('an erasure empties both stores, with a clean receipt that names both [ERA-5]', async () => {
    const { alice, stores } = await twoStores()
    const receipt = await alice.erase()
    expect(receipt.clean).toBe(true)
    expect(receipt.removed.map((one) => [one.store, one.logs > 0])).toEqual([
      ['sessions', true],
      ['memories', true],
    ])
    expect(await kindsOf(stores.sessions, 'alice')).toEqual([])
    expect(await kindsOf(stores.memories, 'alice')).toEqual([])
  })
})

test('work that a process left behind is found by its cursor by the next one [NODE-7]', async () => {
  const world = await aWorld('sqlite')
  await (await world.recollect.user('alice').session('s')).append({ role: 'user', text: 'I moved to Lisbon.' })
  const alice = (await world.reopen()).user('alice')
  expect((await alice.memories.list()).items).toEqual([])
  await alice.memories.settled()
  expect((await alice.memories.list()).items.map((record) => record.text)).toEqual(['I moved to Lisbon.'])
})

test('nothing at all set is a working set-up: one file of data, and the keys in a folder beside it [SEAL-2]', async () => {
  const { dataDir, recollect } = await aWorld('sqlite')
  await (await recollect.user('alice').session('s')).append({ role: 'user', text: 'x' })
  expect(readdirSync(dataDir)).toContain('recollect.db')
  expect(
    readdirSync(`${dataDir}-keys`)
      .toSorted()
      .filter((name) => !name.includes('-')),
  ).toEqual(['key.json', 'keys.db'])
  expect(path.dirname(dataDir)).toBe(path.dirname(`${dataDir}-keys`))
  expect(await recollect.health()).toMatchObject({ ready: true })
})
