// Aligns what a client sent to the path of a session, and keeps the canonical form of each stored message as long as the message itself.
import { checkFields } from '../../core/check-fields.ts'
import { RecollectError } from '../../core/errors.ts'
import { refOf } from '../../core/log-ref.ts'
import { roles, type Message, type MessageInput } from '../../core/message.ts'
import { checkHistory } from '../input/in-appends.ts'
import { alignHistory, canonical, canonicalInput, type Canonical, type SentHistory } from '../input/align-history.ts'
import type { At, SessionParts } from '../session-parts.ts'
import type { SessionAlignment } from '../session-types.ts'

export async function alignSession(
  parts: SessionParts,
  { scope, id }: At,
  sent: readonly MessageInput[],
  said?: SentHistory,
): Promise<SessionAlignment> {
  checkFields({ sent: sent ?? null }, { sent: 'objects' }, 'what was sent')
  if (sent.some(({ role, text, parts: given }) => !roles.includes(role) || (text === undefined) === (given === undefined)))
    throw new RecollectError(
      'invalid_input',
      'a message that was sent has no known role, or not one of text and parts',
      'Give { role, text } or { role, parts }.',
    )
  const { fold, head } = await parts.logs.load(refOf(scope, 'session', id))
  const path = fold.messages.map(({ message }) => canonicalOf(message))
  const alignment = alignHistory(path, canonicalSent(sent), said)
  const kept = fold.messages.slice(0, alignment.keep)
  const unanswered = kept[kept.findLastIndex(({ message }) => message.role === 'assistant') + 1]
  return {
    ...alignment,
    toSeq: kept.at(-1)?.seq ?? 0,
    ...(unanswered === undefined ? {} : { unansweredFrom: unanswered.seq }),
    version: head.version,
  }
}

/** What cannot be brought into form is refused as an append would; a check of all that can would cost each turn its whole history. */
function canonicalSent(sent: readonly MessageInput[]): Canonical[] {
  try {
    return sent.map(canonicalInput)
  } catch (cause) {
    checkHistory(sent)
    throw new RecollectError('invalid_input', 'a message that was sent cannot be read', 'Give { role, text } or { role, parts } as plain values.', {
      cause,
    })
  }
}

const known = new WeakMap<Message, Canonical>()

function canonicalOf(message: Message): Canonical {
  const found = known.get(message) ?? canonical(message)
  known.set(message, found)
  return found
}
