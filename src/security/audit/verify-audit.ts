// Walks one month of the audit trail and finds the first event that does not hold (AUD-6).
import type { KeyObject } from 'node:crypto'
import { base64url } from '../../core/bytes.ts'
import { isRecollectError } from '../../core/errors.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Head, LogStore, StoredEntry } from '../../ports/log-store.ts'
import { chainStart, linkHash, parseAuditBody, type ChainHead } from './audit-chain.ts'

export interface MonthVerdict {
  readonly month: string
  readonly checked: number
  readonly head: ChainHead
  readonly firstBad?: number
}

/** `previous`: the month before, if it was walked; the first event must then name its head. Without a key nothing holds. */
export async function verifyMonth(
  store: LogStore,
  ref: LogRef,
  head: Head,
  key: KeyObject | undefined,
  previous: MonthVerdict | undefined,
): Promise<MonthVerdict> {
  let hash = chainStart
  let seq = 0
  const verdict = (firstBad?: number): MonthVerdict => ({
    month: ref.logId,
    checked: seq,
    head: { count: seq, hash: base64url(hash) },
    ...(firstBad === undefined ? {} : { firstBad }),
  })
  if (key === undefined) return verdict(1)
  while (seq < head.version) {
    let page: readonly StoredEntry[]
    try {
      page = await store.read(ref, { after: seq, upTo: head.version })
    } catch (error) {
      if (!isRecollectError(error, 'integrity_failure')) throw error
      const bad = error.details?.['seq']
      return verdict(typeof bad === 'number' ? bad : seq + 1)
    }
    if (page.length === 0) return verdict(seq + 1) // the head counts more than there are
    for (const entry of page) {
      const next = heldHash(key, entry, seq + 1, hash, previous)
      if (next === undefined) return verdict(seq + 1)
      hash = next
      seq++
    }
  }
  return verdict()
}

function heldHash(
  key: KeyObject,
  entry: StoredEntry,
  seq: number,
  previousHash: Uint8Array,
  previous: MonthVerdict | undefined,
): Uint8Array | undefined {
  const event = parseAuditBody(entry.body)
  if (event === undefined || entry.seq !== seq || event.seq !== seq || event.previous !== base64url(previousHash)) return undefined
  if (Buffer.compare(linkHash(key, previousHash, event.canonical), event.hash) !== 0) return undefined
  const { before } = event
  const follows =
    seq > 1 ||
    previous === undefined ||
    previous.head.count === 0 ||
    (before?.month === previous.month && before.count === previous.head.count && before.hash === previous.head.hash)
  return follows ? event.hash : undefined
}
