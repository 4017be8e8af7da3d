// Receipts whose session is over go with it (LIFE-3): found by what their heads say, as the session's own head is gone.
import { refOf } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import { decodeBody } from '../../core/session.ts'
import type { ReceiptHead } from '../logs/receipt-log.ts'
import { everyHead } from '../logs/walks.ts'
import type { SessionParts } from '../session-parts.ts'

/** Of these sessions, and not of one that has been made anew under a name since. */
export async function removeReceipts(parts: SessionParts, scope: Scope, sessionIds: ReadonlySet<string>): Promise<void> {
  if (sessionIds.size === 0) return
  for await (const head of everyHead(parts.sessions, scope, 'receipt')) {
    const of = decodeBody<ReceiptHead>(head.body, 'receipt head')
    if (!sessionIds.has(of.session)) continue
    const live = await parts.sessions.head(refOf(scope, 'session', of.session))
    if (live?.birth === of.birth) continue
    const ref = refOf(scope, 'receipt', head.logId)
    parts.receipts.drop(ref)
    await parts.sessions.delete(ref)
  }
}
