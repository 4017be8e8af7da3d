// The base of every unit, the best 300 of a list, and their weighted features: one fixed-point score (RCL-2, RCL-10). Pure over arrays.
import { limits } from '../core/limits.ts'
import type { Int16Vector } from '../core/quantize.ts'
import { leftOut, type Kernel } from './kernel.ts'
import type { ListTerms } from './lexical-scores.ts'
import type { Scratch } from './scratch.ts'
import type { UnitGroup } from './unit-group.ts'
import { weights } from './weights.ts'

export interface Arms {
  readonly words: boolean
  readonly query: Int16Vector | undefined // of the dense arm
  readonly dimensions: number
  readonly denseShare: number // α
}

/** Mean and deviation of one quantity over the units of a list; `least` where it is a unit's worst. */
interface Spread {
  readonly mean: number
  readonly deviation: number
  readonly least: number
}
export interface ListSpreads {
  readonly near: Spread
  readonly win: Spread
  readonly cosine: Spread
  readonly session: Spread
}

/** Scores are whole numbers of 1e-6 before any comparison (RCL-10). */
const fixed = (score: number): number => Math.round(score * 1e6)

const standard = ({ mean, deviation }: Spread, value: number): number => (deviation > 0 ? (value - mean) / deviation : 0)

/** z of a unit's cosine; one without a vector has its list's lowest. */
const denseOf = (spread: Spread, cosine: number, hasVector: boolean): number => standard(spread, hasVector ? cosine : spread.least)

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
  const { threads } = group
  const sums = sumsOf(kernel, group, scratch)
  return group.lists.map((_, i) => {
    const size = group.sizes[i]!
    const at = sumsAList * i
    const vectors = sums[at + 6]!
    const missing = size - vectors
    const low = vectors === 0 ? 0 : sums[at + 7]! / 1e6 // a unit without a vector counts as the lowest cosine
    return {
      near: spread(sums[at]!, sums[at + 1]!, size, 0),
      win: spread(sums[at + 2]!, sums[at + 3]!, size, 0),
      session: sessionSpread(scratch.thread, i === 0 ? threads.first : threads.second, threads.length, size),
      cosine: spread(sums[at + 4]! / 1e6 + missing * low, sums[at + 5]! / 1e12 + missing * low * low, size, low),
    }
  })
}

/** Of one list: sum and sum of squares of `near`, of `win` and of the cosines in millionths; the number of vectors, and the lowest cosine. */
const sumsAList = 8

/** One walk over every unit, in order, so that sums are the same however the group was built. `near`: own score, and half that of the messages beside. */
function sumsOf(kernel: Kernel, { units, messages, memory, lists }: UnitGroup, { own, near, win, message }: Scratch): Float64Array {
  const sums = new Float64Array(sumsAList * lists.length)
  for (let i = 0; i < lists.length; i++) sums[sumsAList * i + 7] = Infinity
  const { message: messageOf, list: listOf, length } = units
  const { previous, next } = messages
  const cosines = kernel.arena.int32(memory.scores.pointer, length)
  const scales = kernel.arena.float32(memory.scales.pointer, length)
  const share = weights.neighbour
  for (let unit = 0; unit < length; unit++) {
    const to = sumsAList * listOf[unit]!
    const at = messageOf[unit]!
    const before = previous[at]!
    const after = next[at]!
    const score = own[unit]! + share * ((before > 0 ? message[before - 1]! : 0) + (after > 0 ? message[after - 1]! : 0))
    near[unit] = score
    sums[to]! += score
    sums[to + 1]! += score * score
    const best = win[unit]!
    sums[to + 2]! += best
    sums[to + 3]! += best * best
    if (!(scales[unit]! > 0)) continue
    const cosine = cosines[unit]!
    sums[to + 4]! += cosine
    sums[to + 5]! += cosine * cosine
    sums[to + 6]!++
    if (cosine < sums[to + 7]!) sums[to + 7] = cosine
  }
  return sums
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
  return spread(sum, squares, size, 0)
}

function spread(sum: number, squares: number, size: number, least: number): Spread {
  if (size === 0) return { mean: 0, deviation: 0, least: 0 }
  const mean = sum / size
  const variance = squares / size - mean * mean
  return { mean, deviation: variance > 1e-12 ? Math.sqrt(variance) : 0, least }
}

/** The best of a list by the base; `admit` undefined admits all. What matches by no arm is no candidate. */
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
  const scales = kernel.arena.float32(memory.scales.pointer, n)
  const fused = kernel.arena.int32(memory.fused.pointer, n)
  const { near } = scratch
  const { list: listOf } = units
  const dense = arms.query !== undefined && arms.query.scale > 0
  const alpha = !dense ? 0 : !arms.words ? 1 : arms.denseShare
  // (1 − α)·z(near) + α·z(cos) as one line each, in millionths: this loop runs over every unit
  const nearSlope = spreads.near.deviation > 0 ? (1e6 * (1 - alpha)) / spreads.near.deviation : 0
  const cosineSlope = spreads.cosine.deviation > 0 ? alpha / spreads.cosine.deviation : 0
  const base = -nearSlope * spreads.near.mean - 1e6 * cosineSlope * spreads.cosine.mean
  const least = 1e6 * spreads.cosine.least
  const { words } = arms
  for (let unit = 0; unit < n; unit++) {
    const hasVector = scales[unit]! > 0
    const matches = listOf[unit] === list && ((words && near[unit] !== 0) || (dense && hasVector)) && (admit === undefined || admit(unit))
    fused[unit] = matches ? Math.floor(base + nearSlope * near[unit]! + cosineSlope * (hasVector ? cosines[unit]! : least) + 0.5) : leftOut
  }
  return kernel.top(memory.fused.pointer, n, limits.recallCandidates)
}

/** What the score of a candidate is made of, each times its weight, in the order of the sum. */
export const featureNames = ['win', 'dense', 'denseNear', 'session', 'speaker', 'coverage', 'long'] as const
const featureWeights = Float64Array.from(featureNames, (name) => weights.features[name])

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

/** Writes a unit's features in the order of their names: no object, since each candidate of each search has them. */
export function writeFeatures(view: FeatureView, unit: number, out: Float64Array): void {
  const { group, spreads, terms, scratch, cosines, scales, words, dense } = view
  const { units } = group
  const list = units.list[unit]!
  const { win, session, cosine } = spreads[list]!
  const known = terms[list]!
  out[0] = words ? standard(win, scratch.win[unit]!) : 0
  out[1] = dense ? denseOf(cosine, cosines[unit]! / 1e6, scales[unit]! > 0) : 0
  out[2] = dense ? denseNear(view, units.message[unit]!) : 0
  out[3] = words ? standard(session, scratch.thread[units.thread[unit]!]!) : 0
  out[4] = words && view.speaks(unit) ? 1 : 0
  out[5] = words && known.knownIdf > 0 ? coveredIdf(known, scratch.coversLow[unit]!, scratch.coversHigh[unit]!) / known.knownIdf : 0
  out[6] = words ? longOf(group, unit) : 0
}

/** Mean z of the messages before and after, each by its best unit. */
function denseNear(view: FeatureView, message: number): number {
  const { previous, next } = view.group.messages
  const before = previous[message]!
  const after = next[message]!
  if (before === 0 && after === 0) return 0
  const sum = (before === 0 ? 0 : bestDense(view, before - 1)) + (after === 0 ? 0 : bestDense(view, after - 1))
  return before === 0 || after === 0 ? sum : sum / 2
}

function bestDense({ group: { units, messages }, spreads, cosines, scales }: FeatureView, message: number): number {
  let best = -Infinity
  for (let at = messages.last[message]!; at > 0; at = units.sibling[at - 1]!)
    best = Math.max(best, denseOf(spreads[units.list[at - 1]!]!.cosine, cosines[at - 1]! / 1e6, scales[at - 1]! > 0))
  return best
}

export function scoreOf(features: Float64Array): number {
  let score = 0
  for (let i = 0; i < featureWeights.length; i++) score += featureWeights[i]! * features[i]!
  return fixed(score)
}
