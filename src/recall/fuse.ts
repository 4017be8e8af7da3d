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
  const { units, threads } = group
  addNeighbours(group, scratch)
  const near = sumsOf(scratch.near, units.list, units.length)
  const win = sumsOf(scratch.win, units.list, units.length)
  const cosines = cosineSums(kernel, group)
  return group.lists.map((_, i) => {
    const size = group.sizes[i]!
    const { sum, squares, vectors, least } = cosines[i]!
    const missing = size - vectors
    const low = vectors === 0 ? 0 : least // a unit without a vector counts as the lowest cosine
    return {
      near: spread(near[2 * i]!, near[2 * i + 1]!, size, 0),
      win: spread(win[2 * i]!, win[2 * i + 1]!, size, 0),
      session: sessionSpread(scratch.thread, i === 0 ? threads.first : threads.second, threads.length, size),
      cosine: spread(sum + missing * low, squares + missing * low * low, size, low),
    }
  })
}

/** `near`: a unit's own score, and half that of the messages before and after. */
function addNeighbours({ units, messages }: UnitGroup, { own, near, message }: Scratch): void {
  const { message: messageOf, length } = units
  const { previous, next } = messages
  const share = weights.neighbour
  for (let unit = 0; unit < length; unit++) {
    const at = messageOf[unit]!
    const before = previous[at]!
    const after = next[at]!
    near[unit] = own[unit]! + share * ((before > 0 ? message[before - 1]! : 0) + (after > 0 ? message[after - 1]! : 0))
  }
}

/** Sum and sum of squares over the first list, then over the second. Plain variables: this loop runs over every unit. */
function sumsOf(values: Float64Array, list: Uint8Array, count: number): readonly number[] {
  let [sum, squares, sum2, squares2] = [0, 0, 0, 0]
  for (let unit = 0; unit < count; unit++) {
    const value = values[unit]!
    if (list[unit] === 0) {
      sum += value
      squares += value * value
    } else {
      sum2 += value
      squares2 += value * value
    }
  }
  return [sum, squares, sum2, squares2]
}

function cosineSums(kernel: Kernel, { units, memory, lists }: UnitGroup) {
  const cosines = kernel.arena.int32(memory.scores.pointer, units.length)
  const scales = kernel.arena.float32(memory.scales.pointer, units.length)
  return lists.map((_, list) => {
    let [sum, squares, vectors, least] = [0, 0, 0, Infinity]
    const { list: listOf, length } = units
    for (let unit = 0; unit < length; unit++) {
      if (listOf[unit] !== list || !(scales[unit]! > 0)) continue
      const cosine = cosines[unit]! / 1e6
      sum += cosine
      squares += cosine * cosine
      vectors++
      if (cosine < least) least = cosine
    }
    return { sum, squares, vectors, least }
  })
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

/** What the score of a candidate is made of, each times its weight. */
export interface Features {
  readonly win: number
  readonly dense: number
  readonly denseNear: number
  readonly session: number
  readonly speaker: number
  readonly coverage: number
  readonly long: number
}

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

export function featuresOf(view: FeatureView, unit: number): Features {
  const { group, spreads, terms, scratch, cosines, scales, words, dense } = view
  const { units } = group
  const list = units.list[unit]!
  const { win, session, cosine } = spreads[list]!
  const { knownIdf } = terms[list]!
  return {
    win: words ? standard(win, scratch.win[unit]!) : 0,
    dense: dense ? denseOf(cosine, cosines[unit]! / 1e6, scales[unit]! > 0) : 0,
    denseNear: dense ? denseNear(view, units.message[unit]!) : 0,
    session: !words ? 0 : standard(session, scratch.thread[units.thread[unit]!]!),
    speaker: words && view.speaks(unit) ? 1 : 0,
    coverage: words && knownIdf > 0 ? coveredIdf(terms[list]!, scratch.coversLow[unit]!, scratch.coversHigh[unit]!) / knownIdf : 0,
    long: words ? longOf(group, unit) : 0,
  }
}

/** Mean z of the messages before and after, each by its best unit. */
function denseNear({ group, spreads, cosines, scales }: FeatureView, message: number): number {
  const { units, messages } = group
  let sum = 0
  let sides = 0
  for (const side of [messages.previous[message]!, messages.next[message]!]) {
    if (side === 0) continue
    let best = -Infinity
    for (let at = messages.last[side - 1]!; at > 0; at = units.sibling[at - 1]!)
      best = Math.max(best, denseOf(spreads[units.list[at - 1]!]!.cosine, cosines[at - 1]! / 1e6, scales[at - 1]! > 0))
    sum += best
    sides++
  }
  return sides === 0 ? 0 : sum / sides
}

export function scoreOf(features: Features): number {
  const w = weights.features
  return fixed(
    w.win * features.win +
      w.dense * features.dense +
      w.denseNear * features.denseNear +
      w.session * features.session +
      w.speaker * features.speaker +
      w.coverage * features.coverage +
      w.long * features.long,
  )
}
