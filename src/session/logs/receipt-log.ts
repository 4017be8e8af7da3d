// One session's receipts as a log: appended, bounded, read as a fold that is extended by its tail (REC-1, NODE-2).
import type { Receipt, ReceiptEntry, ReceiptUsage } from '../../core/context.ts'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { refKey, refOf, type LogRef } from '../../core/log-ref.ts'
import { sameOwner, type Owner, type Scope } from '../../core/scope.ts'
import { decodeBody, encodeBody } from '../../core/session.ts'
import type { Entry, Head, LogStore } from '../../ports/log-store.ts'
import { boundedMap } from '../../security/bounded-map.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import { logPages } from '../../security/log-pages.ts'

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

export interface ReceiptLog {
  /** Makes the log if there is none; trims it once it is over its bound. */
  append(place: ReceiptPlace, entries: readonly ReceiptEntry[]): Promise<void>
  /** What is kept, by id, oldest first. */
  read(ref: LogRef): Promise<ReadonlyMap<string, KeptReceipt>>
  drop(ref: LogRef): void
  dropOwner(owner: Owner): void
  holds(owner: Owner): number
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

export function receiptLog(store: LogStore): ReceiptLog {
  const cache = boundedMap<Kept>(limits.receiptCacheBytes, (kept) => 1_024 + 4 * kept.bytes)

  async function refresh(ref: LogRef): Promise<Kept | undefined> {
    const head = await store.head(ref)
    if (head === undefined) {
      cache.delete(refKey(ref))
      return undefined
    }
    const known = cache.get(refKey(ref))
    const holds = known !== undefined && known.birth === head.birth && known.rewrites === head.rewrites && known.upTo <= head.version
    const kept = await readTail(store, ref, head, holds ? known : undefined)
    cache.set(refKey(ref), kept)
    return kept
  }

  /** Once a batch is over the bound the oldest go, after a tombstone that names them (SEAL-12). */
  async function trim(ref: LogRef, head: Head): Promise<void> {
    if (head.entries <= limits.receipts + limits.receiptsABatch && head.bytes <= limits.receiptBytes) return
    const kept = await refresh(ref)
    const seqs = kept === undefined ? [] : toTrim(kept)
    if (seqs.length === 0) return
    const tombstone: ReceiptEntry = { type: 'tombstone', seqs, why: 'trimmed', at: head.updatedAt }
    await store.append(ref, [{ id: entryId(tombstone), body: encodeBody(tombstone) }])
    await store.rewrite(
      ref,
      seqs.map((seq) => ({ seq })),
    )
  }

  const ofOwner = (owner: Owner) => cache.keysWhere(({ ref }) => sameOwner(ref, owner))

  return {
    async append({ ref, head, expiresAt }, entries) {
      const stored: readonly Entry[] = entries.map((entry) => ({ id: entryId(entry), body: encodeBody(entry) }))
      const appended = await store.append(ref, stored).catch(async (error: unknown) => {
        if (!isRecollectError(error, 'not_found')) throw error
        await store.open(ref, { body: encodeBody(head), expires: { at: expiresAt } })
        return store.append(ref, stored)
      })
      await trim(ref, appended.head)
    },
    read: async (ref) => (await refresh(ref))?.receipts ?? new Map<string, KeptReceipt>(),
    drop: (ref) => cache.delete(refKey(ref)),
    dropOwner: (owner) => ofOwner(owner).forEach((key) => cache.delete(key)),
    holds: (owner) => ofOwner(owner).length,
  }
}

async function readTail(store: LogStore, ref: LogRef, head: Head, base: Kept | undefined): Promise<Kept> {
  const receipts = base?.receipts ?? new Map<string, KeptReceipt>()
  const sizes = base?.sizes ?? new Map<number, number>()
  let [upTo, bytes] = [base?.upTo ?? 0, base?.bytes ?? 0]
  for await (const page of logPages(store, ref, upTo, head.version))
    for (const { seq, body } of page) {
      upTo = seq
      if (body.length === 0) continue
      const entry = decodeBody<ReceiptEntry>(body, 'receipt')
      if (entry.type === 'tombstone') continue
      sizes.set(seq, body.length)
      bytes += body.length
      addEntry(receipts, seq, entry)
    }
  return { ref, birth: head.birth, rewrites: head.rewrites, upTo, bytes, receipts, sizes }
}

const entryId = (entry: ReceiptEntry): string =>
  entry.type === 'receipt' ? entry.receipt.id : entry.type === 'usage' ? `${entry.usage.receiptId}.usage` : `~trim.${entry.seqs.at(-1)}`

function addEntry(receipts: Map<string, KeptReceipt>, seq: number, entry: Exclude<ReceiptEntry, { type: 'tombstone' }>): void {
  if (entry.type === 'receipt') {
    if (!receipts.has(entry.receipt.id)) receipts.set(entry.receipt.id, { seq, receipt: entry.receipt })
    return
  }
  const known = receipts.get(entry.usage.receiptId)
  if (known !== undefined) receipts.set(entry.usage.receiptId, { ...known, usage: entry.usage })
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
  new RecollectError(
    'not_found',
    'there is no such receipt',
    `List the receipts; the newest ${limits.receipts} of a session are kept, and none with receipts: off.`,
  )
