// The figures as they arise, into the metrics: sums without ids (OBS-6, OBS-8). The exact ones are those of `usage.ts`.
import { placedIds, type Receipt, type ReceiptUsage } from '../../core/context.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { SearchResult } from '../../recall/search-types.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import type { ReceiptPlace } from '../logs/receipt-log.ts'
import type { Counted } from '../logs/session-sizes.ts'

/** What a process remembers of a session: to tell a turn from a later call, a repeat from a first injection, where its receipts lie, and its owner's keys. */
export interface SessionMemo {
  turnUpTo: number
  counted: Counted | undefined
  readonly injected: Set<string>
  place: ReceiptPlace | undefined
  keys: OwnerKeys | undefined
}
export const createSessionMemo = (): SessionMemo => ({ turnUpTo: 0, counted: undefined, injected: new Set(), place: undefined, keys: undefined })

export function countRecall(telemetry: Telemetry, { hits, abstained }: SearchResult, now: number): void {
  telemetry.count('recollect_recalls_total')
  if (abstained) telemetry.count('recollect_recalls_abstained_total')
  if (hits.length > 0) telemetry.count('recollect_recalled_records_total', hits.length)
  const stale = hits.filter(({ record }) => record.validUntil !== undefined && record.validUntil <= now).length
  if (stale > 0) telemetry.count('recollect_recalled_stale_total', stale)
}

export function countContext(telemetry: Telemetry, receipt: Receipt, memo: SessionMemo, historyTokens: number): void {
  telemetry.count('recollect_tokens_total', receipt.tokens.predicted, { kind: 'estimated' })
  telemetry.count('recollect_tokens_total', fullHistory(receipt, historyTokens), { kind: 'full_history' })
  if (receipt.recall.status === 'replayed' || receipt.upTo === memo.turnUpTo) return // a later call of a turn that was counted
  memo.turnUpTo = receipt.upTo
  const ids = placedIds(receipt)
  telemetry.count('recollect_turns_total')
  telemetry.observe('recollect_injected_memories', ids.length)
  if (ids.length === 0) return
  telemetry.count('recollect_turns_injected_total')
  telemetry.count('recollect_injections_total', ids.length)
  const repeats = ids.filter((id) => memo.injected.has(id)).length
  if (repeats > 0) telemetry.count('recollect_injections_repeat_total', repeats)
  for (const id of ids) memo.injected.add(id)
}

export function countUsage(telemetry: Telemetry, receipt: Receipt | undefined, usage: ReceiptUsage): void {
  const { billed, errorRatio, answered, cited } = usage
  if (billed !== null) {
    telemetry.count('recollect_tokens_total', billed.inputTokens, { kind: 'billed' })
    telemetry.count('recollect_tokens_total', billed.outputTokens, { kind: 'output' })
    telemetry.count('recollect_tokens_total', billed.cacheReadTokens ?? 0, { kind: 'cache_read' })
    telemetry.count('recollect_tokens_total', billed.cacheWriteTokens ?? 0, { kind: 'cache_write' })
  }
  if (errorRatio !== undefined) telemetry.observe('recollect_token_estimate_error_ratio', errorRatio)
  if (answered !== true || receipt === undefined || receipt.recall.status === 'replayed') return // its turn was counted by its first call
  telemetry.count('recollect_injections_answered_total', placedIds(receipt).length)
  telemetry.count('recollect_injections_cited_total', cited ?? 0)
}

/** System, tools and the whole log, estimated as the plan was. */
export function fullHistory(receipt: Receipt, historyTokens: number): number {
  const { predicted, byClass } = receipt.tokens
  const { estimated } = receipt.budget
  const scale = estimated === undefined || estimated === 0 ? 1 : predicted / estimated
  return Math.round((byClass.tools ?? 0) + (byClass.system ?? 0) + scale * historyTokens)
}
