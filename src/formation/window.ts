// Which messages one run forms: whole turns from the cursor on, as many as fit (FORM-2). Pure.
import { utf8Length } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { quotable, type LoggedMessage } from '../core/message.ts'
import { indexFrom, type SessionFold } from '../core/session.ts'

export interface Window {
  readonly messages: readonly LoggedMessage[]
  readonly upTo: number // where the cursor goes
}

/** At most 64 messages or 256 KiB, cut between turns; a turn that does not fit by itself is cut between its messages. `undefined`: nothing is left. */
export function windowOf({ messages, upTo }: Pick<SessionFold, 'messages' | 'upTo'>, cursor: number): Window | undefined {
  if (cursor >= upTo) return undefined
  const from = indexFrom(messages, cursor + 1)
  let turn = from // where the newest turn begins
  let bytes = 0
  for (let i = from; i < messages.length; i++) {
    if (beginsTurn(messages, i)) turn = i
    bytes += bytesOf(messages[i] as LoggedMessage)
    if (i === from || (i - from < limits.formMessages && bytes <= limits.formBytes)) continue
    const end = turn > from ? turn : i
    return { messages: messages.slice(from, end), upTo: (messages[end - 1] as LoggedMessage).seq }
  }
  return { messages: messages.slice(from), upTo }
}

/** TURN-1: a user message after anything but a user message. */
const beginsTurn = (messages: readonly LoggedMessage[], i: number): boolean =>
  messages[i]?.message.role === 'user' && messages[i - 1]?.message.role !== 'user'

const bytesOf = ({ message }: LoggedMessage): number => utf8Length(quotable(message).text)
