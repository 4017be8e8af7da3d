// A query as the arms take it: its terms, cut to the heaviest where there are too many, and the names it holds (RCL-11). Pure.
import { limits } from '../../core/limits.ts'
import type { Analyzer, QueryTerm } from '../text/analyze.ts'
import { idfOf } from './lexical-scores.ts'
import type { Partition } from '../partition/partition.ts'

export interface Query {
  readonly text: string
  readonly terms: readonly QueryTerm[]
  readonly names: ReadonlySet<string>
  readonly cut: boolean
}

/** Over 4,000 characters the dense arm reads what its model takes, and the lexical arm the 64 heaviest terms of the whole. */
export function queryOf(analyzer: Analyzer, text: string, partition: Partition): Query {
  const { terms, names } = analyzer.query(text)
  if (terms.length <= limits.queryTerms) return { text, terms, names, cut: text.length > limits.queryCharacters }
  const heavy = terms
    .map((term, order) => ({ term, order, weight: weightOf(partition, term) }))
    .toSorted((a, b) => b.weight - a.weight || a.order - b.order)
  return {
    text,
    terms: heavy
      .slice(0, limits.queryTerms)
      .toSorted((a, b) => a.order - b.order)
      .map(({ term }) => term),
    names,
    cut: true,
  }
}

/** Heaviest: the rarest that are there; a term that no list has seen finds nothing. */
function weightOf(partition: Partition, { term }: QueryTerm): number {
  let weight = 0
  for (const group of partition.groups)
    for (const index of group.indexes) {
      const number = index.dictionary.find(term)
      if (number >= 0) weight = Math.max(weight, idfOf(index.units, index.terms.frequency[number]!))
    }
  return weight
}
