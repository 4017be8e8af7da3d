// The base of every unit, the best 300 of a list, and their weighted features: one fixed-point score (RCL-2, RCL-10). Pure over arrays.
import { limits } from '../../core/limits.ts'
import type { Int16Vector } from '../../core/quantize.ts'
import { leftOut, type Kernel } from '../kernel/kernel.ts'
import type { ListTerms } from './lexical-scores.ts'
import { scoreSteps, type Scratch } from '../kernel/scratch.ts'
import type { UnitGroup } from '../partition/unit-group.ts'
import { weights } from '../weights.ts'

export interface Arms {
  readonly words: boolean
  readonly query: Int16Vector | undefined // of the dense arm
  readonly dimensions: number
  readonly denseShare: number // α
}

/** How one quantity spreads over the units of a list: z is `slope` · value + `base`, and 0 where nothing deviates. */
interface Spread {
  readonly slope: number
  readonly base: number
}
export interface ListSpreads {
  readonly near: Spread
  readonly win: Spread
  readonly cosine: Spread
  readonly session: Spread
  readonly least: number // the cosine of a unit without a vector
  readonly missing: number // units without one
}

/** Scores are whole numbers of 1e-6 before any comparison (RCL-10). */
const fixed = (score: number): number => Math.round(score * 1e6)

const standard = ({ slope, base }: Spread, value: number): number => slope * value + base

/** Cosines in millionths into the group's `scores`; all 0 without a query vector. */
export function scoreVectors(kernel: Kernel, group: UnitGroup, { query, dimensions }: Arms): void {
  const { memory, units } = group
  if (query === undefined || query.scale === 0) kernel.arena.int32(memory.scores.pointer, units.length).fill(0)
  else
    kernel.scores({
      vectors: memory.vectors.pointer,
      dimensions,
      count: units.length,
      scales: memory.scales.pointer,
      query,
      out: memory.scores.pointer,
    })
}

/** Fills `near`, and gives each list its spreads. */
export function spreadsOf(kernel: Kernel, group: UnitGroup, scratch: Scratch): ListSpreads[] {
  addNeighbours(group, scratch)
  return group.lists.map((_, list) => spreadsOfList(kernel, group, scratch, list))
}

/** `near`: a unit's own score, and half that of the messages before and after. */
function addNeighbours({ units, messages }: UnitGroup, { own, near, message }: Scratch): void {
  const { message: messageOf, length } = units
  const { previous, next } = messages
  const share = weights.neighbour
  for (let unit = 0; unit < length; unit++) {
    const at = messageOf[unit]!
    near[unit] = own[unit]! + share * (message[previous[at]!]! + message[next[at]!]!)
  }
}

/** Plain variables, and each list by itself: this loop runs over every unit. */
function spreadsOfList(kernel: Kernel, { units, threads, memory, sizes }: UnitGroup, scratch: Scratch, list: number): ListSpreads {
  const { near, win, thread } = scratch
  const { list: listOf, length } = units
  const size = sizes[list]!
  const cosines = kernel.arena.int32(memory.scores.pointer, length)
  const scales = kernel.arena.float32(memory.scales.pointer, length)
  let nearSum = 0
  let nearSquares = 0
  let winSum = 0
  let winSquares = 0
  let sum = 0
  let squares = 0
  let vectors = 0
  let lowest = Infinity
  for (let unit = size === 0 ? length : 0; unit < length; unit++) {
    if (listOf[unit] !== list) continue
    const score = near[unit]!
    const best = win[unit]!
    nearSum += score
    nearSquares += score * score
    winSum += best
    winSquares += best * best
    if (!(scales[unit]! > 0)) continue
    const cosine = cosines[unit]!
    sum += cosine
    squares += cosine * cosine
    vectors++
    if (cosine < lowest) lowest = cosine
  }
  const least = vectors === 0 ? 0 : lowest / 1e6 // a unit without a vector counts as the lowest cosine
  const missing = size - vectors
  return {
    near: spread(nearSum, nearSquares, size),
    win: spread(winSum, winSquares, size),
    session: sessionSpread(thread, list === 0 ? threads.first : threads.second, threads.length, size),
    cosine: spread(sum / 1e6 + missing * least, squares / 1e12 + missing * least * least, size),
    least,
    missing,
  }
}

/** Of the best score of each unit's session. */
function sessionSpread(thread: Float64Array, units: Int32Array, threads: number, size: number): Spread {
  let sum = 0
  let squares = 0
  for (let at = 0; at < threads; at++) {
    const score = thread[at]!
    if (score === 0) continue
    sum += units[at]! * score
    squares += units[at]! * score * score
  }
  return spread(sum, squares, size)
}

function spread(sum: number, squares: number, size: number): Spread {
  const mean = size === 0 ? 0 : sum / size
  const variance = size === 0 ? 0 : squares / size - mean * mean
  const slope = variance > 1e-12 ? 1 / Math.sqrt(variance) : 0
  return { slope, base: -slope * mean }
}

/** The best of a list by the base, in no order; `admit` undefined admits all. What matches by no arm is no candidate. */
export function candidatesOf(
  kernel: Kernel,
  group: UnitGroup,
  list: number,
  spreads: ListSpreads,
  arms: Arms,
  scratch: Scratch,
  admit: ((unit: number) => boolean) | undefined,
): Int32Array {
  const { units, memory } = group
  const n = units.length
  const cosines = kernel.arena.int32(memory.scores.pointer, n)
  const fused = kernel.arena.int32(memory.fused.pointer, n)
  const scales = kernel.arena.float32(memory.scales.pointer, n)
  const { list: listOf } = units
  const { words } = arms
  const { near, steps } = scratch
  const dense = arms.query !== undefined && arms.query.scale > 0
  const alpha = !dense ? 0 : !arms.words ? 1 : arms.denseShare
  // (1 − α)·z(near) + α·z(cos) as one line, in millionths: this loop runs over every unit
  const nearSlope = 1e6 * (1 - alpha) * spreads.near.slope
  const cosineSlope = alpha * spreads.cosine.slope
  const base = 1e6 * ((1 - alpha) * spreads.near.base + alpha * spreads.cosine.base) + 0.5
  const allMatch = dense && spreads.missing === 0 && group.sizes[list] === n && admit === undefined
  const least = 1e6 * spreads.least
  steps.fill(0)
  if (allMatch)
    for (let unit = 0; unit < n; unit++) {
      const score = Math.floor(base + nearSlope * near[unit]! + cosineSlope * cosines[unit]!)
      fused[unit] = score
      countStep(steps, score)
    }
  else
    for (let unit = 0; unit < n; unit++) {
      const hasVector = scales[unit]! > 0
      const matches = listOf[unit] === list && ((dense && hasVector) || (words && near[unit] !== 0)) && (admit === undefined || admit(unit))
      const score = matches ? Math.floor(base + nearSlope * near[unit]! + cosineSlope * (hasVector ? cosines[unit]! : least)) : leftOut
      fused[unit] = score
      countStep(steps, score)
    }
  return kernel.top(memory.fused.pointer, n, limits.recallCandidates, floorOf(steps, limits.recallCandidates))
}

// Most scores are counted by steps of 2^14, from −4.2 standard deviations to 12.5: where the best begin, so that the others need no heap.
const stepBits = 14
const firstStep = -256

export function countStep(steps: Int32Array, score: number): void {
  const step = (score >> stepBits) - firstStep
  if (step >= 0 && step < scoreSteps) steps[step]!++
}

/** A score that at least `most` of those counted are above, or `leftOut`. */
export function floorOf(steps: Int32Array, most: number): number {
  let above = 0
  for (let step = scoreSteps - 1; step > 0; step--) if ((above += steps[step]!) >= most) return ((step + firstStep) << stepBits) - 1
  return leftOut
}

/** What the score of a candidate is made of, each times its weight. */
const featureNames = ['win', 'dense', 'denseNear', 'session', 'speaker', 'coverage', 'long', 'asks'] as const

/** The sum over the query's terms that the unit holds. */
export function coveredIdf({ idf }: ListTerms, low: number, high: number): number {
  let sum = 0
  for (let bits = low, i = 0; bits !== 0; bits >>>= 1, i++) if ((bits & 1) !== 0) sum += idf[i]!
  for (let bits = high, i = 32; bits !== 0; bits >>>= 1, i++) if ((bits & 1) !== 0) sum += idf[i]!
  return sum
}

/** How much longer than 60 words a unit is: ln(words ÷ 60), at least 0. */
export function longOf({ units }: UnitGroup, unit: number): number {
  const words = units.words[unit]!
  return words <= weights.longWords ? 0 : Math.log(words / weights.longWords)
}

/** How much a unit only asks: 1 for the shortest question, 0 for a statement and from 20 words on, where a question tells what it is about. */
const asksOf = ({ units }: UnitGroup, unit: number): number => (units.asks[unit] === 1 ? Math.max(0, 1 - units.words[unit]! / weights.asksWords) : 0)

export interface FeatureView {
  readonly group: UnitGroup
  readonly spreads: readonly ListSpreads[]
  readonly terms: readonly ListTerms[]
  readonly scratch: Scratch
  readonly cosines: Int32Array
  readonly scales: Float32Array
  readonly words: boolean // the arms that rank; relevance looks at both
  readonly dense: boolean
  readonly speaks: (unit: number) => boolean // the query names the unit's speaker
}

/**
 * One score a unit of the list, in millionths; `told`: its features too, one unit after the other, in the order of their names.
 * One loop over plain variables: each candidate of each search has them all.
 */
export function scoresOf(view: FeatureView, list: number, candidates: Int32Array, told?: Float64Array): Float64Array {
  const { group, spreads, cosines, scales, words, dense, speaks } = view
  const { list: listOf, message: messageOf, sibling, thread: threadOf } = group.units
  const { previous, next, last } = group.messages
  const { win: winOf, thread: best, coversLow, coversHigh } = view.scratch
  const of = spreads[list]!
  const known = view.terms[list]!
  const share = known.knownIdf > 0 ? 1 / known.knownIdf : 0
  const weigh = weights.features
  /** z of a unit's cosine; one without a vector has its list's lowest. */
  const zOf = (unit: number): number => {
    const { cosine, least } = spreads[listOf[unit]!]!
    return standard(cosine, scales[unit]! > 0 ? cosines[unit]! / 1e6 : least)
  }
  /** The best unit of a message, by its number + 1. */
  const bestOf = (at: number): number => {
    let most = -Infinity
    for (let unit = last[at - 1]!; unit > 0; unit = sibling[unit - 1]!) most = Math.max(most, zOf(unit - 1))
    return most
  }
  /** The mean of the best of the messages before and after. */
  const nearOf = (unit: number): number => {
    const before = previous[messageOf[unit]!]!
    const after = next[messageOf[unit]!]!
    const sum = (before === 0 ? 0 : bestOf(before)) + (after === 0 ? 0 : bestOf(after))
    return before === 0 || after === 0 ? sum : sum / 2
  }
  const scores = new Float64Array(candidates.length)
  for (let i = 0; i < candidates.length; i++) {
    const unit = candidates[i]!
    const asks = asksOf(group, unit)
    const cosine = dense ? zOf(unit) : 0
    const near = dense ? nearOf(unit) : 0
    const win = words ? standard(of.win, winOf[unit]!) : 0
    const session = words ? standard(of.session, best[threadOf[unit]!]!) : 0
    const speaker = words && speaks(unit) ? 1 : 0
    const coverage = words ? share * coveredIdf(known, coversLow[unit]!, coversHigh[unit]!) : 0
    const long = words ? longOf(group, unit) : 0
    const ofMeaning = weigh.dense * cosine + weigh.denseNear * near
    const ofWords = weigh.win * win + weigh.session * session + weigh.speaker * speaker + weigh.coverage * coverage
    scores[i] = fixed(ofWords + ofMeaning + weigh.long * long + weigh.asks * asks)
    told?.set([win, cosine, near, session, speaker, coverage, long, asks], i * featureNames.length)
  }
  return scores
}

/** A unit's features by name, to explain its score. */
export function featuresOf(view: FeatureView, unit: number): Record<string, number> {
  const told = new Float64Array(featureNames.length)
  scoresOf(view, view.group.units.list[unit]!, Int32Array.of(unit), told)
  return Object.fromEntries(featureNames.map((name, k) => [name, told[k]!]))
}
