// What is kept verbatim when an epoch begins, and what becomes of the rest (context §2). Inside an epoch all strategies behave alike: they append.
import { strategyNames, type EpochCause, type StrategyName } from '../../core/context.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { Message } from '../../core/message.ts'

/** One turn as a strategy sees it; tokens are predicted ones, injections of the turn included. */
export interface TurnView {
  readonly firstSeq: number
  readonly lastSeq: number
  readonly tokens: number
  readonly messages: number
  readonly pinned: boolean
  /** a call has no result yet */
  readonly open: boolean
  readonly rounds: readonly { readonly firstSeq: number; readonly lastSeq: number; readonly tokens: number }[]
}

export interface PlanInput {
  /** oldest first; the last is the pending turn, if the model has yet to finish it */
  readonly turns: readonly TurnView[]
  readonly cause: EpochCause
  readonly lowTokens: number
  readonly highTokens: number
  readonly minTurns: number
  /** 0: no summary yet */
  readonly summaryUpTo: number
  messageAt(seq: number): Message
}

/** `keepFrom` begins a turn at or before the pending one, or a round of a turn that alone is past `highTokens` (TURN-3). Seqs. */
export interface Plan {
  readonly keepFrom: number
  readonly summarize: boolean
  readonly maskResultsBefore?: number
}

/** Pure and synchronous; name and options go into the policy hash (STR-4). */
export interface Strategy {
  readonly name: string
  readonly options: Json
  plan(input: PlanInput): Plan
}

export type StrategyChoice = Strategy | StrategyName | ({ readonly name: string } & { readonly [option: string]: Json })

export type LastKept = { readonly turns: number } | { readonly messages: number } | { readonly tokens: number }
export type Watermark = 'auto' | number

/** Keeps the last N messages, turns or tokens, rounded up to whole turns; the rest stays in the log alone. */
export function slidingWindow(options: { last?: LastKept; highTokens?: Watermark } = {}): Strategy {
  const last = options.last ?? { turns: limits.slidingTurns }
  const [unit, count] = checkLast(last)
  return {
    name: 'slidingWindow',
    options: { last: { [unit]: count }, highTokens: checkWatermark('highTokens', options.highTokens) },
    plan: ({ turns, messageAt, lowTokens, highTokens }) => {
      let kept = 0
      let index = turns.length
      while (index > 0 && kept < count) {
        index--
        const turn = turns[index] as TurnView
        kept += unit === 'turns' ? 1 : turn[unit]
      }
      return { keepFrom: cutAtRound(turns, Math.min(index, firstOfPending(turns, messageAt)), lowTokens, highTokens), summarize: false }
    },
  }
}

/** Keeps the last complete turns and the pending one; the summary covers the rest. */
export function summary(options: { keepTurns?: number; summaryTokens?: number; highTokens?: Watermark } = {}): Strategy {
  const keepTurns = checkCount('keepTurns', options.keepTurns ?? limits.summaryKeepTurns, 0, limits.turnsKept)
  return {
    name: 'summary',
    options: {
      keepTurns,
      summaryTokens: checkCount('summaryTokens', options.summaryTokens ?? limits.summaryTokens, 1, limits.summaryTokensMost),
      highTokens: checkWatermark('highTokens', options.highTokens),
    },
    plan: ({ turns, messageAt, lowTokens, highTokens }) => {
      const pending = firstOfPending(turns, messageAt)
      return { keepFrom: cutAtRound(turns, Math.max(0, pending - keepTurns), lowTokens, highTokens), summarize: true }
    },
  }
}

/** Keeps recent turns in full up to the low watermark; the summary covers the rest. The default. */
export function hybrid(options: { lowTokens?: Watermark; summaryTokens?: number; highTokens?: Watermark } = {}): Strategy {
  return {
    name: 'hybrid',
    options: {
      lowTokens: checkWatermark('lowTokens', options.lowTokens),
      summaryTokens: checkCount('summaryTokens', options.summaryTokens ?? limits.summaryTokens, 1, limits.summaryTokensMost),
      highTokens: checkWatermark('highTokens', options.highTokens),
    },
    plan: ({ turns, messageAt, lowTokens, highTokens, minTurns }) => {
      const pending = firstOfPending(turns, messageAt)
      let size = turns.slice(pending).reduce((sum, turn) => sum + turn.tokens, 0)
      let index = pending
      while (index > 0 && (pending - index < minTurns || size + (turns[index - 1] as TurnView).tokens <= lowTokens)) {
        index--
        size += (turns[index] as TurnView).tokens
      }
      return { keepFrom: cutAtRound(turns, index, lowTokens, highTokens), summarize: true }
    },
  }
}

const builtIn: Record<StrategyName, (options: Record<string, never>) => Strategy> = { slidingWindow, summary, hybrid }
const optionNames: Record<StrategyName, readonly string[]> = {
  slidingWindow: ['last', 'highTokens'],
  summary: ['keepTurns', 'summaryTokens', 'highTokens'],
  hybrid: ['lowTokens', 'summaryTokens', 'highTokens'],
}

/** A strategy from an object, a name, or a name with options; registered ones go by name (STR-4). @throws `invalid_input` */
export function resolveStrategy(choice: StrategyChoice | undefined, registered: readonly Strategy[] = []): Strategy {
  if (choice === undefined) return hybrid()
  if (typeof choice !== 'string' && (typeof choice !== 'object' || choice === null))
    throw invalid('a strategy is a name or an object', 'Give one of its forms.')
  if (typeof choice === 'object' && 'plan' in choice && typeof choice.plan === 'function') return choice as Strategy
  const { name, ...options } = typeof choice === 'string' ? { name: choice } : (choice as { name: string } & JsonObject)
  const own = registered.find((strategy) => strategy.name === name)
  if (own !== undefined) {
    if (Object.keys(options).length > 0)
      throw invalid(`strategy ${own.name} takes no options by name`, 'Register it with its options, or pass it as an object.')
    return own
  }
  if (!strategyNames.includes(name as StrategyName))
    throw invalid('no strategy has this name', `Use ${strategyNames.join(', ')}, one registered in createRecollect({ strategies }), or an object.`)
  const known = optionNames[name as StrategyName]
  if (!Object.keys(options).every((option) => known.includes(option)))
    throw invalid(`strategy ${name} has no such option`, `Use ${known.join(', ')}.`)
  return builtIn[name as StrategyName](options as Record<string, never>)
}

/** As the policy's hash has them. @throws `invalid_input` where they are no JSON */
export function optionsText({ name, options }: Strategy): string {
  try {
    const text: unknown = JSON.stringify(options)
    if (typeof text === 'string') return text
  } catch {
    // a cycle, or a number that JSON has not
  }
  throw invalid(`strategy ${name} has options that are no JSON`, 'Give it options that JSON can hold; null for none.')
}

/** Index of the pending turn, or `turns.length` if the model has finished the newest (CTX-4). */
export function firstOfPending(turns: readonly TurnView[], messageAt: (seq: number) => Message): number {
  const last = turns.at(-1)
  if (last === undefined) return 0
  return last.open || messageAt(last.lastSeq).role !== 'assistant' ? turns.length - 1 : turns.length
}

/** First seq kept: of the turn, or of a round where the newest turn alone is past the high watermark (TURN-3); a turn with an open call stays whole (TURN-4). */
function cutAtRound(turns: readonly TurnView[], index: number, lowTokens: number, highTokens: number): number {
  const last = turns.at(-1)
  if (last === undefined) return 1
  if (last.open || last.tokens <= highTokens || last.rounds.length < 2) return (turns[index] ?? { firstSeq: last.lastSeq + 1 }).firstSeq
  let size = 0
  let keepFrom = (last.rounds.at(-1) as TurnView['rounds'][number]).firstSeq
  for (const round of last.rounds.toReversed()) {
    size += round.tokens
    if (size > lowTokens) break
    keepFrom = round.firstSeq
  }
  return keepFrom
}

function checkLast(last: LastKept): ['turns' | 'messages' | 'tokens', number] {
  const entries = typeof last === 'object' && last !== null ? Object.entries(last) : []
  const [unit, count] = entries[0] ?? []
  if (entries.length !== 1 || (unit !== 'turns' && unit !== 'messages' && unit !== 'tokens'))
    throw invalid('last names one of turns, messages and tokens', 'Use last: { turns: 10 }, { messages: 20 } or { tokens: 4000 }.')
  return [unit, checkCount(`last.${unit}`, count, 1, limits.contextWindowTokensMost)]
}

const checkWatermark = (what: string, value: Watermark | undefined): Watermark =>
  value === undefined || value === 'auto' ? 'auto' : checkCount(what, value, 1, limits.contextWindowTokensMost)

function checkCount(what: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new RecollectError('invalid_input', `${what} is a whole number from ${least} to ${most}`, `Give ${what} within these bounds.`, {
    limit: most,
    ...(typeof value === 'number' ? { given: value } : {}),
  })
}

const invalid = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)
