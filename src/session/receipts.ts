// How receipts get to their log: in the background, or waited for, by the deployment's setting; a crash may lose those on their way (REC-1).
import { setImmediate } from 'node:timers/promises'
import type { ReceiptEntry } from '../core/context.ts'
import { limits } from '../core/limits.ts'
import { refKey, type LogRef } from '../core/log-ref.ts'
import { sameOwner } from '../core/scope.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { receiptLog, type KeptReceipt, type ReceiptLog, type ReceiptPlace } from './receipt-log.ts'

export type ReceiptMode = 'background' | 'durable' | 'off'

export interface ReceiptLogs extends Omit<ReceiptLog, 'append' | 'read'> {
  /** By the mode: waits for it, lets it run, or does nothing. */
  save(place: ReceiptPlace, entry: ReceiptEntry): Promise<void>
  /** What is kept, by id, oldest first. Waits for what is on its way. */
  read(place: ReceiptPlace): Promise<ReadonlyMap<string, KeptReceipt>>
  /** Waits until nothing is on its way; for one log, or for all. */
  settled(ref?: LogRef): Promise<void>
}

/** What waits to be written to one log. It grows until its turn comes, so that a busy session's receipts go in one append. */
interface Batch {
  readonly place: ReceiptPlace
  readonly entries: ReceiptEntry[]
  readonly written: Promise<void>
}

export function receiptLogs(store: LogStore, mode: ReceiptMode, telemetry: Telemetry): ReceiptLogs {
  const { append, read, drop, dropOwner, holds } = receiptLog(store)
  const gathering = new Map<string, Batch>()
  const writing = new Map<string, Promise<void>>() // one chain a log: entries land in the order they were given
  let waiting = 0
  const lost = (count = 1) => telemetry.count('recollect_receipts_lost_total', count)

  /** `later`: the answer that the receipt belongs to leaves first. */
  function add(place: ReceiptPlace, entry: ReceiptEntry, later: boolean): Promise<void> {
    waiting++
    const key = refKey(place.ref)
    const batch = gathering.get(key) ?? begin(key, place, later)
    batch.entries.push(entry)
    return batch.written
  }

  function begin(key: string, place: ReceiptPlace, later: boolean): Batch {
    const entries: ReceiptEntry[] = []
    const before = writing.get(key)
    const written = (async () => {
      await before
      if (later) await setImmediate()
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
    const batch = { place, entries, written }
    gathering.set(key, batch)
    return batch
  }

  return {
    async save(place, entry) {
      if (mode === 'off') return
      if (mode === 'durable') return add(place, entry, false)
      if (waiting >= limits.receiptsWaiting) return lost()
      void add(place, entry, true).catch(() => {}) // counted by `begin`
    },
    async read({ ref }) {
      await writing.get(refKey(ref))
      return read(ref)
    },
    async settled(ref) {
      await Promise.all(ref === undefined ? writing.values() : [writing.get(refKey(ref))])
    },
    drop,
    dropOwner(owner) {
      for (const { place, entries } of gathering.values()) if (sameOwner(place.ref, owner)) waiting -= entries.splice(0).length
      dropOwner(owner)
    },
    holds,
  }
}
