// The receipt of one context: ids, seqs, numbers, HMACs and reasons; never text (context §9). Pure.
import type { EpochRecord, Receipt, ReceiptPart } from '../../core/context.ts'
import { bug } from '../../core/errors.ts'
import type { ReceiptRecallItem } from '../../core/context.ts'
import { marginOf, type Scale } from '../counting/anchor.ts'
import { cachePossible } from '../prompt/cache-hints.ts'
import type { Packed } from '../packing/pack.ts'
import { classTokens, estimateOf, fixedOf } from '../packing/pack-sums.ts'
import type { Policy } from '../policy/policy.ts'
import { addParts, boundedParts, uncovered, withHeld } from '../packing/receipt-ranges.ts'

export interface ReceiptInput {
  readonly id: string
  readonly at: number
  readonly session: string
  readonly policy: Policy
  readonly record: EpochRecord
  readonly began: boolean
  readonly packed: Packed
  readonly scale: Scale
  readonly predicted: number
  readonly hard: number
  readonly cold: boolean
  readonly degraded: readonly number[]
  readonly recall: { readonly status: Receipt['recall']['status']; readonly items: readonly ReceiptRecallItem[] }
  readonly logTokens: number | undefined // estimate of the whole log, where the head knows it
}

/** @throws `internal` if it does not cover the log (REC-4) */
export function makeReceipt(input: ReceiptInput): Receipt {
  const { policy, record, packed, scale, predicted, hard } = input
  const margin = marginOf(predicted, scale.samples)
  const { parts, evicted } = boundedParts(scaledParts(input), withHeld(packed.evicted, packed.held?.seqs ?? []))
  const fixed = Math.ceil(scale.ratio * fixedOf(packed))
  const { readRatio, writeRatio } = policy.profile.cache
  const receipt: Receipt = {
    v: 1,
    id: input.id,
    at: input.at,
    session: input.session,
    upTo: packed.upTo,
    model: { profile: policy.profile.id, ...(policy.modelName === undefined ? {} : { name: policy.modelName.slice(0, 200) }), format: policy.format },
    strategy: { name: policy.strategy.name, policyHash: policy.policyHash },
    epoch: {
      no: record.no,
      cause: record.cause,
      began: input.began,
      prefixHash: packed.chain,
      ...(record.summary === undefined ? {} : { provisional: record.summary.provisional }),
    },
    budget: {
      budget: policy.budgetTokens,
      reserve: policy.reserveTokens,
      margin,
      hard,
      fixed,
      room: Math.max(0, Math.floor(hard - fixed - scale.ratio * (packed.sums.summary + packed.sums.stateStart))),
      low: record.lowTokens,
      high: record.highTokens,
      gap: record.gapTokens,
      g: record.tokensPerTurn,
      c: record.callsPerTurn,
      r: readRatio,
      w: writeRatio,
      estimated: estimateOf(packed.sums), // the counter's own figure, from which `reconcile` learns (TOK-6)
    },
    tokens: { predicted, low: Math.max(0, predicted - margin), high: predicted + margin, byClass: classTokens(parts) },
    parts,
    evicted,
    ...(record.summary === undefined
      ? {}
      : { summary: { id: record.summary.id, upTo: record.summary.upTo, madeBy: record.summary.madeBy, dropped: record.summary.dropped } }),
    recall: input.recall,
    cache: cacheFigures(input),
    degraded: input.degraded,
    repairs: packed.settled.repairs,
  }
  return receipt
}

/** REC-4: throws where a test runs it; production counts a metric instead. */
export function checkCoverage(receipt: Receipt): void {
  const wrong = uncovered(receipt)
  if (wrong.length > 0) throw bug(`a receipt does not cover its log once each: ${wrong.length} of ${receipt.upTo} seqs, the first ${wrong[0]}`)
}

function scaledParts({ packed, scale }: ReceiptInput): readonly ReceiptPart[] {
  const newest = packed.emitted.slice(packed.turnStart)
  return addParts(packed.parts, newest, packed.pending ? 'pending' : 'recent').map((part) => ({
    ...part,
    ...(part.savedTokens === undefined ? {} : { savedTokens: Math.round(part.savedTokens * scale.ratio) }),
    tokens: Math.round(part.tokens * scale.ratio),
  }))
}

/** Costs in fresh input tokens: of this call, of one that slides at every turn, of one that sends the whole log. */
function cacheFigures({ policy, packed, scale, predicted, began, cold, logTokens }: ReceiptInput): Receipt['cache'] {
  const { profile } = policy
  if (!cachePossible(profile, predicted)) return { possible: false }
  const { readRatio: r, writeRatio: w, minTokens } = profile.cache
  const { sums, emitted } = packed
  const front = scale.ratio * (sums.tools + sums.system)
  const sent = scale.ratio * (estimateOf(sums) - sinceAnswer(emitted))
  const known = cold ? 0 : began ? front : sent
  const read = known >= minTokens ? Math.min(predicted, Math.round(known)) : 0
  const reusable = front >= minTokens && !cold ? front : 0
  const whole = logTokens === undefined ? undefined : scale.ratio * (logTokens + sums.tools + sums.system)
  const added = predicted - scale.ratio * (estimateOf(sums) - sinceAnswer(emitted))
  return {
    possible: true,
    expectedReadTokens: read,
    expectedCost: Math.round(r * read + w * (predicted - read)),
    slideCost: Math.round(r * reusable + w * (predicted - reusable)),
    ...(whole === undefined || cold ? {} : { fullCost: Math.round(r * Math.max(0, whole - added) + w * Math.max(0, added)) }),
  }
}

/** Estimate of what no earlier call can have sent: from the newest assistant message on. */
function sinceAnswer(emitted: Packed['emitted']): number {
  let tokens = 0
  for (let index = emitted.length - 1; index >= 0; index--) {
    tokens += emitted[index]?.tokens ?? 0
    if (emitted[index]?.role === 'assistant') return tokens
  }
  return tokens
}
