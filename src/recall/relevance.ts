// How likely a unit answers the query at all: a logistic of absolute quantities of its list (ABS-1). Pure.
import { coveredIdf, longOf, type FeatureView } from './fuse.ts'
import type { ListTerms } from './lexical-scores.ts'
import { weights } from './weights.ts'

export interface Relevance {
  readonly value: number // 0–1, in millionths exact (RCL-10)
  readonly known: number
  readonly coverage: number
  readonly coverageNear: number
  readonly cosine: number
  readonly lexical: number
  readonly long: number
}

export function relevanceOf(view: FeatureView, unit: number): Relevance {
  const { group, terms, scratch, cosines, scales } = view
  const list = terms[group.units.list[unit]!]!
  const one = list.allIdf > 0 ? 1 / list.allIdf : 0
  const hasVector = view.dense && scales[unit]! > 0
  const known = list.knownIdf * one
  const coverage = coveredIdf(list, scratch.coversLow[unit]!, scratch.coversHigh[unit]!) * one
  const coverageNear = coveredNear(view, list, unit) * one
  const cosine = hasVector ? cosines[unit]! / 1e6 : 0
  const lexical = (scratch.own[unit]! * one) / (weights.bm25.k1 + 1) // the most a term can give is its idf · (k1 + 1)
  const long = longOf(group, unit)
  // without a vector there is no cosine to weigh: the weights of words alone
  const w = hasVector ? weights.relevance : weights.relevanceOfWords
  const sum =
    w.known * known + w.coverage * coverage + w.coverageNear * coverageNear + w.cosine * cosine + w.lexical * lexical + w.long * long + w.bias
  return { value: Math.round(1e6 / (1 + Math.exp(-sum))) / 1e6, known, coverage, coverageNear, cosine, lexical, long }
}

/** The sum over the terms that the unit or its neighbours within the window hold. */
function coveredNear({ group, scratch }: FeatureView, list: ListTerms, unit: number): number {
  const { previous, next } = group.units
  const { coversLow, coversHigh } = scratch
  const { reach } = weights.window
  let low = coversLow[unit]!
  let high = coversHigh[unit]!
  for (let step = 0, at = previous[unit]!; step < reach && at > 0; step++, at = previous[at - 1]!) {
    low |= coversLow[at - 1]!
    high |= coversHigh[at - 1]!
  }
  for (let step = 0, at = next[unit]!; step < reach && at > 0; step++, at = next[at - 1]!) {
    low |= coversLow[at - 1]!
    high |= coversHigh[at - 1]!
  }
  return coveredIdf(list, low, high)
}

/** What the candidate lacked most, in words (ABS-2). */
export function lacked({ known, coverage, cosine }: Relevance): string {
  if (known < 0.5) return 'most of the query is in words that this memory has never seen'
  if (coverage < 0.34) return "it holds few of the query's words"
  return cosine < 0.3 ? 'it is about something else' : 'it holds too little of the query'
}
