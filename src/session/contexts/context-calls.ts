// The calls of a session that have to do with what the model sees: context, epoch, summary, receipts.
import { checkFields, pageFields, pageLimit, type Fields } from '../../core/check-fields.ts'
import { placedIds } from '../../core/context.ts'
import type { JsonObject } from '../../core/json.ts'
import { RecollectError } from '../../core/errors.ts'
import { checkId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import type { Message } from '../../core/message.ts'
import { emptyFold, foldSession } from '../../core/session.ts'
import { makeContext } from '../../context/context.ts'
import { checkContextOptions } from '../../context/policy/context-fields.ts'
import type { Context, ContextOptions } from '../../context/policy/context-options.ts'
import { classCounter } from '../../context/counting/count.ts'
import { diffReceipts } from '../../context/receipts/diff-receipts.ts'
import { endEpoch } from '../../context/planning/epoch.ts'
import { createContextCache } from '../../context/packing/pack-cache.ts'
import { reconcile } from '../../context/receipts/reconcile.ts'
import { courseOf } from '../../context/receipts/why.ts'
import type { LoadedSession } from '../../context/planning/source.ts'
import type { PageRequest } from '../../ports/log-store.ts'
import { offlineSheet } from '../../summary/offline-sheet.ts'
import { renderSheet } from '../../summary/render.ts'
import { acceptMessages } from '../input/accept-messages.ts'
import { contextSource, sessionCache } from './context-source.ts'
import { noReceipt, receiptPlace, type KeptReceipt, type ReceiptPlace } from '../logs/receipt-log.ts'
import { reconcileFields, usageTokenFields } from '../input/session-fields.ts'
import { newSessionHead } from '../session-info.ts'
import { noSession } from '../logs/session-logs.ts'
import type { At, SessionParts } from '../session-parts.ts'
import type { Session } from '../session-types.ts'

type ContextCalls = Pick<Session, 'context' | 'newEpoch' | 'summary' | 'receipts' | 'why' | 'reconcile' | 'epoch'>

export function contextCalls(parts: SessionParts, at: At): ContextCalls {
  const ref = refOf(at.scope, 'session', at.id)
  const receipts = async () => parts.receipts.read(await receiptPlaceOf(parts, at))
  const receipt = async (id: string): Promise<KeptReceipt> => {
    const found = (await receipts()).get(id)
    if (found === undefined) throw noReceipt()
    return found
  }
  return {
    async context(options = {}) {
      const messages = accepted(parts, options)
      const source = await contextSource(
        parts,
        at.scope,
        ref,
        options.preview === true ? (loaded) => withMessages(there(loaded), messages) : undefined,
      )
      return makeContext(source, options, { ...parts.contexts, cache: sessionCache(parts, ref).contexts })
    },
    async newEpoch() {
      await parts.logs.change(ref, ({ body }) => (body.epoch === undefined ? undefined : { ...body, epoch: endEpoch(body.epoch, 'asked') }))
    },
    summary: () => summaryOf(parts, at),
    async reconcile(id, usage, options = {}) {
      checkFields(options, reconcileFields, 'the options of a reconciliation')
      if (usage !== null) checkFields(usage ?? null, usageTokenFields, 'the usage')
      return reconcile(await contextSource(parts, at.scope, ref), id, usage, options, parts.contexts)
    },
    epoch: async () => (await parts.logs.head(ref)).body.epoch,
    receipts: {
      async list(page = {}) {
        checkFields(page, pageFields, 'the page')
        return pageOf([...(await receipts()).values()], page)
      },
      async get(id) {
        const { receipt: found, usage } = await receipt(id)
        return usage === undefined ? { receipt: found } : { receipt: found, usage }
      },
      diff: async (a, b) => diffReceipts((await receipt(a)).receipt, (await receipt(b)).receipt),
    },
    async why(of) {
      checkSubject(of)
      return courseOf(
        [...(await receipts()).values()].map((kept) => kept.receipt),
        of,
      )
    },
  }
}

function checkSubject(of: unknown): void {
  const named = typeof of === 'string' && of.length > 0 && of.length <= limits.idBytes
  if (!named && !(Number.isSafeInteger(of) && (of as number) > 0))
    throw new RecollectError('invalid_input', 'why asks for a seq from 1, or for the id of a memory', 'Give a seq of this session, or a memory id.')
}

/** Checks the options, and gives the messages that are to be planned as if they were appended. */
function accepted(parts: SessionParts, options: ContextOptions, more: Fields = {}): readonly Message[] {
  checkContextOptions(options, more)
  const { messages = [] } = options
  if (messages.length === 0) return []
  const channel = { userText: 'user-typed', now: parts.clock.now(), random: parts.random } as const
  const pieces = Array.from({ length: Math.ceil(messages.length / limits.messagesAnAppend) }, (_, i) => i * limits.messagesAnAppend)
  return pieces.flatMap((at) => acceptMessages(messages.slice(at, at + limits.messagesAnAppend), channel))
}

/** A session as if the messages had been appended (CTX-1). The ids of a fold are shared by all folds of its log: these must not go in. */
function withMessages(loaded: LoadedSession, messages: readonly Message[]): LoadedSession {
  const { fold } = loaded
  const entries = messages.map((message, i) => ({ seq: fold.upTo + 1 + i, entry: { type: 'message' as const, message } }))
  return messages.length === 0 ? loaded : { ...loaded, fold: foldSession({ ...fold, ids: new Map(fold.ids) }, entries) }
}

/** A context of a session that may not be there yet, or as if it had been rewound first. Writes nothing. */
export async function previewContext(
  parts: SessionParts,
  scope: Scope,
  session: string | undefined,
  asked: ContextOptions & { readonly rewindTo?: number },
): Promise<Context> {
  const messages = accepted(parts, asked, { rewindTo: 'number' })
  const { rewindTo, ...options } = asked
  const id = session === undefined ? '~preview' : checkId(session, 'the session name')
  const source = await contextSource(parts, scope, refOf(scope, 'session', id), (loaded) =>
    withMessages(rewound(loaded ?? unmade(parts), rewindTo), messages),
  )
  return makeContext(source, { ...options, preview: true }, { ...parts.contexts, cache: createContextCache() })
}

function there(loaded: LoadedSession | undefined): LoadedSession {
  if (loaded === undefined) throw noSession()
  return loaded
}

function unmade(parts: SessionParts): LoadedSession {
  const now = parts.clock.now()
  const body = newSessionHead({}, parts.lives, now, '')
  const head = { version: 0, revision: 0, birth: 0, rewrites: 0, createdAt: now, updatedAt: now, entries: 0, bytes: 0, body: new Uint8Array() }
  return { head, body, fold: emptyFold }
}

function rewound(loaded: LoadedSession, toSeq: number | undefined): LoadedSession {
  const { fold } = loaded
  if (toSeq === undefined || toSeq >= fold.upTo) return loaded
  if (!Number.isInteger(toSeq) || toSeq < 0)
    throw new RecollectError('invalid_input', 'rewindTo is a seq of the session', 'Give a whole number from 0.')
  // The ids of a fold are shared by all folds of its log: a look ahead must not touch them.
  return { ...loaded, fold: foldSession({ ...fold, ids: new Map(fold.ids) }, [{ seq: fold.upTo + 1, entry: { type: 'rewind', toSeq, at: 0 } }]) }
}

/** The state sheet of the whole path, as the next epoch would show it (SUM-1, SUM-5). */
async function summaryOf(parts: SessionParts, { scope, id }: At): ReturnType<Session['summary']> {
  const { fold, body } = await parts.logs.load(refOf(scope, 'session', id))
  const keys = await parts.keys.ownerKeys(scope)
  const sheet = offlineSheet({ messages: fold.messages, upTo: fold.upTo, tag: (fields) => keys.tag('id', fields) })
  const { items, sources } = renderSheet(sheet, { budgetTokens: limits.summaryTokens, counter: parts.contexts.counter ?? classCounter })
  const text = items.map((item) => item.text).join('\n')
  return { sheet: sheet as unknown as JsonObject, text, upTo: fold.upTo, ...(body.epoch === undefined ? {} : { epoch: body.epoch.no }), sources }
}

/** Reading receipts needs the session's live head (LIFE-3). */
async function receiptPlaceOf(parts: SessionParts, { scope, id }: At): Promise<ReceiptPlace> {
  const { head, body } = await parts.logs.head(refOf(scope, 'session', id))
  return receiptPlace(scope, await parts.keys.ownerKeys(scope), id, head.birth, body.absoluteAt)
}

/** Newest first; the cursor is the seq before which the next page begins. */
function pageOf(kept: readonly KeptReceipt[], page: PageRequest): Awaited<ReturnType<Session['receipts']['list']>> {
  const { cursor } = page
  const limit = pageLimit(page.limit)
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor)
  if (cursor !== undefined && !/^[1-9][0-9]{0,15}$/.test(cursor))
    throw new RecollectError('invalid_input', 'the cursor is none of this list', 'Use the cursor of the page before.')
  const rest = kept.filter(({ seq }) => seq < before).toReversed()
  const items = rest.slice(0, limit).map(({ receipt, usage }) => ({
    id: receipt.id,
    at: receipt.at,
    upTo: receipt.upTo,
    epoch: receipt.epoch.no,
    tokens: receipt.tokens.predicted,
    injected: placedIds(receipt).length,
    billed: usage?.billed != null,
  }))
  return rest.length > limit ? { items, cursor: String((rest[limit - 1] as KeptReceipt).seq) } : { items }
}
