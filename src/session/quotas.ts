// How much a session and an owner may hold (LIFE-11, LIFE-13). What would go over is refused, and nothing is stored.
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Head, LogStore } from '../ports/log-store.ts'
import { boundedMap } from '../security/bounded-map.ts'
import { everyHead, ownerKey } from './walks.ts'

/** Counts of entries, sessions and records; bytes are of sealed bodies. */
export interface QuotaLimits {
  readonly sessionEntries: number
  readonly sessionBytes: number
  readonly ownerSessions: number
  readonly ownerBytes: number
  readonly ownerRecords: number
}
export const defaultQuotas: QuotaLimits = {
  sessionEntries: limits.sessionEntries,
  sessionBytes: limits.sessionBytes,
  ownerSessions: limits.ownerSessions,
  ownerBytes: limits.ownerBytes,
  ownerRecords: limits.ownerRecords,
}

export interface Growth {
  readonly sessions?: number
  readonly bytes?: number
}
export interface Quotas {
  readonly limits: QuotaLimits
  /** Sums of the owner's heads, at most 60 s old but for what this process added since. */
  owner(scope: Scope): Promise<{ readonly sessions: number; readonly bytes: number }>
  /** @throws `limit_exceeded` if the owner would hold more than a quota allows */
  ownerRoom(scope: Scope, growth: Growth): Promise<void>
  /** Adds what this process has just written to the cached sums. */
  grew(scope: Scope, growth: Growth): void
  forget(scope: { readonly tenantId: string; readonly ownerId: string }): void
}

interface Sums {
  sessions: number
  bytes: number
  readonly takenAt: number
}

export function ownerQuotas(stores: { readonly sessions: LogStore; readonly memories: LogStore }, clock: Clock, quotas: QuotaLimits): Quotas {
  const cache = boundedMap<Sums>(limits.quotaOwners)

  async function sumsOf(scope: Scope): Promise<Sums> {
    const cached = cache.get(ownerKey(scope))
    if (cached !== undefined && clock.now() - cached.takenAt < limits.quotaSumsCachedMs) return cached
    const takenAt = clock.now()
    const sessions = await sumOf(stores.sessions, scope, 'session')
    const memories = await sumOf(stores.memories, scope, 'memory')
    const sums = { sessions: sessions.logs, bytes: sessions.bytes + memories.bytes, takenAt }
    cache.set(ownerKey(scope), sums)
    return sums
  }

  return {
    limits: quotas,
    owner: sumsOf,

    async ownerRoom(scope, { sessions = 0, bytes = 0 }) {
      const sums = await sumsOf(scope)
      if (sessions > 0 && sums.sessions + sessions > quotas.ownerSessions)
        throw overQuota('an owner', quotas.ownerSessions, 'sessions', sums.sessions + sessions, 'Delete sessions that are no longer needed.')
      if (bytes > 0 && sums.bytes + bytes > quotas.ownerBytes)
        throw overQuota('an owner', quotas.ownerBytes, 'bytes', sums.bytes + bytes, 'Delete sessions, or forget memories, that are no longer needed.')
    },

    grew(scope, { sessions = 0, bytes = 0 }) {
      const cached = cache.get(ownerKey(scope))
      if (cached === undefined) return
      cached.sessions += sessions
      cached.bytes += bytes
    },

    forget: (scope) => cache.delete(ownerKey(scope)),
  }
}

/** @throws `limit_exceeded` if the session would hold more than its own limits, which are exact but for writers at work (LIFE-13) */
export function sessionRoom(head: Head, growth: { readonly entries: number; readonly bytes: number }, quotas: QuotaLimits): void {
  const [entries, bytes] = [head.version + growth.entries, head.bytes + growth.bytes]
  if (entries > quotas.sessionEntries) throw overQuota('a session', quotas.sessionEntries, 'entries', entries, 'Go on in a new session.')
  if (bytes > quotas.sessionBytes) throw overQuota('a session', quotas.sessionBytes, 'bytes', bytes, 'Go on in a new session.')
}

async function sumOf(store: LogStore, scope: Scope, kind: 'session' | 'memory'): Promise<{ logs: number; bytes: number }> {
  let [logs, bytes] = [0, 0]
  for await (const head of everyHead(store, scope, kind)) {
    logs++
    bytes += head.bytes
  }
  return { logs, bytes }
}

const overQuota = (whose: string, limit: number, unit: string, given: number, nextStep: string) =>
  new RecollectError('limit_exceeded', `${whose} has at most ${limit} ${unit}; this would make ${given}`, nextStep, { limit, given })
