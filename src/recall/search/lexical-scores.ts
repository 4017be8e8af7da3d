// BM25F of a query over a group: own scores, the window's best terms, and which terms each unit holds (LEX-3, LEX-4, RCL-2). Pure over arrays.
import type { QueryTerm } from '../text/analyze.ts'
import type { LexicalIndex } from '../partition/lexical-index.ts'
import type { Scratch } from '../kernel/scratch.ts'
import type { UnitGroup } from '../partition/unit-group.ts'
import { weights } from '../weights.ts'

/** A word of the query that the list has never seen, and the term that stands for it; `place`: of the query's terms. */
export interface NearTerm {
  readonly place: number
  readonly word: string
  readonly term: string
}

/** What one list knows of the query's terms. A term that is optional and unseen weighs 0. */
export interface ListTerms {
  readonly numbers: Int32Array // in the list's dictionary, or −1
  readonly idf: Float64Array
  readonly knownIdf: number // sum over the terms that occur in the list
  readonly allIdf: number
  readonly near: readonly NearTerm[]
}

const { k1, b } = weights.bm25
const { reach, factor, decayWords } = weights.window
/** e^(−words ÷ 40): what is left of a lent term after so many words between. */
const decay = Float64Array.from({ length: 1_024 }, (_, words) => Math.exp(-words / decayWords))

export const idfOf = (units: number, holding: number): number => Math.log(1 + (units - holding + 0.5) / (holding + 0.5))

export function termsOfList(index: LexicalIndex, terms: readonly QueryTerm[], near: (word: string) => readonly string[]): ListTerms {
  const numbers = new Int32Array(terms.length)
  const idf = new Float64Array(terms.length)
  const nearTerms: NearTerm[] = []
  let knownIdf = 0
  let allIdf = 0
  for (const [i, { term, word, optional }] of terms.entries()) {
    const own = index.dictionary.find(term)
    const instead = own >= 0 || optional ? undefined : near(word).find((one) => index.dictionary.find(one) >= 0)
    if (instead !== undefined) nearTerms.push({ place: i, word, term: instead })
    const number = instead === undefined ? own : index.dictionary.find(instead)
    numbers[i] = number
    if (number < 0 && optional) continue
    const share = instead === undefined ? 1 : Math.min(1, weights.nearUnits / index.units)
    idf[i] = share * idfOf(index.units, number < 0 ? 0 : index.terms.frequency[number]!)
    allIdf += own < 0 ? idfOf(index.units, 0) : idf[i]! // by a near word it is known in part: what was asked is still unseen
    if (number >= 0) knownIdf += idf[i]!
  }
  return { numbers, idf, knownIdf, allIdf, near: nearTerms }
}

/** Fills `own`, `win`, `covers…`, and the best of each message and thread. */
export function scoreWords(group: UnitGroup, lists: readonly ListTerms[], count: number, scratch: Scratch): void {
  const { units, messages, threads } = group
  scratch.clear(units.length, messages.length, threads.length)
  for (let place = 0; place < count; place++) {
    let touched = 0
    for (let i = 0; i < lists.length; i++) {
      const { numbers, idf } = lists[i]!
      const term = { number: numbers[place]!, idf: idf[place]!, place }
      if (term.number >= 0) touched = scoreTerm(units, group.indexes[i]!, term, scratch, touched)
    }
    addWindow(scratch, touched)
  }
}

/** Also what the term lends to its neighbours; `touched`: how many units it has reached. One loop over plain variables: it runs for every posting. */
function scoreTerm(
  { weighty, message: messageOf, thread: threadOf, words, previous, next }: UnitGroup['units'],
  index: LexicalIndex,
  { number, idf, place }: { readonly number: number; readonly idf: number; readonly place: number },
  { own, message, thread, best, touched: reached, coversLow, coversHigh }: Scratch,
  touched: number,
): number {
  const covers = place < 32 ? coversLow : coversHigh
  const bit = 1 << (place & 31)
  const base = k1 * (1 - b)
  const slope = index.length === 0 ? 0 : (k1 * b * index.units) / index.length
  const { unit: unitOf, tenths: tenthsOf } = index.postings
  const { unit: tailUnit, tenths: tailTenths, next: before } = index.tail
  const end = index.terms.from[number]! + index.terms.size[number]!
  let count = touched
  for (let at = index.terms.from[number]!, tail = index.terms.head[number]!; at < end || tail > 0;) {
    const inTail = at >= end
    const unit = inTail ? tailUnit[tail - 1]! : unitOf[at]!
    const tf = (inTail ? tailTenths[tail - 1]! : tenthsOf[at]!) / 10
    if (inTail) tail = before[tail - 1]!
    else at++
    const score = (idf * tf * (k1 + 1)) / (tf + base + slope * weighty[unit]!)
    const all = own[unit]! + score
    own[unit] = all // it only grows, so the best so far are the best at the end
    const ofMessage = 1 + messageOf[unit]!
    if (all > message[ofMessage]!) message[ofMessage] = all
    const ofThread = threadOf[unit]!
    if (all > thread[ofThread]!) thread[ofThread] = all
    covers[unit]! |= bit
    const known = best[unit]!
    if (known === 0) reached[count++] = unit
    if (score > known) best[unit] = score
    let lent = score * factor
    for (let step = 0, other = previous[unit]! - 1; step < reach && other >= 0; step++, other = previous[other]! - 1) {
      const least = best[other]!
      if (least === 0) reached[count++] = other
      if (lent > least) best[other] = lent
      lent *= decay[Math.min(words[other]!, decay.length - 1)]!
    }
    lent = score * factor
    for (let step = 0, other = next[unit]! - 1; step < reach && other >= 0; step++, other = next[other]! - 1) {
      const least = best[other]!
      if (least === 0) reached[count++] = other
      if (lent > least) best[other] = lent
      lent *= decay[Math.min(words[other]!, decay.length - 1)]!
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
