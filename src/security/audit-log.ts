// The audit trail: one sealed, hash-chained log a tenant and month (AUD-1, AUD-2, AUD-3, AUD-5).
import type { KeyObject } from 'node:crypto'
import { base64url } from '../core/bytes.ts'
import { RecollectError, isRecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import { fromUtf8, toUtf8 } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { refOf, type LogRef } from '../core/log-ref.ts'
import type { Mint } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Head, LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import {
  auditBody,
  canonicalEvent,
  chainStart,
  checkEvent,
  linkHash,
  parseAuditBody,
  type AuditInput,
  type ChainHead,
  type MonthBefore,
} from './audit-chain.ts'
import { boundedMap } from './bounded-map.ts'
import type { OwnerKeyRing } from './key-ring.ts'
import { reserved } from './reserved.ts'
import { verifyMonth, type MonthVerdict } from './verify-audit.ts'

export type { AuditInput } from './audit-chain.ts'

export interface AuditTrail {
  /** Queued and written within 1 s: authentication results, denials, reads by readers, limit hits (AUD-5). */
  note(event: AuditInput): void
  /** Written before it returns. @throws `unavailable` if the log cannot be written */
  record(event: AuditInput): Promise<void>
  /** Walks one month, or all, and gives the first seq that does not hold. The head is that of the last month walked (AUD-6). */
  verify(tenantId: string, month?: string): Promise<{ ok: boolean; checked: number; head?: { count: number; hash: string }; firstBad?: number }>
}

export interface AuditLog extends AuditTrail {
  /** Where the tenant's chain of this month stands; undefined before its first event. */
  head(tenantId: string): Promise<ChainHead | undefined>
  /** Writes what is queued, now. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface AuditLogParts {
  /** As the engine sees it: sealed. */
  readonly store: LogStore
  readonly ring: OwnerKeyRing
  readonly clock: Clock
  readonly random: Random
  readonly mint: Mint
  /** Names this process in each event. */
  readonly node: string
  readonly telemetry: Telemetry
}

/** What a month's head body holds. */
export interface MonthBody {
  readonly keyVersion: number
  readonly before?: MonthBefore
}

interface Chain {
  readonly month: string
  readonly ref: LogRef
  readonly key: KeyObject
  readonly before: MonthBefore | undefined
  version: number
  hash: Uint8Array
}
interface Waiting {
  readonly event: AuditInput
  readonly at: number
}

export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)
const dayMs = 86_400_000
/** A month is kept whole until its last day is 400 days old. */
export const keptUntil = (month: string): number => Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1) + limits.auditDays * dayMs
export const bodyOfMonth = (head: Head): MonthBody => JSON.parse(fromUtf8(head.body)) as MonthBody

export function createAuditLog(parts: AuditLogParts): AuditLog {
  const { store, ring, clock, random, mint, node, telemetry } = parts
  const chains = boundedMap<Chain>(limits.auditChains)
  const lines = new Map<string, Promise<unknown>>() // writes of one tenant follow on each other
  const waiting = new Map<string, Waiting[]>()
  let waitingCount = 0
  const stop = new AbortController()
  let timer: Promise<void> | undefined

  const ownerOf = (tenantId: string) => ({ tenantId, ownerId: reserved.audit })
  const refFor = (tenantId: string, month: string) => refOf(mint(tenantId, reserved.audit), 'audit', month)

  /** All months of a tenant, newest first. */
  async function months(tenantId: string): Promise<(Head & { logId: string })[]> {
    const all: (Head & { logId: string })[] = []
    let cursor: string | undefined
    do {
      const page = await store.list(mint(tenantId, reserved.audit), 'audit', {
        limit: limits.pageItemsMost,
        ...(cursor === undefined ? {} : { cursor }),
      })
      all.push(...page.items)
      cursor = page.cursor
    } while (cursor !== undefined)
    return all.sort((a, b) => (a.logId < b.logId ? 1 : -1))
  }

  const lastHash = async (ref: LogRef, head: Head): Promise<Uint8Array> => {
    if (head.version === 0) return chainStart
    const [last] = await store.read(ref, { after: head.version - 1, upTo: head.version })
    const event = last === undefined ? undefined : parseAuditBody(last.body)
    if (event === undefined)
      throw new RecollectError('integrity_failure', 'the last event of the audit log cannot be read', 'Run: recollect audit verify')
    return event.hash
  }

  async function monthBefore(tenantId: string, month: string): Promise<MonthBefore | undefined> {
    const head = (await months(tenantId)).find(({ logId, version }) => logId < month && version > 0)
    return head && { month: head.logId, count: head.version, hash: base64url(await lastHash(refFor(tenantId, head.logId), head)) }
  }

  async function openChain(tenantId: string, month: string): Promise<Chain> {
    const ref = refFor(tenantId, month)
    let head = await store.head(ref)
    if (head === undefined) {
      const before = await monthBefore(tenantId, month)
      const current = await ring.auditKey(ownerOf(tenantId), month)
      const body: MonthBody = { keyVersion: current!.version, ...(before === undefined ? {} : { before }) }
      head = await store.open(ref, { body: toUtf8(JSON.stringify(body)), expires: { at: keptUntil(month) } })
    }
    const { keyVersion, before } = bodyOfMonth(head)
    const found = await ring.auditKey(ownerOf(tenantId), month, keyVersion)
    if (found === undefined)
      throw new RecollectError('integrity_failure', 'the key of the audit log is missing', 'Restore the key store from a backup.')
    const chain = { month, ref, key: found.key, before, version: head.version, hash: await lastHash(ref, head) }
    chains.set(tenantId, chain)
    return chain
  }

  /** The events as the chain's next links. */
  function linked(chain: Chain, events: readonly Waiting[]) {
    let hash = chain.hash
    const entries = events.map(({ event, at }, i) => {
      const seq = chain.version + i + 1
      const canonical = canonicalEvent(event, at, node, seq, hash, seq === 1 ? chain.before : undefined)
      hash = linkHash(chain.key, hash, canonical)
      return { id: base64url(random(16)), body: auditBody(canonical, hash) }
    })
    return { entries, hash }
  }

  /** Appends behind whoever else writes: a lost swap reads the new tail and tries again. */
  async function write(tenantId: string, events: readonly Waiting[]): Promise<void> {
    for (let attempt = 0; attempt < limits.auditAttempts; attempt++) {
      const month = monthOf(clock.now())
      const known = chains.get(tenantId)
      const chain = known?.month === month ? known : await openChain(tenantId, month)
      const { entries, hash } = linked(chain, events)
      try {
        const { head } = await store.append(chain.ref, entries, { expectedVersion: chain.version })
        chain.version = head.version
        chain.hash = hash
        return
      } catch (error) {
        chains.delete(tenantId) // what was written is not known: the next write reads the tail
        if (!isRecollectError(error, 'conflict') && !isRecollectError(error, 'not_found')) throw error
      }
    }
    throw new RecollectError('conflict', `the audit log kept changing over ${limits.auditAttempts} attempts`, 'Try again.')
  }

  function inLine(tenantId: string, work: () => Promise<void>): Promise<void> {
    const mine = (lines.get(tenantId) ?? Promise.resolve()).then(work)
    const settled = mine
      .catch(() => {})
      .finally(() => {
        if (lines.get(tenantId) === settled) lines.delete(tenantId)
      })
    lines.set(tenantId, settled)
    return mine
  }

  /** Takes back what could not be written; the oldest go when too many wait, counted. */
  function wait(tenantId: string, events: readonly Waiting[]): void {
    const queue = waiting.get(tenantId) ?? []
    const kept = events.slice(0, Math.max(0, limits.auditWaiting - waitingCount))
    if (kept.length < events.length) telemetry.count('recollect_audit_dropped_total', events.length - kept.length)
    if (kept.length === 0) return
    waiting.set(tenantId, [...queue, ...kept])
    waitingCount += kept.length
    timer ??= clock.sleep(limits.auditBatchMs, stop.signal).then(() => {
      timer = undefined
      return flush()
    })
  }

  async function flush(): Promise<void> {
    const batches = [...waiting]
    waiting.clear()
    waitingCount = 0
    await Promise.all(batches.map(([tenantId, events]) => flushTenant(tenantId, events)))
  }

  async function flushTenant(tenantId: string, events: readonly Waiting[]): Promise<void> {
    for (let start = 0; start < events.length; start += limits.appendEntries) {
      const batch = events.slice(start, start + limits.appendEntries)
      try {
        await inLine(tenantId, () => write(tenantId, batch))
      } catch {
        telemetry.count('recollect_audit_failures_total')
        if (!stop.signal.aborted) wait(tenantId, events.slice(start))
        return
      }
    }
  }

  return {
    note(event) {
      try {
        checkEvent(event)
      } catch {
        telemetry.count('recollect_audit_dropped_total')
        return
      }
      wait(event.tenantId, [{ event, at: clock.now() }])
    },

    async record(event) {
      checkEvent(event)
      const one = [{ event, at: clock.now() }]
      try {
        await inLine(event.tenantId, () => write(event.tenantId, one))
      } catch (cause) {
        throw new RecollectError(
          'unavailable',
          'the audit log cannot be written, so the action was not carried out',
          'Try again when the store is back.',
          { cause },
        )
      }
    },

    async verify(tenantId, month) {
      let heads: (Head & { logId: string })[]
      try {
        heads = (await months(tenantId)).filter(({ logId }) => month === undefined || logId === month).reverse()
      } catch (error) {
        if (isRecollectError(error, 'integrity_failure')) return { ok: false, checked: 0, firstBad: 1 } // a head that does not open
        throw error
      }
      let checked = 0
      let last: MonthVerdict | undefined
      for (const head of heads) {
        const { keyVersion } = bodyOfMonth(head)
        const key = await ring.auditKey(ownerOf(tenantId), head.logId, keyVersion)
        const verdict = await verifyMonth(store, refFor(tenantId, head.logId), head, key?.key, last)
        checked += verdict.checked
        if (verdict.firstBad !== undefined) return { ok: false, checked, firstBad: verdict.firstBad }
        last = verdict
      }
      return { ok: true, checked, ...(last === undefined ? {} : { head: last.head }) }
    },

    async head(tenantId) {
      const ref = refFor(tenantId, monthOf(clock.now()))
      const head = await store.head(ref)
      return head === undefined ? undefined : { count: head.version, hash: base64url(await lastHash(ref, head)) }
    },

    flush,
    async close() {
      stop.abort()
      await timer
      await flush()
      await Promise.all(lines.values())
    },
  }
}
