// One message of the log as it is sent: escaped, labelled spans fenced in their place, old results masked, long ones cut, what cannot go left out.
// A function of the message and the epoch record alone, so that any process gives the same bytes (EPO-5).
import { atLeast, authorityOfOrigin } from '../../core/authority.ts'
import type { EpochRecord, ReceiptPart } from '../../core/context.ts'
import { isJsonObject, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { LoggedMessage, Part, TextPart, ToolResultPart } from '../../core/message.ts'
import { escapeFence } from '../../security/data-fence.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import type { TokenCounter } from '../../ports/token-counter.ts'
import { countMessage } from '../counting/count.ts'
import type { Emitted } from '../prompt/emitted.ts'
import { fenced } from './pack-blocks.ts'
import { emptyMessage } from '../prompt/placeholders.ts'
import type { Step } from './pack-rounds.ts'
import type { ModelProfile } from '../prompt/profiles.ts'

/** What messages are rendered by. */
export interface Rendering {
  readonly record: Pick<EpochRecord, 'fenceKey' | 'maskResultsBefore' | 'leastBefore' | 'cut' | 'pins'>
  readonly profile: ModelProfile
  readonly counter: TokenCounter
  readonly keys: OwnerKeys
}

const noResult = '[no result recorded]' // TURN-5
const systemMark = '[system] ' // LOW-3

type Change = ReceiptPart['change']

/** The messages of a step, in the order sent. A message whose parts go to two places is counted at the first. */
export function emitStep(step: Step, as: Pick<Emitted, 'class' | 'why'>, by: Rendering): Emitted[] {
  if (step.type === 'message') return [emitMessage(step.logged, as, by)]
  if (step.type === 'stray') {
    const split = step.parts.length < step.logged.message.parts.length
    return [emitStray(step.logged, step.parts, split, as, by)]
  }
  const sent = [emitMessage(step.logged, as, by)]
  const known = new Set<number>()
  for (const { call, from, part } of step.results) {
    const result = part ?? { type: 'tool-result' as const, callId: call.callId, content: [plain(noResult)] }
    const [content, change] = from === undefined ? [result.content, 'placeholder' as const] : resultContent(result, from.seq, by)
    const parts = [{ ...result, callId: escapeFence(result.callId), content }]
    const changed = changeOf(change, result.content, content, by)
    const last = sent.at(-1) as Emitted
    if (from !== undefined && last.role === 'tool' && last.seq === from.seq) {
      const savedTokens = (last.savedTokens ?? 0) + (changed.savedTokens ?? 0)
      sent[sent.length - 1] = counted({ ...last, ...changed, ...(savedTokens === 0 ? {} : { savedTokens }), parts: [...last.parts, ...parts] }, by)
    } else
      sent.push(
        counted(
          {
            ...as,
            role: 'tool',
            parts,
            ...changed,
            ...(from === undefined || known.has(from.seq) ? {} : { seq: from.seq }),
          },
          by,
        ),
      )
    if (from !== undefined) known.add(from.seq)
  }
  return sent
}

/** Text of ours or of no channel: one span, not labelled. */
export const plain = (text: string): TextPart => ({ type: 'text', text, spans: [] })

/** With its tokens: a message is counted once (TOK-5). */
export const counted = (message: Omit<Emitted, 'tokens'>, { profile, counter }: Pick<Rendering, 'profile' | 'counter'>): Emitted =>
  Object.freeze({ ...message, tokens: countMessage(message, profile, counter) })

function emitMessage({ seq, message }: LoggedMessage, as: Pick<Emitted, 'class' | 'why'>, by: Rendering): Emitted {
  let change: Change
  const parts: Part[] = []
  for (const [index, part] of message.parts.entries()) {
    if (part.type === 'reasoning' || part.type === 'foreign') {
      if (goesTo(part.family, part.type, by.profile)) parts.push(escaped(part))
      else change = part.type === 'reasoning' ? 'reasoning-dropped' : 'placeholder'
    } else if (part.type === 'text') {
      const [text, textChange] = messageText(part, message.role === 'user', seq, index, by)
      change = textChange ?? change
      if (text.length > 0) parts.push(text === part.text ? part : { ...part, text })
    } else if (part.type === 'tool-result') {
      // A result outside the tool role stands for no call of ours: data (I1).
      parts.push(plain(strayText(part, `stray:${seq}:${index}`, by)))
      change = 'fenced'
    } else parts.push(escaped(part))
  }
  if (message.role === 'system') parts.unshift(plain(systemMark))
  if (parts.every((part) => part.type === 'reasoning')) parts.push(plain(emptyMessage)) // not every format carries reasoning
  const role = message.role === 'assistant' ? 'assistant' : 'user'
  return counted(
    { ...as, role, parts, seq, ...(message.name === undefined ? {} : { name: message.name }), ...changeOf(change, message.parts, parts, by) },
    by,
  )
}

/** What was done to a message, and what a mask or a cut saved of it. */
function changeOf(
  change: Change,
  before: readonly Part[],
  after: readonly Part[],
  { profile, counter }: Rendering,
): Pick<Emitted, 'change' | 'savedTokens'> {
  if (change === undefined) return {}
  if (change !== 'masked' && change !== 'cut') return { change }
  return { change, savedTokens: Math.max(0, countMessage({ parts: before }, profile, counter) - countMessage({ parts: after }, profile, counter)) }
}

/** LOW-4: opaque parts go to the family that made them, and to a model of which nothing is known (PRO-2). The chat format carries no reasoning. */
const goesTo = (family: string, type: 'reasoning' | 'foreign', profile: ModelProfile): boolean =>
  (family === profile.family || (type === 'foreign' && profile.family === 'generic')) &&
  (type === 'foreign' || (profile.reasoning !== 'none' && profile.format === 'neutral'))

function messageText(part: TextPart, user: boolean, seq: number, index: number, by: Rendering): [string, Change] {
  const labelled = user && part.spans.some((span) => span.labelled && !atLeast(authorityOfOrigin(span.origin), 'assistant'))
  const text = labelled ? fenceSpans(part, `quote:${seq}:${index}`, by) : escapeFence(part.text)
  const cut = cutText(text, seq, by)
  return [cut, cut === text ? (labelled ? 'fenced' : undefined) : 'cut']
}

/** POI-14 (a): a span that the client itself labelled goes inside a fence, in its place. */
function fenceSpans(part: TextPart, blockId: string, by: Rendering): string {
  return part.spans
    .map((span) => {
      const text = part.text.slice(span.start, span.end)
      const authority = authorityOfOrigin(span.origin)
      if (!span.labelled || atLeast(authority, 'assistant')) return escapeFence(text)
      return fenced('quoted-data', `${blockId}:${span.start}`, [{ id: `${blockId}:${span.start}`, origin: span.origin, authority, text }], by)
    })
    .join('')
}

function resultContent(result: ToolResultPart, seq: number, by: Rendering): [readonly Part[], Change] {
  const content = result.content.filter((part) => part.type !== 'text' || part.text !== '').map(escaped)
  if (content.length === 0) return [[plain(emptyMessage)], 'placeholder']
  if (seq < (by.record.maskResultsBefore ?? 0) && !by.record.pins.includes(seq)) {
    const tokens = countMessage({ parts: content }, by.profile, by.counter)
    if (tokens > limits.maskLeastTokens)
      return [[plain(`[result masked: ${by.keys.tag('id', ['mask', JSON.stringify(content)])}, seq ${seq}, ${Math.ceil(tokens)} tokens]`)], 'masked']
  }
  const cut = content.map((part) => (part.type === 'text' ? cutPart(part, seq, by) : part))
  return [cut, cut.some((part, index) => part !== content[index]) ? 'cut' : undefined]
}

/** What a part says, with our fence syntax escaped (POI-14 f); in the JSON of a call the escape reads as the character it stands for. Reasoning stays as its maker signed it. */
function escaped(part: Part): Part {
  switch (part.type) {
    case 'text': {
      const text = escapeFence(part.text)
      return text === part.text ? part : { ...part, text }
    }
    case 'tool-call': {
      const [callId, name, text] = [escapeFence(part.callId), escapeFence(part.name), escapeFence(part.arguments)]
      return callId === part.callId && name === part.name && text === part.arguments ? part : { ...part, callId, name, arguments: text }
    }
    case 'foreign': {
      const text = JSON.stringify(part.data)
      return escapeFence(text) === text ? part : { ...part, data: escapedJson(part.data) }
    }
    case 'image':
    case 'file': {
      const [caption, name] = [escapeFence(part.caption ?? ''), escapeFence(part.name ?? '')]
      if (caption === (part.caption ?? '') && name === (part.name ?? '')) return part
      return { ...part, ...(part.caption === undefined ? {} : { caption }), ...(part.name === undefined ? {} : { name }) }
    }
    default:
      return part
  }
}

const escapedJson = (value: Json): Json => {
  if (typeof value === 'string') return escapeFence(value)
  if (Array.isArray(value)) return value.map(escapedJson)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [escapeFence(name), escapedJson(one)]))
}

const cutPart = (part: TextPart, seq: number, by: Rendering): TextPart => {
  const text = cutText(part.text, seq, by)
  return text === part.text ? part : { ...part, text }
}

/** BUD-3 (4, 8): head and tail, and how much lies between; never inside a surrogate pair. */
function cutText(text: string, seq: number, { record }: Rendering): string {
  const cut = record.cut.find((one) => one.seq === seq)
  if (cut === undefined || text.length <= cut.head + cut.tail) return text
  const head = text.slice(0, whole(text, cut.head))
  const tail = cut.tail === 0 ? '' : text.slice(whole(text, text.length - cut.tail))
  const mark = `\n[${text.length - head.length - tail.length} characters cut from seq ${seq}]\n`
  return head.length + mark.length + tail.length < text.length ? head + mark + tail : text
}

const whole = (text: string, at: number): number => {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at
}

function emitStray(logged: LoggedMessage, parts: readonly Part[], split: boolean, as: Pick<Emitted, 'class' | 'why'>, by: Rendering): Emitted {
  const text = parts.map((part, index) => strayText(part, `stray:${logged.seq}:${index}`, by)).join('\n')
  return counted({ ...as, role: 'user', block: 'quoted-data', change: 'fenced', parts: [plain(text)], ...(split ? {} : { seq: logged.seq }) }, by)
}

/** A result whose call is not in the context, as fenced data. */
function strayText(part: Part, blockId: string, by: Rendering): string {
  const inner = part.type === 'tool-result' ? part.content : [part]
  const text = inner.map((one) => (one.type === 'text' ? one.text : `[${one.type}]`)).join('\n')
  const id = part.type === 'tool-result' ? part.callId : blockId
  const seq = Number(blockId.split(':')[1])
  return fenced('quoted-data', blockId, [{ id, origin: 'tool', authority: 'untrusted', text: cutText(text, seq, by) }], by)
}
