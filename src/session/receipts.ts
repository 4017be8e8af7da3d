// The receipts of a session, a log of their own that ends with it (LIFE-3, REC-1): written in the background, bounded, read as a fold.
import type { Receipt, ReceiptEntry, ReceiptUsage } from '../core/context.ts'
import { RecollectError, isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { refKey, refOf, type LogRef } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import { decodeBody, encodeBody } from '../core/session.ts'
import type { Entry, Head, LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { boundedMap } from '../security/bounded-map.ts'
import type { OwnerKeys } from '../security/owner-keys.ts'

export type ReceiptMode = 'background' | 'durable' | 'off'

/** Where a session's receipts lie, and when they end: by its birth, so that a session made again has its own. */
export interface ReceiptPlace {
  readonly ref: LogRef
  readonly head: ReceiptHead
  readonly expiresAt: number
}
/** The sealed body of a receipt log's head: whose receipts, so that a sweep finds those of a session that is over. */
export interface ReceiptHead {
  readonly v: 1
  readonly session: string
  readonly birth: number
}
export const receiptPlace = (scope: Scope, keys: OwnerKeys, session: string, birth: number, expiresAt: number): ReceiptPlace => ({
  ref: refOf(scope, 'receipt', keys.tag('id', ['receipts', session, String(birth)])),
  head: { v: 1, session, birth },
  expiresAt,
})

export interface KeptReceipt {
  readonly seq: number
  readonly receipt: Receipt
  readonly usage?: ReceiptUsage
}
export interface ReceiptLogs {
  readonly mode: ReceiptMode
  /** By the mode: waits for it, lets it run, or does nothing. */
  save(place: ReceiptPlace, entry: ReceiptEntry): Promise<void>
  /** What is kept, by id, oldest first. Waits for what is on its way. */
  read(place: ReceiptPlace): Promise<ReadonlyMap<string, KeptReceipt>>
  /** Waits until nothing is on its way; for one log, or for all. */
  settled(ref?: LogRef): Promise<void>
  drop(ref: LogRef): void
  dropOwner(owner: { readonly tenantId: string; readonly ownerId: string }): void
  /** How many logs of the owner are in memory. */
  holds(owner: { readonly tenantId: string; readonly ownerId: string }): number
}

interface Kept {
  readonly ref: LogRef
  readonly birth: number
  readonly rewrites: number
  readonly upTo: number
  readonly bytes: number
  readonly receipts: Map<string, KeptReceipt>
  readonly sizes: Map<number, number> // seq → bytes of every live entry but tombstones
}

export function receiptLogs(store: LogStore, mode: ReceiptMode, telemetry: Telemetry): ReceiptLogs {
  const cache = boundedMap<Kept>(limits.receiptCacheBytes, (kept) => 1_024 + 4 * kept.bytes)
  const writing = new Map<string, Promise<void>>() // one chain a log: entries land in the order they were given
  let waiting = 0

  async function append(place: ReceiptPlace, entry: ReceiptEntry): Promise<void> {
    const stored: Entry = { id: entryId(entry), body: encodeBody(entry) }
    const { head } = await store.append(place.ref, [stored]).catch(async (error: unknown) => {
      if (!isRecollectError(error, 'not_found')) throw error
      await store.open(place.ref, { body: encodeBody(place.head), expires: { at: place.expiresAt } })
      return store.append(place.ref, [stored])
    })
    await trim(place.ref, head)
  }

  async function refresh(ref: LogRef): Promise<Kept | undefined> {
    const head = await store.head(ref)
    if (head === undefined) {
      cache.delete(refKey(ref))
      return undefined
    }
    const cached = cache.get(refKey(ref))
    const holds = cached !== undefined && cached.birth === head.birth && cached.rewrites === head.rewrites && cached.upTo <= head.version
    const kept = await readTail(ref, head, holds ? cached : undefined)
    cache.set(refKey(ref), kept)
    return kept
  }

  async function readTail(ref: LogRef, head: Head, base: Kept | undefined): Promise<Kept> {
    const receipts = base?.receipts ?? new Map<string, KeptReceipt>()
    const sizes = base?.sizes ?? new Map<number, number>()
    let [upTo, bytes] = [base?.upTo ?? 0, base?.bytes ?? 0]
    while (upTo < head.version) {
      const page = await store.read(ref, { after: upTo, upTo: head.version, limit: limits.readEntriesMost })
      if (page.length === 0) throw new RecollectError('integrity_failure', 'a receipt log ends before its version', 'Restore the store from a backup; nothing was changed.')
      for (const { seq, body } of page) {
        upTo = seq
        if (body.length === 0) continue
        const entry = decodeBody<ReceiptEntry>(body, 'receipt')
        if (entry.type === 'tombstone') continue
        sizes.set(seq, body.length)
        bytes += body.length
        addEntry(receipts, seq, entry)
      }
    }
    return { ref, birth: head.birth, rewrites: head.rewrites, upTo, bytes, receipts, sizes }
  }

  /** Once a batch is over the bound the oldest go, after a tombstone that names them (SEAL-12). */
  async function trim(ref: LogRef, head: Head): Promise<void> {
    if (head.entries <= limits.receipts + limits.receiptsABatch && head.bytes <= limits.receiptBytes) return
    const kept = await refresh(ref)
    const seqs = kept === undefined ? [] : toTrim(kept)
    if (seqs.length === 0) return
    const tombstone: ReceiptEntry = { type: 'tombstone', seqs, why: 'trimmed', at: head.updatedAt }
    await store.append(ref, [{ id: `~trim.${seqs.at(-1)}`, body: encodeBody(tombstone) }])
    await store.rewrite(ref, seqs.map((seq) => ({ seq })))
  }

  function run(place: ReceiptPlace, entry: ReceiptEntry): Promise<void> {
    const key = refKey(place.ref)
    const done = (writing.get(key) ?? Promise.resolve()).then(() => append(place, entry))
    const quiet = done.catch((error: unknown) => telemetry.count('recollect_receipts_lost_total', 1, { code: isRecollectError(error) ? error.code : 'internal' }))
    const last = quiet.then(() => {
      waiting--
      if (writing.get(key) === last) writing.delete(key)
    })
    waiting++
    writing.set(key, last)
    return done
  }

  const ofOwner = (owner: { readonly tenantId: string; readonly ownerId: string }) =>
    [...cache.keys()].filter((key) => {
      const ref = cache.get(key)?.ref
      return ref?.tenantId === owner.tenantId && ref.ownerId === owner.ownerId
    })

  return {
    mode,

    async save(place, entry) {
      if (mode === 'off') return
      if (mode === 'durable') return run(place, entry)
      if (waiting >= limits.receiptsWaiting) return telemetry.count('recollect_receipts_lost_total', 1, { code: 'limit_exceeded' })
      void run(place, entry).catch(() => {}) // counted by `run`
    },

    async read({ ref }) {
      await writing.get(refKey(ref))
      return (await refresh(ref))?.receipts ?? new Map<string, KeptReceipt>()
    },

    async settled(ref) {
      await Promise.all(ref === undefined ? writing.values() : [writing.get(refKey(ref))])
    },

    drop: (ref) => cache.delete(refKey(ref)),
    dropOwner: (owner) => {
      for (const key of ofOwner(owner)) cache.delete(key)
    },
    holds: (owner) => ofOwner(owner).length,
  }
}

const entryId = (entry: ReceiptEntry): string =>
  entry.type === 'receipt' ? entry.receipt.id : entry.type === 'usage' ? `${entry.usage.receiptId}.usage` : `~trim.${entry.seqs.at(-1)}`

function addEntry(receipts: Map<string, KeptReceipt>, seq: number, entry: Exclude<ReceiptEntry, { type: 'tombstone' }>): void {
  if (entry.type === 'receipt') receipts.set(entry.receipt.id, { seq, receipt: entry.receipt })
  else {
    const known = receipts.get(entry.usage.receiptId)
    if (known !== undefined) receipts.set(entry.usage.receiptId, { ...known, usage: entry.usage })
  }
}

/** The oldest entries over the bound, usages with their receipts, in batches of 100. */
function toTrim(kept: Kept): readonly number[] {
  const over = kept.receipts.size - limits.receipts
  const byCount = over < limits.receiptsABatch ? 0 : over
  let overBytes = kept.bytes - limits.receiptBytes
  if (byCount === 0 && overBytes <= 0) return []
  const seqs = [...kept.sizes.keys()].toSorted((a, b) => a - b)
  const keepFrom = [...kept.receipts.values()][byCount]?.seq ?? Number.POSITIVE_INFINITY
  let cut = byCount === 0 ? 0 : seqs.findIndex((seq) => seq >= keepFrom)
  if (cut < 0) cut = seqs.length
  for (let i = 0; i < seqs.length && overBytes > 0; i++) {
    overBytes -= kept.sizes.get(seqs[i] as number) ?? 0
    cut = Math.max(cut, Math.min(seqs.length, Math.max(i + 1, limits.receiptsABatch)))
  }
  return seqs.slice(0, cut)
}

export const noReceipt = () =>
  new RecollectError('not_found', 'there is no such receipt', `List the receipts; the newest ${limits.receipts} of a session are kept, and none with receipts: off.`)
