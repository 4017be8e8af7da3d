// What a ranking is worth against its gold (EVAL-3, MREG-12), and how sure a mean is. Pure functions; shares in percent.
import { seeded } from './seeded.ts'

/** One question's ranking: for each hit in order, the ids it counts for. `gold` has at least one id and none twice. */
export interface Ranking {
  readonly gold: readonly string[]
  readonly hits: readonly (readonly string[])[]
  readonly tokens10: number // of the first 10 hits' texts
}

export interface Judgement {
  readonly r1: number // share of the gold that the first k hits name
  readonly r5: number
  readonly r10: number
  readonly r25: number
  readonly all5: number // 1 if they name all of it
  readonly all10: number
  readonly hit10: number // 1 if they name any of it
  readonly mrr: number // 1 ÷ the place of the first hit that names any of it; 0 without one
  readonly ndcg10: number
  readonly tokens10: number
}

/** Means over questions: shares in percent with one decimal, tokens whole; `r10ci` is the bootstrap 95 % interval of r10. */
export interface Metrics extends Judgement {
  readonly n: number
  readonly r10ci: readonly [low: number, high: number]
}

const discount = (place: number): number => 1 / Math.log2(place + 1) // places from 1

/**
 * Judges one ranking. A gold id counts once, at the first hit that names it. NDCG@10: a hit gains 1 if it names gold that no hit before it named;
 * the ideal has all the gold (up to 10) at the top, whether it was found or not.
 */
export function judge({ gold, hits, tokens10 }: Ranking): Judgement {
  const wanted = new Set(gold)
  const found = hits.map((ids) => {
    const fresh = ids.filter((id) => wanted.delete(id)).length
    return fresh
  })
  const foundIn = (k: number) => found.slice(0, k).reduce((sum, fresh) => sum + fresh, 0)
  const first = found.findIndex((fresh) => fresh > 0)
  const gain = found.slice(0, 10).reduce((sum, fresh, i) => sum + (fresh > 0 ? discount(i + 1) : 0), 0)
  const ideal = gold.slice(0, 10).reduce((sum, _, i) => sum + discount(i + 1), 0)
  return {
    r1: foundIn(1) / gold.length,
    r5: foundIn(5) / gold.length,
    r10: foundIn(10) / gold.length,
    r25: foundIn(25) / gold.length,
    all5: foundIn(5) === gold.length ? 1 : 0,
    all10: foundIn(10) === gold.length ? 1 : 0,
    hit10: foundIn(10) > 0 ? 1 : 0,
    mrr: first < 0 ? 0 : 1 / (first + 1),
    ndcg10: gain / ideal,
    tokens10,
  }
}

const percent = (share: number): number => Math.round(share * 1_000) / 10
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length)

const resamples = 1_000

/** The bootstrap 95 % interval of a mean, by resampling the questions. */
export function bootstrapInterval(values: readonly number[], seed: number): [low: number, high: number] {
  const random = seeded(seed)
  const means = Array.from({ length: resamples }, () => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)]!
    return values.length === 0 ? 0 : sum / values.length
  }).toSorted((a, b) => a - b)
  return [means[Math.floor(0.025 * resamples)]!, means[Math.ceil(0.975 * resamples) - 1]!]
}

export function metricsOf(rankings: readonly Ranking[], seed: number): Metrics {
  const judged = rankings.map(judge)
  const of = (name: keyof Judgement) => judged.map((each) => each[name])
  const share = (name: keyof Judgement) => percent(mean(of(name)))
  const [low, high] = bootstrapInterval(of('r10'), seed)
  return {
    n: judged.length,
    r1: share('r1'),
    r5: share('r5'),
    r10: share('r10'),
    r25: share('r25'),
    all5: share('all5'),
    all10: share('all10'),
    hit10: share('hit10'),
    mrr: share('mrr'),
    ndcg10: share('ndcg10'),
    tokens10: Math.round(mean(of('tokens10'))),
    r10ci: [percent(low), percent(high)],
  }
}

/** The value below which a share of the sorted values lies (nearest rank); 0 of none. */
export const quantile = (sorted: readonly number[], share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0

/** What asking for the unknown shows (EVAL-4). Shares in percent, `auroc` from 0 to 1 with three decimals. */
export interface Abstention {
  readonly n: number // questions, each asked of its own conversation and of another
  readonly auroc: number // how often a known question's best relevance is above a foreign one's; a tie counts half
  readonly floor: number
  readonly answered: number // known questions at or above the floor
  readonly wrongAbstentions: number // known questions below it
  readonly rightAbstentions: number // foreign questions below it
}

/** The area under the curve of two samples, by ranks. */
export function auroc(known: readonly number[], foreign: readonly number[]): number {
  const sorted = Float64Array.from(foreign).toSorted()
  const below = (value: number, orEqual: boolean) => {
    let low = 0
    for (let high = sorted.length; low < high;) {
      const middle = (low + high) >> 1
      if (sorted[middle]! < value || (orEqual && value === sorted[middle])) low = middle + 1
      else high = middle
    }
    return low
  }
  const wins = known.reduce((sum, value) => sum + (below(value, false) + below(value, true)) / 2, 0)
  return wins / (known.length * foreign.length)
}

/** `known[i]` and `foreign[i]` are the best relevance of question i in its own conversation and in another; 0 where nothing was found. */
export function abstentionOf(known: readonly number[], foreign: readonly number[], floor: number): Abstention {
  const under = (values: readonly number[]) => mean(values.map((value) => (value < floor ? 1 : 0)))
  return {
    n: known.length,
    auroc: Math.round(auroc(known, foreign) * 1_000) / 1_000,
    floor,
    answered: percent(1 - under(known)),
    wrongAbstentions: percent(under(known)),
    rightAbstentions: percent(under(foreign)),
  }
}
