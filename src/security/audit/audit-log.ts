// The audit trail: one sealed, hash-chained log a tenant and month (AUD-1, AUD-2, AUD-3, AUD-5).
import { base64url } from '../../core/bytes.ts'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { checkEvent, type AuditInput, type ChainHead } from './audit-chain.ts'
import { auditMonths, auditRef, auditWriter, lastHash, monthKey, monthOf, type AuditLogParts } from './audit-chains.ts'
import { auditQueue } from './audit-queue.ts'
import { verifyMonth, type MonthVerdict } from './verify-audit.ts'

export type { AuditInput } from './audit-chain.ts'
export type { AuditLogParts } from './audit-chains.ts'

export interface AuditVerdict {
  readonly ok: boolean
  readonly checked: number
  /** Of the last month walked. */
  readonly head?: ChainHead
  readonly firstBad?: number
}

export interface AuditTrail {
  /** Queued and written within 1 s: authentication results, denials, reads by readers, limit hits (AUD-5). */
  note(event: AuditInput): void
  /** Written before it returns. @throws `unavailable` if the log cannot be written */
  record(event: AuditInput): Promise<void>
  /** Walks one month, or all, and gives the first seq that does not hold (AUD-6). */
  verify(tenantId: string, month?: string): Promise<AuditVerdict>
}

export interface AuditLog extends AuditTrail {
  /** Where the tenant's chain of this month stands; undefined before its first event. */
  head(tenantId: string): Promise<ChainHead | undefined>
  /** Writes what is queued, now. */
  flush(): Promise<void>
  close(): Promise<void>
}

export function createAuditLog(parts: AuditLogParts): AuditLog {
  const { store, clock, telemetry } = parts
  const queue = auditQueue(auditWriter(parts), parts)
  return {
    note(event) {
      try {
        checkEvent(event)
      } catch {
        telemetry.count('recollect_audit_dropped_total') // a note has nobody to tell
        return
      }
      queue.wait(event.tenantId, [{ event, at: clock.now() }])
    },

    async record(event) {
      checkEvent(event)
      try {
        await queue.now(event.tenantId, [{ event, at: clock.now() }])
      } catch (cause) {
        // `allow` stands before what it tells of, the rest after it (AUD-5).
        const [what, next] =
          event.decision === 'allow'
            ? ['so the action was not carried out', 'Try again when the store is back.']
            : ['but the action was carried out', 'Nothing has to be done again; what the log lacks is its end.']
        throw new RecollectError('unavailable', `the audit log cannot be written, ${what}`, next, { cause })
      }
    },

    async verify(tenantId, month) {
      try {
        return await verifyMonths(parts, tenantId, month)
      } catch (error) {
        if (isRecollectError(error, 'integrity_failure')) return { ok: false, checked: 0, firstBad: 1 } // a head that does not open
        throw error
      }
    },

    async head(tenantId) {
      const ref = auditRef(parts, tenantId, monthOf(clock.now()))
      const head = await store.head(ref)
      return head === undefined ? undefined : { count: head.version, hash: base64url(await lastHash(store, ref, head)) }
    },

    flush: queue.flush,
    close: queue.close,
  }
}

async function verifyMonths(parts: AuditLogParts, tenantId: string, month: string | undefined): Promise<AuditVerdict> {
  const heads = (await auditMonths(parts, tenantId)).filter(({ logId }) => month === undefined || logId === month)
  let checked = 0
  let last: MonthVerdict | undefined
  for (const head of heads) {
    const key = await monthKey(parts, tenantId, head.logId, head)
    last = await verifyMonth(parts.store, auditRef(parts, tenantId, head.logId), head, key, last)
    checked += last.checked
    if (last.firstBad !== undefined) return { ok: false, checked, firstBad: last.firstBad }
  }
  return { ok: true, checked, ...(last === undefined ? {} : { head: last.head }) }
}
