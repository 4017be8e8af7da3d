// How likely a unit answers the query at all: a logistic of absolute quantities of its list (ABS-1). Pure.
import { coveredIdf, longOf, type FeatureView } from './fuse.ts'
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
  const all = list.allIdf
  const share = (sum: number) => (all > 0 ? sum / all : 0)
  const [low, high] = coversNear(view, unit)
  const hasVector = view.dense && scales[unit]! > 0
  const quantities = {
    known: share(list.knownIdf),
    coverage: share(coveredIdf(list, scratch.coversLow[unit]!, scratch.coversHigh[unit]!)),
    coverageNear: share(coveredIdf(list, low, high)),
    cosine: hasVector ? cosines[unit]! / 1e6 : 0,
    long: longOf(group, unit),
    lexical: share(scratch.own[unit]! / (weights.bm25.k1 + 1)), // the most a term can give is its idf · (k1 + 1)
  }
  // without a vector there is no cosine to weigh: the weights of words alone
  const w = hasVector ? weights.relevance : weights.relevanceOfWords
  const sum =
    w.known * quantities.known +
    w.coverage * quantities.coverage +
    w.coverageNear * quantities.coverageNear +
    w.cosine * quantities.cosine +
    w.lexical * quantities.lexical +
    w.long * quantities.long +
    w.bias
  return { ...quantities, value: Math.round(1e6 / (1 + Math.exp(-sum))) / 1e6 }
}

/** The terms that the unit or its neighbours within the window hold. */
function coversNear({ group, scratch }: FeatureView, unit: number): readonly [number, number] {
  const { previous, next } = group.units
  let low = scratch.coversLow[unit]!
  let high = scratch.coversHigh[unit]!
  for (const way of [previous, next])
    for (let step = 0, at = way[unit]!; step < weights.window.reach && at > 0; step++, at = way[at - 1]!) {
      low |= scratch.coversLow[at - 1]!
      high |= scratch.coversHigh[at - 1]!
    }
  return [low, high]
}

/** What the candidate lacked most, in words (ABS-2). */
export function lacked({ known, coverage, cosine }: Relevance): string {
  if (known < 0.5) return 'most of the query is in words that this memory has never seen'
  if (coverage < 0.34) return "it holds few of the query's words"
  return cosine < 0.3 ? 'it is about something else' : 'it holds too little of the query'
}
