// Sizes of what is packed, in the terms of BUD-1. Estimated tokens; the scale of TOK-6 turns them into predicted ones.
import type { Anchor, TokenClass } from '../../core/context.ts'
import type { Packed, Sums } from './pack.ts'

/** Everything that is sent. */
export const estimateOf = (sums: Sums): number => sums.tools + sums.system + sums.pins + sums.summary + sums.stateStart + sums.recent

/** BUD-1 `fixed`: what no eviction touches. */
export const fixedOf = ({ sums, pending }: Packed): number =>
  sums.tools + sums.system + sums.pins + sums.keptPins + (pending ? sums.pendingUser : sums.pinnedUser)

/** BUD-1 `size`: recent turns with their injections, the pending turn's rounds included; this turn's memories count afterwards (BUD-2). */
export const sizeOf = ({ sums, pending }: Packed): number =>
  sums.recent - sums.keptPins - (pending ? sums.pendingUser + sums.turnMemories : sums.pinnedUser)

/** Estimate of the answer to the anchored call, whose billed tokens are known (TOK-6); 0 if it is not sent. */
export function answerTokens({ emitted }: Packed, anchor: Anchor | undefined): number {
  if (anchor === undefined || anchor.inputTokens === 0) return 0
  let answer = 0
  for (let index = emitted.length - 1; index >= 0; index--) {
    const message = emitted[index]
    if (message?.seq === undefined) continue
    if (message.seq <= anchor.upTo) break
    if (message.role === 'assistant') answer = message.tokens
  }
  return answer
}

/** By class of the receipt, predicted. */
export function classTokens(parts: readonly { readonly class: TokenClass; readonly tokens: number }[]): Partial<Record<TokenClass, number>> {
  const sums: Partial<Record<TokenClass, number>> = {}
  for (const part of parts) sums[part.class] = (sums[part.class] ?? 0) + part.tokens
  return sums
}
