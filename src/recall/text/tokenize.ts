// Text to words, for records and queries alike (LEX-1). Linear in the text, whatever it is; stems and weights are left to `analyze.ts`.
import { functional } from './function-words.ts'

export interface Token {
  readonly word: string
  /** A second form of what stands beside it (whole e-mail, diacritics, one character of a bigram): it may match, and is neither counted as a word nor missed. */
  readonly extra: boolean
  /** Of function words alone: in a query it counts only where the query has nothing else. */
  readonly stop?: true
}

// A run begins and ends with a letter, mark or digit; what joins words, numbers, addresses and paths may stand inside.
const runs = /[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}'’.,:;@/\\_+&%#=?~-]*[\p{L}\p{M}\p{N}])?/gu
const joiners = /[^\p{L}\p{M}\p{N}]+/u
const plain = /^[a-z0-9]+$/
const number = /^v?\d[\d.,:/-]*$/ // 1,299.50 · v2.3.1 · 2023-05-08 · 17:30
const decimal = /^\d[\d.,]*$/
const joined = /[@/\\_:.+&%#=?~]/
const digit = /\p{N}/u
// what these join is one thing, and is kept whole too; in two looks, since one expression for both would be quadratic
const isAddress = (run: string): boolean => joined.test(run) || (run.includes('-') && digit.test(run))
const marks = /\p{M}+/gu
const latin = /\p{Script=Latin}/u
// scripts that are written without spaces, or whose spaces are no word boundaries to rely on
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u
const unspacedRuns =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{M}ー]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]+/gu
const ascii = /^[\0-\x7F]*$/

/** The words of a text in order. A record keeps the single characters of its runs beside the pairs, so that a query of one finds it. */
export function tokenize(text: string, as: 'record' | 'query' = 'record'): Token[] {
  const out: Token[] = []
  const folded = (ascii.test(text) ? text : text.normalize('NFKC')).toLowerCase()
  for (const run of folded.match(runs) ?? []) {
    if (plain.test(run)) out.push({ word: run, extra: false })
    else addRun(run, as, out)
  }
  return out
}

function addRun(run: string, as: 'record' | 'query', out: Token[]): void {
  const parts = run.split(joiners)
  if (parts.length > 1) {
    const isNumber = number.test(run)
    if (isNumber || isAddress(run)) out.push({ word: run, extra: !isNumber })
    if (isNumber && decimal.test(run)) return
    for (const part of parts) addPart(part, isNumber, as, out)
  } else addPart(run, false, as, out)
}

function addPart(part: string, extra: boolean, as: 'record' | 'query', out: Token[]): void {
  if (part === '') return
  if (ascii.test(part)) out.push({ word: part, extra })
  else if (unspaced.test(part)) for (const piece of part.match(unspacedRuns) ?? []) addPiece(piece, extra, as, out)
  else addWord(part, extra, out)
}

function addWord(word: string, extra: boolean, out: Token[]): void {
  const bare = latin.test(word) ? word.normalize('NFD').replace(marks, '') : word
  out.push({ word: bare, extra })
  if (bare !== word) out.push({ word, extra: true })
}

function addPiece(piece: string, extra: boolean, as: 'record' | 'query', out: Token[]): void {
  if (!unspaced.test(piece)) {
    addWord(piece, extra, out)
    return
  }
  const letters = [...piece]
  if (as === 'query') addAsked(letters, extra, out)
  else if (letters.length === 1) out.push({ word: piece, extra })
  else
    for (let i = 0; i < letters.length; i++) {
      if (i + 1 < letters.length) out.push({ word: letters[i]! + letters[i + 1]!, extra })
      out.push({ word: letters[i]!, extra: true })
    }
}

/** A pair that is half of a function word may match and is not missed; a character between two such stands alone, as a query of one does. */
function addAsked(letters: readonly string[], extra: boolean, out: Token[]): void {
  const isFunction = functional(letters)
  const alone = (i: number) => (i === 0 || isFunction[i - 1]!) && (i + 1 === letters.length || isFunction[i + 1]!)
  for (let i = 0; i < letters.length; i++) {
    if (alone(i) && (letters.length === 1 || !isFunction[i]!))
      out.push(isFunction[i]! ? { word: letters[i]!, extra, stop: true } : { word: letters[i]!, extra })
    if (i + 1 === letters.length) return
    const word = letters[i]! + letters[i + 1]!
    if (isFunction[i]! && isFunction[i + 1]!) out.push({ word, extra, stop: true })
    else out.push({ word, extra: extra || isFunction[i]! || isFunction[i + 1]! })
  }
}
