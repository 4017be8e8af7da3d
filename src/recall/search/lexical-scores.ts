// BM25F of a query over a group: own scores, the window's best terms, and which terms each unit holds (LEX-3, LEX-4, RCL-2). Pure over arrays.
import type { QueryTerm } from '../text/analyze.ts'
import type { LexicalIndex } from '../partition/lexical-index.ts'
import type { Scratch } from '../kernel/scratch.ts'
import type { UnitGroup } from '../partition/unit-group.ts'
import { weights } from '../weights.ts'

/** What one list knows of the query's terms. A term that is optional and unseen weighs 0. */
export interface ListTerms {
  readonly numbers: Int32Array // in the list's dictionary, or −1
  readonly idf: Float64Array
  readonly knownIdf: number // sum over the terms that occur in the list
  readonly allIdf: number
}

const { k1, b } = weights.bm25
const { reach, factor, decayWords } = weights.window
/** e^(−words ÷ 40): what is left of a lent term after so many words between. */
const decay = Float64Array.from({ length: 1_024 }, (_, words) => Math.exp(-words / decayWords))

export const idfOf = (units: number, holding: number): number => Math.log(1 + (units - holding + 0.5) / (holding + 0.5))

export function termsOfList(index: LexicalIndex, terms: readonly QueryTerm[]): ListTerms {
  const numbers = new Int32Array(terms.length)
  const idf = new Float64Array(terms.length)
  let knownIdf = 0
  let allIdf = 0
  for (const [i, { term, optional }] of terms.entries()) {
    const number = index.dictionary.find(term)
    numbers[i] = number
    if (number < 0 && optional) continue
    idf[i] = idfOf(index.units, number < 0 ? 0 : index.terms.frequency[number]!)
    allIdf += idf[i]!
    if (number >= 0) knownIdf += idf[i]!
  }
  return { numbers, idf, knownIdf, allIdf }
}

/** Fills `own`, `win`, `covers…`, and the best of each message and thread. */
export function scoreWords(group: UnitGroup, lists: readonly ListTerms[], count: number, scratch: Scratch): void {
  const { units, messages, threads } = group
  scratch.clear(units.length, messages.length, threads.length)
  for (let term = 0; term < count; term++) {
    const window: Window = { ...scratch, ...pick(units), count: 0 }
    for (const [i, { numbers, idf }] of lists.entries())
      if (numbers[term]! >= 0) scoreTerm(units, group.indexes[i]!, { number: numbers[term]!, idf: idf[term]!, place: term }, scratch, window)
    addWindow(scratch, window.count)
  }
}

const pick = ({ words, previous, next }: UnitGroup['units']) => ({ words, previous, next })

/** Where one term's scores spread: the best for each unit, and which units that touched. */
interface Window {
  readonly best: Float64Array
  readonly touched: Int32Array
  readonly words: Uint16Array
  readonly previous: Int32Array
  readonly next: Int32Array
  count: number
}

function scoreTerm(
  { weighty, message: messageOf, thread: threadOf }: UnitGroup['units'],
  index: LexicalIndex,
  { number, idf, place }: { readonly number: number; readonly idf: number; readonly place: number },
  scratch: Scratch,
  window: Window,
): void {
  const { own, message, thread } = scratch
  const covers = place < 32 ? scratch.coversLow : scratch.coversHigh
  const bit = 1 << (place & 31)
  const base = k1 * (1 - b)
  const slope = index.length === 0 ? 0 : (k1 * b * index.units) / index.length
  const add = (unit: number, tenths: number): void => {
    const tf = tenths / 10
    const score = (idf * tf * (k1 + 1)) / (tf + base + slope * weighty[unit]!)
    const all = (own[unit]! += score) // it only grows, so the best so far are the best at the end
    const ofMessage = 1 + messageOf[unit]!
    if (all > message[ofMessage]!) message[ofMessage] = all
    if (all > thread[threadOf[unit]!]!) thread[threadOf[unit]!] = all
    covers[unit]! |= bit
    lend(window, unit, score)
  }
  const { unit, tenths } = index.postings
  const start = index.terms.from[number]!
  const end = start + index.terms.size[number]!
  for (let at = start; at < end; at++) add(unit[at]!, tenths[at]!)
  const { tail } = index
  for (let at = index.terms.head[number]!; at > 0; at = tail.next[at - 1]!) add(tail.unit[at - 1]!, tail.tenths[at - 1]!)
}

/** The best score of the term for the unit, and for its neighbours what is left of it. */
function lend(window: Window, unit: number, score: number): void {
  raise(window, unit, score)
  lendAlong(window, window.previous, unit, score * factor)
  lendAlong(window, window.next, unit, score * factor)
}

function lendAlong(window: Window, way: Int32Array, unit: number, score: number): void {
  const { words } = window
  let lent = score
  for (let step = 0, at = way[unit]!; step < reach && at > 0; step++, at = way[at - 1]!) {
    raise(window, at - 1, lent)
    lent *= decay[Math.min(words[at - 1]!, decay.length - 1)]!
  }
}

function raise(window: Window, unit: number, score: number): void {
  const { best } = window
  const before = best[unit]!
  if (before === 0) window.touched[window.count++] = unit
  if (score > before) best[unit] = score
}

function addWindow({ win, best, touched }: Scratch, count: number): void {
  for (let i = 0; i < count; i++) {
    const unit = touched[i]!
    win[unit]! += best[unit]!
    best[unit] = 0
  }
}
