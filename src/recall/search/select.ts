// From the ranked candidates of one list to its hits: once a message, once a near copy, over the floor, at most so many (RCL-9, ABS-2). Pure.
import type { FeatureView } from './fuse.ts'
import { relevanceOf, sumAt } from './relevance.ts'
import type { Fate } from '../search-types.ts'
import { weights } from '../weights.ts'

/** The candidates of a list, best first. */
export interface Ranked {
  readonly units: Int32Array
  readonly scores: Float64Array // in millionths
}
interface Chosen {
  unit: number // the newest of its near copies, at the place of the best
  readonly score: number
  readonly relevance: number
  duplicates: number
}
export interface Selection {
  readonly chosen: readonly Chosen[]
  readonly live: readonly number[] // units left out since they stand in the context already (RCL-6)
  readonly best: { readonly unit: number; readonly relevance: number } | undefined // also under the floor
  readonly fates: ReadonlyMap<number, { readonly fate: Fate; readonly of?: number }>
}

export interface SelectRules {
  readonly limit: number
  readonly floor: number
  readonly explain: boolean
  /** Stems of a unit's content words. */
  readonly contentOf: (unit: number) => ReadonlySet<string>
  readonly speakerOf: (unit: number) => number
  readonly saidAt: (unit: number) => number
  readonly isLive: ((unit: number) => boolean) | undefined
}

export function select(view: FeatureView, { units, scores }: Ranked, rules: SelectRules): Selection {
  const chosen: Chosen[] = []
  const live: number[] = []
  const fates = new Map<number, { fate: Fate; of?: number }>()
  const ofMessage = new Map<number, number>()
  let best: Selection['best']
  let least = -Infinity // what is under it is neither over the floor nor the best
  const { message } = view.group.units
  const copyOf = nearCopies(view, rules)
  const say = (unit: number, fate: Fate, of?: number) => {
    if (rules.explain) fates.set(unit, of === undefined ? { fate } : { fate, of })
  }
  for (let i = 0; i < units.length; i++) {
    const unit = units[i]!
    const sibling = ofMessage.get(message[unit]!)
    if (sibling !== undefined) {
      say(unit, 'duplicate of', sibling)
      continue
    }
    const copied = copyOf(chosen, unit)
    if (copied !== undefined) {
      say(unit, 'duplicate of', copied.unit)
      copied.duplicates++
      if (rules.saidAt(unit) > rules.saidAt(copied.unit)) copied.unit = unit
      continue
    }
    if (chosen.length >= rules.limit) {
      say(unit, 'limit')
      continue
    }
    const relevance = relevanceOf(view, unit, least)
    if (best === undefined || relevance > best.relevance) {
      best = { unit, relevance }
      least = sumAt(Math.min(rules.floor, relevance))
    }
    if (relevance < rules.floor) {
      say(unit, 'floor')
      continue
    }
    ofMessage.set(message[unit]!, unit)
    if (rules.isLive?.(unit) === true) live.push(unit)
    else chosen.push({ unit, score: scores[i]!, relevance, duplicates: 0 })
  }
  for (const { unit } of chosen) say(unit, 'returned')
  return { chosen, live, best, fates }
}

/** The one of `chosen` that the unit is a near copy of: Jaccard of the content words at least 0.9, and the same speaker. */
function nearCopies({ group: { units } }: FeatureView, rules: SelectRules): (chosen: readonly Chosen[], unit: number) => Chosen | undefined {
  const { distinct, sketchLow, sketchHigh } = units
  const least = weights.nearCopy
  // |A ∪ B| ≤ (|A| + |B|) ÷ 1.9 where nine of ten are shared, and each bit of the sketches that differs is a word that is not
  const share = (1 - least) / (1 + least)
  return (chosen, unit) => {
    const size = distinct[unit]!
    if (size === 0) return undefined
    const [low, high] = [sketchLow[unit]!, sketchHigh[unit]!]
    for (let i = 0; i < chosen.length; i++) {
      const other = chosen[i]!.unit
      const otherSize = distinct[other]!
      if (size < least * otherSize || otherSize < least * size) continue
      if (bits(sketchLow[other]! ^ low) + bits(sketchHigh[other]! ^ high) > share * (size + otherSize)) continue
      if (rules.speakerOf(unit) === rules.speakerOf(other) && jaccard(rules.contentOf(unit), rules.contentOf(other)) >= least) return chosen[i]
    }
    return undefined
  }
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const term of a) if (b.has(term)) shared++
  const all = a.size + b.size - shared
  return all === 0 ? 0 : shared / all
}

function bits(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
