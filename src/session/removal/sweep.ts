// The sweeper: removes what has expired, which nobody could read any more anyway; a dry run lists it (LIFE-3, LIFE-7 to LIFE-9).
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { dayMs, limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import { ownerKey, type Mint } from '../../core/scope.ts'
import { boundedMap, type BoundedMap } from '../../security/bounded-map.ts'
import { reserved } from '../../security/reserved.ts'
import type { SessionParts } from '../session-parts.ts'
import type { SweepReport } from '../session-types.ts'
import { everyDue, everyOwner } from '../logs/walks.ts'
import { removeReceipts } from './remove-receipts.ts'

export interface Sweeper {
  /** One pass. @throws `conflict` if another one is under way · `invalid_input` for the future without `dryRun` */
  sweep(options?: { readonly dryRun?: boolean; readonly until?: number }): Promise<SweepReport>
  /** Passes every 60 s until `close`. */
  start(): void
  close(): Promise<void>
}

interface Tally {
  looked: number
  deleted: number
  failed: number
  recordsExpired: number
}
/** What a pass goes by: the parts, how a walk gets its scopes, whom to leave alone, and when to stop. */
interface Sweeping {
  readonly parts: SessionParts
  readonly mint: Mint
  readonly skipped: BoundedMap<number> // owner → until when it is left alone
  readonly closed: AbortSignal
}

const leaseName = { tenantId: reserved.system, ownerId: reserved.system, purpose: 'sweep' }

export function createSweeper(parts: SessionParts, mint: Mint): Sweeper {
  const { clock, telemetry } = parts
  const closing = new AbortController()
  const sweeping: Sweeping = { parts, mint, skipped: boundedMap<number>(limits.sweepLogs), closed: closing.signal }
  let loop: Promise<void> | undefined
  let recordsWalkedAt = Number.NEGATIVE_INFINITY

  /** Records past their life: a walk over all owners, once a day (LIFE-4). */
  async function pass(): Promise<SweepReport> {
    const walk = clock.now() - recordsWalkedAt >= dayMs
    const report = await sweepPass(sweeping, walk)
    if (walk && !report.more) recordsWalkedAt = clock.now()
    return report
  }

  async function run(): Promise<void> {
    for (;;) {
      await clock.sleep(limits.sweepEveryMs, closing.signal, 'background')
      if (closing.signal.aborted) return
      await pass().catch((error: unknown) => {
        // Another node may hold the lease; what fails is counted and comes again.
        if (!isRecollectError(error, 'conflict')) telemetry.count('recollect_job_runs_total', 1, { job: 'sweep', outcome: 'failed' })
      })
    }
  }

  return {
    async sweep({ dryRun = false, until = clock.now() } = {}) {
      if (!Number.isSafeInteger(until)) throw new RecollectError('invalid_input', 'until is a time in ms since 1970', 'Give a whole number.')
      if (dryRun) return listDue(parts, until)
      if (until > clock.now()) throw new RecollectError('invalid_input', 'only a dry run can look ahead', 'Leave until out, or make it a dry run.')
      recordsWalkedAt = Number.NEGATIVE_INFINITY
      return pass()
    },
    start: () => void (loop ??= run()),
    async close() {
      closing.abort()
      await loop
    },
  }
}

async function sweepPass(sweeping: Sweeping, walkRecords: boolean): Promise<SweepReport> {
  const { parts, closed } = sweeping
  const { clock, sessions, telemetry } = parts
  const lease = await sessions.lease(leaseName, limits.sweepLeaseMs)
  if (lease === undefined) throw new RecollectError('conflict', 'a sweep is under way', 'Wait for its end, at most 60 s.')
  const tally: Tally = { looked: 0, deleted: 0, failed: 0, recordsExpired: 0 }
  const until = clock.now() + limits.sweepPassMs
  let more = false
  try {
    while (!more && !closed.aborted) {
      const batch = await nextBatch(sweeping)
      if (batch.length === 0) break
      for (const refs of byOwner(batch)) await removeOf(sweeping, refs, tally)
      more = tally.looked >= limits.sweepLogs || clock.now() > until || !(await sessions.renew(lease.fence, limits.sweepLeaseMs))
    }
    if (walkRecords && !more) await expireRecords(sweeping, tally)
  } finally {
    await sessions.release(lease.fence)
  }
  telemetry.count('recollect_sweep_deleted_total', tally.deleted)
  telemetry.count('recollect_sweep_failed_total', tally.failed)
  return { ...nothing, ...tally, more }
}

/** Of one owner, under its lease, so that no late worker writes to a log that was made again (LIFE-7). */
async function removeOf({ parts, mint, skipped }: Sweeping, refs: readonly LogRef[], tally: Tally): Promise<void> {
  const { tenantId, ownerId } = refs[0] as LogRef
  const scope = mint(tenantId, ownerId)
  tally.looked += refs.length
  try {
    await parts.upkeep.exclusively(scope, async () => {
      await removeReceipts(parts, scope, new Set(refs.flatMap((ref) => (ref.kind === 'session' ? [ref.logId] : []))))
      for (const ref of refs) {
        parts.logs.drop(ref)
        if ((await parts.sessions.delete(ref, { ifExpired: true })) && ref.kind === 'session') tally.deleted++
      }
    })
    parts.quotas.forget(scope)
  } catch (error) {
    tally.failed++
    skipped.set(ownerKey(scope), parts.clock.now() + limits.sweepSkipMs)
    parts.telemetry.log('warn', 'sweep_owner_failed', { code: isRecollectError(error) ? error.code : 'internal' })
  }
}

async function expireRecords({ parts, mint, closed }: Sweeping, tally: Tally): Promise<void> {
  for await (const { tenantId, ownerId } of everyOwner(parts.memories)) {
    if (closed.aborted) return
    if (ownerId.startsWith('~')) continue
    try {
      tally.recordsExpired += await parts.upkeep.expireRecords(mint(tenantId, ownerId))
    } catch (error) {
      if (!isRecollectError(error, 'not_found')) tally.failed++
    }
  }
}

async function listDue(parts: SessionParts, until: number): Promise<SweepReport> {
  const items: SweepReport['items'][number][] = []
  let looked = 0
  for await (const due of everyDue(parts.sessions, until)) {
    if (looked === limits.sweepLogs) return { ...nothing, dryRun: true, looked, more: true, items }
    looked++
    if (due.ref.kind === 'session') items.push(await itemOf(parts, due.ref, due.expiresAt))
  }
  return { ...nothing, dryRun: true, looked, items }
}

const nothing: SweepReport = { dryRun: false, looked: 0, deleted: 0, failed: 0, recordsExpired: 0, more: false, items: [] }

/** What is due now, without owners that are to be left alone. */
async function nextBatch({ parts, skipped }: Sweeping): Promise<readonly LogRef[]> {
  const refs: LogRef[] = []
  for await (const { ref } of everyDue(parts.sessions, parts.clock.now())) {
    if ((skipped.get(ownerKey(ref)) ?? 0) <= parts.clock.now()) refs.push(ref)
    if (refs.length === limits.sweepBatch) break
  }
  return refs
}

async function itemOf(parts: SessionParts, ref: LogRef, expiresAt: number): Promise<SweepReport['items'][number]> {
  const named = { tenantId: ref.tenantId, ownerId: ref.ownerId, session: ref.logId, expiresAt }
  const seen = await parts.logs.peek(ref)
  if (seen === undefined) return named
  const { head, body } = seen
  const unformed = body.formation === 'off' ? 0 : head.version - body.formedUpTo
  return { ...named, class: body.class, entries: head.entries, bytes: head.bytes, unformed }
}

function byOwner(refs: readonly LogRef[]): readonly (readonly LogRef[])[] {
  const owners = new Map<string, LogRef[]>()
  for (const ref of refs) owners.set(ownerKey(ref), [...(owners.get(ownerKey(ref)) ?? []), ref])
  return [...owners.values()]
}
