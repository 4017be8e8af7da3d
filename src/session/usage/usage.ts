// The four figures: memory size, retrieval, tokens, injection, from heads and receipts alone, so that they can be built anew (OBS-8).
import { placedIds, type Receipt } from '../../core/context.ts'
import { isRecollectError } from '../../core/errors.ts'
import { refOf } from '../../core/log-ref.ts'
import type { Mint, Scope } from '../../core/scope.ts'
import { decodeBody, type SessionHead } from '../../core/session.ts'
import { fullHistory } from './count-figures.ts'
import type { OpenedHead } from '../logs/session-logs.ts'
import { receiptPlace, type KeptReceipt } from '../logs/receipt-log.ts'
import type { SessionParts } from '../session-parts.ts'
import type { UsageFigures } from '../session-types.ts'
import { addFigures, noRecords, rate, recordFigures, type RecordFigures } from './usage-records.ts'
import { everyHead, everyOwner } from '../logs/walks.ts'

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
  readonly history: (upTo: number) => number // tokens of the path up to a seq
}

async function sessionShare(parts: SessionParts, scope: Scope, id: string, since: number): Promise<SessionShare> {
  const head = await parts.logs.head(refOf(scope, 'session', id))
  return shareOf(parts, scope, id, head, since)
}

async function* sessionShares(parts: SessionParts, scope: Scope, since: number): AsyncGenerator<SessionShare> {
  for await (const head of everyHead(parts.sessions, scope, 'session')) {
    const body = decodeBody<SessionHead>(head.body, 'session head')
    const share = await shareOf(parts, scope, head.logId, { head, body }, since).catch(unlessGone)
    if (share !== undefined) yield share
  }
}

async function shareOf(parts: SessionParts, scope: Scope, id: string, opened: OpenedHead, since: number): Promise<SessionShare> {
  const { head, body } = opened
  const place = receiptPlace(scope, await parts.keys.ownerKeys(scope), id, head.birth, body.absoluteAt)
  const receipts = [...(await parts.receipts.read(place)).values()].filter(({ receipt }) => receipt.at >= since)
  const ref = refOf(scope, 'session', id)
  const counted = body.tokens?.upTo === head.version ? body.tokens : await parts.sizes.of(ref)
  const history = receipts.length === 0 ? () => 0 : await parts.sizes.history(ref)
  return { head: opened, messages: counted.messages, tokens: counted.count, receipts, history }
}

/** @throws `not_found` for a session that is not there */
export async function ownerUsage(parts: SessionParts, scope: Scope, { session, since = 0 }: UsageScope = {}): Promise<UsageFigures> {
  const shares = session === undefined ? await collected(sessionShares(parts, scope, since)) : [await sessionShare(parts, scope, session, since)]
  const { bytes } = await parts.quotas.owner(scope)
  return figuresOf(shares, await recordFigures(parts, scope), { bytes, limit: parts.quotas.limits.ownerBytes })
}

/** Over all owners, without ids. */
export async function totals(parts: SessionParts, mint: Mint): Promise<UsageFigures> {
  let sum: UsageFigures | undefined
  for await (const { tenantId, ownerId } of everyOwner(parts.sessions)) {
    if (ownerId.startsWith('~')) continue
    const figures = await ownerUsage(parts, mint(tenantId, ownerId)).catch(unlessGone)
    if (figures !== undefined) sum = sum === undefined ? figures : addFigures(sum, figures)
  }
  return sum ?? figuresOf([], noRecords, { bytes: 0, limit: 0 })
}

/** What ends while it is counted, and a fork that is not done, counts for nothing. */
function unlessGone(error: unknown): undefined {
  if (!isRecollectError(error, 'not_found')) throw error
}

async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Sums up. Pure. `ownerBytes` is what the quota counts, `quotaBytes` the quota. */
export function figuresOf(
  shares: readonly SessionShare[],
  records: RecordFigures,
  quota: { readonly bytes: number; readonly limit: number },
): UsageFigures {
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
    retrieval: retrievalOf(
      receipts.map(({ receipt }) => receipt),
      records,
    ),
    tokens: tokensOf(shares),
    injection: injectionOf(shares),
  }
}

function retrievalOf(receipts: readonly Receipt[], records: RecordFigures): UsageFigures['retrieval'] {
  const recalls = receipts.filter((receipt) => receipt.recall.status === 'ran')
  const returned = recalls.map((receipt) =>
    receipt.recall.items.filter((item) => item.outcome !== 'floor').map((item) => ({ id: item.id, at: receipt.at })),
  )
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

function tokensOf(shares: readonly SessionShare[]): UsageFigures['tokens'] {
  const sums = {
    estimated: 0,
    billed: 0,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    fullHistory: 0,
    paid: 0,
    billedEstimate: 0,
    billedCalls: 0,
    calls: 0,
  }
  for (const { receipts, history } of shares) {
    for (const { receipt, usage } of receipts) {
      const { predicted } = receipt.tokens
      const billed = usage?.billed ?? undefined
      sums.calls++
      sums.estimated += predicted
      sums.fullHistory += fullHistory(receipt, history(receipt.upTo))
      sums.paid += billed?.inputTokens ?? predicted
      if (billed === undefined) continue
      sums.billedCalls++
      sums.billedEstimate += predicted
      sums.billed += billed.inputTokens
      sums.cacheRead += billed.cacheReadTokens ?? 0
      sums.cacheWrite += billed.cacheWriteTokens ?? 0
      sums.output += billed.outputTokens
    }
  }
  const { paid, billedEstimate, ...shown } = sums
  return {
    ...shown,
    saved: sums.fullHistory - paid, // may be negative, and is shown so
    errorRatio: billedEstimate === 0 ? null : sums.billed / billedEstimate - 1,
  }
}

function injectionOf(shares: readonly SessionShare[]): UsageFigures['injection'] {
  const sums = { turns: 0, turnsInjected: 0, injections: 0, repeats: 0, answered: 0, cited: 0 }
  for (const { receipts } of shares) {
    const before = new Set<string>()
    let counted = 0 // seq up to which the last turn reached
    for (const { receipt, usage } of receipts) {
      if (receipt.recall.status === 'replayed' || receipt.upTo === counted) continue // a later call of a turn that was counted
      counted = receipt.upTo
      const ids = placedIds(receipt)
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
