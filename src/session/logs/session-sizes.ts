// How large a session is in messages and estimated tokens (OBS-8): each message is counted once, and kept in the head at a turn's end.
import type { LogRef } from '../../core/log-ref.ts'
import type { LoggedMessage, Message } from '../../core/message.ts'
import { indexFrom, type SessionFold, type SessionHead } from '../../core/session.ts'
import type { SessionLogs } from './session-logs.ts'

export type SessionSize = NonNullable<SessionHead['tokens']>

export interface SessionSizes {
  /** As of the log's version. */
  of(ref: LogRef): Promise<SessionSize>
  /** As of a fold, at the cost of what was appended since the last look. */
  ofFold(fold: SessionFold, since?: Counted): Counted
  /** Tokens of the path up to a seq: what sending the whole history would have taken then. */
  history(ref: LogRef): Promise<(upTo: number) => number>
}
/** Tokens of the first `messages` of a path. */
export interface Counted {
  readonly messages: number
  readonly tokens: number
  readonly last: LoggedMessage | undefined
}

const nothingCounted: Counted = { messages: 0, tokens: 0, last: undefined }

/** `tokensOf` counts one message; each is counted once as long as it stays in memory. */
export function sessionSizes(logs: SessionLogs, tokensOf: (message: Message) => number): SessionSizes {
  const known = new WeakMap<Message, number>()
  const counted = ({ message }: LoggedMessage): number => {
    const tokens = known.get(message) ?? tokensOf(message)
    known.set(message, tokens)
    return tokens
  }
  const ofFold = ({ messages }: SessionFold, since: Counted = nothingCounted): Counted => {
    const grown = messages[since.messages - 1] === since.last // else something was rewound or redacted
    let { tokens } = grown ? since : nothingCounted
    for (let i = grown ? since.messages : 0; i < messages.length; i++) tokens += counted(messages[i] as LoggedMessage)
    return { messages: messages.length, tokens, last: messages.at(-1) }
  }
  return {
    ofFold,
    async of(ref) {
      const { fold } = await logs.load(ref)
      const { messages, tokens } = ofFold(fold)
      return { upTo: fold.upTo, count: Math.round(tokens), messages }
    },
    async history(ref) {
      const { messages } = (await logs.load(ref)).fold
      const sums = [0]
      for (const message of messages) sums.push((sums.at(-1) as number) + counted(message))
      return (upTo) => sums[indexFrom(messages, upTo + 1)] as number
    },
  }
}
