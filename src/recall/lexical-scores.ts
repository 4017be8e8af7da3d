// BM25F of a query over a group: own scores, the window's best terms, and which terms each unit holds (LEX-3, LEX-4, RCL-2). Pure over arrays.
import type { QueryTerm } from './analyze.ts'
import type { LexicalIndex } from './lexical-index.ts'
import type { Scratch } from './scratch.ts'
import type { UnitGroup } from './unit-group.ts'
import { weights } from './weights.ts'

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
const decayOf = (words: number): number => decay[Math.min(words, decay.length - 1)]!

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
    let touched = 0
    for (const [i, { numbers, idf }] of lists.entries())
      if (numbers[term]! >= 0) touched = scoreTerm(group, group.indexes[i]!, numbers[term]!, idf[term]!, term, scratch, touched)
    addWindow(scratch, touched)
  }
  const { own, message, thread } = scratch
  const { message: messageOf, thread: threadOf } = units
  for (let unit = 0; unit < units.length; unit++) {
    const score = own[unit]!
    if (score === 0) continue
    if (score > message[messageOf[unit]!]!) message[messageOf[unit]!] = score
    if (score > thread[threadOf[unit]!]!) thread[threadOf[unit]!] = score
  }
}

function scoreTerm(group: UnitGroup, index: LexicalIndex, number: number, idf: number, term: number, scratch: Scratch, from: number): number {
  const { weighty } = group.units
  const { own } = scratch
  const covers = term < 32 ? scratch.coversLow : scratch.coversHigh
  const bit = 1 << (term & 31)
  const base = k1 * (1 - b)
  const slope = index.length === 0 ? 0 : (k1 * b * index.units) / index.length
  const add = (unit: number, tenths: number, touched: number): number => {
    const tf = tenths / 10
    const score = (idf * tf * (k1 + 1)) / (tf + base + slope * weighty[unit]!)
    own[unit]! += score
    covers[unit]! |= bit
    return lend(group, scratch, unit, score, touched)
  }
  const { unit, tenths } = index.postings
  const start = index.terms.from[number]!
  const end = start + index.terms.size[number]!
  let touched = from
  for (let at = start; at < end; at++) touched = add(unit[at]!, tenths[at]!, touched)
  const { tail } = index
  for (let at = index.terms.head[number]!; at > 0; at = tail.next[at - 1]!) touched = add(tail.unit[at - 1]!, tail.tenths[at - 1]!, touched)
  return touched
}

/** The best score of the term for the unit, and for its neighbours what is left of it. */
function lend(group: UnitGroup, { best, touched }: Scratch, unit: number, score: number, from: number): number {
  const { words, previous, next } = group.units
  let count = from
  if (best[unit] === 0) touched[count++] = unit
  if (score > best[unit]!) best[unit] = score
  for (const way of [previous, next]) {
    let lent = score * factor
    for (let step = 0, at = way[unit]!; step < reach && at > 0; step++, at = way[at - 1]!) {
      if (best[at - 1] === 0) touched[count++] = at - 1
      if (lent > best[at - 1]!) best[at - 1] = lent
      lent *= decayOf(words[at - 1]!)
    }
  }
  return count
}

function addWindow({ win, best, touched }: Scratch, count: number): void {
  for (let i = 0; i < count; i++) {
    const unit = touched[i]!
    win[unit]! += best[unit]!
    best[unit] = 0
  }
}
