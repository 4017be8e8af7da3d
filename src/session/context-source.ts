// What a context needs of a session, over the session's log, its receipts and the owner's recall.
import { refOf } from '../core/log-ref.ts'
import { textOf } from '../core/message.ts'
import { indexFrom } from '../core/session.ts'
import type { ContextSource, LoadedSession } from '../context/source.ts'
import { receiptPlace, type ReceiptPlace } from './receipt-log.ts'
import type { At, SessionParts } from './session-parts.ts'

/** `view`: what is loaded, changed before anybody sees it; for a look ahead that writes nothing. */
export async function contextSource(
  parts: SessionParts,
  { scope, id }: At,
  view?: (loaded: LoadedSession | undefined) => LoadedSession,
): Promise<ContextSource> {
  const ref = refOf(scope, 'session', id)
  const keys = await parts.keys.ownerKeys(scope)
  let seen: LoadedSession | undefined // the newest that was given out
  const load = async (): Promise<LoadedSession> => (seen = view === undefined ? await parts.logs.load(ref) : view(await loadIfThere(parts, ref)))
  const newest = async (): Promise<LoadedSession> => seen ?? load()
  const place = async (): Promise<ReceiptPlace> => {
    const { head, body } = await newest()
    return receiptPlace(scope, keys, id, head.birth, body.absoluteAt)
  }
  return {
    ref,
    keys,
    load,
    async swapHead(expectedRevision, change) {
      await parts.logs.change(ref, ({ body }) => ({ ...body, ...change }), expectedRevision)
      return load()
    },
    async recall(query, { keepFrom, liveIds, ...options }) {
      const { fold, head } = await newest()
      const messages = fold.messages.slice(indexFrom(fold.messages, keepFrom)).map(({ seq, message }) => ({ seq, text: textOf(message) }))
      return parts.recall.forContext(scope, query, options, { session: id, birth: head.birth, messages, liveIds })
    },
    records: (ids) => parts.recall.records(scope, ids),
    preferences: () => parts.recall.preferences(scope),
    saveReceipt: async (receipt) => parts.receipts.save(await place(), { type: 'receipt', receipt }),
    async loadReceipt(receiptId) {
      const kept = (await parts.receipts.read(await place())).get(receiptId)
      if (kept === undefined) return undefined
      return kept.usage === undefined ? { receipt: kept.receipt } : { receipt: kept.receipt, usage: kept.usage }
    },
    saveUsage: async (usage) => parts.receipts.save(await place(), { type: 'usage', usage }),
  }
}

async function loadIfThere(parts: SessionParts, ref: ReturnType<typeof refOf>): Promise<LoadedSession | undefined> {
  return (await parts.logs.peek(ref)) === undefined ? undefined : parts.logs.load(ref)
}
