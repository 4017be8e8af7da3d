// How much a session and an owner may hold (LIFE-11, LIFE-13). What would go over is refused before anything is stored.
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { ownerKey, type Owner, type Scope } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import { boundedMap } from '../../security/bounded-map.ts'
import { sealOverheadBytes } from '../../security/sealing/seal.ts'
import { everyHead } from '../logs/walks.ts'

/** Counts of entries, sessions and records; bytes are of sealed bodies, those of heads too. */
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
  readonly entries?: number
  readonly bytes?: number
}
export interface Quotas {
  readonly limits: QuotaLimits
  /** What these bodies will take in the store, sealed. */
  weigh(bodies: readonly Uint8Array[]): number
  /** What a log takes there. */
  weightOf(head: Head): number
  /** Sums of the owner's heads, at most 60 s old but for what this process added since. */
  owner(scope: Scope): Promise<{ readonly sessions: number; readonly bytes: number }>
  /** @throws `limit_exceeded` if the owner would hold more than a quota allows */
  ownerRoom(scope: Scope, growth: Growth): Promise<void>
  /** As `ownerRoom`, and for the session's own limits, which are exact but for writers at work (LIFE-13). Without a head: for one that is to be made. */
  sessionRoom(scope: Scope, head: Head | undefined, growth: Growth): Promise<void>
  /** Adds what this process has just written, or removed, to the cached sums. */
  grew(scope: Scope, growth: Growth): void
  /** The next look sums up anew. */
  forget(owner: Owner): void
}

interface Sums {
  sessions: number
  bytes: number
  readonly takenAt: number
}

export interface QuotaParts {
  readonly sessions: LogStore
  readonly memories: LogStore
  readonly seal: 'on' | 'off'
  readonly clock: Clock
  readonly limits: QuotaLimits
}

export function ownerQuotas({ sessions, memories, seal, clock, limits: quotas }: QuotaParts): Quotas {
  const cache = boundedMap<Sums>(limits.quotaOwners)
  const overhead = seal === 'off' ? 0 : sealOverheadBytes
  const weigh = (bodies: readonly Uint8Array[]): number => bodies.reduce((sum, body) => sum + body.length + overhead, 0)
  const weightOf = (head: Head): number => head.bytes + weigh([head.body])

  async function sumOf(store: LogStore, scope: Scope, kind: 'session' | 'memory'): Promise<{ logs: number; bytes: number }> {
    let [logs, bytes] = [0, 0]
    for await (const head of everyHead(store, scope, kind)) {
      logs++
      bytes += weightOf(head)
    }
    return { logs, bytes }
  }

  async function sumsOf(scope: Scope): Promise<Sums> {
    const cached = cache.get(ownerKey(scope))
    if (cached !== undefined && clock.now() - cached.takenAt < limits.quotaSumsCachedMs) return cached
    const takenAt = clock.now()
    const shortTerm = await sumOf(sessions, scope, 'session')
    const longTerm = await sumOf(memories, scope, 'memory')
    const sums = { sessions: shortTerm.logs, bytes: shortTerm.bytes + longTerm.bytes, takenAt }
    cache.set(ownerKey(scope), sums)
    return sums
  }

  async function ownerRoom(scope: Scope, { sessions: more = 0, bytes = 0 }: Growth): Promise<void> {
    const sums = await sumsOf(scope)
    if (more > 0 && sums.sessions + more > quotas.ownerSessions)
      throw overQuota('an owner', quotas.ownerSessions, 'sessions', sums.sessions + more, 'Delete sessions that are no longer needed.')
    if (bytes > 0 && sums.bytes + bytes > quotas.ownerBytes)
      throw overQuota('an owner', quotas.ownerBytes, 'bytes', sums.bytes + bytes, 'Delete sessions, or forget memories, that are no longer needed.')
  }

  return {
    limits: quotas,
    weigh,
    weightOf,
    owner: sumsOf,
    ownerRoom,

    async sessionRoom(scope, head, growth) {
      const entries = (head?.version ?? 0) + (growth.entries ?? 0)
      const bytes = (head === undefined ? 0 : weightOf(head)) + (growth.bytes ?? 0)
      if (entries > quotas.sessionEntries) throw overQuota('a session', quotas.sessionEntries, 'entries', entries, 'Go on in a new session.')
      if (bytes > quotas.sessionBytes) throw overQuota('a session', quotas.sessionBytes, 'bytes', bytes, 'Go on in a new session.')
      await ownerRoom(scope, growth)
    },

    grew(scope, { sessions: more = 0, bytes = 0 }) {
      const cached = cache.get(ownerKey(scope))
      if (cached === undefined) return
      cached.sessions += more
      cached.bytes += bytes
    },

    forget: (owner) => cache.delete(ownerKey(owner)),
  }
}

const overQuota = (whose: string, limit: number, unit: string, given: number, nextStep: string) =>
  new RecollectError('limit_exceeded', `${whose} has at most ${limit} ${unit}; this would make ${given}`, nextStep, { limit, given })
