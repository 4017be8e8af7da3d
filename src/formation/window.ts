// Which messages one run forms: whole turns from the cursor on, as many as fit (FORM-2). Pure.
import { utf8Length } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { beginsTurn, quotable, type LoggedMessage } from '../core/message.ts'
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
    const logged = messages[i] as LoggedMessage
    if (beginsTurn(logged.message, messages[i - 1]?.message)) turn = i
    bytes += bytesOf(logged)
    if (i === from || (i - from < limits.formMessages && bytes <= limits.formBytes)) continue
    const end = turn > from ? turn : i
    return { messages: messages.slice(from, end), upTo: (messages[end - 1] as LoggedMessage).seq }
  }
  return { messages: messages.slice(from), upTo }
}

const bytesOf = ({ message }: LoggedMessage): number => utf8Length(quotable(message).text)
