// Where a memory stood in a prompt: answered from receipts, which hold ids and no text (ERA-3).
import type { Scope } from '../core/scope.ts'
import { decodeBody, type SessionHead } from '../core/session.ts'
import { injectedIds } from './count-figures.ts'
import { receiptPlace } from './receipt-log.ts'
import type { SessionParts } from './session-parts.ts'
import { everyHead } from './walks.ts'

/** Ids of the sessions of which a kept receipt shows the record as injected. */
export async function injectedInto(parts: SessionParts, scope: Scope, recordId: string): Promise<readonly string[]> {
  const keys = await parts.keys.ownerKeys(scope)
  const ids: string[] = []
  for await (const head of everyHead(parts.sessions, scope, 'session')) {
    const { absoluteAt } = decodeBody<SessionHead>(head.body, 'session head')
    const kept = await parts.receipts.read(receiptPlace(scope, keys, head.logId, head.birth, absoluteAt))
    const shown = [...kept.values()].some(({ receipt }) => injectedIds(receipt).includes(recordId))
    if (shown) ids.push(head.logId)
  }
  return ids
}
