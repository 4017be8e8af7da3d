// Where every seq of a log stands in one context: sent, or left out and into what (BUD-6, REC-4). Ranges are merged as they grow.
import type { Receipt, ReceiptPart } from '../../core/context.ts'
import type { SessionFold } from '../../core/session.ts'
import { limits } from '../../core/limits.ts'
import type { Emitted } from '../prompt/emitted.ts'

export type EvictedRange = Receipt['evicted'][number]
/** A part before its tokens are scaled to predicted ones. */
export type PartSum = ReceiptPart

/** Adds what was sent to the parts so far; equal neighbours merge where their seqs run on. */
export function addParts(before: readonly PartSum[], sent: readonly Emitted[], why?: ReceiptPart['why']): readonly PartSum[] {
  if (sent.length === 0) return before
  const parts = [...before]
  for (const message of sent) {
    const reason = why !== undefined && message.why === 'recent' ? why : message.why
    const last = parts.at(-1)
    const end = last?.seqs?.[1]
    const runsOn = message.seq === undefined ? last?.seqs === undefined : end !== undefined && message.seq === end + 1
    if (
      last !== undefined &&
      runsOn &&
      last.class === message.class &&
      last.why === reason &&
      last.change === message.change &&
      last.hash === undefined &&
      message.hash === undefined
    )
      parts[parts.length - 1] = {
        ...last,
        ...(last.seqs === undefined || message.seq === undefined ? {} : { seqs: [last.seqs[0], message.seq] as const }),
        ...savedBy(last, message),
        tokens: last.tokens + message.tokens,
      }
    else
      parts.push({
        class: message.class,
        why: reason,
        ...(message.change === undefined ? {} : { change: message.change }),
        ...savedBy(message),
        ...(message.seq === undefined ? {} : { seqs: [message.seq, message.seq] as const }),
        tokens: message.tokens,
        ...(message.hash === undefined ? {} : { hash: message.hash }),
        ...(message.authority === undefined ? {} : { authority: message.authority }),
      })
  }
  return parts
}

function savedBy(...all: readonly Pick<PartSum, 'savedTokens'>[]): Pick<PartSum, 'savedTokens'> {
  const saved = all.reduce((sum, { savedTokens = 0 }) => sum + savedTokens, 0)
  return saved === 0 ? {} : { savedTokens: saved }
}

/** What is not sent of the seqs from `from` to the fold's end. `sent` tells which messages are; the summary covers up to its own seq. */
export function evictedRanges(
  before: readonly EvictedRange[],
  fold: SessionFold,
  from: number,
  sent: (seq: number) => boolean,
  summary: { readonly id: string; readonly upTo: number } | undefined,
): readonly EvictedRange[] {
  const ranges = [...before]
  for (let seq = from; seq <= fold.upTo; seq++) {
    const gone = fold.gone.get(seq)
    if (gone === undefined && sent(seq)) continue
    const covered = gone === undefined && summary !== undefined && seq <= summary.upTo
    pushRange(ranges, seq, gone ?? (covered ? 'summary' : 'log-only'), covered ? summary.id : undefined)
  }
  return ranges
}

function pushRange(ranges: EvictedRange[], seq: number, into: EvictedRange['into'], summaryId: string | undefined): void {
  const last = ranges.at(-1)
  if (last !== undefined && last.into === into && last.seqs[1] === seq - 1) ranges[ranges.length - 1] = { ...last, seqs: [last.seqs[0], seq] }
  else ranges.push({ seqs: [seq, seq], into, ...(summaryId === undefined ? {} : { summaryId }) })
}

/** Messages of a round that waits for its results: in the log alone until they come. */
export function withHeld(ranges: readonly EvictedRange[], seqs: readonly number[]): readonly EvictedRange[] {
  if (seqs.length === 0) return ranges
  const all = [...ranges]
  for (const seq of seqs) all.push({ seqs: [seq, seq], into: 'log-only' })
  return all
    .toSorted((a, b) => a.seqs[0] - b.seqs[0])
    .reduce<EvictedRange[]>((merged, range) => {
      const last = merged.at(-1)
      if (last !== undefined && last.into === range.into && last.seqs[1] + 1 === range.seqs[0])
        merged[merged.length - 1] = { ...last, seqs: [last.seqs[0], range.seqs[1]] }
      else merged.push(range)
      return merged
    }, [])
}

/** At most `limits.receiptParts`: past them the oldest messages merge into one part, and the gaps between them go into it. */
export function boundedParts(
  parts: readonly ReceiptPart[],
  evicted: readonly EvictedRange[],
): { readonly parts: readonly ReceiptPart[]; readonly evicted: readonly EvictedRange[] } {
  const over = parts.length - limits.receiptParts
  if (over <= 0) return { parts, evicted }
  const first = parts.findIndex((part) => part.class === 'message')
  const merged = parts.slice(first, first + over + 1)
  const seqs = merged.flatMap((part) => part.seqs ?? [])
  const range = [Math.min(...seqs), Math.max(...seqs)] as const
  const one: ReceiptPart = { class: 'message', why: 'recent', seqs: range, tokens: merged.reduce((sum, part) => sum + part.tokens, 0) }
  return {
    parts: [...parts.slice(0, first), one, ...parts.slice(first + over + 1)],
    evicted: evicted.filter(({ seqs: [from, to] }) => to < range[0] || from > range[1]),
  }
}

/** REC-4: the seqs from 1 to `upTo` that a receipt names not at all, or both as sent and as evicted. Empty: it covers the log. */
export function uncovered(receipt: Pick<Receipt, 'upTo' | 'parts' | 'evicted'>): readonly number[] {
  const times = new Uint8Array(receipt.upTo + 1)
  const add = ([from, to]: readonly [number, number]) => {
    for (let seq = from; seq <= Math.min(to, receipt.upTo); seq++) times[seq] = Math.min(2, (times[seq] as number) + 1)
  }
  for (const part of receipt.parts) if (part.seqs !== undefined) add(part.seqs)
  for (const range of receipt.evicted) add(range.seqs)
  const wrong: number[] = []
  for (let seq = 1; seq <= receipt.upTo; seq++) if (times[seq] !== 1) wrong.push(seq)
  return wrong
}
