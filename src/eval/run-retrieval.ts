// `eval retrieval`: how much of the evidence a search finds, measured through the public API (EVAL-2 to EVAL-4, EVAL-7).
import { RecollectError, isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { weightsVersion } from '../recall/weights.ts'
import type { SearchResult } from '../recall/search-types.ts'
import type { Recollect } from '../recollect.ts'
import { asker, bestOf, chooseQuestions, rank, type Answered, type Arms, type Asked } from './ask.ts'
import type { DataSet } from './data-set.ts'
import { abstentionOf, metricsOf, quantile, type Abstention, type Metrics } from './metrics.ts'
import { replayAll, type Replayed } from './replay.ts'
import { seeded } from './seeded.ts'

export interface EvalProgress {
  readonly stage: 'replay' | 'ask'
  readonly done: number // messages, or searches
  readonly total: number
}

/** Where and of what a result is: said by the caller, since a run does not look around. */
export interface Provenance {
  readonly machine: string
  readonly commit: string
  readonly date: string
}

export interface RetrievalOptions extends Provenance {
  readonly data: DataSet
  readonly countTokens: (text: string) => number // as contexts count them
  readonly arms?: readonly Arms[] // the first is reported in full, the others as its ablation; default hybrid, lexical, dense
  readonly categories?: readonly string[] // default all
  readonly limit?: number // asks at most so many questions, drawn by the seed; default all
  readonly seed?: number // default 1
  readonly elapsedMs?: () => number // a clock that never goes back; default `performance.now`
  readonly progress?: (progress: EvalProgress) => void // EVAL-8
}

/** The result of a run, as JSON (EVAL-7). Shares in percent with one decimal, times in ms. */
export interface RetrievalResult extends Provenance {
  readonly name: string
  readonly format: string
  readonly embedder: string
  readonly arms: Arms
  readonly weights: number // their version
  readonly seed: number
  readonly conversations: number
  readonly sessions: number
  readonly messages: number
  readonly questions: number // asked, of all categories
  readonly leftOut: Readonly<Record<string, number>> // by reason
  readonly corrected: number // questions with evidence from a file of corrections
  readonly degraded: number // searches that lacked an arm or their time
  readonly all: Metrics // without the categories that stand apart
  readonly categories: Readonly<Record<string, Metrics>>
  readonly sessionLevel: Omit<Metrics, 'tokens10'>
  readonly ablation: Readonly<Partial<Record<Arms, Metrics>>>
  readonly abstention?: Abstention // with two conversations or more
  readonly latency: { readonly replayMs: number; readonly p50: number; readonly p99: number; readonly searches: number }
}

const turnsOf = (answered: readonly Answered[]) => answered.map(({ turns }) => turns)

function byCategory(answered: readonly Answered[], seed: number): Record<string, Metrics> {
  const groups = Map.groupBy(answered, ({ question }) => question.category)
  return Object.fromEntries(
    [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([category, some]) => [category, metricsOf(turnsOf(some), seed)]),
  )
}

function sessionLevelOf(answered: readonly Answered[], seed: number): RetrievalResult['sessionLevel'] {
  const metrics: { tokens10?: number } & Omit<Metrics, 'tokens10'> = metricsOf(
    answered.map(({ sessions }) => sessions),
    seed,
  )
  delete metrics.tokens10
  return metrics
}

/** For each question another conversation than its own, by the seed (EVAL-4). Needs two. */
function strangersTo(asked: readonly Asked[], replayed: readonly Replayed[], seed: number): Replayed[] {
  const random = seeded(seed)
  return asked.map(({ of }) => replayed[(replayed.indexOf(of) + 1 + Math.floor(random() * (replayed.length - 1))) % replayed.length]!)
}

const embedderOf = (recollect: Pick<Recollect, 'embed'>): Promise<string> =>
  recollect.embed(['which one'], 'query').then(
    ({ model }) => model,
    (error: unknown) => {
      if (isRecollectError(error, 'unavailable')) return 'none'
      throw error
    },
  )

const toMicroseconds = (ms: number): number => Math.round(ms * 1_000) / 1_000

function latencyOf(replayMs: number, headline: readonly number[], searches: number): RetrievalResult['latency'] {
  const sorted = headline.toSorted((a, b) => a - b)
  return { replayMs: Math.round(replayMs), p50: toMicroseconds(quantile(sorted, 0.5)), p99: toMicroseconds(quantile(sorted, 0.99)), searches }
}

/**
 * Replays a data set into Recollect and asks its questions. Give a Recollect with empty stores: each conversation is an owner
 * `eval-N` of the tenant `default`, and what that owner holds already would be searched too.
 *
 * @throws `invalid_input` if no question is left to ask · what the public API throws
 */
export async function evaluateRetrieval(recollect: Pick<Recollect, 'user' | 'embed'>, options: RetrievalOptions): Promise<RetrievalResult> {
  const { data, progress, seed = 1, elapsedMs = () => performance.now(), machine, commit, date } = options
  const [headline = 'hybrid', ...others] = options.arms ?? ['hybrid', 'lexical', 'dense']
  const { chosen, leftOut } = chooseQuestions(data, { categories: options.categories, limit: options.limit, seed })
  if (chosen.length === 0)
    throw new RecollectError(
      'invalid_input',
      'no question is left to ask',
      `Give other categories or data; ${data.conversations.some(({ questions }) => questions.length > 0) ? `the categories are ${categoriesOf(data)}` : 'these have no question'}.`,
    )

  const from = elapsedMs()
  const conversations = [...new Set(chosen.map(({ conversation }) => conversation))]
  const { replayed, sessions, messages } = await replayAll(recollect, conversations, (done, total) => progress?.({ stage: 'replay', done, total }))
  const replayMs = elapsedMs() - from

  const all = chosen.map(({ conversation, question }): Asked => ({ question, of: replayed[conversations.indexOf(conversation)]! }))
  const isHeadline = ({ question }: Asked) => !data.apart.includes(question.category)
  const known = all.filter(isHeadline)
  const strangers = replayed.length > 1 ? strangersTo(known, replayed, seed) : []
  const total = all.length + others.length * known.length + strangers.length
  const rankOf = (each: Asked, result: SearchResult) => rank(each, result, options.countTokens)
  const { ask, times, degraded } = asker(elapsedMs, (done) => progress?.({ stage: 'ask', done, total }))

  const answered: Answered[] = []
  for (const each of all) answered.push(rankOf(each, await ask(each.of.user, each.question.text, headline)))
  const ablation: Partial<Record<Arms, Metrics>> = {}
  for (const arms of others) {
    const some: Answered[] = []
    for (const each of known) some.push(rankOf(each, await ask(each.of.user, each.question.text, arms)))
    ablation[arms] = metricsOf(turnsOf(some), seed)
  }
  const foreign: number[] = []
  for (const [i, stranger] of strangers.entries()) foreign.push(bestOf((await ask(stranger.user, known[i]!.question.text, headline)).hits))

  const counted = answered.filter(isHeadline)
  const best = counted.map((each) => each.best)
  return {
    name: data.name,
    format: data.format,
    embedder: await embedderOf(recollect),
    arms: headline,
    weights: weightsVersion,
    seed,
    conversations: conversations.length,
    sessions,
    messages,
    questions: all.length,
    leftOut,
    corrected: data.corrected,
    degraded: degraded(),
    all: metricsOf(turnsOf(counted), seed),
    categories: byCategory(answered, seed),
    sessionLevel: sessionLevelOf(counted, seed),
    ablation,
    ...(foreign.length > 0 && { abstention: abstentionOf(best, foreign, limits.relevanceFloor) }),
    latency: latencyOf(replayMs, times.slice(0, all.length), times.length),
    machine,
    commit,
    date,
  }
}

const categoriesOf = (data: DataSet): string =>
  [...new Set(data.conversations.flatMap(({ questions }) => questions.map(({ category }) => category)))].toSorted().join(', ')
