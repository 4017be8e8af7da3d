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
export interface Spread {
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
export const fixed = (score: number): number => Math.round(score * 1e6)

export const standard = ({ mean, deviation }: Spread, value: number): number => (deviation > 0 ? (value - mean) / deviation : 0)

/** z of a unit's cosine; one without a vector has its list's lowest. */
export const denseOf = (spread: Spread, cosine: number, hasVector: boolean): number => standard(spread, hasVector ? cosine : spread.least)

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
  const { units, messages, threads, memory } = group
  const { own, near, win, message, thread } = scratch
  const cosines = kernel.arena.int32(memory.scores.pointer, units.length)
  const scales = kernel.arena.float32(memory.scales.pointer, units.length)
  const sums = group.lists.map(() => ({ near: tally(), win: tally(), cosine: tally(), session: tally() }))
  const { list, message: messageOf } = units
  const share = weights.neighbour
  for (let unit = 0; unit < units.length; unit++) {
    const sum = sums[list[unit]!]!
    const at = messageOf[unit]!
    const before = messages.previous[at]!
    const after = messages.next[at]!
    const value = own[unit]! + share * ((before > 0 ? message[before - 1]! : 0) + (after > 0 ? message[after - 1]! : 0))
    near[unit] = value
    if (value !== 0) count(sum.near, value, 1)
    if (win[unit] !== 0) count(sum.win, win[unit]!, 1)
    if (scales[unit]! > 0) count(sum.cosine, cosines[unit]! / 1e6, 1)
  }
  for (let at = 0; at < threads.length; at++) {
    if (thread[at] === 0) continue
    if (threads.first[at]! > 0) count(sums[0]!.session, thread[at]!, threads.first[at]!)
    if (threads.second[at]! > 0) count(sums[1]!.session, thread[at]!, threads.second[at]!)
  }
  return sums.map((sum, i) => {
    const n = group.sizes[i]!
    // what was not counted is 0; a unit without a vector counts as the lowest cosine
    return { near: spread(sum.near, n, 0), win: spread(sum.win, n, 0), session: spread(sum.session, n, 0), cosine: spread(sum.cosine, n) }
  })
}

interface Tally {
  n: number
  sum: number
  squares: number
  least: number
}
const tally = (): Tally => ({ n: 0, sum: 0, squares: 0, least: Infinity })

function count(tally: Tally, value: number, times: number): void {
  tally.n += times
  tally.sum += times * value
  tally.squares += times * value * value
  if (value < tally.least) tally.least = value
}

function spread({ n, sum, squares, least }: Tally, all: number, missing?: number): Spread {
  if (n === 0 || all === 0) return { mean: 0, deviation: 0, least: 0 }
  const rest = missing ?? least
  const mean = (sum + (all - n) * rest) / all
  const variance = (squares + (all - n) * rest * rest) / all - mean * mean
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
  for (let unit = 0; unit < n; unit++) {
    const matches =
      listOf[unit] === list && ((arms.words && near[unit] !== 0) || (dense && scales[unit]! > 0)) && (admit === undefined || admit(unit))
    fused[unit] = !matches
      ? leftOut
      : fixed((1 - alpha) * standard(spreads.near, near[unit]!) + alpha * denseOf(spreads.cosine, cosines[unit]! / 1e6, scales[unit]! > 0))
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
export const longOf = ({ units }: UnitGroup, unit: number): number => Math.max(0, Math.log(units.words[unit]! / weights.longWords))

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
