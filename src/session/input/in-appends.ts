// Parts a history into appends that each fit the bounds of one, all of it checked before any of it is stored (GW-11).
import { limits } from '../../core/limits.ts'
import type { Message, MessageInput, Part } from '../../core/message.ts'
import { encodeSessionEntry } from '../../core/session.ts'
import { acceptMessage, tooLarge, type Channel } from './accept-messages.ts'

// Faults are the same on every channel and at every time, and sizes the same or smaller.
const anyChannel: Channel = { userText: 'user-typed', now: Number.MAX_SAFE_INTEGER, random: (bytes) => new Uint8Array(bytes) }

/**
 * Checks a whole history before any of it is made or stored. Pure. `first` is what the first message is called in errors.
 * @throws `invalid_input`, `payload_too_large` as an append would, for any message of the history
 */
export function checkHistory(messages: readonly MessageInput[], first = 0): void {
  for (const [i, input] of messages.entries()) {
    const at = `messages[${first + i}]`
    const message = acceptMessage(input, at, anyChannel)
    // Clients send their history with each turn: what cannot be too large is not encoded to see that.
    if (mostBytesOf(message.parts) > limits.entryBytes) sized(message, at)
  }
}

/** Nothing for no messages. @throws as `checkHistory` */
export function inAppends(messages: readonly MessageInput[]): readonly (readonly MessageInput[])[] {
  const appends: MessageInput[][] = []
  let room = 0
  for (const [i, input] of messages.entries()) {
    const at = `messages[${i}]`
    const bytes = sized(acceptMessage(input, at, anyChannel), at)
    if (bytes > room || appends.at(-1)?.length === limits.messagesAnAppend) {
      appends.push([])
      room = limits.appendBytes - limits.sealBytesAllowed // which a rewind in the same append takes
    }
    appends.at(-1)?.push(input)
    room -= bytes
  }
  return appends
}

/** Bytes of its entry. */
function sized(message: Message, at: string): number {
  const bytes = encodeSessionEntry({ type: 'message', message }).length
  if (bytes > limits.entryBytes) throw tooLarge(at, limits.entryBytes, bytes)
  return bytes
}

const unitBytes = 6 // JSON writes a UTF-16 unit in at most so many: \u001f
const restBytes = 4_096 // of an entry or a part beside its texts: id and name, of up to 256 bytes each, and the names of fields
const spanBytes = 128

/** No entry of these parts has more bytes. */
const mostBytesOf = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + mostBytesOfPart(part), restBytes)

function mostBytesOfPart(part: Part): number {
  switch (part.type) {
    case 'text':
      return restBytes + unitBytes * part.text.length + spanBytes * part.spans.length
    case 'tool-call':
      return restBytes + unitBytes * (part.callId.length + part.name.length + part.arguments.length)
    case 'tool-result':
      return restBytes + unitBytes * part.callId.length + mostBytesOf(part.content)
    default:
      return Number.POSITIVE_INFINITY
  }
}
