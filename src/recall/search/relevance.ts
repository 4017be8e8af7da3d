// How likely a unit answers the query at all: a logistic of absolute quantities of its list (ABS-1). Pure.
import { coveredIdf, longOf, type FeatureView } from './fuse.ts'
import type { ListTerms } from './lexical-scores.ts'
import type { Scratch } from '../kernel/scratch.ts'
import type { UnitGroup } from '../partition/unit-group.ts'
import { weights } from '../weights.ts'

const partNames = ['known', 'coverage', 'coverageNear', 'cosine', 'lexical', 'long'] as const
const weightsOf = (of: typeof weights.relevance | typeof weights.relevanceOfWords) => ({
  bias: of.bias,
  parts: Float64Array.from(partNames, (name) => of[name]),
})
const withVector = weightsOf(weights.relevance)
const ofWords = weightsOf(weights.relevanceOfWords)

/** What a unit's relevance is made of, in the order of `partNames`. Overwritten by the next call: every candidate has them. */
const parts = new Float64Array(partNames.length)

/** All but `coverageNear`, which asks the neighbours. */
function writeOwnParts({ group, terms, scratch, cosines, scales, dense }: FeatureView, unit: number): typeof withVector {
  const list = terms[group.units.list[unit]!]!
  const one = list.allIdf > 0 ? 1 / list.allIdf : 0
  const hasVector = dense && scales[unit]! > 0
  parts[0] = list.knownIdf * one
  parts[1] = coveredIdf(list, scratch.coversLow[unit]!, scratch.coversHigh[unit]!) * one
  parts[3] = hasVector ? cosines[unit]! / 1e6 : 0
  parts[4] = (scratch.own[unit]! * one) / (weights.bm25.k1 + 1) // the most a term can give is its idf · (k1 + 1)
  parts[5] = longOf(group, unit)
  return hasVector ? withVector : ofWords // without a vector there is no cosine to weigh: the weights of words alone
}

function sumOf(weigh: typeof withVector): number {
  let sum = weigh.bias
  for (let i = 0; i < parts.length; i++) sum += weigh.parts[i]! * parts[i]!
  return sum
}

/** From 0 to 1, in millionths exact (RCL-10). What is surely under `least`, a sum by `sumAt`, gives −1: most are, and their neighbours need no look. */
export function relevanceOf(view: FeatureView, unit: number, least = -Infinity): number {
  const weigh = writeOwnParts(view, unit)
  parts[2] = 1 // at most, by neighbours that hold the whole query
  if (sumOf(weigh) < least) return -1
  const { group, terms, scratch } = view
  const list = terms[group.units.list[unit]!]!
  parts[2] = list.allIdf > 0 ? coveredNear(group, scratch, list, unit) * (1 / list.allIdf) : 0
  return Math.round(1e6 / (1 + Math.exp(-sumOf(weigh)))) / 1e6
}

/** What a unit's relevance is made of, by name: to explain it, and to fit its weights. */
export function quantitiesOf(view: FeatureView, unit: number): Record<string, number> {
  relevanceOf(view, unit)
  return Object.fromEntries(partNames.map((name, k) => [name, parts[k]!]))
}

/** The sum under which a relevance rounds to less than this. */
export function sumAt(relevance: number): number {
  const below = relevance - 1e-6
  return below <= 0 ? -Infinity : Math.log(below / (1 - below))
}

/** The sum over the terms that the unit or its neighbours within the window hold. */
function coveredNear({ units: { previous, next } }: UnitGroup, scratch: Scratch, list: ListTerms, unit: number): number {
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
export function lacked(view: FeatureView, unit: number): string {
  writeOwnParts(view, unit)
  const [known = 0, coverage = 0, , cosine = 0] = parts
  if (known < 0.5) return 'most of the query is in words that this memory has never seen'
  if (coverage < 0.34) return "it holds few of the query's words"
  return cosine < 0.3 ? 'it is about something else' : 'it holds too little of the query'
}
