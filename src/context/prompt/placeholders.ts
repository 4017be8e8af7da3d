// What stands for a part that cannot be sent: its kind and size, never nothing (I11).
import type { MediaPart, Part } from '../../core/message.ts'

/** A message or result with nothing in it that can be sent. */
export const emptyMessage = '[empty message]'

/** `[image image/png, 1234 bytes]`: the same media, the same text. */
export function mediaPlaceholder(part: MediaPart): string {
  const bytes = part.data === undefined ? '' : `, ${part.data.length} bytes`
  return `[${part.type} ${part.mediaType}${bytes}]${part.caption === undefined ? '' : ` ${part.caption}`}`
}

/** The text of parts that go where only text may go; media by placeholder, opaque parts left out. Empty texts are left out. */
export const textOnly = (parts: readonly Part[]): string[] =>
  parts
    .map((part) => (part.type === 'text' ? part.text : part.type === 'image' || part.type === 'file' ? mediaPlaceholder(part) : ''))
    .filter((text) => text !== '')
