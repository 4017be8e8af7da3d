// Aligns what a client sent to the path of a session, and keeps the canonical form of each stored message as long as the message itself.
import { refOf } from '../core/log-ref.ts'
import type { Message, MessageInput } from '../core/message.ts'
import { alignHistory, canonical, canonicalInput, type Alignment, type Canonical, type SentHistory } from './align-history.ts'
import type { At, SessionParts } from './session-parts.ts'

export async function alignSession(
  parts: SessionParts,
  { scope, id }: At,
  sent: readonly MessageInput[],
  said?: SentHistory,
): Promise<Alignment & { readonly toSeq: number; readonly version: number }> {
  const { fold, head } = await parts.logs.load(refOf(scope, 'session', id))
  const path = fold.messages.map(({ message }) => canonicalOf(message))
  const alignment = alignHistory(path, sent.map(canonicalInput), said)
  const last = alignment.keep === 0 ? undefined : fold.messages[alignment.keep - 1]
  return { ...alignment, toSeq: last?.seq ?? 0, version: head.version }
}

const known = new WeakMap<Message, Canonical>()

function canonicalOf(message: Message): Canonical {
  const found = known.get(message) ?? canonical(message)
  known.set(message, found)
  return found
}
