// Words to index terms: stems by script, stop words marked, fields weighted into the term frequency (LEX-2, LEX-4). Pure but for a bounded memory of stems.
import { limits } from '../../core/limits.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { Stemmers } from '../recall-types.ts'
import { isQuestion } from './questions.ts'
import { isCourtesy, stopWords } from './stop-words.ts'
import { tokenize } from './tokenize.ts'
import { weights } from '../weights.ts'

/** What the index keeps of a record. Frequencies are weighted by field, in tenths. */
export interface Terms {
  readonly frequencies: ReadonlyMap<string, number>
  readonly length: number // words of the text that carry weight
  readonly content: ReadonlySet<string> // stems of the text's weighty words: for near copies (RCL-9)
  readonly words: number // by white space, for `long` and the window's decay
  readonly asks: boolean // nothing but questions
}

/** A term of a query. `optional`: ignored where the list has never seen it. */
export interface QueryTerm {
  readonly term: string
  readonly word: string // as asked, without its stem
  readonly optional: boolean
}

export interface Analyzer {
  record(record: Pick<MemoryRecord, 'text' | 'speaker' | 'saidAt' | 'slot'>): Terms
  /** Distinct terms of a query, in order; stop words only inside "quoted phrases". `names`: its words as written, for speakers. */
  query(text: string): { readonly terms: readonly QueryTerm[]; readonly names: ReadonlySet<string> }
  /** Terms of the words that mean nearly the same, nearest first. */
  near(word: string): readonly string[]
}

const scripts: readonly (readonly [RegExp, string])[] = [
  [/\p{Script=Latin}/u, 'english'],
  [/\p{Script=Cyrillic}/u, 'russian'],
  [/\p{Script=Greek}/u, 'greek'],
  [/\p{Script=Arabic}/u, 'arabic'],
  [/\p{Script=Armenian}/u, 'armenian'],
  [/\p{Script=Devanagari}/u, 'indian'],
  [/\p{Script=Tamil}/u, 'tamil'],
]
const asciiWord = /^[a-z]+$/
const hasDigit = /\p{N}/u
const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december']

/** Weekday, day, month and year of a time, in UTC (TIME-2). */
export function dateWords(at: number): string[] {
  const date = new Date(at)
  return [days[date.getUTCDay()]!, String(date.getUTCDate()), months[date.getUTCMonth()]!, String(date.getUTCFullYear())]
}

export function createAnalyzer(stemmers: Stemmers = {}, nearWords?: (word: string) => readonly string[]): Analyzer {
  const stems = new Map<string, string>()
  const stem = (word: string): string => {
    const known = stems.get(word)
    if (known !== undefined) return known
    const made = stemOf(stemmers, word)
    if (stems.size >= limits.stemsCached) stems.clear()
    stems.set(word, made)
    return made
  }

  return {
    record({ text, speaker, saidAt, slot }) {
      const frequencies = new Map<string, number>()
      const content = new Set<string>()
      let length = 0
      const add = (term: string, weight: number) => frequencies.set(term, (frequencies.get(term) ?? 0) + 10 * weight)
      for (const { word, extra } of tokenize(text)) {
        if (stopWords.has(word)) {
          add(quoted(word), weights.fields.text)
          continue
        }
        const term = stem(word)
        add(term, weights.fields.text)
        if (extra) continue
        length++
        content.add(term)
      }
      const field = (words: readonly string[], weight: number) => {
        for (const word of words) if (!stopWords.has(word)) add(stem(word), weight)
      }
      if (speaker !== undefined) field(wordsOf(speaker), weights.fields.speaker)
      field(dateWords(saidAt), weights.fields.date)
      if (slot !== undefined) field(wordsOf(slot), weights.fields.slot)
      return { frequencies, length, content, words: countWords(text), asks: isQuestion(text) }
    },
    query(text) {
      const terms = new Map<string, QueryTerm>()
      const names = new Set<string>()
      const add = (term: string, word: string, optional: boolean) => {
        if (terms.get(term)?.optional !== false) terms.set(term, { term, word, optional })
      }
      const tokens = tokenize(text, 'query')
      for (const [at, { word, extra, stop }] of tokens.entries()) {
        names.add(word)
        if (stop !== true && !stopWords.has(word)) add(stem(word), word, extra || isCourtesy(tokens, at))
      }
      if (terms.size === 0) for (const { word, extra, stop } of tokens) if (stop === true) add(word, word, extra)
      for (const phrase of text.match(/"[^"]*"/g) ?? [])
        for (const { word } of tokenize(phrase, 'query')) if (stopWords.has(word)) add(quoted(word), word, true)
      return { terms: [...terms.values()], names }
    },
    near: (word) => (nearWords?.(word) ?? []).map(stem),
  }
}

/** Stop words have terms of their own, which only a quoted phrase asks for; no word begins so. */
const quoted = (word: string): string => `"${word}`

const wordsOf = (text: string): string[] => tokenize(text).map(({ word }) => word)

function stemOf(stemmers: Stemmers, word: string): string {
  if (asciiWord.test(word)) return stemmers['english']?.(word) ?? word
  if (hasDigit.test(word)) return word // numbers, versions and ids are kept whole
  const language = scripts.find(([script]) => script.test(word))?.[1]
  return (language === undefined ? undefined : stemmers[language]?.(word)) ?? word
}

function countWords(text: string): number {
  let words = 0
  let inside = false
  for (let i = 0; i < text.length; i++) {
    const space = text.charCodeAt(i) <= 32
    if (!space && !inside) words++
    inside = !space
  }
  return words
}
