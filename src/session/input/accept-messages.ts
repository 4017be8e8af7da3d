// From what a caller appends to what the log holds: checked, bounded, with the origin of every span fixed by its channel (POI-1, SES-1).
import { atLeast, authorityOfOrigin, origins, type Origin } from '../../core/authority.ts'
import { checkFields, type Fields } from '../../core/check-fields.ts'
import { RecollectError } from '../../core/errors.ts'
import { checkId, hasLoneSurrogate, idFault, madeId, type Random } from '../../core/ids.ts'
import { utf8Length, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { roles, type Message, type MessageInput, type Part, type PartInput, type Role, type Span, type SpanInput } from '../../core/message.ts'
import { checkJson } from './check-json.ts'

export interface Channel {
  /** What unlabelled user text counts as. */
  readonly userText: 'user-typed' | 'paste'
  readonly now: number
  readonly random: Random
}

/** @throws `invalid_input` on a wrong shape, range or label · `payload_too_large` on a size */
export function acceptMessages(inputs: readonly MessageInput[], channel: Channel): readonly Message[] {
  if (!Array.isArray(inputs) || inputs.length === 0) throw refused('an append takes at least one message', 'Give a message or a list of them.')
  if (inputs.length > limits.messagesAnAppend)
    throw refused(`an append takes at most ${limits.messagesAnAppend} messages; got ${inputs.length}`, 'Append them in several calls.', {
      limit: limits.messagesAnAppend,
      given: inputs.length,
    })
  return inputs.map((input, i) => acceptMessage(input, `messages[${i}]`, channel))
}

const messageFields: Fields = {
  id: 'any',
  role: 'any',
  text: 'any',
  parts: 'any',
  name: 'any',
  createdAt: 'any',
  incomplete: 'any',
}
const opaque: Fields = { type: 'any', family: 'any', data: 'any' }
const media: Fields = { type: 'any', mediaType: 'any', url: 'any', data: 'any', name: 'any', caption: 'any', detail: 'any' }
const partFields: Readonly<Record<PartInput['type'], Fields>> = {
  text: { type: 'any', text: 'any', spans: 'objects' },
  'tool-call': { type: 'any', callId: 'any', name: 'any', arguments: 'any', custom: 'flag' },
  'tool-result': { type: 'any', callId: 'any', content: 'any', failed: 'flag' },
  reasoning: opaque,
  foreign: opaque,
  image: media,
  file: media,
}

export function acceptMessage(input: MessageInput, at: string, channel: Channel): Message {
  checkFields(input ?? null, messageFields, at)
  if (!roles.includes(input.role)) throw refused(`${at}.role must be one of ${roles.join(', ')}`, 'Give one of these roles.')
  if ((input.text === undefined) === (input.parts === undefined)) throw refused(`${at} has text or parts, one of the two`, 'Give text, or parts.')
  const parts: readonly PartInput[] = input.parts ?? [{ type: 'text', text: input.text as string }]
  if (!Array.isArray(parts)) throw refused(`${at}.parts must be a list`, 'Give a list of parts.')
  if (input.incomplete !== undefined && input.incomplete !== 'aborted' && input.incomplete !== 'upstream')
    throw refused(`${at}.incomplete must be aborted or upstream`, 'Leave it out for a message that is whole.')
  return {
    id: input.id === undefined ? madeId('msg', channel.random) : checkId(input.id, `${at}.id`),
    role: input.role,
    ...(input.name === undefined ? {} : { name: checkName(input.name, `${at}.name`) }),
    createdAt: checkTime(input.createdAt ?? channel.now, `${at}.createdAt`, channel.now),
    parts: acceptParts(parts, at, originOfRole(input.role, channel)),
    ...(input.incomplete === undefined ? {} : { incomplete: input.incomplete }),
  }
}

/** The system's text is the application's, not the user's: no memory rests on it (POI-1: what no channel vouches for is `unknown`). */
const originOfRole = (role: Role, channel: Channel): Origin =>
  role === 'user' ? channel.userText : role === 'assistant' ? 'assistant' : role === 'tool' ? 'tool' : 'unknown'

function acceptParts(parts: readonly PartInput[], at: string, origin: Origin): readonly Part[] {
  if (parts.length > limits.messageParts)
    throw refused(`${at} has at most ${limits.messageParts} parts; got ${parts.length}`, 'Send fewer parts.', {
      limit: limits.messageParts,
      given: parts.length,
    })
  return parts.map((part, i) => acceptPart(part, `${at}.parts[${i}]`, origin))
}

function acceptPart(part: PartInput, at: string, origin: Origin): Part {
  const type: unknown = (part as PartInput | null)?.type
  const fields = typeof type === 'string' && Object.hasOwn(partFields, type) ? partFields[part.type] : undefined
  if (fields !== undefined) checkFields(part, fields, at)
  switch (part?.type) {
    case 'text': {
      const text = checkText(part.text, `${at}.text`)
      return { type: 'text', text, spans: origin === 'tool' ? wholly(text, 'tool') : spansOfText(text, part.spans, origin, at) }
    }
    case 'tool-call':
      return {
        type: 'tool-call',
        callId: checkText(part.callId, `${at}.callId`),
        name: checkText(part.name, `${at}.name`),
        arguments: checkText(part.arguments, `${at}.arguments`),
        ...(part.custom === true ? { custom: true } : {}),
      }
    case 'tool-result': {
      const content: readonly PartInput[] = typeof part.content === 'string' ? [{ type: 'text', text: part.content }] : part.content
      if (!Array.isArray(content) || content.some((one) => one?.type === 'tool-result'))
        throw refused(`${at}.content must be text, or a list of parts other than tool results`, 'Flatten the result.')
      return {
        type: 'tool-result',
        callId: checkText(part.callId, `${at}.callId`),
        content: acceptParts(content, at, 'tool'), // all tool results are `tool` (POI-1)
        ...(part.failed === true ? { failed: true } : {}),
      }
    }
    case 'reasoning':
    case 'foreign':
      return {
        type: part.type,
        family: checkText(part.family, `${at}.family`),
        data: checkJson(part.data, `${at}.data`, { bytes: limits.entryBytes }) as Json,
      }
    case 'image':
    case 'file':
      return acceptMedia(part, at)
    default:
      throw refused(`${at}.type is not one that a message may have`, 'Use text, tool-call, tool-result, reasoning, foreign, image or file.')
  }
}

function acceptMedia(part: Extract<PartInput, { type: 'image' | 'file' }>, at: string): Part {
  const { data } = part
  if (data !== undefined && !(data instanceof Uint8Array)) throw refused(`${at}.data must be bytes`, 'Give a Uint8Array, or a url.')
  if (data !== undefined && data.length > limits.partBytes) throw tooLarge(`${at}.data`, limits.partBytes, data.length)
  return {
    type: part.type,
    mediaType: checkText(part.mediaType, `${at}.mediaType`),
    ...(part.url === undefined ? {} : { url: checkText(part.url, `${at}.url`) }),
    ...(data === undefined ? {} : { data: Uint8Array.from(data) }),
    ...(part.name === undefined ? {} : { name: checkText(part.name, `${at}.name`) }),
    ...(part.caption === undefined ? {} : { caption: checkText(part.caption, `${at}.caption`) }),
    ...(part.detail === undefined ? {} : { detail: checkText(part.detail, `${at}.detail`) }),
  }
}

const wholly = (text: string, origin: Origin): readonly Span[] => (text === '' ? [] : [{ start: 0, end: text.length, origin, labelled: false }])

/** Labels may lower a span and never raise it; what no label covers has the channel's origin; long typed runs count as pasted (POI-1). */
function spansOfText(text: string, labels: readonly SpanInput[] | undefined, origin: Origin, at: string): readonly Span[] {
  const spans: Span[] = []
  let end = 0
  for (const [i, label] of (labels ?? []).entries()) {
    checkLabel(label, text, end, origin, `${at}.spans[${i}]`)
    if (label.start > end) spans.push({ start: end, end: label.start, origin, labelled: false })
    spans.push({ start: label.start, end: label.end, origin: label.origin, labelled: true })
    end = label.end
  }
  if (end < text.length) spans.push({ start: end, end: text.length, origin, labelled: false })
  return lowerPasted(text, spans)
}

function checkLabel(label: SpanInput, text: string, from: number, origin: Origin, at: string): void {
  const { start, end } = label ?? {}
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < from || end <= start || end > text.length)
    throw refused(
      `${at} must lie in its text of ${text.length} units, behind the span before it, with start < end`,
      'Give spans in order, without overlap, in UTF-16 units.',
    )
  if (!origins.includes(label.origin)) throw refused(`${at}.origin must be one of ${origins.join(', ')}`, 'Give one of these origins.')
  if (!atLeast(authorityOfOrigin(origin), authorityOfOrigin(label.origin)))
    throw refused(`${at}.origin stands above what this channel gives (${origin})`, 'A label can lower a span, not raise it: leave it out.')
  if (splitsPair(text, start) || splitsPair(text, end)) throw refused(`${at} cuts a character in two`, 'Begin and end spans between characters.')
}

const splitsPair = (text: string, at: number): boolean => (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00

/** Neighbouring typed spans count together, so that a label in the middle does not make a paste look typed. */
function lowerPasted(text: string, spans: readonly Span[]): readonly Span[] {
  const out: Span[] = []
  for (let from = 0; from < spans.length;) {
    let to = from
    while (to < spans.length && spans[to]?.origin === 'user-typed') to++
    const run = spans.slice(from, Math.max(to, from + 1))
    const pasted = to > from && longerThan(text, (run[0] as Span).start, (run.at(-1) as Span).end, limits.pastedCodePoints)
    out.push(...(pasted ? run.map((span): Span => ({ ...span, origin: 'paste', labelled: false })) : run))
    from += run.length
  }
  return out
}

function longerThan(text: string, start: number, end: number, codePoints: number): boolean {
  if (end - start <= codePoints) return false
  let pairs = 0
  for (let i = start; i < end; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) pairs++
  return end - start - pairs > codePoints
}

function checkText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw refused(`${what} must be a string`, 'Give text.')
  if (hasLoneSurrogate(value)) throw refused(`${what} holds a lone surrogate`, 'Send well-formed Unicode.')
  const bytes = utf8Length(value)
  if (bytes > limits.entryBytes) throw tooLarge(what, limits.entryBytes, bytes)
  return value
}

function checkName(name: unknown, what: string): string {
  const fault = idFault(name, what)
  if (fault !== undefined) throw refused(fault, `Give ${what} as 1 to ${limits.idBytes} bytes of visible text in NFC.`)
  return name as string
}

function checkTime(time: unknown, what: string, now: number): number {
  if (!Number.isSafeInteger(time) || (time as number) < 0 || (time as number) > now)
    throw refused(`${what} must be whole ms since 1970, not after now`, 'Give the time it was said, or leave it out.')
  return time as number
}

const refused = (message: string, nextStep: string, numbers: { limit?: number; given?: number } = {}) =>
  new RecollectError('invalid_input', message, nextStep, numbers)

export const tooLarge = (what: string, limit: number, given: number) =>
  new RecollectError('payload_too_large', `${what} has at most ${limit} bytes; got ${given}`, 'Send less, or send it in pieces.', { limit, given })
