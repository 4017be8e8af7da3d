// The inverted index against BM25 written plainly.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MemoryRecord } from '../../core/memory.ts'
import { createDictionary } from '../partition/dictionary.ts'
import { createKernel } from '../kernel/kernel.ts'
import { scoreWords, termsOfList } from './lexical-scores.ts'
import { createScratch } from '../kernel/scratch.ts'
import { createUnitGroup } from '../partition/unit-group.ts'
import type { Terms } from '../text/analyze.ts'

const vocabulary = ['red', 'blue', 'dog', 'cat', 'tea', 'sun']
const termsOf = (words: readonly string[]): Terms => {
  const frequencies = new Map<string, number>()
  for (const word of words) frequencies.set(word, (frequencies.get(word) ?? 0) + 10)
  return { frequencies, length: words.length, content: new Set(words), words: words.length, asks: false }
}
const recordIn = (session: string, seq: number) =>
  ({ id: `r${seq}`, session, evidence: [{ log: session, birth: 1, seq }] }) as unknown as MemoryRecord

/** LEX-3: k1 1.2, b 0.75, by the formula. */
function plainScores(texts: readonly (readonly string[])[], query: readonly string[]): number[] {
  const mean = texts.reduce((sum, words) => sum + words.length, 0) / texts.length
  return texts.map((words) =>
    query.reduce((sum, term) => {
      const holding = texts.filter((other) => other.includes(term)).length
      const tf = words.filter((word) => word === term).length
      const idf = Math.log(1 + (texts.length - holding + 0.5) / (holding + 0.5))
      return tf === 0 ? sum : sum + (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * words.length) / mean))
    }, 0),
  )
}

/** RCL-2: the best of a term among three neighbours on each side, lent at 0.7·exp(−words between ÷ 40). */
function plainWindow(texts: readonly (readonly string[])[], query: readonly string[]): number[] {
  const single = query.map((term) => plainScores(texts, [term]))
  return texts.map((_, i) =>
    single.reduce((sum, scores) => {
      let best = scores[i]!
      for (const way of [-1, 1])
        for (let step = 1, between = 0; step <= 3; step++) {
          const j = i + way * step
          if (texts[j] === undefined) break
          best = Math.max(best, scores[j]! * 0.7 * Math.exp(-between / 40))
          between += texts[j].length
        }
      return sum + best
    }, 0),
  )
}

const anyTexts = fc.array(fc.array(fc.constantFrom(...vocabulary), { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 40 })

test('postings with a tail, merged at any moments, give the scores of plain BM25 and the plain window [MEM-P8, LEX-3, PART-3]', () => {
  const kernel = createKernel({ simd: false })
  fc.assert(
    fc.property(
      anyTexts,
      fc.uniqueArray(fc.constantFrom(...vocabulary, 'unseen'), { minLength: 1 }),
      fc.array(fc.nat(40)),
      (texts, query, merges) => {
        const group = createUnitGroup(['trusted'], kernel, 1)
        for (const [i, words] of texts.entries()) {
          group.add(i, 'trusted', recordIn('one', i + 1), termsOf(words))
          if (merges.includes(i)) group.merge()
        }
        const scratch = createScratch()
        scoreWords(
          group,
          group.indexes.map((index) =>
            termsOfList(
              index,
              query.map((term) => ({ term, word: term, optional: false })),
              () => [],
            ),
          ),
          query.length,
          scratch,
        )
        const [own, win] = [plainScores(texts, query), plainWindow(texts, query)]
        for (const i of texts.keys()) {
          expect(scratch.own[i]).toBeCloseTo(own[i]!, 9)
          expect(scratch.win[i]).toBeCloseTo(win[i]!, 9)
        }
        group.free()
      },
    ),
  )
})

test('terms keep their own numbers, whatever their hashes [PART-3]', () => {
  const alike = createDictionary() // by FNV-1a these are alike in pairs: http://www.isthe.com/chongo/tech/comp/fnv/
  const pairs = ['costarring', 'liquid', 'declinate', 'macallums', 'altarage', 'zinke']
  expect(pairs.map(alike.add)).toEqual([0, 1, 2, 3, 4, 5])
  expect(pairs.map(alike.find)).toEqual([0, 1, 2, 3, 4, 5])
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'b', 'é', '漢') }), { maxLength: 300 }), (terms) => {
      const dictionary = createDictionary()
      const numbers = new Map<string, number>()
      for (const term of terms) {
        if (!numbers.has(term)) expect(dictionary.find(term)).toBe(-1)
        const number = dictionary.add(term)
        expect(number).toBe(numbers.get(term) ?? numbers.size)
        numbers.set(term, number)
      }
      for (const [term, number] of numbers) expect(dictionary.find(term)).toBe(number)
    }),
  )
})

test('frequencies and lengths are those of the list: what another list holds changes nothing [LEX-3, POI-10]', () => {
  const kernel = createKernel({ simd: false })
  const scoresWith = (others: number) => {
    const group = createUnitGroup(['trusted', 'assistant'], kernel, 1)
    group.add(0, 'trusted', recordIn('one', 1), termsOf(['red', 'dog']))
    group.add(1, 'trusted', recordIn('two', 1), termsOf(['blue', 'dog', 'tea']))
    for (let i = 0; i < others; i++) group.add(2 + i, 'assistant', recordIn(`other ${i}`, 1), termsOf(['red', 'red', 'tea']))
    const scratch = createScratch()
    scoreWords(
      group,
      group.indexes.map((index) => termsOfList(index, [{ term: 'red', word: 'red', optional: false }], () => [])),
      1,
      scratch,
    )
    group.free()
    return scratch.own.slice(0, 2)
  }
  expect(scoresWith(50)).toEqual(scoresWith(0))
})
