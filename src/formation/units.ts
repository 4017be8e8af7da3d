// What of a message becomes memory: verbatim units, one a span of one origin, cut at sentence ends (FORM-3 to FORM-5). Pure.
import type { Origin } from '../core/authority.ts'
import { limits } from '../core/limits.ts'
import type { ToolResultMode } from '../core/memory.ts'
import { quotable, type Message, type OriginStretch } from '../core/message.ts'
import { acknowledgements } from './cues-en.ts'

/** A stretch of a text, in UTF-16 units. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

export interface Unit {
  readonly text: string
  /** The quotes that the text is made of, as stretches of `textOf(message)`; between two of them something was left out and named. */
  readonly quotes: readonly Stretch[]
  readonly origin: Origin
}

/**
 * The units of a message, in order. `ours` finds blocks that Recollect itself placed in a text: they form nothing (POI-7).
 * System messages form none; images and files give their caption or title, if they have one (FORM-4).
 */
export function unitsOf(message: Message, ours: (text: string) => readonly Stretch[], toolResults: ToolResultMode = 'off'): Unit[] {
  if (message.role === 'system') return []
  const { text, stretches } = quotable(message)
  const leftOut = [...ours(text).map((place) => ({ ...place, name: '' })), ...payloads(text)].toSorted((a, b) => a.start - b.start)
  return joined(stretches)
    .filter((stretch) => stretch.of !== 'result' || isTaken(stretch, toolResults))
    .flatMap(({ origin, ...stretch }) => unitsIn(text, stretch, leftOut).map((unit) => ({ ...unit, origin })))
}

const isTaken = ({ start, end }: Stretch, mode: ToolResultMode): boolean =>
  mode === 'all' || (mode === 'short' && end - start <= limits.shortResultCharacters)

/** Neighbouring spans of one origin of the message's own text are one stretch; each caption and result is one of its own. */
function joined(stretches: readonly OriginStretch[]): OriginStretch[] {
  const out: OriginStretch[] = []
  for (const one of stretches) {
    const last = out.at(-1)
    if (last?.origin === one.origin && one.of === 'message') out[out.length - 1] = { ...last, end: one.end }
    else out.push(one)
  }
  return out
}

interface LeftOut extends Stretch {
  readonly name: string // what stands in its place
}

const codeBlock = /```[^\n]*\n[\s\S]*?(?:```|$)/g
const denseRun = /[A-Za-z0-9+/=_-]{120,}/g

/** Long code blocks and base64 runs: what they hold is not said, but that they were there is. */
function payloads(text: string): LeftOut[] {
  const code = [...text.matchAll(codeBlock)]
    .filter((m) => m[0].length > limits.codeCharacters)
    .map((m) => ({ start: m.index, end: m.index + m[0].length, name: `[code, ${m[0].split('\n').length - 2} lines]` }))
  const inCode = (at: number) => code.some((block) => at >= block.start && at < block.end)
  const data = [...text.matchAll(denseRun)]
    .filter((m) => !inCode(m.index) && /\d/.test(m[0]) && /[A-Z]/.test(m[0]) && /[a-z]/.test(m[0]))
    .map((m) => ({ start: m.index, end: m.index + m[0].length, name: `[data, ${m[0].length} characters]` }))
  return [...code, ...data]
}

interface Building {
  text: string
  quotes: Stretch[]
}

function unitsIn(text: string, stretch: Stretch, leftOut: readonly LeftOut[]): { text: string; quotes: readonly Stretch[] }[] {
  const units: Building[] = []
  let open: Building = { text: '', quotes: [] }
  const close = () => {
    if (says(open)) units.push(open)
    open = { text: '', quotes: [] }
  }
  const add = (piece: string, quote: Stretch | undefined) => {
    const joined = open.text === '' ? piece : open.text + gap(text, open, quote) + piece
    const fits = joined.length <= limits.unitCharacters && linesOf(joined) <= limits.recordLines && open.quotes.length < limits.evidenceSpans
    if (open.text !== '' && !fits) {
      close()
      return add(piece, quote)
    }
    open.text = joined
    if (quote === undefined) return
    const last = open.quotes.at(-1)
    // Stretches that follow one another are one quote, so that the text is the log's own, letter for letter.
    if (last !== undefined && text.slice(last.end, quote.start).trim() === '' && joined.endsWith(text.slice(last.start, quote.end)))
      open.quotes[open.quotes.length - 1] = { start: last.start, end: quote.end }
    else open.quotes.push(quote)
  }
  let at = stretch.start
  for (const gone of [...leftOut, { start: stretch.end, end: stretch.end, name: '' }]) {
    if (gone.end < at || gone.start > stretch.end) continue
    for (const piece of pieces(text, { start: at, end: Math.max(at, Math.min(gone.start, stretch.end)) }))
      add(text.slice(piece.start, piece.end), piece)
    if (gone.name !== '') add(gone.name, undefined)
    at = Math.max(at, gone.end)
  }
  close()
  return units
}

/** What stands between what is there and what is added: the log's own white space where the two are neighbours there. */
function gap(text: string, open: Building, quote: Stretch | undefined): string {
  const last = open.quotes.at(-1)
  if (last === undefined || quote === undefined) return ' '
  const between = text.slice(last.end, quote.start)
  return between.trim() === '' && open.text.endsWith(text.slice(last.start, last.end)) ? between : ' '
}

const sentences = new Intl.Segmenter('und', { granularity: 'sentence' })

/** A short stretch whole; a long one by sentences, and a sentence over the bound by words, at last by characters. Trimmed. */
function pieces(text: string, stretch: Stretch): Stretch[] {
  const whole = trimmed(text, stretch)
  if (whole.end <= whole.start) return []
  if (whole.end - whole.start <= limits.unitCharacters && linesOf(text.slice(whole.start, whole.end)) <= limits.recordLines) return [whole]
  const out: Stretch[] = []
  for (const { index, segment } of sentences.segment(text.slice(whole.start, whole.end)))
    out.push(...short(text, { start: whole.start + index, end: whole.start + index + segment.length }))
  return out
}

function short(text: string, stretch: Stretch): Stretch[] {
  const out: Stretch[] = []
  let rest = trimmed(text, stretch)
  while (rest.end - rest.start > limits.unitCharacters || linesOf(text.slice(rest.start, rest.end)) > limits.recordLines) {
    const cut = cutAt(text, rest)
    out.push(trimmed(text, { start: rest.start, end: cut }))
    rest = trimmed(text, { start: cut, end: rest.end })
  }
  if (rest.end > rest.start) out.push(rest)
  return out
}

/** The last white space within the bound, else the bound itself, and never inside a surrogate pair. */
function cutAt(text: string, { start, end }: Stretch): number {
  let most = Math.min(end, start + limits.unitCharacters)
  for (let line = 0, at = start; line < limits.recordLines; line++) {
    at = text.indexOf('\n', at) + 1
    if (at === 0 || at > most) break
    if (line === limits.recordLines - 1) most = at
  }
  for (let at = most; at > start + 1; at--) if (/\s/.test(text[at - 1] as string)) return at
  const splits = /[\uDC00-\uDFFF]/.test(text[most] ?? '') && /[\uD800-\uDBFF]/.test(text[most - 1] as string)
  return splits ? most - 1 : most
}

function trimmed(text: string, { start, end }: Stretch): Stretch {
  while (start < end && /\s/.test(text[start] as string)) start++
  while (end > start && /\s/.test(text[end - 1] as string)) end--
  return { start, end }
}

const linesOf = (text: string): number => text.split('\n').length

/** Some letters draw nothing: the Hangul fillers. */
const shown = /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}]/u

/** A unit says something if it quotes a letter or digit, and is more than one word of acknowledgement. */
function says(unit: Building): boolean {
  if (unit.quotes.length === 0 || !shown.test(unit.text)) return false
  const words = unit.text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return words.length > 1 || !acknowledgements.has(words[0] as string)
}
