import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { abstentionOf, auroc, bootstrapInterval, judge, metricsOf, quantile, type Ranking } from './metrics.ts'
import { drawn, seeded } from './seeded.ts'

// Counted by hand. Discounts: place 1: 1, 2: 0.6309, 3: 0.5, 4: 0.4307; so the ideal of 2 is 1.6309, of 3 is 2.1309.
const table: { ranking: Ranking; expected: Partial<ReturnType<typeof judge>> }[] = [
  {
    // one of two found, second place
    ranking: { gold: ['a', 'b'], hits: [['x'], ['a'], ['y']], tokens10: 30 },
    expected: { r1: 0, r5: 0.5, r10: 0.5, r25: 0.5, all5: 0, all10: 0, hit10: 1, mrr: 0.5, ndcg10: 0.3869, tokens10: 30 },
  },
  {
    // all at once by one hit: the ideal still counts two places
    ranking: { gold: ['a', 'b'], hits: [['a', 'b']], tokens10: 0 },
    expected: { r1: 1, all5: 1, mrr: 1, ndcg10: 0.6131 },
  },
  {
    // the same gold twice counts once
    ranking: { gold: ['a', 'b', 'c'], hits: [['a'], ['a'], ['a'], ['b']], tokens10: 0 },
    expected: { r1: 1 / 3, r5: 2 / 3, all5: 0, mrr: 1, ndcg10: 0.6714 },
  },
  {
    // found at 7 and at 12: within 25, one within 10
    ranking: { gold: ['a', 'b'], hits: ['1', '2', '3', '4', '5', '6', 'a', '8', '9', '10', '11', 'b'].map((id) => [id]), tokens10: 0 },
    expected: { r1: 0, r5: 0, r10: 0.5, r25: 1, all10: 0, hit10: 1, mrr: 1 / 7, ndcg10: 0.2044 },
  },
  {
    // nothing found: an ideal over what was retrieved would divide by zero, or hide it
    ranking: { gold: ['a'], hits: [['x']], tokens10: 0 },
    expected: { r1: 0, r25: 0, hit10: 0, mrr: 0, ndcg10: 0 },
  },
  { ranking: { gold: ['a'], hits: [], tokens10: 0 }, expected: { r25: 0, mrr: 0, ndcg10: 0 } },
]

test('every figure is that of a table counted by hand [MREG-12]', () => {
  for (const { ranking, expected } of table)
    for (const [name, value] of Object.entries(expected))
      expect(judge(ranking)[name as keyof typeof expected], `${name} of ${JSON.stringify(ranking)}`).toBeCloseTo(value, 4)
})

test('recall asks for all the gold, and any of it is only a hit: they are never called the same [MREG-12]', () => {
  const { r10, hit10, all10 } = judge({ gold: ['a', 'b', 'c', 'd'], hits: [['a']], tokens10: 0 })
  expect({ r10, hit10, all10 }).toEqual({ r10: 0.25, hit10: 1, all10: 0 })
})

test('NDCG stays between 0 and 1, and is 1 only for the ideal order [MREG-12]', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1 }), fc.array(fc.array(id, { maxLength: 3 }), { maxLength: 12 }), (gold, hits) => {
      const { ndcg10 } = judge({ gold, hits, tokens10: 0 })
      expect(ndcg10).toBeGreaterThanOrEqual(0)
      expect(ndcg10).toBeLessThanOrEqual(1 + 1e-12)
      expect(judge({ gold, hits: gold.map((each) => [each]), tokens10: 0 }).ndcg10).toBeCloseTo(1, 12)
    }),
  )
})

test('means are over questions, in percent with one decimal, with an interval that the seed fixes [EVAL-3]', () => {
  const rankings = table.map(({ ranking }) => ranking)
  const metrics = metricsOf(rankings, 7)
  expect(metrics).toMatchObject({ n: 6, r1: 22.2, r10: 44.4, mrr: 44, tokens10: 5 })
  expect(metricsOf(rankings, 7)).toEqual(metrics)
  expect(metrics.r10ci[0]).toBeLessThan(44.4)
  expect(metrics.r10ci[1]).toBeGreaterThan(44.4)
})

test('the interval of a mean of 400 coin tosses is about a tenth wide, and that of equal values has no width [EVAL-3]', () => {
  const random = seeded(1)
  const [low, high] = bootstrapInterval(
    Array.from({ length: 400 }, () => (random() < 0.5 ? 0 : 1)),
    2,
  )
  expect(high - low).toBeGreaterThan(0.08)
  expect(high - low).toBeLessThan(0.12)
  expect(bootstrapInterval([0.5, 0.5, 0.5], 3)).toEqual([0.5, 0.5])
})

test('the area under the curve counts pairs, ties half [EVAL-4]', () => {
  expect(auroc([0.9, 0.8], [0.1, 0.2])).toBe(1)
  expect(auroc([0.1], [0.9])).toBe(0)
  expect(auroc([0.5, 0.5], [0.5])).toBe(0.5)
  const value = fc.constantFrom(0, 0.25, 0.5, 1)
  const some = fc.array(value, { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(some, some, (known, foreign) => {
      const pairs = known.flatMap((a) => foreign.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)))
      expect(auroc(known, foreign)).toBeCloseTo(pairs.reduce((sum: number, each) => sum + each, 0) / pairs.length, 12)
    }),
  )
})

test('at the floor a known question is answered and a foreign one is not [EVAL-4]', () => {
  expect(abstentionOf([0.9, 0.3, 0.1, 0.8], [0.29, 0.1, 0.5, 0], 0.3)).toEqual({
    n: 4,
    auroc: 0.781,
    floor: 0.3,
    answered: 75,
    wrongAbstentions: 25,
    rightAbstentions: 75,
  })
})

test('a seed draws the same questions each time, in their order, and as many as asked [EVAL-3]', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 30 }), fc.nat({ max: 40 }), (seed, length, count) => {
      const items = Array.from({ length }, (_, i) => i)
      const taken = drawn(items, count, seeded(seed))
      expect(taken).toEqual(drawn(items, count, seeded(seed)))
      expect(taken.length).toBe(Math.min(count, length))
      expect(taken).toEqual(taken.toSorted((a, b) => a - b))
    }),
  )
})

test('a quantile is the nearest rank [EVAL-3]', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile([7], 0.99), quantile([], 0.5)]).toEqual([50, 99, 7, 0])
})
