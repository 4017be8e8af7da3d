// From estimates to predictions: what the provider billed for an earlier call corrects the next one (TOK-6, TOK-8, TOK-9). Pure.
import type { Anchor, Usage } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'

/** What a prediction is made from: the anchor of an earlier call, or the profile's ratio alone. */
export interface Scale {
  readonly ratio: number // predicted ÷ estimated tokens
  readonly samples: number
  readonly anchor?: Anchor
}

export const scaleOf = (anchor: Anchor | undefined, profileRatio: number): Scale =>
  anchor === undefined ? { ratio: profileRatio, samples: 0 } : { ratio: anchor.ratio, samples: anchor.samples, anchor }

/**
 * TOK-6: what the provider will bill for an input of `estimated` tokens. `answer` is the part of the estimate that stands for the answer to
 * the anchored call, whose tokens are known. What was evicted since counts at the session's ratio.
 */
export function predict(scale: Scale, estimated: number, answer = 0): number {
  const { anchor, ratio } = scale
  if (anchor === undefined || anchor.inputTokens === 0) return Math.ceil(ratio * estimated)
  const known = anchor.inputTokens + (answer > 0 ? anchor.outputTokens : 0)
  const anchored = known + ratio * (estimated - answer - anchor.estimatedTokens)
  // What is left of an anchor after an eviction may be wrong, but never by more than the bounds of the ratio: else nothing might fit any more.
  return Math.ceil(Math.min(limits.ratioMost * estimated, Math.max(anchored, ratio * estimated * limits.anchoredShareLeast)))
}

/** ε of TOK-8. */
export const uncertainty = (samples: number): number =>
  samples === 0 ? limits.uncertaintyUnknown : samples < limits.samplesKnown ? limits.uncertaintyFew : limits.uncertaintyKnown

/** TOK-8: how far the truth may lie above or below a prediction. */
export const marginOf = (predicted: number, samples: number): number =>
  Math.max(limits.marginTokensLeast, Math.ceil(uncertainty(samples) * predicted))

/** The largest prediction that with its margin stays within the budget (BUD-1). */
export const hardLimit = (budgetTokens: number, samples: number): number =>
  Math.max(0, Math.floor(Math.min(budgetTokens - limits.marginTokensLeast, budgetTokens / (1 + uncertainty(samples)))))

/** What a call sent, as its receipt tells it. */
export interface SentEstimate {
  readonly receiptId: string
  readonly upTo: number
  readonly estimatedTokens: number
}

/** The anchor after a call was billed: the quotient of sums that decay from call to call, held within bounds. */
export function moveAnchor(before: Anchor | undefined, profileRatio: number, sent: SentEstimate, usage: Usage): Anchor {
  const [billed, estimated] = before?.sums ?? [0, 0]
  // What was added since the last call says how this session's new text counts; at the first call that is the whole input.
  const change = before === undefined || before.inputTokens === 0 ? usage.inputTokens : usage.inputTokens - before.inputTokens
  const grown = before === undefined || before.inputTokens === 0 ? sent.estimatedTokens : sent.estimatedTokens - before.estimatedTokens
  const useful = grown > 0 && isPlausible(change, grown)
  const sums = useful ? ([billed * limits.ratioDecay + change, estimated * limits.ratioDecay + grown] as const) : ([billed, estimated] as const)
  return {
    receiptId: sent.receiptId,
    upTo: sent.upTo,
    inputTokens: usage.inputTokens,
    outputTokens: Math.max(0, usage.outputTokens - (usage.reasoningTokens ?? 0)),
    estimatedTokens: sent.estimatedTokens,
    ratio: boundedRatio(sums[1] > 0 ? sums[0] / sums[1] : profileRatio),
    sums,
    samples: (before?.samples ?? 0) + 1,
  }
}

/** TOK-9: the provider refused for length, so the truth lies above what was predicted. */
export function anchorAfterOverflow(
  before: Anchor | undefined,
  profileRatio: number,
  sent: SentEstimate,
  predicted: number,
  actualTokens: number | undefined,
): Anchor {
  const raise = actualTokens === undefined ? limits.overflowRaise : Math.max(1, actualTokens / Math.max(1, predicted))
  const ratio = boundedRatio((before?.ratio ?? profileRatio) * raise)
  return {
    receiptId: sent.receiptId,
    upTo: sent.upTo,
    inputTokens: 0, // none was billed: predictions go by the ratio alone until one is
    outputTokens: 0,
    estimatedTokens: sent.estimatedTokens,
    ratio,
    sums: [ratio * sent.estimatedTokens, sent.estimatedTokens],
    samples: before?.samples ?? 0,
    overflows: (before?.overflows ?? 0) + 1,
  }
}

/** Whether so many tokens can have been billed for what was estimated so: a wrong report teaches nothing. Little text may hide under much template. */
export const isPlausible = (billed: number, estimated: number): boolean =>
  billed >= limits.ratioLeast * estimated - limits.marginTokensLeast && billed <= limits.ratioMost * estimated + limits.marginTokensLeast

const boundedRatio = (ratio: number): number => Math.min(limits.ratioMost, Math.max(limits.ratioLeast, ratio))
