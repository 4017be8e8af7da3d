// The four figures: memory size, retrieval, tokens, injection, from heads and receipts alone, so that they can be built anew (OBS-8).
import type { Receipt } from '../core/context.ts'
import { limits } from '../core/limits.ts'
import { refOf } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import { decodeBody, type SessionHead } from '../core/session.ts'
import type { OpenedHead } from './session-logs.ts'
import type { KeptReceipt } from './receipts.ts'
import { receiptPlace } from './receipts.ts'
import type { SessionParts } from './session-parts.ts'
import type { UsageFigures } from './session-types.ts'

/** What of the owner's long-term memory goes into the figures. */
export interface RecordFigures {
  readonly records: number
  readonly recordBytes: number
  readonly byKind: Readonly<Record<string, number>>
  readonly byAuthority: Readonly<Record<string, number>>
  /** When a record stopped being true, or undefined while it holds. */
  validUntil(id: string): number | undefined
}

export interface UsageScope {
  readonly session?: string
  readonly since?: number
}

/** One session's share; sums of these are the owner's. */
export interface SessionShare {
  readonly head: OpenedHead
  readonly messages: number
  readonly tokens: number
  readonly receipts: readonly KeptReceipt[] // oldest first
}

/** @throws `not_found` for a session that is not there */
export async function sessionShare(parts: SessionParts, scope: Scope, id: string, since: number): Promise<SessionShare> {
  const head = await parts.logs.head(refOf(scope, 'session', id))
  return shareOf(parts, scope, id, head, since)
}

export async function* sessionShares(parts: SessionParts, scope: Scope, since: number): AsyncGenerator<SessionShare> {
  let cursor: string | undefined
  do {
    const page = await parts.sessions.list(scope, 'session', { limit: limits.pageItemsMost, ...(cursor === undefined ? {} : { cursor }) })
    for (const head of page.items) {
      const body = decodeBody<SessionHead>(head.body, 'session head')
      if (body.forkedFrom?.done !== false) yield await shareOf(parts, scope, head.logId, { head, body }, since)
    }
    cursor = page.cursor
  } while (cursor !== undefined)
}

async function shareOf(parts: SessionParts, scope: Scope, id: string, opened: OpenedHead, since: number): Promise<SessionShare> {
  const { head, body } = opened
  const place = receiptPlace(scope, await parts.keys.ownerKeys(scope), id, head.birth, body.absoluteAt)
  const receipts = [...(await parts.receipts.read(place)).values()].filter(({ receipt }) => receipt.at >= since)
  const counted = body.tokens?.upTo === head.version ? body.tokens : await parts.sizes.of(refOf(scope, 'session', id))
  return { head: opened, messages: counted.messages, tokens: counted.count, receipts }
}

/** Sums up. Pure. `ownerBytes` is what the quota counts, `quotaBytes` the quota. */
export function figuresOf(shares: readonly SessionShare[], records: RecordFigures, quota: { readonly bytes: number; readonly limit: number }): UsageFigures {
  const receipts = shares.flatMap((share) => share.receipts)
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    memory: {
      sessions: shares.length,
      messages: sum(shares.map((share) => share.messages)),
      bytes: sum(shares.map((share) => share.head.head.bytes)),
      tokens: sum(shares.map((share) => share.tokens)),
      records: records.records,
      recordBytes: records.recordBytes,
      byKind: records.byKind,
      byAuthority: records.byAuthority,
      quotaShare: quota.limit === 0 ? 0 : quota.bytes / quota.limit,
    },
    retrieval: retrievalOf(receipts.map(({ receipt }) => receipt), records),
    tokens: tokensOf(receipts),
    injection: injectionOf(shares),
  }
}

function retrievalOf(receipts: readonly Receipt[], records: RecordFigures): UsageFigures['retrieval'] {
  const recalls = receipts.filter((receipt) => receipt.recall.status === 'ran')
  const returned = recalls.map((receipt) => receipt.recall.items.filter((item) => item.outcome !== 'floor').map((item) => ({ id: item.id, at: receipt.at })))
  const all = returned.flat()
  const stale = all.filter(({ id, at }) => (records.validUntil(id) ?? Number.POSITIVE_INFINITY) <= at).length
  const abstained = returned.filter((items) => items.length === 0).length
  return {
    recalls: recalls.length,
    abstained,
    abstentionRate: rate(abstained, recalls.length),
    recalledRecords: all.length,
    stale,
    staleRate: rate(stale, all.length),
  }
}

function tokensOf(kept: readonly KeptReceipt[]): UsageFigures['tokens'] {
  const sums = { estimated: 0, billed: 0, cacheRead: 0, cacheWrite: 0, output: 0, fullHistory: 0, paid: 0, billedEstimate: 0, billedCalls: 0 }
  for (const { receipt, usage } of kept) {
    const { predicted } = receipt.tokens
    const billed = usage?.billed ?? undefined
    sums.estimated += predicted
    sums.fullHistory += receipt.budget['fullHistory'] ?? predicted
    sums.paid += billed?.inputTokens ?? predicted
    if (billed === undefined) continue
    sums.billedCalls++
    sums.billedEstimate += predicted
    sums.billed += billed.inputTokens
    sums.cacheRead += billed.cacheReadTokens ?? 0
    sums.cacheWrite += billed.cacheWriteTokens ?? 0
    sums.output += billed.outputTokens
  }
  const { estimated, billed, cacheRead, cacheWrite, output, fullHistory, billedCalls } = sums
  return {
    ...{ estimated, billed, cacheRead, cacheWrite, output, fullHistory, billedCalls, calls: kept.length },
    saved: fullHistory - sums.paid, // may be negative, and is shown so
    errorRatio: sums.billedEstimate === 0 ? null : billed / sums.billedEstimate - 1,
  }
}

function injectionOf(shares: readonly SessionShare[]): UsageFigures['injection'] {
  const sums = { turns: 0, turnsInjected: 0, injections: 0, repeats: 0, answered: 0, cited: 0 }
  for (const { receipts } of shares) {
    const before = new Set<string>()
    for (const { receipt, usage } of receipts) {
      if (receipt.recall.status === 'replayed') continue // a later call of a turn that was counted
      const ids = receipt.recall.items.filter((item) => item.outcome === 'injected').map((item) => item.id)
      sums.turns++
      sums.injections += ids.length
      if (ids.length > 0) sums.turnsInjected++
      sums.repeats += ids.filter((id) => before.has(id)).length
      for (const id of ids) before.add(id)
      if (usage?.answered === true) {
        sums.answered += ids.length
        sums.cited += usage.cited ?? 0
      }
    }
  }
  const { turns, turnsInjected, injections, repeats, answered, cited } = sums
  return { ...sums, injectedShare: rate(turnsInjected, turns), repeatRate: rate(repeats, injections), citedRate: rate(cited, answered) }
}

const rate = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)
