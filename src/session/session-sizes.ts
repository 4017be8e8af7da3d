// How large a session is in messages and estimated tokens (OBS-8): counted message by message, and kept in the head at a turn's end.
import type { LogRef } from '../core/log-ref.ts'
import type { Message } from '../core/message.ts'
import { indexFrom, type SessionHead } from '../core/session.ts'
import type { SessionLogs } from './session-logs.ts'

export type SessionSize = NonNullable<SessionHead['tokens']>

export interface SessionSizes {
  /** As of the log's version. */
  of(ref: LogRef): Promise<SessionSize>
  /** Tokens of the path up to a seq: what sending the whole history would have taken then. */
  history(ref: LogRef): Promise<(upTo: number) => number>
}

/** `tokensOf` counts one message; each is counted once as long as it stays in memory. */
export function sessionSizes(logs: SessionLogs, tokensOf: (message: Message) => number): SessionSizes {
  const known = new WeakMap<Message, number>()
  const counted = (message: Message): number => {
    const tokens = known.get(message) ?? tokensOf(message)
    known.set(message, tokens)
    return tokens
  }
  return {
    async of(ref) {
      const { fold } = await logs.load(ref)
      const count = fold.messages.reduce((sum, { message }) => sum + counted(message), 0)
      return { upTo: fold.upTo, count: Math.round(count), messages: fold.messages.length }
    },
    async history(ref) {
      const { messages } = (await logs.load(ref)).fold
      const sums = [0]
      for (const { message } of messages) sums.push((sums.at(-1) as number) + counted(message))
      return (upTo) => sums[indexFrom(messages, upTo + 1)] as number
    },
  }
}
