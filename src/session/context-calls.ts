// The calls of a session that have to do with what the model sees: context, epoch, summary, receipts.
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { refOf } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import { diffReceipts } from '../context/diff-receipts.ts'
import type { PageRequest } from '../ports/log-store.ts'
import { noReceipt, receiptPlace, type KeptReceipt, type ReceiptPlace } from './receipts.ts'
import type { At, SessionParts } from './session-parts.ts'
import type { Session } from './session-types.ts'

type ContextCalls = Pick<Session, 'context' | 'newEpoch' | 'summary' | 'receipts' | 'reconcile' | 'epoch'>

export function contextCalls(parts: SessionParts, at: At): ContextCalls {
  const ref = refOf(at.scope, 'session', at.id)
  const receipts = async () => parts.receipts.read(await receiptPlaceOf(parts, at))
  const receipt = async (id: string): Promise<KeptReceipt> => {
    const found = (await receipts()).get(id)
    if (found === undefined) throw noReceipt()
    return found
  }
  const later = () => Promise.reject(new RecollectError('unavailable', 'contexts are not wired yet', 'Try again.'))
  return {
    context: later,
    newEpoch: later,
    summary: later,
    reconcile: later,
    epoch: async () => (await parts.logs.head(ref)).body.epoch,
    receipts: {
      async list(page = {}) {
        return pageOf([...(await receipts()).values()], page)
      },
      async get(id) {
        const { receipt: found, usage } = await receipt(id)
        return usage === undefined ? { receipt: found } : { receipt: found, usage }
      },
      diff: async (a, b) => diffReceipts((await receipt(a)).receipt, (await receipt(b)).receipt),
    },
  }
}

/** Reading receipts needs the session's live head (LIFE-3). */
export async function receiptPlaceOf(parts: SessionParts, { scope, id }: { readonly scope: Scope; readonly id: string }): Promise<ReceiptPlace> {
  const { head, body } = await parts.logs.head(refOf(scope, 'session', id))
  return receiptPlace(scope, await parts.keys.ownerKeys(scope), id, head.birth, body.absoluteAt)
}

/** Newest first; the cursor is the seq before which the next page begins. */
function pageOf(kept: readonly KeptReceipt[], { limit = limits.pageItems, cursor }: PageRequest): Awaited<ReturnType<Session['receipts']['list']>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.pageItemsMost)
    throw new RecollectError('invalid_input', `a page has 1 to ${limits.pageItemsMost} items; asked for ${limit}`, 'Ask for fewer, and go on with the cursor.')
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor)
  if (cursor !== undefined && !/^[1-9][0-9]{0,15}$/.test(cursor)) throw new RecollectError('invalid_input', 'the cursor is none of this list', 'Use the cursor of the page before.')
  const rest = kept.filter(({ seq }) => seq < before).toReversed()
  const page = rest.slice(0, limit)
  const items = page.map(({ receipt, usage }) => ({
    id: receipt.id,
    at: receipt.at,
    upTo: receipt.upTo,
    epoch: receipt.epoch.no,
    tokens: receipt.tokens.predicted,
    injected: receipt.recall.items.filter((item) => item.outcome === 'injected').length,
    billed: usage?.billed != null,
  }))
  return rest.length > limit ? { items, cursor: String((page.at(-1) as KeptReceipt).seq) } : { items }
}
