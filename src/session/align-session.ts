// A request aligned to a session's path; the canonical forms of stored messages are kept beside them, since messages never change.
import type { LoggedMessage, Message, MessageInput } from '../core/message.ts'
import { alignHistory, canonical, canonicalInput, type Alignment, type Canonical, type SentHistory } from './align-history.ts'

const forms = new WeakMap<Message, Canonical>()

/** `toSeq`: seq of the last message of the path that stays, 0 if none does. */
export function alignToPath(
  path: readonly LoggedMessage[],
  sent: readonly MessageInput[],
  said: SentHistory = 'unsaid',
): Alignment & { toSeq: number } {
  const stored = path.map(({ message }) => {
    const form = forms.get(message) ?? canonical(message)
    forms.set(message, form)
    return form
  })
  const aligned = alignHistory(stored, sent.map(canonicalInput), said)
  return { ...aligned, toSeq: path[aligned.keep - 1]?.seq ?? 0 }
}
