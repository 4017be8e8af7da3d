// Writes events as the next links of a tenant's chain, behind whoever else writes (AUD-1, AUD-3).
import type { KeyObject } from 'node:crypto'
import { base64url } from '../../core/bytes.ts'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { fromUtf8, toUtf8 } from '../../core/json.ts'
import { dayMs, limits } from '../../core/limits.ts'
import { refOf, type LogRef } from '../../core/log-ref.ts'
import type { Mint } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { auditBody, canonicalEvent, chainStart, linkHash, parseAuditBody, type AuditInput, type MonthBefore } from './audit-chain.ts'
import { boundedMap } from '../bounded-map.ts'
import { everyPage } from '../every-page.ts'
import type { OwnerKeyRing } from '../keys/key-ring.ts'
import { reserved } from '../reserved.ts'

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

/** An event, and when it happened: ms since 1970. */
export interface TimedEvent {
  readonly event: AuditInput
  readonly at: number
}

/** What a month's head body holds. */
interface MonthBody {
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

export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)

/** A month is kept whole until its last day is 400 days old. */
const keptUntil = (month: string): number => Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1) + limits.auditDays * dayMs

export const auditRef = ({ mint }: AuditLogParts, tenantId: string, month: string): LogRef => refOf(mint(tenantId, reserved.audit), 'audit', month)

/** The key of a month's chain, from the version that its head names; undefined if that is gone. */
export async function monthKey({ ring }: AuditLogParts, tenantId: string, month: string, head: Head): Promise<KeyObject | undefined> {
  const { keyVersion } = JSON.parse(fromUtf8(head.body)) as MonthBody
  return (await ring.auditKey({ tenantId, ownerId: reserved.audit }, month, keyVersion))?.key
}

/** All months of a tenant, oldest first. */
export async function auditMonths({ store, mint }: AuditLogParts, tenantId: string): Promise<(Head & { readonly logId: string })[]> {
  const all: (Head & { readonly logId: string })[] = []
  for await (const head of everyPage((page) => store.list(mint(tenantId, reserved.audit), 'audit', page))) all.push(head)
  return all.toSorted((a, b) => (a.logId < b.logId ? -1 : 1))
}

export async function lastHash(store: LogStore, ref: LogRef, head: Head): Promise<Uint8Array> {
  if (head.version === 0) return chainStart
  const [last] = await store.read(ref, { after: head.version - 1, upTo: head.version })
  const event = last === undefined ? undefined : parseAuditBody(last.body)
  if (event === undefined)
    throw new RecollectError(
      'integrity_failure',
      'the last event of the audit log cannot be read',
      'Call audit.verify to see how far it is whole; restore the key store from a backup.',
    )
  return event.hash
}

async function monthBefore(parts: AuditLogParts, tenantId: string, month: string): Promise<MonthBefore | undefined> {
  const head = (await auditMonths(parts, tenantId)).findLast(({ logId, version }) => logId < month && version > 0)
  if (head === undefined) return undefined
  return { month: head.logId, count: head.version, hash: base64url(await lastHash(parts.store, auditRef(parts, tenantId, head.logId), head)) }
}

async function openMonth(parts: AuditLogParts, tenantId: string, month: string): Promise<Head> {
  const before = await monthBefore(parts, tenantId, month)
  const current = await parts.ring.auditKey({ tenantId, ownerId: reserved.audit }, month)
  const body: MonthBody = { keyVersion: current?.version ?? 0, ...(before === undefined ? {} : { before }) }
  return parts.store.open(auditRef(parts, tenantId, month), { body: toUtf8(JSON.stringify(body)), expires: { at: keptUntil(month) } })
}

async function openChain(parts: AuditLogParts, tenantId: string, month: string): Promise<Chain> {
  const ref = auditRef(parts, tenantId, month)
  const head = (await parts.store.head(ref)) ?? (await openMonth(parts, tenantId, month))
  const key = await monthKey(parts, tenantId, month, head)
  if (key === undefined) throw new RecollectError('integrity_failure', 'the key of the audit log is missing', 'Restore the key store from a backup.')
  const { before } = JSON.parse(fromUtf8(head.body)) as MonthBody
  return { month, ref, key, before, version: head.version, hash: await lastHash(parts.store, ref, head) }
}

/** The events as the chain's next links. */
function linked({ node, random }: AuditLogParts, chain: Chain, events: readonly TimedEvent[]) {
  let hash = chain.hash
  const entries = events.map(({ event, at }, i) => {
    const seq = chain.version + i + 1
    const canonical = canonicalEvent(event, at, node, seq, hash, seq === 1 ? chain.before : undefined)
    hash = linkHash(chain.key, hash, canonical)
    return { id: base64url(random(16)), body: auditBody(canonical, hash) }
  })
  return { entries, hash }
}

/** Appends events to the tenant's chain of this month. A lost swap reads the new tail and tries again. */
export function auditWriter(parts: AuditLogParts): (tenantId: string, events: readonly TimedEvent[]) => Promise<void> {
  const chains = boundedMap<Chain>(limits.auditChains)

  async function chainOf(tenantId: string): Promise<Chain> {
    const month = monthOf(parts.clock.now())
    const known = chains.get(tenantId)
    if (known?.month === month) return known
    const chain = await openChain(parts, tenantId, month)
    chains.set(tenantId, chain)
    return chain
  }

  return async (tenantId, events) => {
    for (let attempt = 0; attempt < limits.auditAttempts; attempt++) {
      const chain = await chainOf(tenantId)
      const { entries, hash } = linked(parts, chain, events)
      try {
        const { head } = await parts.store.append(chain.ref, entries, { expectedVersion: chain.version })
        Object.assign(chain, { version: head.version, hash })
        return
      } catch (error) {
        chains.delete(tenantId) // what was written is not known: the next write reads the tail
        if (!isRecollectError(error, 'conflict') && !isRecollectError(error, 'not_found')) throw error
      }
    }
    throw new RecollectError('conflict', `the audit log kept changing over ${limits.auditAttempts} attempts`, 'Try again.')
  }
}
