// What an owner's memories are made of: logs and upkeep, recall, keys, the world, and what only sessions know.
import type { Random } from '../core/ids.ts'
import type { Scope } from '../core/scope.ts'
import type { Recall } from '../recall/recall-types.ts'
import type { AuditLog } from '../security/audit/audit-log.ts'
import type { KeyRing } from '../security/keys/owner-keys.ts'
import type { Receipts } from '../security/erasure/receipts.ts'
import type { Redacted } from '../security/erasure/redact-entries.ts'
import type { MemoryLogs } from './memory-log.ts'
import type { EmbedParts } from './record-vectors.ts'
import type { Lost, Upkeep } from './upkeep.ts'

export interface MemoryParts extends EmbedParts {
  readonly logs: MemoryLogs
  readonly upkeep: Upkeep
  readonly recall: Recall
  readonly keys: KeyRing
  readonly random: Random
  readonly audit: AuditLog
  readonly signed: Receipts
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
