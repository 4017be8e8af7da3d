// How receipts get to their log: in the background, or waited for, by the deployment's setting; a crash may lose those on their way (REC-1).
import type { ReceiptEntry } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import { refKey, type LogRef } from '../../core/log-ref.ts'
import { sameOwner } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { receiptLog, type KeptReceipt, type ReceiptLog, type ReceiptPlace } from './receipt-log.ts'

export type ReceiptMode = 'background' | 'durable' | 'off'

export interface ReceiptLogs extends Omit<ReceiptLog, 'append' | 'read'> {
  /** By the mode: waits for it, lets it run, or does nothing. */
  save(place: ReceiptPlace, entry: ReceiptEntry): Promise<void>
  /** One receipt: that of the latest calls is found without being written first. */
  find(place: ReceiptPlace, id: string): Promise<Omit<KeptReceipt, 'seq'> | undefined>
  /** What is kept, by id, oldest first. Has what is on its way written, and waits for it. */
  read(place: ReceiptPlace): Promise<ReadonlyMap<string, KeptReceipt>>
  /** Has what is on its way written, and waits for it; for one log, or for all. */
  settled(ref?: LogRef): Promise<void>
}

/** What waits to be written to one log. It grows until its turn comes, so that a receipt and its usage go in one append. */
interface Batch {
  readonly place: ReceiptPlace
  readonly entries: ReceiptEntry[]
  readonly written: Promise<void>
  readonly hurry: AbortController
}

export function receiptLogs(store: LogStore, mode: ReceiptMode, clock: Clock, telemetry: Telemetry): ReceiptLogs {
  const { append, read, drop, dropOwner, holds } = receiptLog(store)
  const gathering = new Map<string, Batch>()
  const writing = new Map<string, Promise<void>>() // one chain a log: entries land in the order they were given
  let waiting = 0
  const lost = (count = 1) => telemetry.count('recollect_receipts_lost_total', count)

  /** `later`: no flush stands between a call and its first byte. */
  function add(place: ReceiptPlace, entry: ReceiptEntry, later: boolean): Promise<void> {
    waiting++
    const key = refKey(place.ref)
    const batch = gathering.get(key) ?? begin(key, place, later)
    batch.entries.push(entry)
    return batch.written
  }

  function begin(key: string, place: ReceiptPlace, later: boolean): Batch {
    const entries: ReceiptEntry[] = []
    const hurry = new AbortController()
    const before = writing.get(key)
    const written = (async () => {
      await before
      if (later) await clock.sleep(limits.receiptGatherMs, hurry.signal)
      gathering.delete(key)
      for (let i = 0; i < entries.length; i += limits.receiptsABatch) await append(place, entries.slice(i, i + limits.receiptsABatch))
    })()
    const last = written
      .catch(() => lost(entries.length))
      .then(() => {
        waiting -= entries.length
        if (writing.get(key) === last) writing.delete(key)
      })
    writing.set(key, last)
    const batch = { place, entries, written, hurry }
    gathering.set(key, batch)
    return batch
  }

  async function settled(key: string): Promise<void> {
    gathering.get(key)?.hurry.abort()
    await writing.get(key)
  }

  async function readAll({ ref }: ReceiptPlace): Promise<ReadonlyMap<string, KeptReceipt>> {
    await settled(refKey(ref))
    return read(ref)
  }

  return {
    async save(place, entry) {
      if (mode === 'off') return
      if (mode === 'durable') return add(place, entry, false)
      if (waiting >= limits.receiptsWaiting) return lost()
      void add(place, entry, true).catch(() => {}) // counted by `begin`
    },
    async find(place, id) {
      const entries = gathering.get(refKey(place.ref))?.entries ?? []
      return foundIn(entries, id) ?? (await readAll(place)).get(id)
    },
    read: readAll,
    async settled(ref) {
      await Promise.all((ref === undefined ? [...writing.keys()] : [refKey(ref)]).map(settled))
    },
    drop,
    dropOwner(owner) {
      for (const { place, entries } of gathering.values()) if (sameOwner(place.ref, owner)) waiting -= entries.splice(0).length
      dropOwner(owner)
    },
    holds,
  }
}

function foundIn(entries: readonly ReceiptEntry[], id: string): Omit<KeptReceipt, 'seq'> | undefined {
  const found = entries.find((entry) => entry.type === 'receipt' && entry.receipt.id === id)
  if (found?.type !== 'receipt') return undefined
  const used = entries.find((entry) => entry.type === 'usage' && entry.usage.receiptId === id)
  return used?.type === 'usage' ? { receipt: found.receipt, usage: used.usage } : { receipt: found.receipt }
}
