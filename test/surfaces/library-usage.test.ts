// What the four figures take in and what they leave out: times, forks under way, ended records, what goes while it is counted.
import { describe, expect, test } from 'vitest'
import { RecollectError } from '../../src/core/errors.ts'
import { limits } from '../../src/core/limits.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { createRecollect } from '../../src/index.ts'
import { aWorld, codeOf, dyingAfter, memoryStores, sharedOptions, start } from './library-world.ts'

const said = { role: 'user', text: 'I moved to Lisbon.' } as const

test('calls count from `since` on, the moment itself with them, and sessions whenever they were [OBS-8]', async () => {
  const { recollect, clock } = await aWorld('memory', { receipts: 'durable' })
  const alice = recollect.user('alice')
  const session = await alice.session('s')
  await session.append(said)
  for (let call = 0; call < 3; call++) {
    await session.context({ recall: false })
    clock.advance(1_000)
  }
  const callsSince = async (since: number) => (await alice.usage({ since })).tokens.calls
  expect(await Promise.all([start, start + 1, start + 1_000, start + 2_000, start + 2_001].map(callsSince))).toEqual([3, 2, 2, 1, 0])
  expect((await alice.usage({ since: start + 2_001 })).memory).toMatchObject({ sessions: 1, messages: 1 })
})

test('what was said since the size was last written down is counted too [OBS-8]', async () => {
  const { recollect } = await aWorld('memory')
  const alice = recollect.user('alice')
  const session = await alice.session('s')
  await session.append(said)
  const turn = await session.turn()
  await turn.end()
  await recollect.settled()
  const before = (await alice.usage()).memory
  await session.append({ role: 'assistant', text: 'Welcome!' })
  const after = (await alice.usage()).memory
  expect([before.messages, after.messages]).toEqual([1, 2])
  expect(after.tokens).toBeGreaterThan(before.tokens)
})

test('records count while they are kept, ended ones too, over all pages; one recalled past its end was stale [OBS-8]', async () => {
  const { recollect, clock } = await aWorld('memory', { receipts: 'durable' })
  const alice = recollect.user('alice')
  await alice.memories.remember('I live in Lisbon near the river.', { id: 'old', kind: 'semantic' })
  const session = await alice.session('s')
  const ask = async () => {
    await session.append({ role: 'user', text: 'Do I live in Lisbon near the river?' })
    expect((await session.context()).receipt.recall.items.map(({ id }) => id)).toContain('old')
  }
  await ask()
  clock.advance(1_000)
  await ask()
  expect((await alice.usage()).retrieval).toMatchObject({ recalls: 2, recalledRecords: 2, stale: 0 })
  await alice.memories.remember('I live in Porto.', { id: 'new', kind: 'semantic', supersedes: ['old'], validFrom: start + 1 })
  expect((await alice.usage()).memory).toMatchObject({ records: 2, byKind: { semantic: 2 } })
  for (let i = 0; i < limits.pageItemsMost; i++) await alice.memories.remember(`Note ${i}.`)
  const { memory, retrieval } = await alice.usage()
  expect(memory.records).toBe(limits.pageItemsMost + 2)
  expect(memory.recordBytes).toBeGreaterThan(memory.records)
  expect(retrieval).toMatchObject({ recalledRecords: 2, stale: 1, staleRate: 0.5 })
})

describe('what is not there as a whole', () => {
  const parts = () => {
    const clock = manualClock(start)
    return { given: sharedOptions(clock), stores: memoryStores(clock) }
  }

  test('a fork that was cut off is no session yet [OBS-8, SES-5]', async () => {
    const { given, stores } = parts()
    const recollect = await createRecollect({ ...given, stores })
    const session = await recollect.user('alice').session('s')
    await session.append(said)
    const cut = await createRecollect({ ...given, stores: { ...stores, sessions: dyingAfter(stores.sessions, 0, ['updateHead']) } })
    expect(await codeOf((await cut.user('alice').sessions.get('s')).fork(1, { id: 'f' }))).not.toBe('went through')
    expect((await recollect.user('alice').usage()).memory).toMatchObject({ sessions: 1, messages: 1 })
    await session.fork(1, { id: 'f' })
    expect((await recollect.user('alice').usage()).memory).toMatchObject({ sessions: 2, messages: 2 })
  })

  test('a session that goes while it is counted counts for nothing, and a store that fails is told [OBS-8]', async () => {
    const { given, stores } = parts()
    const { list, read } = stores.sessions
    const sessions = { ...stores.sessions }
    const recollect = await createRecollect({ ...given, stores: { ...stores, sessions } })
    const alice = recollect.user('alice')
    for (const name of ['s', 'gone']) await (await alice.session(name)).append(said)
    const second = await createRecollect({ ...given, stores: { ...stores, sessions } })
    sessions.list = async (scope, kind, page) => {
      const found = await list(scope, kind, page)
      if (kind === 'session')
        await alice.sessions.get('gone').then(
          (session) => session.delete(),
          () => {},
        )
      return found
    }
    expect((await second.user('alice').usage()).memory).toMatchObject({ sessions: 1, messages: 1 })
    Object.assign(sessions, { list, read: () => Promise.reject(new RecollectError('unavailable', 'the disk is gone', 'Try again.')) })
    const third = await createRecollect({ ...given, stores: { ...stores, sessions } })
    expect(await codeOf(third.totals())).toBe('unavailable')
    Object.assign(sessions, { read })
    expect((await third.totals()).memory).toMatchObject({ sessions: 1, messages: 1 })
  })
})
