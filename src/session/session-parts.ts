// What the session manager is made of: stores and keys, the other parts of the engine, and the deployment's settings.
import type { Random } from '../core/ids.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { AuditLog } from '../security/audit-log.ts'
import type { KeyRing } from '../security/owner-keys.ts'
import type { Receipts } from '../security/receipts.ts'
import type { Jobs } from './jobs.ts'
import type { Quotas } from './quotas.ts'
import type { ReceiptLogs } from './receipts.ts'
import type { SessionLogs } from './session-logs.ts'
import type { SessionSizes } from './session-sizes.ts'
import type { Turns } from './turns.ts'

/** Default lives of a session, in ms; a caller may choose its own when it makes one. */
export interface Lives {
  readonly idleMs: number
  readonly absoluteMs: number
}

/** A session, or some seqs of it, that memory records may rest on; by birth, since a session made again is another. */
export interface EvidenceOf {
  readonly session: string
  readonly birth: number
  readonly seqs?: readonly number[] // without: the whole session
}
export interface LostEvidence {
  readonly records: number // that went, since nothing else bears them
  readonly rederived: number // that lost some evidence and stand on the rest
  readonly kept: readonly { readonly what: string; readonly why: string }[]
}

/** What deletion needs of long-term memory; the maker of memories offers it. */
export interface MemoryUpkeep {
  /** Runs under the owner's lease `work`, which background jobs take too (ERA-1). @throws `conflict` if it is not free within 10 s */
  exclusively<T>(scope: Scope, run: () => Promise<T>): Promise<T>
  /** Called under the lease. Records that rest on this alone are forgotten, or kept by the caller's wish (ERA-4). */
  loseEvidence(scope: Scope, of: EvidenceOf, mode: 'forget' | 'keep'): Promise<LostEvidence>
  /** Redacts records past their life; gives how many (LIFE-4). */
  expireRecords(scope: Scope): Promise<number>
}

export interface SessionParts {
  readonly sessions: LogStore
  readonly memories: LogStore
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly lives: Lives
  readonly logs: SessionLogs
  readonly quotas: Quotas
  readonly turns: Turns
  readonly receipts: ReceiptLogs
  readonly jobs: Jobs
  readonly sizes: SessionSizes
  readonly upkeep: MemoryUpkeep
  readonly audit: AuditLog
  readonly signed: Receipts
}

/** One session of one owner, as the functions of this folder take it: whose it is first. */
export interface At {
  readonly scope: Scope
  readonly id: string
}
