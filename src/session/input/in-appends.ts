// Parts a history into appends that each fit the bounds of one, all of it checked before any of it is stored (GW-11).
import { limits } from '../../core/limits.ts'
import type { MessageInput } from '../../core/message.ts'
import { encodeSessionEntry } from '../../core/session.ts'
import { acceptMessage, tooLarge, type Channel } from './accept-messages.ts'

// Faults are the same on every channel and at every time, and sizes the same or smaller.
const anyChannel: Channel = { userText: 'user-typed', now: Number.MAX_SAFE_INTEGER, random: (bytes) => new Uint8Array(bytes) }

/**
 * Pure; nothing for no messages. `first` is what the first message is called in errors.
 * @throws `invalid_input`, `payload_too_large` as an append would, for any message of the history
 */
export function inAppends(messages: readonly MessageInput[], first = 0): readonly (readonly MessageInput[])[] {
  const appends: MessageInput[][] = []
  let room = 0
  for (const [i, input] of messages.entries()) {
    const at = `messages[${first + i}]`
    const bytes = encodeSessionEntry({ type: 'message', message: acceptMessage(input, at, anyChannel) }).length
    if (bytes > limits.entryBytes) throw tooLarge(at, limits.entryBytes, bytes)
    if (bytes > room || appends.at(-1)?.length === limits.messagesAnAppend) {
      appends.push([])
      room = limits.appendBytes - limits.sealBytesAllowed // which a rewind in the same append takes
    }
    appends.at(-1)?.push(input)
    room -= bytes
  }
  return appends
}
