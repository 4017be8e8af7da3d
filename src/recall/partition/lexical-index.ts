// The inverted index of one list: CSR postings, and a flat tail for what came since (PART-3). Scores are made in `lexical-scores.ts`.
import { createColumns, type Columns } from './columns.ts'
import { createDictionary, type Dictionary } from './dictionary.ts'
import type { Terms } from '../text/analyze.ts'

const termKinds = { from: Uint32Array, size: Uint32Array, head: Int32Array, frequency: Uint32Array }
const postingKinds = { unit: Int32Array, tenths: Uint16Array }
const tailKinds = { unit: Int32Array, tenths: Uint16Array, term: Int32Array, next: Int32Array }

export interface LexicalIndex {
  readonly dictionary: Dictionary
  /** By term: its postings lie at `from`, `size` of them; `head` is 1 + its newest place in the tail, or 0; `frequency`: units that hold it. */
  readonly terms: Columns<typeof termKinds>
  readonly postings: Columns<typeof postingKinds> // by term, then unit; frequencies in tenths, as fields weigh them
  readonly tail: Columns<typeof tailKinds> // `next`: 1 + the place before of the same term, or 0
  readonly units: number
  readonly length: number // words of all units
  readonly tailUnits: number
  readonly bytes: number
  add(unit: number, terms: Terms): void
  /** Merges the tail into the postings: linear in both. */
  merge(): void
  trim(): void
  /** After the columns were loaded, whose tail is empty. */
  restore(counts: { units: number; length: number }): void
}

export function createLexicalIndex(): LexicalIndex {
  const dictionary = createDictionary()
  const terms = createColumns(termKinds)
  const postings = createColumns(postingKinds)
  const tail = createColumns(tailKinds)
  let units = 0
  let length = 0
  let tailUnits = 0

  return {
    dictionary,
    terms,
    postings,
    tail,
    get units() {
      return units
    },
    get length() {
      return length
    },
    get tailUnits() {
      return tailUnits
    },
    get bytes() {
      return dictionary.bytes + terms.byteSize() + postings.byteSize() + tail.byteSize()
    },
    add(unit, { frequencies, length: words }) {
      units++
      tailUnits++
      length += words
      let place = tail.length
      tail.grow(frequencies.size)
      const { unit: tailUnit, tenths, term: tailTerm, next } = tail
      for (const [term, frequency] of frequencies) {
        const number = dictionary.add(term)
        if (number === terms.length) terms.grow(1)
        tailUnit[place] = unit
        tenths[place] = Math.min(65_535, Math.round(frequency))
        tailTerm[place] = number
        next[place] = terms.head[number]!
        terms.head[number] = ++place
        terms.frequency[number]!++
      }
    },
    merge() {
      if (tailUnits === 0) return
      mergeTail(terms, postings, tail)
      tail.clear()
      tailUnits = 0
    },
    trim() {
      for (const columns of [terms, postings, dictionary.terms, dictionary.text]) columns.trim()
    },
    restore(counts) {
      units = counts.units
      length = counts.length
      dictionary.rehash()
    },
  }
}

function mergeTail(terms: Columns<typeof termKinds>, postings: Columns<typeof postingKinds>, tail: Columns<typeof tailKinds>): void {
  const oldUnit = postings.unit.slice(0, postings.length)
  const oldTenths = postings.tenths.slice(0, postings.length)
  postings.grow(tail.length)
  const { from, size, head, frequency } = terms
  const { unit, tenths } = postings
  const fill = new Uint32Array(terms.length)
  let at = 0
  for (let term = 0; term < terms.length; term++) {
    const start = from[term]!
    const count = size[term]!
    unit.set(oldUnit.subarray(start, start + count), at)
    tenths.set(oldTenths.subarray(start, start + count), at)
    from[term] = at
    fill[term] = at + count
    size[term] = frequency[term]!
    head[term] = 0
    at += frequency[term]!
  }
  // the tail in its order: units of a term stay ascending
  for (let place = 0; place < tail.length; place++) {
    const to = fill[tail.term[place]!]!++
    unit[to] = tail.unit[place]!
    tenths[to] = tail.tenths[place]!
  }
}
