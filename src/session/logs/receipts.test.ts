import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Receipt, ReceiptEntry } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import { decodeBody } from '../../core/session.ts'
import { mintScope } from '../../core/scope.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { recordingTelemetry } from '../../testing/recording-telemetry.ts'
import type { ReceiptPlace } from './receipt-log.ts'
import { receiptLogs, type ReceiptMode } from './receipts.ts'

const scope = mintScope('t', 'o')
const place: ReceiptPlace = { ref: refOf(scope, 'receipt', 'r'), head: { v: 1, session: 's', birth: 1 }, expiresAt: 1e15 }
const receipt = (id: string, padding = 0): ReceiptEntry => ({
  type: 'receipt',
  receipt: { id, at: 1, session: 's', repairs: [], pad: 'x'.repeat(padding) } as unknown as Receipt,
})
const usage = (id: string): ReceiptEntry => ({ type: 'usage', usage: { receiptId: id, at: 2, billed: null } })

const logsOn = (store: LogStore, mode: ReceiptMode = 'durable', telemetry = recordingTelemetry(), clock = manualClock(0)) =>
  receiptLogs(store, mode, clock, telemetry)
const aStore = () => memoryStore({ clock: manualClock(0) })

/** What is redacted, in the order in which the store is asked: the seqs that a tombstone names, then those that go. */
function watched(store: LogStore) {
  const asked: [what: 'tombstone' | 'rewrite', seqs: readonly number[]][] = []
  const append: LogStore['append'] = async (ref, entries, ...more) => {
    for (const { body } of entries) {
      const entry = decodeBody<ReceiptEntry>(body, 'receipt')
      if (entry.type === 'tombstone') asked.push(['tombstone', entry.seqs])
    }
    return store.append(ref, entries, ...more)
  }
  const rewrite: LogStore['rewrite'] = async (ref, changes) => {
    asked.push(['rewrite', changes.map(({ seq }) => seq)])
    return store.rewrite(ref, changes)
  }
  return { asked, store: { ...store, append, rewrite } }
}

describe('receipts', () => {
  test('a receipt and its usage are kept, oldest first, also by another process [REC-1]', async () => {
    const store = aStore()
    const logs = logsOn(store)
    for (const id of ['a', 'b']) await logs.save(place, receipt(id))
    await logs.save(place, usage('a'))
    for (const reader of [logs, logsOn(store)]) {
      const kept = await reader.read(place)
      expect([...kept].map(([id, one]) => [id, one.usage !== undefined])).toEqual([
        ['a', true],
        ['b', false],
      ])
    }
  })

  test('the same receipt or usage again changes nothing [REC-2]', async () => {
    const store = aStore()
    const logs = logsOn(store)
    for (const entry of [receipt('a'), usage('a'), receipt('a'), usage('a')]) await logs.save(place, entry)
    expect((await store.head(place.ref))?.version).toBe(2)
  })

  test('in the background a save does not wait, and a read waits for what is on its way [REC-1]', async () => {
    const store = aStore()
    const logs = logsOn(store, 'background')
    await logs.save(place, receipt('a'))
    expect((await logs.read(place)).has('a')).toBe(true)
    await logs.save(place, receipt('b'))
    await logs.settled()
    expect((await store.head(place.ref))?.version).toBe(2)
  })

  test('in the background a receipt waits for its usage, is found meanwhile, and both go in one append [REC-1]', async () => {
    const store = aStore()
    const clock = manualClock(0)
    const logs = logsOn(store, 'background', recordingTelemetry(), clock)
    await logs.save(place, receipt('a'))
    clock.advance(limits.receiptGatherMs - 1)
    await setImmediate()
    expect((await logs.find(place, 'a'))?.receipt.id).toBe('a')
    expect(await store.head(place.ref)).toBeUndefined()
    await logs.save(place, usage('a'))
    expect((await logs.find(place, 'a'))?.usage?.receiptId).toBe('a')
    clock.advance(1)
    await setImmediate()
    expect(await store.head(place.ref)).toMatchObject({ version: 2, revision: 2 })
    expect((await logs.find(place, 'a'))?.usage?.receiptId).toBe('a')
  })

  test('what is on its way when its owner is erased is not written, nor lost [REC-1, ERA-5]', async () => {
    const store = aStore()
    const clock = manualClock(0)
    const telemetry = recordingTelemetry()
    const logs = logsOn(store, 'background', telemetry, clock)
    await logs.save(place, receipt('a'))
    logs.dropOwner({ tenantId: 't', ownerId: 'o' })
    clock.advance(limits.receiptGatherMs)
    await logs.settled()
    expect([await store.head(place.ref), telemetry.counted('recollect_receipts_lost_total')]).toEqual([undefined, 0])
    await logs.save(place, receipt('b'))
    expect([...(await logs.read(place)).keys()]).toEqual(['b'])
  })

  test('off keeps none [REC-1]', async () => {
    const store = aStore()
    await logsOn(store, 'off').save(place, receipt('a'))
    expect(await store.head(place.ref)).toBeUndefined()
  })

  test('a write that fails is thrown where it is durable, counted where it is not, and holds up nothing [REC-1]', async () => {
    const broken: LogStore = { ...aStore(), append: () => Promise.reject(new Error('no disk')) }
    await expect(logsOn(broken).save(place, receipt('a'))).rejects.toThrow('no disk')
    const telemetry = recordingTelemetry()
    const logs = logsOn(broken, 'background', telemetry)
    for (const id of ['a', 'b']) await logs.save(place, receipt(id))
    await logs.settled()
    expect(telemetry.counted('recollect_receipts_lost_total')).toBe(2)
  })

  test('at most 1,000 are on their way; more are counted as lost [REC-1]', async () => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => void (open = resolve))
    const store = aStore()
    const slow: LogStore = { ...store, append: async (...given) => (await gate, store.append(...given)) }
    const telemetry = recordingTelemetry()
    const logs = logsOn(slow, 'background', telemetry)
    for (let i = 0; i < limits.receiptsWaiting + 5; i++) await logs.save(place, receipt(`r${i}`))
    open()
    await logs.settled()
    expect(telemetry.counted('recollect_receipts_lost_total')).toBe(5)
    expect((await logs.read(place)).size).toBe(limits.receipts)
  })

  test('the newest 1,000 are kept; older ones go in batches of 100, after a tombstone [REC-1]', async () => {
    const { asked, store } = watched(aStore())
    const logs = logsOn(store)
    for (let i = 1; i <= limits.receipts + 250; i++) {
      await logs.save(place, receipt(`r${i}`))
      await logs.save(place, usage(`r${i}`))
      const kept = i % 50 === 0 ? await logs.read(place) : undefined
      if (kept !== undefined) expect(kept.size).toBeLessThan(limits.receipts + limits.receiptsABatch)
    }
    const ids = [...(await logs.read(place)).keys()]
    expect(ids.slice(-limits.receipts)).toEqual(Array.from({ length: limits.receipts }, (_, i) => `r${i + 251}`))
    expect([...(await logsOn(store).read(place)).keys()]).toEqual(ids)
    expect(asked.map(([what, { length }]) => [what, length])).toEqual([...pair(200), ...pair(200)]) // receipts with their usages
    for (let i = 0; i < asked.length; i += 2) expect(asked[i]?.[1]).toEqual(asked[i + 1]?.[1])
  })

  test('a log has at most 4 MiB, whatever the number [REC-1]', async () => {
    const { asked, store } = watched(aStore())
    const logs = logsOn(store)
    for (let i = 1; i <= 300; i++) await logs.save(place, receipt(`r${i}`, 20_000))
    expect((await store.head(place.ref))?.bytes).toBeLessThanOrEqual(limits.receiptBytes)
    expect([...(await logs.read(place)).keys()].at(-1)).toBe('r300')
    expect((await logs.read(place)).size).toBeGreaterThan(100)
    expect(asked.map(([what, { length }]) => [what, length])).toEqual(pair(100))
  })
})

const pair = (seqs: number) => [
  ['tombstone', seqs],
  ['rewrite', seqs],
]
