// Somebody who can write to the store puts back what was, takes away, or blanks (SEAL-12, TST-4).
import { expect, test } from 'vitest'
import type { LogStore, StoredEntry } from '../../src/ports/log-store.ts'
import { headMemory } from '../../src/security/sealing/head-memory.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { entry, head, tampered, textOf, world } from './seal-fixture.ts'

const broken = { code: 'integrity_failure' }

/** A store whose next answers the test chooses. */
function puppet(inner: LogStore) {
  const store = tampered(inner, {}) as { -readonly [K in keyof LogStore]: LogStore[K] }
  return store
}

async function aLog() {
  const made = world()
  const inner = puppet(made.data)
  const store = made.wrap(inner)
  const ref = made.session()
  await store.open(ref, head('v1'))
  return { ...made, inner, store, ref }
}

test.each(['knew the log', 'has just started'])(
  'an entry that stands before what its writer, which %s, had seen is refused [TST-4, SEAL-12]',
  async (writer) => {
    const { store, data, inner, ref, wrap } = await aLog()
    for (const id of ['m1', 'm2']) await store.append(ref, [entry(id, id)])
    await (writer === 'knew the log' ? store : wrap(inner)).append(ref, [entry('m3', 'm3')])
    const entries = await data.read(ref)
    // m3 was written at version 2: as the second entry it is too early.
    inner.read = async () => [entries[0]!, { ...entries[2]!, seq: 2 }] as StoredEntry[]
    await expect(store.read(ref)).rejects.toMatchObject(broken)
  },
)

test('an old head body under a higher revision is taken only if its numbers allow it; under a lower one never [SEAL-12]', async () => {
  const { store, data, inner, ref } = await aLog()
  await store.append(ref, [entry('m1', 'x')])
  await store.updateHead(ref, 2, head('v2'))
  const now = (await data.head(ref))!
  inner.head = async () => ({ ...now, revision: 1, version: 1 }) // the writer of v2 had seen revision 2
  await expect(world({ data: inner }).store.head(ref)).rejects.toMatchObject(broken)
  inner.head = async () => ({ ...now, revision: 2 })
  await expect(store.head(ref)).rejects.toMatchObject(broken)
  inner.head = async () => ({ ...now, version: 0, revision: 9 }) // and version 1
  await expect(store.head(ref)).rejects.toMatchObject(broken)
})

test('a head that its own writer could not have seen fails also for a node that has just started [SEAL-12]', async () => {
  const { store, data, inner, ref, wrap } = await aLog()
  await store.append(ref, [entry('m1', 'x')])
  await store.updateHead(ref, 2, head('v2'))
  const now = (await data.head(ref))!
  const fresh = wrap(inner)
  inner.head = async () => ({ ...now, revision: 2 })
  await expect(fresh.head(ref)).rejects.toMatchObject(broken)
  inner.head = async () => ({ ...now, version: 0 })
  await expect(fresh.head(ref)).rejects.toMatchObject(broken)
  inner.head = async () => now
  expect(textOf((await fresh.head(ref))!.body)).toBe('v2')
})

test('a whole log put back is seen by a node that knew it further on, by head, list, append, update and open; a log made anew is not [TST-4]', async () => {
  const { store, data, inner, ref, alice } = await aLog()
  const old = (await data.head(ref))!
  await store.append(ref, [entry('m0', 'x')])
  await store.updateHead(ref, 2, head('v2'))
  inner.head = async () => old
  await expect(store.head(ref)).rejects.toMatchObject(broken)
  inner.list = async () => ({ items: [{ ...old, logId: ref.logId }] })
  await expect(store.list(alice, 'session')).rejects.toMatchObject(broken)
  inner.append = async (...given) => ({ ...(await data.append(...given)), head: old })
  await expect(store.append(ref, [entry('m1', 'x')])).rejects.toMatchObject(broken)
  inner.updateHead = async (ref, revision, patch) => (revision === 3 ? old : data.updateHead(ref, revision, patch))
  await expect(store.updateHead(ref, 3, head('v3'))).rejects.toMatchObject(broken)
  inner.open = async () => old
  await expect(store.open(ref, head('v3'))).rejects.toMatchObject(broken)
  Object.assign(inner, data)
  await store.delete(ref)
  expect(store.holds(alice)).toBe(0)
  expect((await store.open(ref, head('anew'))).revision).toBe(1)
  expect(textOf((await store.head(ref))!.body)).toBe('anew')
})

test('a log that lost its end under a higher revision is seen by a node that knew it longer [SEAL-12]', async () => {
  const { store, data, inner, ref } = await aLog()
  await store.append(ref, [entry('m1', 'x'), entry('m2', 'x')])
  const now = (await data.head(ref))!
  inner.head = async () => ({ ...now, version: 1, revision: now.revision + 1 })
  await expect(store.head(ref)).rejects.toMatchObject(broken)
})

test('an answer that was overtaken by a write is taken, and the write is not forgotten over it [SEAL-12]', async () => {
  const { store, data, inner, ref } = await aLog()
  const old = (await data.head(ref))!
  inner.head = async () => {
    await store.updateHead(ref, 1, head('v2'))
    return old
  }
  expect(textOf((await store.head(ref))!.body)).toBe('v1')
  inner.head = async () => old
  await expect(store.head(ref)).rejects.toMatchObject(broken)
})

test('a node remembers the last 10,000 logs that it has seen [SEAL-12]', async () => {
  const { data, ref, session } = await aLog()
  const memory = headMemory()
  const seen = (await data.head(ref))!
  for (let i = 0; i < 10_000; i++) memory.note(session(`s${i}`), seen)
  expect(memory.seen(session('s0'))).toBeDefined()
  memory.note(session('s10000'), seen)
  expect([memory.seen(session('s0')), memory.seen(session('s1'))]).toEqual([expect.anything(), undefined]) // the one least recently asked for goes
})

test('a page read just before a write that this node made is no rollback [SEAL-12]', async () => {
  const { store, data, inner, ref, alice } = await aLog()
  const page = await data.list(alice, 'session')
  await store.updateHead(ref, 1, head('v2'))
  inner.list = async () => page
  expect((await store.list(alice, 'session')).items.map((one) => textOf(one.body))).toEqual(['v2'])
})

test('a whole log put back that no node had seen further on is not detected, as SECURITY.md says [TST-4]', async () => {
  const { data, inner, ref, store, wrap } = await aLog()
  const old = (await data.head(ref))!
  await store.updateHead(ref, 1, head('v2'))
  inner.head = async () => old
  expect(textOf((await wrap(inner).head(ref))!.body)).toBe('v1')
})

test('a gap, a missing tail, a missing start and an id twice are integrity failures at the read [TST-4]', async () => {
  const { store, data, inner, ref } = await aLog()
  await store.append(
    ref,
    ['m1', 'm2', 'm3'].map((id) => entry(id, id)),
  )
  const [one, two, three] = (await data.read(ref)) as [StoredEntry, StoredEntry, StoredEntry]
  for (const answer of [[one, three], [two, three], [], [one, { ...one, seq: 2 }]]) {
    inner.read = async () => answer
    await expect(store.read(ref)).rejects.toMatchObject(broken)
  }
  inner.read = async () => [one, { ...two, body: new Uint8Array(0) }] // blanked: whether a tombstone names it is for who folds the log
  expect((await store.read(ref)).map((entry) => textOf(entry.body))).toEqual(['m1', ''])
})

test('reading past the end is an empty answer, not a failure [SEAL-12]', async () => {
  const { store, ref } = await aLog()
  await store.append(ref, [entry('m1', 'x')])
  expect(await store.read(ref, { after: 1 })).toEqual([])
  expect(await store.read(ref, { after: 7 })).toEqual([])
})

test('a log made anew under a writer that knew the old one is written so that it can be read [SEAL-12]', async () => {
  const { data, wrap, session } = world()
  const ref = session()
  const here = wrap(data)
  const there = wrap(data) // another process on the same store
  await here.open(ref, head('old'))
  await here.append(
    ref,
    ['m1', 'm2', 'm3'].map((id) => entry(id, id)),
  )
  await there.delete(ref)
  await there.open(ref, head('new'))
  const { head: after } = await here.append(ref, [entry('n1', 'first of the new')]) // it still believes in version 3
  expect(after.version).toBe(1)
  expect((await there.read(ref)).map((one) => textOf(one.body))).toEqual(['first of the new'])
  expect((await here.read(ref)).map((one) => textOf(one.body))).toEqual(['first of the new'])
})

test('a head written over a log made anew, at the revision that its writer knew of the old one, can be read [SEAL-12]', async () => {
  const { data, wrap, session } = world()
  const ref = session()
  const [here, there] = [wrap(data), wrap(data)]
  await here.open(ref, head('old'))
  await here.append(ref, [entry('m1', 'x')]) // revision 2 at version 1
  await there.delete(ref)
  await there.open(ref, head('new'))
  await there.updateHead(ref, 1, head('newer')) // revision 2 at version 0
  await here.updateHead(ref, 2, head('newest'))
  for (const store of [here, there, wrap(data)]) expect(textOf((await store.head(ref))!.body)).toBe('newest')
})

test('concurrent reads and writes of one log are no rollback [SEAL-12]', async () => {
  const { wrap, clock, session } = world()
  const store = wrap(memoryStore({ clock }))
  await store.open(session(), head('h'))
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => [store.append(session(), [entry(`m${i}`, 'x')]), store.head(session()), store.read(session())]).flat(),
  )
  expect((await store.head(session()))!.version).toBe(50)
})
