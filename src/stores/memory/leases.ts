// Leases in memory: one holder a name, numbers that only grow (LOG-16, LOG-25).
import { limits } from '../../core/limits.ts'
import { ownerKey, type Owner } from '../../core/scope.ts'
import type { Fence, Lease, LeaseName } from '../../ports/log-store.ts'

interface Row {
  readonly number: number
  readonly expiresAt: number
  readonly held: boolean
}

export interface Leases {
  take(name: LeaseName, ttlMs: number, now: number): Lease | undefined
  renew(fence: Fence, ttlMs: number, now: number): boolean
  release(fence: Fence, now: number): void
  /** Whether the fence carries the present number. A lease that has run out and was not taken over still counts (LOG-16). */
  stands(fence: Fence): boolean
  dropOwner(owner: Owner): void
}

export function memoryLeases(): Leases {
  const owners = new Map<string, Map<string, Row>>()
  let floor = 0 // the highest number given: one ms cannot give a number twice after its row is gone

  const rowOf = (name: LeaseName) => owners.get(ownerKey(name))?.get(name.purpose)
  const save = (name: LeaseName, row: Row) => {
    const key = ownerKey(name)
    const rows = owners.get(key) ?? new Map<string, Row>()
    owners.set(key, rows.set(name.purpose, row))
  }
  const stands = ({ name, number }: Fence) => {
    const row = rowOf(name)
    return row !== undefined && row.held && row.number === number
  }

  // One owner a call, in turn: so the rows that nobody asks for again go too, and no call walks over all.
  const reclaim = (now: number) => {
    for (const [key, rows] of owners) {
      for (const [purpose, row] of rows) if (row.expiresAt + limits.leaseRowKeptMs <= now) rows.delete(purpose)
      owners.delete(key)
      if (rows.size > 0) owners.set(key, rows)
      return
    }
  }

  return {
    stands,
    take(name, ttlMs, now) {
      const row = rowOf(name)
      if (row?.held === true && now < row.expiresAt) return undefined
      const number = Math.max((row?.number ?? 0) + 1, floor + 1, now)
      floor = number
      save(name, { number, expiresAt: now + ttlMs, held: true })
      reclaim(now)
      return { fence: { name: { tenantId: name.tenantId, ownerId: name.ownerId, purpose: name.purpose }, number }, expiresAt: now + ttlMs }
    },
    renew(fence, ttlMs, now) {
      const row = rowOf(fence.name)
      if (row === undefined || !stands(fence) || now >= row.expiresAt) return false
      save(fence.name, { ...row, expiresAt: now + ttlMs })
      return true
    },
    // The row stays, so that the next number is higher; the fence is stale from here on.
    release(fence, now) {
      const row = rowOf(fence.name)
      if (row !== undefined && stands(fence)) save(fence.name, { ...row, expiresAt: Math.min(row.expiresAt, now), held: false })
    },
    dropOwner: (owner) => void owners.delete(ownerKey(owner)),
  }
}
