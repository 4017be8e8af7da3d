// Words that mean nearly the same as a word of the static table, by the cosine of their rows (RCL-2).
import { limits } from '../core/limits.ts'

interface Rows {
  readonly dimensions: number
  readonly rows: Int8Array
  readonly vocabulary: readonly string[]
}

const wholeWord = /^[a-z]{3,}$/
const leastCosine = 0.6
// Of 128 signs, two rows at that cosine differ in 38, two that have nothing in common in 64. Measured on 300 words: this leaves one row in twenty to
// look at, and loses one near word in 2,000.
const mostSignsApart = 54 / 128

/**
 * The nearest words of one, nearest first. Only words that are one token of the table are known, and remembered by their number there: what is kept
 * is a part of the public table, whoever asked for it.
 */
export function nearWordsOf(table: Rows, numberOf: (word: string) => number | undefined): (word: string) => readonly string[] {
  const known = new Map<number, readonly string[]>() // at most one a word of the table
  let search: ((number: number) => readonly string[]) | undefined
  return (word) => {
    const number = wholeWord.test(word) ? numberOf(word) : undefined
    if (number === undefined) return []
    const found = known.get(number)
    if (found !== undefined) return found
    search ??= searchOf(table)
    const made = search(number)
    known.set(number, made)
    return made
  }
}

/** By signs first, then by the cosine: a look at every row takes ten times as long. */
function searchOf({ dimensions, rows, vocabulary }: Rows): (number: number) => readonly string[] {
  const numbers = vocabulary.flatMap((word, number) => (wholeWord.test(word) ? [number] : []))
  const blocks = Math.ceil(dimensions / 32)
  const signs = new Int32Array(vocabulary.length * blocks)
  for (const number of numbers)
    for (let k = 0; k < dimensions; k++) if (rows[number * dimensions + k]! > 0) signs[number * blocks + (k >> 5)]! |= 1 << (k & 31)
  const mostApart = mostSignsApart * dimensions
  const dot = (a: number, b: number): number => {
    let sum = 0
    for (let k = 0, i = a * dimensions, j = b * dimensions; k < dimensions; k++) sum += rows[i + k]! * rows[j + k]!
    return sum
  }
  return (number) => {
    const found: { other: number; cosine: number }[] = []
    const length = Math.sqrt(dot(number, number))
    for (let i = 0; i < numbers.length; i++) {
      const other = numbers[i]!
      let apart = 0
      for (let k = 0; k < blocks; k++) apart += ones(signs[number * blocks + k]! ^ signs[other * blocks + k]!)
      if (apart > mostApart || other === number) continue
      const cosine = dot(number, other) / (length * Math.sqrt(dot(other, other)))
      if (cosine >= leastCosine) found.push({ other, cosine })
    }
    return found
      .toSorted((a, b) => b.cosine - a.cosine || a.other - b.other)
      .slice(0, limits.nearWords)
      .map(({ other }) => vocabulary[other]!)
  }
}

/** How many bits are set (Warren, Hacker's Delight, 5-1). */
function ones(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
