// Where a memory stood in a prompt: answered from receipts, which hold ids and no text (ERA-3).
import { isInPrompt } from '../../core/context.ts'
import type { Scope } from '../../core/scope.ts'
import { decodeBody, type SessionHead } from '../../core/session.ts'
import { receiptPlace } from '../logs/receipt-log.ts'
import type { SessionParts } from '../session-parts.ts'
import { everyHead } from '../logs/walks.ts'

/** Ids of the sessions of which a kept receipt shows any of the records in a prompt: placed anew, or still live from a receipt that may be gone. */
export async function injectedInto(parts: SessionParts, scope: Scope, recordIds: readonly string[]): Promise<readonly string[]> {
  const wanted = new Set(recordIds)
  const keys = await parts.keys.ownerKeys(scope)
  const ids: string[] = []
  for await (const head of everyHead(parts.sessions, scope, 'session')) {
    const { absoluteAt } = decodeBody<SessionHead>(head.body, 'session head')
    const kept = await parts.receipts.read(receiptPlace(scope, keys, head.logId, head.birth, absoluteAt))
    const shown = [...kept.values()].some(({ receipt }) => receipt.recall.items.some((item) => isInPrompt(item) && wanted.has(item.id)))
    if (shown) ids.push(head.logId)
  }
  return ids
}
