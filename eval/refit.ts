// The weights of relevance and of the order, fitted to collected cases, and what they are worth. Pure.
import { limits } from '../src/core/limits.ts'
import { abstentionOf, judge } from '../src/eval/metrics.ts'
import { mergeLists, roomOf } from '../src/recall/search/merge.ts'
import { weights } from '../src/recall/weights.ts'
import { deepest, featureNames, quantityNames, type Arm, type Case } from './collect.ts'
import { fitLogistic, fitOrder, sumOf, type Ranked, type Sample } from './newton.ts'

/** The weights that the code has, in the order of the names; a relevance ends with its bias. */
export const inCode: Readonly<Record<Arm | 'features', readonly number[]>> = {
  hybrid: [...quantityNames.map((name) => weights.relevance[name]), weights.relevance.bias],
  lexical: [...quantityNames.map((name) => weights.relevanceOfWords[name]), weights.relevanceOfWords.bias],
  features: featureNames.map((name) => weights.features[name]),
}

/** The weights that a fold is judged by. */
export type ByFold = (fold: number) => readonly number[]

/** Those that were fitted without the fold (RCL-4). */
export function crossed(cases: readonly Case[], folds: number, fit: (some: readonly Case[]) => readonly number[]): ByFold {
  const fitted = Array.from({ length: folds }, (_, fold) => fit(cases.filter((one) => one.fold !== fold)))
  return (fold) => fitted[fold]!
}

const blanked = (row: readonly number[], columns: readonly (number | undefined)[]) => row.map((value, i) => (columns.includes(i) ? 0 : value))

function bestBy(at: readonly number[], rows: readonly (readonly number[])[]): readonly number[] | undefined {
  const sums = rows.map((row) => sumOf(at, row))
  return rows[sums.indexOf(Math.max(...sums))]
}

const relevanceBy = (at: readonly number[], row: readonly number[]) => 1 / (1 + Math.exp(-sumOf(at, row) - at[row.length]!))

const towardsSilence = 0.4 // taken off each fitted bias (docs/decisions/2026-11-25-recall-weighs-length.md)

/** A question is as relevant as its best unit (ABS-1), and which one is best hangs on the weights: so both are found by turns. */
export function fitRelevance(cases: readonly Case[], arm: Arm, without?: number): readonly number[] {
  let at = inCode[arm]
  for (let turn = 0; turn < 10; turn++) {
    const samples = cases.flatMap(({ weight, hits }) =>
      (['own', 'foreign'] as const).flatMap((where): Sample[] => {
        const row = bestBy(at, hits[arm][where])
        return row === undefined ? [] : [{ row: blanked(row, [without]), isPositive: where === 'own', weight: weight / 2 }]
      }),
    )
    at = fitLogistic(samples, quantityNames.length)
  }
  return at.map((one, i) => (i === quantityNames.length ? one - towardsSilence : one))
}

export function abstention(cases: readonly Case[], arm: Arm, at: ByFold) {
  const best = (where: 'own' | 'foreign') =>
    cases.map(({ hits, fold }) => {
      const row = bestBy(at(fold), hits[arm][where])
      return row === undefined ? 0 : relevanceBy(at(fold), row)
    })
  return abstentionOf(best('own'), best('foreign'), limits.relevanceFloor)
}

const asks = featureNames.indexOf('asks')

/** Gold is sought in each list, which has its own order. `asks` is held: nothing is asked twice in these sets, so they cannot show what it is for. */
export function fitFeatures(cases: readonly Case[], without?: number): number[] {
  const lists = cases.flatMap(({ candidates, gold, weight }) =>
    [...Map.groupBy(candidates, ({ list }) => list).values()].flatMap((some): Ranked[] => {
      const isGold = some.map(({ names }) => names.some((name) => gold.includes(name)))
      return isGold.includes(true) ? [{ rows: some.map(({ features }) => blanked(features, [asks, without])), gold: isGold, weight }] : []
    }),
  )
  const at = fitOrder(lists, featureNames.length)
  // Only the order counts: made as large as the code's, beside which they are printed, and to whose size `asks` belongs.
  const size = (of: readonly number[]) => blanked(of, [asks, without]).reduce((sum, one) => sum + Math.abs(one), 0)
  return at.map((one, i) => (i === asks && i !== without ? inCode.features[asks]! : (one * size(inCode.features)) / size(at)))
}

/** Recall@10 of the merged lists, in percent, a question each. Near copies are left in. */
export const recalls = (cases: readonly Case[], order: ByFold): number[] =>
  cases.map(({ candidates, gold, fold }) => {
    const at = order(fold)
    const scored = candidates.map((one) => ({ ...one, score: sumOf(at, one.features), relevance: relevanceBy(inCode.hybrid, one.quantities) }))
    const lists = [...Map.groupBy(scored, ({ list }) => list)].map(([list, some]) => {
      const seen = new Set<string>()
      return some
        .toSorted((a, b) => b.score - a.score || b.saidAt - a.saidAt || (a.id < b.id ? -1 : 1))
        .filter(({ message }) => !seen.has(message) && seen.add(message))
        .slice(0, roomOf(list, deepest))
    })
    return 100 * judge({ gold, hits: mergeLists(lists).map(({ names }) => names), tokens10: 0 }).r10
  })
