// Appending to a session and reading it: messages of the current path, by seq (SES-1).
import { createHash } from 'node:crypto'
import { pageLimit } from '../../core/check-fields.ts'
import { RecollectError } from '../../core/errors.ts'
import { refOf } from '../../core/log-ref.ts'
import type { LoggedMessage, Message, MessageInput } from '../../core/message.ts'
import { findMessage, indexFrom } from '../../core/session.ts'
import { acceptMessages } from '../input/accept-messages.ts'
import { checkSeq } from './branch.ts'
import { appendWithin } from './grow.ts'
import type { NewEntry } from '../logs/session-logs.ts'
import type { At, SessionParts } from '../session-parts.ts'
import type { AppendedMessages, AppendMessagesOptions, MessagePage } from '../session-types.ts'

export async function appendMessages(
  parts: SessionParts,
  { scope, id }: At,
  given: MessageInput | readonly MessageInput[],
  options: AppendMessagesOptions = {},
): Promise<AppendedMessages> {
  const ref = refOf(scope, 'session', id)
  const { expectedVersion, fence, userText = 'user-typed', rewindTo } = options
  const inputs = Array.isArray(given) ? (given as readonly MessageInput[]) : [given as MessageInput]
  const messages = acceptMessages(inputs, { userText, now: parts.clock.now(), random: parts.random })
  const rewind = rewindTo === undefined ? [] : [rewindBefore(messages[0] as Message, rewindTo, parts.clock.now())]
  const entries: NewEntry[] = [...rewind, ...messages.map((message) => ({ id: message.id, entry: { type: 'message', message } as const }))]
  const seen = await parts.logs.head(ref)
  if (rewindTo !== undefined) checkSeq(rewindTo, 0, seen.head.version, 'rewindTo')
  const appended = await appendWithin(parts, scope, ref, seen, entries, {
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(fence === undefined ? {} : { fence }),
  })
  if (appended.added > 0) {
    if (rewindTo !== undefined) parts.jobs.due(scope, id, 'now') // records that rest on what was rewound end
    else if (fence === undefined) parts.jobs.due(scope, id, endsTurn(messages.at(-1) as Message) ? 'now' : 'idle')
  }
  const { head, seqs, added } = appended
  return {
    version: head.version,
    revision: head.revision,
    seqs: seqs.slice(rewind.length),
    ids: messages.map((message) => message.id),
    added: Math.max(0, added - rewind.length),
  }
}

/** Its id follows from the message's, so that the same append again rewinds nothing (LOG-12). */
const rewindBefore = ({ id }: Message, toSeq: number, at: number): NewEntry => ({
  id: `~rewind.${createHash('sha256').update(id).digest('base64url')}`,
  entry: { type: 'rewind', toSeq, at },
})

/** NODE-8: without a lease a turn ends with an answer that has no open call. */
const endsTurn = (last: Message): boolean => last.role === 'assistant' && !last.parts.some((part) => part.type === 'tool-call')

export async function readMessages(
  parts: SessionParts,
  { scope, id }: At,
  page: MessagePage = {},
): Promise<{ items: readonly LoggedMessage[]; next?: number }> {
  const { after = 0, upTo = Number.MAX_SAFE_INTEGER, order = 'asc' } = page
  if (order !== 'asc' && order !== 'desc') throw refused('order must be asc or desc', 'Leave it out for asc.')
  const limit = pageLimit(page.limit)
  for (const [name, seq] of [
    ['after', after],
    ['upTo', upTo],
  ] as const)
    if (!Number.isSafeInteger(seq) || seq < 0) throw refused(`${name} must be a seq`, 'Give a whole number from 0.')
  const { messages } = (await parts.logs.load(refOf(scope, 'session', id))).fold
  const [from, to] = [indexFrom(messages, after + 1), indexFrom(messages, Math.min(upTo, Number.MAX_SAFE_INTEGER - 1) + 1)]
  if (order === 'asc') {
    const items = messages.slice(from, Math.min(to, from + limit))
    return from + limit < to ? { items, next: (items.at(-1) as LoggedMessage).seq } : { items }
  }
  const items = messages.slice(Math.max(from, to - limit), Math.max(from, to)).toReversed()
  return to - limit > from ? { items, next: (items.at(-1) as LoggedMessage).seq - 1 } : { items }
}

/** @throws `not_found` if the current path has none with this id */
export async function readMessage(parts: SessionParts, { scope, id }: At, messageId: string): Promise<LoggedMessage> {
  const found = findMessage((await parts.logs.load(refOf(scope, 'session', id))).fold, messageId)
  if (found === undefined)
    throw new RecollectError(
      'not_found',
      'the session has no such message',
      'List its messages; one that was redacted or rewound does not come back.',
    )
  return found
}

const refused = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)
