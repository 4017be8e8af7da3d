// The turns of a log as strategies and watermarks see them: sizes in predicted tokens, pins, open calls (TURN-1 to TURN-4). Pure.
import type { EpochRecord } from '../../core/context.ts'
import type { LoggedMessage } from '../../core/message.ts'
import { callsOf } from '../packing/pack-rounds.ts'
import type { TurnView } from '../policy/strategies.ts'
import { groupTurns } from './turns.ts'

export interface TurnMeasure {
  readonly tokensOf: (logged: LoggedMessage) => number // predicted
  readonly injectedBefore: (seq: number) => number // predicted tokens of the blocks frozen before a message
  readonly pins: readonly number[]
}

/** A turn with the model calls that it took. */
export type MeasuredTurn = TurnView & { readonly calls: number }

export function measureTurns(messages: readonly LoggedMessage[], measure: TurnMeasure): readonly MeasuredTurn[] {
  const pins = new Set(measure.pins)
  const sum = (from: number, to: number): number => {
    let tokens = 0
    for (let index = from; index <= to; index++) {
      const logged = messages[index] as LoggedMessage
      tokens += measure.tokensOf(logged) + measure.injectedBefore(logged.seq)
    }
    return tokens
  }
  const indexOf = new Map(messages.map(({ seq }, index) => [seq, index]))
  const at = (seq: number): number => indexOf.get(seq) as number
  return groupTurns(messages).map((turn) => {
    const [from, to] = [at(turn.firstSeq), at(turn.lastSeq)]
    const own = messages.slice(from, to + 1)
    return {
      firstSeq: turn.firstSeq,
      lastSeq: turn.lastSeq,
      tokens: sum(from, to),
      messages: own.length,
      pinned: own.some(({ seq }) => pins.has(seq)),
      open: turn.open,
      rounds: turn.rounds.map(({ firstSeq, lastSeq }) => ({ firstSeq, lastSeq, tokens: sum(at(firstSeq), at(lastSeq)) })),
      calls: own.filter(({ message }) => message.role === 'assistant').length,
    }
  })
}

/** The first seq of the last rounds of calls: what stands before it may be masked (BUD-3, 3). */
export function maskBefore(messages: readonly LoggedMessage[], unmaskedRounds: number): number {
  const calls = messages.filter((logged) => callsOf(logged).length > 0)
  return calls.at(-unmaskedRounds)?.seq ?? calls[0]?.seq ?? 0
}

/** Estimated tokens of the blocks that a record has frozen, by the message they stand before. */
export function injectedTokens(injections: EpochRecord['injections']): ReadonlyMap<number, number> {
  const tokens = new Map<number, number>()
  for (const { beforeSeq, blocks } of injections)
    tokens.set(beforeSeq, (tokens.get(beforeSeq) ?? 0) + blocks.reduce((sum, block) => sum + block.tokens, 0))
  return tokens
}
