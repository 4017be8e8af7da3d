// What the sweeper may do and when: one holder, under the owner's lease, around an owner that fails; a dry run writes nothing.
import { expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { aWorld, codeOf, memoryStores, start } from './library-world.ts'

const minute = 60_000
const lives = { idleMs: minute, absoluteMs: 60 * minute }
const writes = ['open', 'append', 'updateHead', 'rewrite', 'saveSnapshot', 'lease', 'renew', 'release', 'delete', 'erase'] as const

/** Sessions of these owners that have expired, over a session store that a test changes; `raw` are the stores below. */
async function expired(owners: readonly string[], change: (store: LogStore, raw: ReturnType<typeof memoryStores>) => Partial<LogStore>) {
  const clock = manualClock(start)
  const raw = memoryStores(clock)
  const { recollect } = await aWorld('memory', { clock, stores: { ...raw, sessions: { ...raw.sessions, ...change(raw.sessions, raw) } } })
  for (const owner of owners) await (await recollect.user(owner).session('s', lives)).append({ role: 'user', text: 'x' })
  clock.advance(minute)
  return { recollect, clock, raw }
}

test('an owner whose removal fails does not stop the pass, and is left alone for 10 min [LIFE-7]', async () => {
  let broken = true
  const { recollect, clock } = await expired(['a', 'bad', 'c'], (store) => ({
    delete: async (ref, options) => (broken && ref.ownerId === 'bad' ? Promise.reject(new Error('the disk')) : store.delete(ref, options)),
  }))
  expect(await recollect.sweep()).toMatchObject({ looked: 3, deleted: 2, failed: 1 })
  broken = false
  clock.advance(limits.sweepSkipMs - 1)
  expect(await recollect.sweep()).toMatchObject({ looked: 0, deleted: 0, failed: 0 })
  clock.advance(1)
  expect(await recollect.sweep()).toMatchObject({ looked: 1, deleted: 1, failed: 0 })
})

test('one pass at a time, whichever process runs it [LIFE-7]', async () => {
  const { recollect, raw } = await expired(['a'], () => ({}))
  const name = { tenantId: '~system', ownerId: '~system', purpose: 'sweep' }
  const other = await raw.sessions.lease(name, minute)
  expect(await codeOf(recollect.sweep())).toBe('conflict')
  await raw.sessions.release(other!.fence)
  expect((await recollect.sweep()).deleted).toBe(1)
  expect(await raw.sessions.lease(name, minute)).toBeDefined() // given back at its end
})

test('a session is removed under the lease of its owner’s background work, only if it is still expired [LIFE-7]', async () => {
  const seen: unknown[] = []
  const { recollect } = await expired(['a'], (store, { memories }) => ({
    async delete(ref, options) {
      const free = await memories.lease({ tenantId: ref.tenantId, ownerId: ref.ownerId, purpose: 'work' }, minute)
      seen.push([ref.kind, options, free === undefined])
      return store.delete(ref, options)
    },
  }))
  await recollect.sweep()
  expect(seen).toEqual([['session', { ifExpired: true }, true]])
})

test('a dry run makes no call that writes, in any store [LIFE-9]', async () => {
  const calls: string[] = []
  const counted = (store: LogStore) =>
    Object.fromEntries(
      writes.map((name) => [
        name,
        (...given: never[]) => {
          calls.push(name)
          return (store[name] as (...all: never[]) => unknown)(...given)
        },
      ]),
    )
  const { recollect } = await expired(['a', 'b'], counted)
  calls.length = 0
  expect((await recollect.sweep({ dryRun: true })).items).toHaveLength(2)
  expect(calls).toEqual([])
  await recollect.sweep()
  expect(calls).toContain('delete')
})

test('receipts end where their session must, go before it, and stay where it was made anew while the pass ran [LIFE-3]', async () => {
  const clock = manualClock(start)
  const raw = memoryStores(clock)
  const gone: string[] = []
  let meanwhile = async () => {}
  const sessions: LogStore = {
    ...raw.sessions,
    async expired(at, page) {
      const due = await raw.sessions.expired(at, page)
      await meanwhile()
      return due
    },
    async delete(ref, options) {
      const removed = await raw.sessions.delete(ref, options)
      if (removed) gone.push(ref.kind)
      return removed
    },
  }
  const { recollect } = await aWorld('memory', { clock, stores: { ...raw, sessions }, receipts: 'durable' })
  const shown = async () => {
    const session = await recollect.user('alice').session('s', lives)
    await session.append({ role: 'user', text: 'x' })
    await session.context({ recall: false })
    return session
  }
  await shown()
  const looked = async (until: number) => (await recollect.sweep({ dryRun: true, until })).looked
  expect([await looked(start + lives.absoluteMs - 1), await looked(start + lives.absoluteMs)]).toEqual([1, 2])
  clock.advance(minute)
  meanwhile = async () => {
    meanwhile = async () => {}
    await shown()
  }
  await recollect.sweep()
  expect([gone, (await (await recollect.user('alice').sessions.get('s')).receipts.list()).items.length]).toEqual([['receipt'], 1])
  clock.advance(minute)
  await recollect.sweep()
  expect(gone).toEqual(['receipt', 'receipt', 'session'])
})
