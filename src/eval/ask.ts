// Asks a replayed data set its questions by `memories.search`, and turns the hits into rankings of messages and of sessions (EVAL-3).
import type { SearchOptions, SearchResult } from '../recall/search-types.ts'
import type { User } from '../recollect.ts'
import type { Conversation, DataQuestion, DataSet } from './data-set.ts'
import type { Ranking } from './metrics.ts'
import type { Replayed } from './replay.ts'
import { drawn, seeded } from './seeded.ts'

export type Arms = NonNullable<SearchOptions['arms']>

export interface Asked {
  readonly question: DataQuestion
  readonly of: Replayed
}

export interface Answered extends Asked {
  readonly turns: Ranking
  readonly sessions: Ranking
  readonly best: number // relevance
}

const deepest = 25 // recall@25 is the deepest figure

/** Which questions are asked, and why the others are not. */
export function chooseQuestions(
  data: DataSet,
  { categories, limit, seed }: { categories?: readonly string[] | undefined; limit?: number | undefined; seed: number },
) {
  const leftOut: Record<string, number> = {}
  const leave = (reason: string, count: number) => (leftOut[reason] = (leftOut[reason] ?? 0) + count)
  const fitting: { conversation: Conversation; question: DataQuestion }[] = []
  for (const conversation of data.conversations)
    for (const question of conversation.questions) {
      if (categories !== undefined && !categories.includes(question.category)) continue
      if (question.leftOut === undefined) fitting.push({ conversation, question })
      else leave(question.leftOut, 1)
    }
  const chosen = limit === undefined ? fitting : drawn(fitting, limit, seeded(seed))
  if (chosen.length < fitting.length) leave('over the limit', fitting.length - chosen.length)
  return { chosen, leftOut }
}

export const bestOf = (hits: SearchResult['hits']): number => hits.reduce((best, { relevance }) => Math.max(best, relevance), 0)

/** The hits of all lists in their order, each with the messages that its evidence names; and the sessions in the order in which they come up. */
export function rank({ question, of }: Asked, { hits }: SearchResult, countTokens: (text: string) => number): Answered {
  const places = hits.map(({ record }) => record.evidence.flatMap(({ log, seq }) => of.messageAt(log, seq) ?? []))
  const tokens10 = hits.slice(0, 10).reduce((sum, { record }) => sum + countTokens(record.text), 0)
  const found = new Set(places.flatMap((some) => some.map(({ session }) => session)))
  const gold = new Set(question.evidence)
  const goldSessions = of.conversation.sessions.filter(({ messages }) => messages.some(({ id }) => gold.has(id)))
  return {
    question,
    of,
    turns: { gold: question.evidence, hits: places.map((some) => some.map(({ id }) => id)), tokens10 },
    sessions: { gold: goldSessions.map(({ id }) => id), hits: [...found].map((id) => [id]), tokens10 },
    best: bestOf(hits),
  }
}

/** Asks one question after the other, since nothing else may run while one is timed. */
export function asker(elapsedMs: () => number, asked: (done: number) => void) {
  const times: number[] = []
  let degraded = 0
  return {
    times, // ms, in the order of the searches
    degraded: () => degraded, // searches that lacked an arm or their time
    async ask(user: User, text: string, arms: Arms): Promise<SearchResult> {
      const from = elapsedMs()
      const result = await user.memories.search(text, { limit: deepest, floor: 0, arms })
      times.push(elapsedMs() - from)
      if (result.degraded.length > 0) degraded++
      asked(times.length)
      return result
    },
  }
}
