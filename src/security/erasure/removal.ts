// How forget, delete and redact are carried out: told before anything goes, looked after, told again, answered with a receipt (AUD-5, ERA-6, ERA-8).
import { isRecollectError } from '../../core/errors.ts'
import type { DeletionReceipt, Probe } from '../../core/deletion.ts'
import { madeId, type Random } from '../../core/ids.ts'
import type { Scope } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { AuditActor } from '../audit/actor.ts'
import type { AuditInput, AuditLog } from '../audit/audit-log.ts'
import type { Receipts } from './receipts.ts'

export interface RemovalParts {
  readonly audit: AuditLog
  readonly signed: Receipts
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export interface Removal {
  readonly by: AuditActor
  readonly action: string
  readonly verb: 'forget' | 'delete' | 'redact'
  readonly target: { readonly kind: string; readonly pseudonym: string }
  readonly requestedAt: number
}

/** What a removal did, for its receipt. */
export type RemovalResult = Pick<DeletionReceipt, 'removed' | 'records' | 'rederived' | 'keptWhy' | 'injectedInto' | 'probes'>

/** @throws `unavailable` if the audit log cannot be written: before `run`, and then nothing went; or after it */
export async function carryOut(parts: RemovalParts, scope: Scope, removal: Removal, run: () => Promise<RemovalResult>): Promise<DeletionReceipt> {
  const { by, action, verb, target, requestedAt } = removal
  const { tenantId } = scope
  const event = { tenantId, ...by, action, target }
  await parts.audit.record({ ...event, decision: 'allow' })
  const result = await run().catch((error: unknown) => {
    parts.audit.note({ ...event, decision: 'failed', reason: isRecollectError(error) ? error.code : 'internal' })
    throw error
  })
  const { clean } = await tellEnd(parts, event, result)
  const completedAt = parts.clock.now()
  const auditHead = await parts.audit.head(tenantId)
  return parts.signed.sign<DeletionReceipt>(tenantId, {
    id: madeId('del', parts.random),
    verb,
    target: target.pseudonym,
    requestedAt,
    completedAt,
    ...result,
    notProbed,
    clean,
    ...(auditHead === undefined ? {} : { auditHead }),
  })
}

type Told = Omit<AuditInput, 'decision' | 'reason' | 'counts'>

/** Residue is loud: a count, and an event of its own (ERA-8). The same for all verbs. */
export async function tellEnd(
  { audit, telemetry }: Pick<RemovalParts, 'audit' | 'telemetry'>,
  event: Told,
  { removed, records, probes }: Pick<DeletionReceipt, 'removed' | 'records' | 'probes'>,
): Promise<{ readonly clean: boolean }> {
  const found = foundBy(probes)
  if (found > 0) {
    telemetry.count('recollect_erase_residue_total', found)
    await audit.record({ ...event, decision: 'failed', reason: 'residue', counts: { found } })
  }
  const sum = (of: 'logs' | 'entries') => removed.reduce((all, one) => all + one[of], 0)
  await audit.record({ ...event, decision: 'done', counts: { logs: sum('logs'), entries: sum('entries'), records, found } })
  return { clean: found === 0 }
}

const foundBy = (probes: readonly Probe[]): number => probes.reduce((sum, probe) => sum + probe.found, 0)

// The owner's keys live on after these verbs: so a copy outside can still be read, and nobody can say until when (ERA-7).
const notProbed: DeletionReceipt['notProbed'] = [
  { place: 'files', why: 'an erasure reads every byte of the files; this read back the logs alone' },
  { place: 'backups', why: 'copies made by backup tools lie outside, and the keys that open them live on' },
  { place: 'models', why: 'text that was sent to a model lies with its provider' },
]
