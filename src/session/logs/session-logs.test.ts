import { describe, expect, test } from 'vitest'
import { refOf } from '../../core/log-ref.ts'
import { mintScope } from '../../core/scope.ts'
import { encodeBody, type SessionEntry } from '../../core/session.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { encodeEntries, sessionLogs } from './session-logs.ts'

const scope = mintScope('t', 'o')
const ref = refOf(scope, 'session', 's')
const body = { v: 1, class: 'standard', idleMs: 1e9, absoluteAt: 1e15, formation: 'on', formedUpTo: 0 } as const

/** A store that counts what is read of it. */
function counting(store: LogStore) {
  const calls = { head: 0, read: 0, entries: 0 }
  const counted: LogStore = {
    ...store,
    head: (at) => (calls.head++, store.head(at)),
    async read(at, options) {
      calls.read++
      const page = await store.read(at, options)
      calls.entries += page.length
      return page
    },
  }
  return { counted, calls }
}

const said = (id: string): { id: string; entry: SessionEntry } => ({
  id,
  entry: { type: 'message', message: { id, role: 'user', createdAt: 0, parts: [] } },
})

async function aLog(count: number, cacheBytes?: number) {
  const store = memoryStore({ clock: manualClock(0) })
  await store.open(ref, { body: encodeBody(body) })
  const writer = sessionLogs(store)
  const add = async (...ids: string[]) => writer.append(ref, await writer.head(ref), encodeEntries(ids.map(said)))
  if (count > 0) await add(...Array.from({ length: count }, (_, i) => `m${i + 1}`))
  const { counted, calls } = counting(store)
  return { store, add, calls, reader: sessionLogs(counted, cacheBytes) }
}

describe('the cache of session logs', () => {
  test('what is cached costs one head call and no read [NODE-2]', async () => {
    const { reader, calls } = await aLog(10)
    await reader.load(ref)
    Object.assign(calls, { head: 0, read: 0 })
    const { fold } = await reader.load(ref)
    expect(fold.messages).toHaveLength(10)
    expect(calls).toMatchObject({ head: 1, read: 0 })
  })

  test('what another process appended is read as a tail, and no more [NODE-2]', async () => {
    const { reader, add, calls } = await aLog(100)
    const before = await reader.load(ref)
    await add('late')
    calls.entries = 0
    const after = await reader.load(ref)
    expect(calls.entries).toBe(1)
    expect(after.fold.messages.map(({ message }) => message.id).at(-1)).toBe('late')
    expect(before.fold.messages).toHaveLength(100)
  })

  test('own appends are not read back [NODE-2]', async () => {
    const { reader, calls } = await aLog(10)
    const seen = await reader.load(ref)
    calls.read = 0
    await reader.append(ref, seen, encodeEntries([said('own')]))
    expect((await reader.load(ref)).fold.messages).toHaveLength(11)
    expect(calls.read).toBe(0)
  })

  test('a changed head body is taken without reading the log [NODE-2]', async () => {
    const { reader, store, calls } = await aLog(3)
    await reader.load(ref)
    const head = await store.head(ref)
    await store.updateHead(ref, head?.revision as number, { body: encodeBody({ ...body, title: 'new' }) })
    calls.read = 0
    expect((await reader.load(ref)).body.title).toBe('new')
    expect(calls.read).toBe(0)
  })

  test('after a redaction all is read anew, and after a remake too [NODE-2]', async () => {
    const { reader, store, add } = await aLog(3)
    await reader.load(ref)
    await store.append(ref, [{ id: '~t', body: encodeBody({ type: 'tombstone', seqs: [2], why: 'redacted', at: 0 }) }])
    await store.rewrite(ref, [{ seq: 2 }])
    expect((await reader.load(ref)).fold.messages.map(({ seq }) => seq)).toEqual([1, 3])
    await store.delete(ref)
    await store.open(ref, { body: encodeBody(body) })
    await add('anew')
    expect((await reader.load(ref)).fold.messages.map(({ message }) => message.id)).toEqual(['anew'])
  })

  test('a redaction that crosses a read is never mixed with what was read before it [NODE-2]', async () => {
    const { store, add } = await aLog(3)
    let cross = true
    const crossed: LogStore = {
      ...store,
      async read(at, options) {
        const page = await store.read(at, options)
        if (cross) {
          cross = false
          await store.append(ref, [{ id: '~t', body: encodeBody({ type: 'tombstone', seqs: [2], why: 'redacted', at: 0 }) }])
          await store.rewrite(ref, [{ seq: 2 }])
        }
        return page
      },
    }
    await add('m4')
    const { fold, head } = await sessionLogs(crossed).load(ref)
    expect(fold.messages.map(({ seq }) => seq)).toEqual([1, 3, 4])
    expect(fold.upTo).toBe(head.version)
  })

  test('a load is one prefix of the log, whatever is appended meanwhile [NODE-2]', async () => {
    const { reader, add } = await aLog(1)
    const loads = Array.from({ length: 20 }, async (_, i) => {
      if (i % 2 === 0) await add(`x${i}`)
      return reader.load(ref)
    })
    for (const { fold, head } of await Promise.all(loads)) {
      expect(fold.upTo).toBe(head.version)
      expect(fold.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: head.version }, (_, i) => i + 1))
    }
  })

  test('a cache without room still answers, by reading each time [NODE-2]', async () => {
    const { reader, calls } = await aLog(5, 1)
    await reader.load(ref)
    expect((await reader.load(ref)).fold.messages).toHaveLength(5)
    expect(calls.read).toBe(2)
    expect(reader.holds(scope)).toBe(0)
  })

  test('what is derived goes with a redaction, and with the owner [NODE-2]', async () => {
    const { reader, store } = await aLog(2)
    await reader.load(ref)
    const made = reader.derived(ref, () => ({ n: 1 }))
    expect(reader.derived(ref, () => ({ n: 2 }))).toBe(made)
    await store.append(ref, [{ id: '~t', body: encodeBody({ type: 'tombstone', seqs: [1], why: 'redacted', at: 0 }) }])
    await store.rewrite(ref, [{ seq: 1 }])
    await reader.load(ref)
    expect(reader.derived(ref, () => ({ n: 2 }))).toEqual({ n: 2 })
    expect(reader.holds(scope)).toBe(1)
    reader.dropOwner(scope)
    expect(reader.holds(scope)).toBe(0)
    expect(reader.derived(ref, () => ({ n: 3 }))).toEqual({ n: 3 })
  })

  test('a head is changed by swap: others’ changes are kept, and a named revision holds [NODE-2]', async () => {
    const { reader } = await aLog(0)
    await Promise.all([
      reader.change(ref, ({ body: now }) => ({ ...now, title: 'a' })),
      reader.change(ref, ({ body: now }) => ({ ...now, metadata: { b: 1 } })),
    ])
    const { head, body: now } = await reader.head(ref)
    expect([now.title, now.metadata]).toEqual(['a', { b: 1 }])
    await expect(reader.change(ref, ({ body: old }) => old, head.revision - 1)).rejects.toMatchObject({ code: 'conflict' })
  })
})
