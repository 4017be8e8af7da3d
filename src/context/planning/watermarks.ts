// How far a context grows before it is cut back, and how far back: the cheapest distance between two evictions (context §4.2). Tokens throughout.
import { limits } from '../../core/limits.ts'

/** What a session's turns cost: tokens a turn adds, model calls a turn, prices relative to one fresh input token. */
export interface Load {
  readonly tokensPerTurn: number // g, injections included
  readonly callsPerTurn: number // c
  readonly readRatio: number // r
  readonly writeRatio: number // w
  readonly evictionCost: number // K: of an eviction beyond rewriting what is kept, in fresh input tokens
}

export interface Watermarks {
  readonly lowTokens: number
  readonly highTokens: number
  readonly gapTokens: number
}

/** What an epoch changes to: either the tokens the strategy keeps (or a number of the caller's), or `auto`. */
export interface WatermarkChoice {
  readonly low: 'auto' | number
  readonly high: 'auto' | number
  readonly leastLowTokens: number // of the `minTurns` newest complete turns
}

/** WAT-1: the cheapest gap for a given low watermark. */
export const bestGap = (lowTokens: number, load: Load): number =>
  Math.sqrt((2 * ((load.writeRatio - load.readRatio) * lowTokens + load.evictionCost) * load.tokensPerTurn) / (load.readRatio * load.callsPerTurn))

/** WAT-2: the largest low watermark whose best gap still fits into the room. */
export function bestLow(roomTokens: number, load: Load): number {
  const a = (2 * (load.writeRatio - load.readRatio) * load.tokensPerTurn) / (load.readRatio * load.callsPerTurn)
  const b = (2 * load.evictionCost * load.tokensPerTurn) / (load.readRatio * load.callsPerTurn)
  return roomTokens - (-a + Math.sqrt(a * a + 4 * (a * roomTokens + b))) / 2
}

/** WAT-1 to WAT-3: both watermarks, with their floors; where both cannot hold, the low one gives way, and the high one never leaves the room. */
export function watermarks(roomTokens: number, choice: WatermarkChoice, load: Load): Watermarks {
  const room = Math.max(0, roomTokens)
  const leastGap = leastGapOf(room, load)
  if (choice.high !== 'auto') {
    const high = Math.min(choice.high, room)
    const low = Math.min(choice.low === 'auto' ? bestLow(room, load) : choice.low, high)
    return whole(Math.max(0, low), high)
  }
  const wanted = choice.low === 'auto' ? Math.max(bestLow(room, load), choice.leastLowTokens, room * limits.lowShareLeast) : choice.low
  const low = Math.max(0, Math.min(wanted, room - leastGap))
  return choice.low === 'auto' ? whole(low, room) : aboveKept(low, room, load)
}

/** WAT-1: the high watermark above what is kept, which does not give way. */
export function aboveKept(keptTokens: number, roomTokens: number, load: Load): Watermarks {
  const room = Math.max(0, roomTokens)
  const low = Math.min(keptTokens, room)
  return whole(low, Math.min(room, low + Math.max(bestGap(low, load), leastGapOf(room, load))))
}

const leastGapOf = (room: number, load: Load): number => Math.max(2 * load.tokensPerTurn, room * limits.gapShareLeast)

const whole = (low: number, high: number): Watermarks => {
  const lowTokens = Math.floor(low)
  const highTokens = Math.max(lowTokens, Math.floor(high))
  return { lowTokens, highTokens, gapTokens: highTokens - lowTokens }
}

/** WAT-3: g and c are means of the newest turns; under three turns they are assumed. */
export function turnLoad(turns: readonly { readonly tokens: number; readonly calls: number }[], tools: boolean): { g: number; c: number } {
  if (turns.length < limits.loadTurnsLeast)
    return tools ? { g: limits.assumedToolTurnTokens, c: limits.assumedToolTurnCalls } : { g: limits.assumedTurnTokens, c: 1 }
  const newest = turns.slice(-limits.loadTurns)
  const mean = (of: (turn: { tokens: number; calls: number }) => number) => newest.reduce((sum, turn) => sum + of(turn), 0) / newest.length
  return {
    g: Math.max(
      1,
      mean((turn) => turn.tokens),
    ),
    c: Math.max(
      1,
      mean((turn) => turn.calls),
    ),
  }
}
