// Leases: one holder a name, numbers that only grow (LOG-16, LOG-25).
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Fence, Lease, LeaseName } from '../../ports/log-store.ts'
import { isOwnFence } from '../own-fence.ts'
import type { SqlRow } from './client.ts'
import { integerOf } from './rows.ts'
import type { Statements } from './statements.ts'

interface Row {
  readonly number: number
  readonly expiresAt: number
  readonly held: boolean
}

function rowOf(statements: Statements, { tenantId, ownerId, purpose }: LeaseName): Row | undefined {
  const row = statements.leaseOf.get(tenantId, ownerId, purpose) as SqlRow | undefined
  return row && { number: integerOf(row, 'number'), expiresAt: integerOf(row, 'expires_at'), held: integerOf(row, 'held') === 1 }
}

/** Whether the fence is its lease's present one. A lease that has run out and was not taken over still counts (LOG-16). */
function stands(statements: Statements, { name, number }: Fence): boolean {
  const row = rowOf(statements, name)
  return row?.number === number && row.held
}

/** Whether a write to the log may carry this fence. */
export const isHeld = (statements: Statements, ref: LogRef, fence: Fence): boolean => isOwnFence(ref, fence) && stands(statements, fence)

/** Whether nobody holds the lease at `now`. */
export function isFree(statements: Statements, name: LeaseName, now: number): boolean {
  const row = rowOf(statements, name)
  return row === undefined || !row.held || now >= row.expiresAt
}

/** `floor`: the highest number this process gave, so that one ms cannot give a number twice after the row is gone. */
export function takeLease(statements: Statements, name: LeaseName, ttlMs: number, now: number, floor: number): Lease | undefined {
  if (!isFree(statements, name, now)) return undefined
  const number = Math.max((rowOf(statements, name)?.number ?? 0) + 1, now, floor + 1)
  statements.saveLease.run(name.tenantId, name.ownerId, name.purpose, number, now + ttlMs)
  return { fence: { name: { ...name }, number }, expiresAt: now + ttlMs }
}

/** Rows of leases that ended a day ago go; numbers go on from the time (LOG-25). */
export const reclaimLeases = (statements: Statements, now: number): void => void statements.dropOldLeases.run(now - limits.leaseRowKeptMs)

export function renewLease(statements: Statements, fence: Fence, ttlMs: number, now: number): boolean {
  const row = rowOf(statements, fence.name)
  if (row === undefined || !row.held || row.number !== fence.number || now >= row.expiresAt) return false
  statements.extendLease.run(now + ttlMs, fence.name.tenantId, fence.name.ownerId, fence.name.purpose)
  return true
}

/** The row stays, so that the next number is higher; the fence is stale from here on. */
export function releaseLease(statements: Statements, fence: Fence, now: number): void {
  if (!stands(statements, fence)) return
  statements.endLease.run(now, fence.name.tenantId, fence.name.ownerId, fence.name.purpose)
}
