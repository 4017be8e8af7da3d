// What a context needs of a session, over the session's log, its receipts and the owner's recall.
import type { LogRef } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import { indexFrom } from '../../core/session.ts'
import { createContextCache, type ContextCache } from '../../context/packing/pack-cache.ts'
import type { ContextSource, LoadedSession } from '../../context/planning/source.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import { countContext, countRecall, countUsage, createSessionMemo, type SessionMemo } from '../usage/count-figures.ts'
import { receiptPlace, type ReceiptPlace } from '../logs/receipt-log.ts'
import type { SessionParts } from '../session-parts.ts'

/** `view`: what is loaded, changed before anybody sees it; for a look ahead that writes nothing. */
export async function contextSource(
  parts: SessionParts,
  scope: Scope,
  ref: LogRef, // of the session
  view?: (loaded: LoadedSession | undefined) => LoadedSession,
): Promise<ContextSource> {
  const memory = parts.recall.moment(scope)
  let seen: LoadedSession | undefined // the newest that was given out
  let keys: OwnerKeys | undefined
  const load = async (): Promise<LoadedSession> => {
    seen = view === undefined ? await parts.logs.load(ref) : view(await loadIfThere(parts, ref))
    // Reading the session has looked at its owner's key log: what was kept beside this very log needs no second look (SEAL-16).
    const { memo } = sessionCache(parts, ref)
    keys = memo.keys ??= await parts.keys.ownerKeys(scope)
    return seen
  }
  const newest = async (): Promise<LoadedSession> => seen ?? load()
  const place = async (): Promise<ReceiptPlace> => {
    const { head, body } = await newest()
    const { memo } = sessionCache(parts, ref)
    const same = memo.place?.head.birth === head.birth && memo.place.expiresAt === body.absoluteAt
    return (memo.place = same ? memo.place : receiptPlace(scope, keys as OwnerKeys, ref.logId, head.birth, body.absoluteAt)) as ReceiptPlace
  }
  return {
    ref,
    get keys() {
      return keys as OwnerKeys
    },
    load,
    async swapHead({ head, body, fold }, change) {
      seen = { ...(await parts.logs.swap(ref, { head, body }, { ...body, ...change })), fold }
    },
    async recall(query, { keepFrom, liveIds, ...options }) {
      const { fold, head } = await newest()
      const messages = fold.messages.slice(indexFrom(fold.messages, keepFrom))
      const found = await memory.forContext(query, options, { session: ref.logId, birth: head.birth, messages, liveIds, gone: fold.gone })
      if (view === undefined) countRecall(parts.telemetry, found.result, parts.clock.now())
      return found
    },
    records: memory.records,
    standing: memory.standing,
    preferences: memory.preferences,
    async saveReceipt(receipt) {
      const { memo } = sessionCache(parts, ref)
      memo.counted = parts.sizes.ofFold((await newest()).fold, memo.counted)
      countContext(parts.telemetry, receipt, memo, memo.counted.tokens)
      await parts.receipts.save(await place(), { type: 'receipt', receipt })
    },
    async sentUpTo() {
      return [...(await parts.receipts.read(await place())).values()].reduce((most, { receipt }) => Math.max(most, receipt.upTo), 0)
    },
    async loadReceipt(receiptId) {
      return parts.receipts.find(await place(), receiptId)
    },
    async saveUsage(usage, receipt) {
      countUsage(parts.telemetry, receipt, usage)
      await parts.receipts.save(await place(), { type: 'usage', usage })
    },
  }
}

/** What a process keeps of a session beside its fold: it goes with the fold, and dropping it changes no answer. */
export const sessionCache = (parts: SessionParts, ref: LogRef): { readonly contexts: ContextCache; readonly memo: SessionMemo } =>
  parts.logs.derived(ref, () => ({ contexts: createContextCache(), memo: createSessionMemo() }))

async function loadIfThere(parts: SessionParts, ref: LogRef): Promise<LoadedSession | undefined> {
  return (await parts.logs.peek(ref)) === undefined ? undefined : parts.logs.load(ref)
}
