// How many tokens a text, a message or a list of tools takes: an estimate by classes of characters, or a tokenizer kept within linear time.
import type { ToolDefinition } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import type { Part } from '../../core/message.ts'
import type { TokenCounter, Tokenizer } from '../../ports/token-counter.ts'
import type { ModelProfile } from '../prompt/profiles.ts'
import { classOf, unitClass } from './token-classes.ts'

/** Counts by TOK-2, without dependencies: within about 15 % of o200k on prose, code and logs. */
export const classCounter: TokenCounter = { count: (text) => (text === '' ? 0 : Math.max(1, Math.ceil(classTokens(text)))) }

// Units of `A–Za–z0–9+/=_-` by kind: 0 outside, 1 lower, 2 upper, 3 digit, 4 sign.
const denseKind = new Uint8Array(0x80)
denseKind.fill(1, 0x61, 0x7b)
denseKind.fill(2, 0x41, 0x5b)
denseKind.fill(3, 0x30, 0x3a)
for (const sign of '+/=_-') denseKind[sign.charCodeAt(0)] = 4

// The shortest run that may be dense (TOK-2).
const denseUnits = 20

function classTokens(text: string): number {
  const length = text.length
  let tokens = 0
  let plainUpTo = 0 // up to here the text is known to be in no dense run, so each unit is looked at once
  let i = 0
  while (i < length) {
    const code = text.charCodeAt(i)
    if (i >= plainUpTo && code < 0x80 && denseKind[code] !== 0) {
      const run = denseRun(text, i)
      if (run.dense) {
        tokens += (run.end - i) / 1.6
        i = run.end
        continue
      }
      plainUpTo = run.end
    }
    const of = unitClass[code] as number
    let end = i + 1
    let capitals = 0
    while (end < length) {
      const next = text.charCodeAt(end)
      if (unitClass[next] !== of) break
      if (next >= 0x41 && next <= 0x5a) capitals++
      end++
    }
    tokens += runTokens(of, end - i, capitals)
    i = end
  }
  return tokens
}

/** The longest run of the dense alphabet from `from`, and whether it reads like base64, a hash or a key. */
function denseRun(text: string, from: number): { readonly end: number; readonly dense: boolean } {
  let end = from
  let before = 0
  let changes = 0
  let capitals = 0
  let digits = 0
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    const kind = code < 0x80 ? (denseKind[code] as number) : 0
    if (kind === 0) break
    if (kind === 2) capitals++
    else if (kind === 3) digits++
    if (before !== 0 && kind !== before) changes++
    before = kind
  }
  const units = end - from
  return { end, dense: units >= denseUnits && changes >= 0.3 * (units - 1) && (digits > 0 || capitals > 2) }
}

/** Tokens of a run of `n` units of one class: the constants of TOK-2, fitted against o200k. */
function runTokens(of: number, n: number, capitals: number): number {
  switch (of) {
    case classOf.latin:
      return n <= 7 ? 1 + 0.45 * capitals : 1 + (n - 7) / 6 + 0.35 * capitals
    case classOf.digit:
      return Math.ceil(n / 3)
    case classOf.space:
      return n === 1 ? 0 : 0.55
    case classOf.lineBreak:
      return 1
    case classOf.accented:
      return 0.8 * n + 0.2
    case classOf.cyrillic:
      return Math.max(1, n / 3.1)
    case classOf.hebrew:
      return Math.max(1, n / 2.6)
    case classOf.indic:
      return Math.max(1, n / 2.2)
    case classOf.kana:
      return 0.75 * n
    case classOf.han:
      return 0.82 * n
    case classOf.hangul:
      return Math.max(1, n / 1.55)
    case classOf.astral:
      return n // 2 a pair
    default:
      return Math.max(0.75, n / 2.2)
  }
}

/**
 * Counts by a tokenizer that the caller passes in. Runs are cut first, so that no text takes more than linear time;
 * a text that it refuses, or gives no number for, is counted by classes (TOK-1, TOK-4).
 */
export function o200kCounter(tokenizer: Tokenizer): TokenCounter {
  const countPiece = (piece: string): number => {
    try {
      const { length } = tokenizer.encode(piece)
      if (Number.isSafeInteger(length) && length > 0) return length
    } catch {} // a counter never throws
    return classCounter.count(piece)
  }
  return {
    count(text) {
      let tokens = 0
      let from = 0
      for (const cut of cutsOf(text)) {
        tokens += countPiece(text.slice(from, cut))
        from = cut
      }
      return tokens + (from < text.length ? countPiece(text.slice(from)) : 0)
    },
  }
}

const group = { digit: 0, letter: 1, space: 2, mark: 3 } as const
const groupOf = (of: number): number =>
  of === classOf.digit
    ? group.digit
    : of === classOf.space || of === classOf.lineBreak
      ? group.space
      : of === classOf.mark
        ? group.mark
        : group.letter

/** Where a text is cut before a tokenizer reads it: every 256 units of an unbroken run, and inside what looks like a special token. */
export function cutsOf(text: string): number[] {
  const cuts: number[] = []
  let start = 0 // of the run, or of its last piece
  let running = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // `<|endoftext|>` is text here; a tokenizer would refuse it, or count it as one.
    if (code === 0x7c && i > 0 && text.charCodeAt(i - 1) === 0x3c) {
      cuts.push(i)
      start = i
    }
    const now = groupOf(unitClass[code] as number)
    if (now !== running) {
      // Astral units may be letters or marks: they go on with the run they stand in.
      if (unitClass[code] === classOf.astral && running !== group.digit && running !== -1) continue
      running = now
      start = i
    } else if (i - start >= limits.unbrokenRun && now !== group.digit && !splitsPair(text, i)) {
      cuts.push(i)
      start = i
    }
  }
  return cuts
}

const splitsPair = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800

/** What is said, without its place: a message of the log, or one of a context. */
interface Spoken {
  readonly name?: string
  readonly parts: readonly Part[]
}

/** Tokens of a message as it is sent, before the profile's or the anchor's ratio. Nothing counts 0 (TOK-5). */
export const countMessage = (message: Spoken, profile: ModelProfile, counter: TokenCounter): number =>
  profile.tokens.perMessage +
  (message.name === undefined ? 0 : counter.count(message.name)) +
  message.parts.reduce((sum, part) => sum + countPart(part, profile, counter), 0)

function countPart(part: Part, profile: ModelProfile, counter: TokenCounter): number {
  switch (part.type) {
    case 'text':
      return Math.max(1, counter.count(part.text))
    case 'tool-call':
      return callTokens + counter.count(part.callId) + counter.count(part.name) + counter.count(part.arguments)
    case 'tool-result':
      return callTokens + counter.count(part.callId) + part.content.reduce((sum, inner) => sum + countPart(inner, profile, counter), 0)
    case 'image':
      return profile.tokens.perImage + (part.caption === undefined ? 0 : counter.count(part.caption))
    case 'file':
      return profile.tokens.perPdfPage * Math.max(1, Math.ceil((part.data?.length ?? dataUrlBytes(part.url)) / limits.pdfPageBytes))
    default:
      return Math.max(1, counter.count(JSON.stringify(part.data)))
  }
}

const callTokens = 6 // the type and the names of the fields around a call or a result

const dataUrlBytes = (url: string | undefined): number => (url?.startsWith('data:') === true ? url.length * 0.75 : 0)

/** Tokens of the system prompt; 0 if there is none. */
export const countSystem = (system: string | undefined, profile: ModelProfile, counter: TokenCounter): number =>
  system === undefined || system === '' ? 0 : profile.tokens.perMessage + counter.count(system)

/** Tokens of tool definitions: the JSON as it is sent. */
export const countTools = (tools: readonly ToolDefinition[] | undefined, counter: TokenCounter): number =>
  tools === undefined ? 0 : tools.reduce((sum, tool) => sum + Math.max(1, counter.count(JSON.stringify(tool))), 0)

/** Estimated tokens of a text, by the class counter. */
export const countTokens = (text: string): number => classCounter.count(text)
