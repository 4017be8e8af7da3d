// What an owner's memories are made of: logs and upkeep, recall, keys, the world, and what only sessions know.
import type { Random } from '../core/ids.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Embedder } from '../ports/models.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Recall } from '../recall/recall-types.ts'
import type { AuditLog } from '../security/audit-log.ts'
import type { KeyRing } from '../security/owner-keys.ts'
import type { Receipts } from '../security/receipts.ts'
import type { Redacted } from '../security/redact-entries.ts'
import type { MemoryLogs } from './memory-log.ts'
import type { Lost, Upkeep } from './upkeep.ts'

export interface MemoryParts {
  readonly logs: MemoryLogs
  readonly upkeep: Upkeep
  readonly recall: Recall
  readonly keys: KeyRing
  readonly embedder: Embedder | undefined
  readonly clock: Clock
  readonly random: Random
  readonly audit: AuditLog
  readonly signed: Receipts
  readonly telemetry: Telemetry
  readonly quotaRecords: number
  /** Redacts messages under the owner's lease, which is held already; what rested on them alone goes too. */
  readonly redactSources: (
    scope: Scope,
    sources: readonly { readonly session: string; readonly birth: number; readonly seq: number }[],
  ) => Promise<readonly { readonly redacted: Redacted; readonly lost: Lost }[]>
  /** Ids of sessions in whose prompts any of the records stood, from receipts. */
  readonly injectedInto: (scope: Scope, recordIds: readonly string[]) => Promise<readonly string[]>
  readonly settled: (scope: Scope) => Promise<void>
}
