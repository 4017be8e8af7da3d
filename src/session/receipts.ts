// How receipts get to their log: in the background, or waited for, by the deployment's setting; a crash may lose those on their way (REC-1).
import type { ReceiptEntry } from '../core/context.ts'
import { limits } from '../core/limits.ts'
import { refKey, type LogRef } from '../core/log-ref.ts'
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

export function receiptLogs(store: LogStore, mode: ReceiptMode, telemetry: Telemetry): ReceiptLogs {
  const { append, read, drop, dropOwner, holds } = receiptLog(store)
  const writing = new Map<string, Promise<void>>() // one chain a log: entries land in the order they were given
  let waiting = 0
  const lost = () => telemetry.count('recollect_receipts_lost_total')

  function run(place: ReceiptPlace, entry: ReceiptEntry): Promise<void> {
    const key = refKey(place.ref)
    const done = (writing.get(key) ?? Promise.resolve()).then(() => append(place, entry))
    const last = done.catch(lost).then(() => {
      waiting--
      if (writing.get(key) === last) writing.delete(key)
    })
    waiting++
    writing.set(key, last)
    return done
  }

  return {
    async save(place, entry) {
      if (mode === 'off') return
      if (mode === 'durable') return run(place, entry)
      if (waiting >= limits.receiptsWaiting) return lost()
      void run(place, entry).catch(() => {}) // counted by `run`
    },
    async read({ ref }) {
      await writing.get(refKey(ref))
      return read(ref)
    },
    async settled(ref) {
      await Promise.all(ref === undefined ? writing.values() : [writing.get(refKey(ref))])
    },
    drop,
    dropOwner,
    holds,
  }
}
