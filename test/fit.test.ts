// What a fit of the weights stands on: its folds, its arithmetic on made data, and what it collects. No data set is needed.
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { collect, featureNames, quantityNames } from '../eval/collect.ts'
import { fitLogistic, fitOrder, foldsOf, sumOf } from '../eval/newton.ts'
import { crossed } from '../eval/refit.ts'
import { loadDataSet } from '../src/eval/load-data.ts'
import { seeded } from '../src/eval/seeded.ts'

const rowsOf = (random: () => number, count: number, size: number) =>
  Array.from({ length: count }, () => Array.from({ length: size }, () => 2 * random() - 1))

test('folds are dealt by the seed, and are as equal as can be [RCL-4]', () => {
  const folds = foldsOf(23, 5, seeded(7))
  expect(foldsOf(23, 5, seeded(7))).toEqual(folds)
  expect(foldsOf(23, 5, seeded(8))).not.toEqual(folds)
  expect([0, 1, 2, 3, 4].map((fold) => folds.filter((one) => one === fold).length)).toEqual([5, 5, 5, 4, 4])
})

test('a logistic finds the weights that its data were made with [RCL-4]', () => {
  const random = seeded(1)
  const made = [2, -3, 0.5]
  const bias = -1
  const samples = rowsOf(random, 20_000, 3).map((row) => ({
    row,
    isPositive: random() < 1 / (1 + Math.exp(-sumOf(made, row) - bias)),
    weight: 1 / 20_000,
  }))
  const errors = fitLogistic(samples, 3).map((one, i) => Math.abs(one - [...made, bias][i]!))
  expect(Math.max(...errors)).toBeLessThan(0.1)
})

test('what is told apart without an error has weights that end, and what never varies weighs nothing [RCL-4]', () => {
  const fitted = fitLogistic(
    [-2, -1, 1, 2].map((x) => ({ row: [x, 0], isPositive: x > 0, weight: 0.25 })),
    2,
  )
  expect(fitted).toEqual([expect.closeTo(fitted[0]!, 9), 0, expect.closeTo(0, 3)])
  expect(fitted[0]).toBeGreaterThan(1)
  expect(fitted[0]).toBeLessThan(100)
})

test('an order finds the weights by which the gold of its lists was drawn [RCL-4]', () => {
  const random = seeded(3)
  const made = [1.5, -2, 0]
  const lists = Array.from({ length: 4_000 }, () => {
    const rows = rowsOf(random, 12, 3)
    const shares = rows.map((row) => Math.exp(sumOf(made, row)))
    let left = random() * shares.reduce((sum, one) => sum + one, 0)
    const drawn = shares.findIndex((one) => (left -= one) < 0)
    return { rows, gold: rows.map((_, i) => i === drawn), weight: 1 / 4_000 }
  })
  const errors = fitOrder(lists, 3).map((one, i) => Math.abs(one - made[i]!))
  expect(Math.max(...errors)).toBeLessThan(0.1)
})

test('questions of one conversation share a fold, each is asked at home and elsewhere, and its own fold has no part in its weights [RCL-4]', async () => {
  const folder = new URL('../eval/asked-before/', import.meta.url)
  const files = readdirSync(folder).filter((name) => /^(de|es)-/.test(name))
  const sets = await Promise.all(files.map((name) => loadDataSet(new URL(name, folder).pathname)))
  const conversations = sets.flatMap((set) => set.conversations)
  const cases = await collect({ ...sets[0]!, conversations }, { folds: 3, seed: 1 })

  const asked = conversations.flatMap(({ questions }) => questions.map(() => questions))
  const foldOf = new Map(asked.map((conversation, i) => [conversation, cases[i]!.fold]))
  expect(cases.map(({ fold }) => fold)).toEqual(asked.map((conversation) => foldOf.get(conversation)))
  expect([...foldOf.values()].toSorted()).toEqual([0, 0, 1, 1, 2, 2])

  for (const { candidates, gold, hits } of cases) {
    expect(candidates.filter(({ names }) => names.some((name) => gold.includes(name))).length).toBeGreaterThan(0)
    expect(candidates[0]).toMatchObject({
      features: featureNames.map(() => expect.any(Number)),
      quantities: quantityNames.map(() => expect.any(Number)),
    })
    for (const { own, foreign } of [hits.hybrid, hits.lexical]) expect(own).not.toEqual(foreign)
  }
  const seen = crossed(cases, 3, (some) => [...new Set(some.map(({ fold }) => fold))].toSorted())
  expect([0, 1, 2].map(seen)).toEqual([
    [1, 2],
    [0, 2],
    [0, 1],
  ])
})
