// What is said: a message of parts, and the origin of every span of its text (storage §3.1).
import { authorityOfOrigin, lowest, type Authority, type Origin } from './authority.ts'
import type { Json } from './json.ts'

export const roles = ['system', 'user', 'assistant', 'tool'] as const
export type Role = (typeof roles)[number]

/** A stretch of a part's text, in UTF-16 units. `labelled`: by the client, not by the channel's default or length. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly origin: Origin
  readonly labelled: boolean
}

export interface TextPart {
  readonly type: 'text'
  readonly text: string
  /** cover the text, in order, without gaps */
  readonly spans: readonly Span[]
}
export interface ToolCallPart {
  readonly type: 'tool-call'
  readonly callId: string
  readonly name: string
  /** as received */
  readonly arguments: string
  /** of a tool that takes free text */
  readonly custom?: boolean
}
export interface ToolResultPart {
  readonly type: 'tool-result'
  readonly callId: string
  readonly content: readonly Part[]
  readonly failed?: boolean
}
/** Opaque to the engine: goes only to the family that made it (LOW-4). */
export interface OpaquePart {
  readonly type: 'reasoning' | 'foreign'
  readonly family: string
  /** as received */
  readonly data: Json
}
export interface MediaPart {
  readonly type: 'image' | 'file'
  readonly mediaType: string
  readonly url?: string
  readonly data?: Uint8Array
  readonly name?: string
  readonly caption?: string
  /** how closely a model shall look */
  readonly detail?: string
}
export type Part = TextPart | ToolCallPart | ToolResultPart | OpaquePart | MediaPart

export interface Message {
  readonly id: string
  readonly role: Role
  readonly name?: string
  /** ms */
  readonly createdAt: number
  readonly parts: readonly Part[]
  readonly incomplete?: 'aborted' | 'upstream'
}

/** A message where it stands in its log. */
export interface LoggedMessage {
  readonly seq: number
  readonly message: Message
}

/** TURN-1: a user message after anything but a user message. */
export const beginsTurn = (message: Message, before: Message | undefined): boolean => message.role === 'user' && before?.role !== 'user'

/** What a caller may append: text or parts; spans may be left out, then the channel's origin holds for the whole text. */
export interface MessageInput {
  readonly id?: string
  readonly role: Role
  readonly text?: string
  readonly parts?: readonly PartInput[]
  readonly name?: string
  readonly createdAt?: number
  readonly incomplete?: 'aborted' | 'upstream'
}
export type PartInput =
  | { readonly type: 'text'; readonly text: string; readonly spans?: readonly SpanInput[] }
  | ToolCallPart
  | { readonly type: 'tool-result'; readonly callId: string; readonly content: readonly PartInput[] | string; readonly failed?: boolean }
  | OpaquePart
  | MediaPart
export interface SpanInput {
  readonly start: number
  readonly end: number
  readonly origin: Origin
}

/** The text of a message's own text parts, joined by line breaks; tool results and media left out. */
export const textOf = (message: Message): string => message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')

/** A stretch of one origin, in UTF-16 units; `of`: whose text it is. */
export interface OriginStretch {
  readonly start: number
  readonly end: number
  readonly origin: Origin
  readonly of: 'message' | 'media' | 'result'
}

/**
 * What a memory may quote: `textOf`, then the captions of media and the names of files, which nobody vouches for, then each tool result.
 * Offsets of evidence count in it; those of the message's own text are the same in `textOf`.
 */
export function quotable(message: Message): { readonly text: string; readonly stretches: readonly OriginStretch[] } {
  const texts: string[] = []
  const stretches: OriginStretch[] = []
  let at = 0
  const add = (text: string, of: OriginStretch['of'], spans: readonly Pick<Span, 'start' | 'end' | 'origin'>[]) => {
    for (const { start, end, origin } of spans) stretches.push({ start: at + start, end: at + end, origin, of })
    texts.push(text)
    at += text.length + 1
  }
  for (const part of message.parts) if (part.type === 'text') add(part.text, message.role === 'tool' ? 'result' : 'message', part.spans)
  for (const part of message.parts) {
    const title = part.type === 'image' || part.type === 'file' ? (part.caption ?? (part.type === 'file' ? part.name : undefined)) : undefined
    if (title !== undefined) add(title, 'media', [{ start: 0, end: title.length, origin: 'file' }])
  }
  for (const part of message.parts) {
    const text = part.type === 'tool-result' ? part.content.flatMap((one) => (one.type === 'text' ? [one.text] : [])).join('\n') : ''
    if (text !== '') add(text, 'result', [{ start: 0, end: text.length, origin: 'tool' }])
  }
  return { text: texts.join('\n'), stretches }
}

/** All spans of a message, those inside tool results too. */
export function spansOf(parts: readonly Part[]): Span[] {
  return parts.flatMap((part) => (part.type === 'text' ? [...part.spans] : part.type === 'tool-result' ? spansOf(part.content) : []))
}

/** The lowest standing of anything in the message (POI-2); opaque parts and media without text stand as the role does. */
export function authorityOfMessage(message: Message): Authority {
  const spans = spansOf(message.parts)
  if (spans.length > 0) return lowest(spans.map((span) => authorityOfOrigin(span.origin)))
  return message.role === 'assistant' ? 'assistant' : message.role === 'user' ? 'typed' : 'untrusted'
}
