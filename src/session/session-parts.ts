// What the session manager is made of: stores and keys, the other parts of the engine, and the deployment's settings.
import type { Random } from '../core/ids.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { ContextParts } from '../context/context.ts'
import type { Upkeep } from '../formation/upkeep.ts'
import type { Recall } from '../recall/recall-types.ts'
import type { AuditLog } from '../security/audit/audit-log.ts'
import type { KeyRing } from '../security/keys/owner-keys.ts'
import type { Receipts } from '../security/erasure/receipts.ts'
import type { Jobs } from './work/jobs.ts'
import type { Quotas } from './changes/quotas.ts'
import type { ReceiptLogs } from './logs/receipts.ts'
import type { SessionLogs } from './logs/session-logs.ts'
import type { SessionSizes } from './logs/session-sizes.ts'
import type { Turns } from './work/turns.ts'

/** Default lives of a session, in ms; a caller may choose its own when it makes one. */
export interface Lives {
  readonly idleMs: number
  readonly absoluteMs: number
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
  readonly upkeep: Upkeep
  readonly recall: Recall
  readonly contexts: Omit<ContextParts, 'cache'>
  readonly audit: AuditLog
  readonly signed: Receipts
}

/** One session of one owner, as the functions of this folder take it: whose it is first. */
export interface At {
  readonly scope: Scope
  readonly id: string
}
