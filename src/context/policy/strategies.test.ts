import { expect, test } from 'vitest'
import type { Message } from '../../core/message.ts'
import { hybrid, resolveStrategy, slidingWindow, summary, type PlanInput, type TurnView } from './strategies.ts'

const turn = (no: number, more: Partial<TurnView> = {}): TurnView => ({
  firstSeq: no * 10,
  lastSeq: no * 10 + 1,
  tokens: 100,
  messages: 2,
  pinned: false,
  open: false,
  rounds: [],
  ...more,
})

/** Six complete turns and a pending one. */
const input = (more: Partial<PlanInput> = {}): PlanInput => ({
  turns: [1, 2, 3, 4, 5, 6, 7].map((no) => turn(no)),
  cause: 'first',
  lowTokens: 350,
  highTokens: 900,
  minTurns: 1,
  summaryUpTo: 0,
  messageAt: (seq) => ({ id: 'm', role: seq >= 70 ? 'user' : 'assistant', createdAt: 0, parts: [] }) satisfies Message,
  ...more,
})

test('a sliding window keeps its last turns, messages or tokens, rounded up to whole turns [STR-1]', () => {
  expect(slidingWindow({ last: { turns: 3 } }).plan(input())).toEqual({ keepFrom: 50, summarize: false })
  expect(slidingWindow({ last: { messages: 3 } }).plan(input()).keepFrom).toBe(60)
  expect(slidingWindow({ last: { tokens: 301 } }).plan(input()).keepFrom).toBe(40)
  expect(slidingWindow({ last: { turns: 99 } }).plan(input()).keepFrom).toBe(10)
})

test('the summary strategy keeps the last complete turns and the pending one [STR-1]', () => {
  expect(summary().plan(input())).toEqual({ keepFrom: 60, summarize: true })
  expect(summary({ keepTurns: 0 }).plan(input()).keepFrom).toBe(70)
})

test('hybrid keeps recent turns up to the low watermark, and the least turns even over it [STR-1]', () => {
  expect(hybrid().plan(input()).keepFrom).toBe(50)
  expect(hybrid().plan(input({ lowTokens: 0, minTurns: 4 })).keepFrom).toBe(30)
  expect(hybrid().plan(input()).summarize).toBe(true)
})

test('where one turn alone is past the high watermark the cut falls between its rounds, but never in an open turn [TURN-3, TURN-4]', () => {
  const rounds = [71, 73, 75, 77].map((firstSeq) => ({ firstSeq, lastSeq: firstSeq + 1, tokens: 300 }))
  const turns = [turn(1), turn(7, { tokens: 1_200, lastSeq: 78, rounds })]
  const strategies = [hybrid(), summary(), slidingWindow()]
  expect(strategies.map((strategy) => strategy.plan(input({ turns, lowTokens: 700 })).keepFrom)).toEqual([75, 75, 75])
  expect(strategies.map((strategy) => strategy.plan(input({ turns, lowTokens: 200 })).keepFrom)).toEqual([77, 77, 77]) // one round stays, over it or not
  const open = [turn(1), turn(7, { tokens: 1_200, lastSeq: 78, rounds, open: true })]
  expect(strategies.map((strategy) => strategy.plan(input({ turns: open, lowTokens: 700 })).keepFrom)).toEqual([10, 10, 10])
})

test('a turn that is within the high watermark is not cut, nor one of a single round [TURN-3]', () => {
  const rounds = [71, 73].map((firstSeq) => ({ firstSeq, lastSeq: firstSeq + 1, tokens: 400 }))
  for (const strategy of [hybrid(), summary(), slidingWindow()]) {
    expect(strategy.plan(input({ turns: [turn(1), turn(7, { tokens: 900, lastSeq: 74, rounds })], lowTokens: 300 })).keepFrom % 10).toBe(0)
    expect(strategy.plan(input({ turns: [turn(1), turn(7, { tokens: 9_000, lastSeq: 72, rounds: rounds.slice(0, 1) })] })).keepFrom % 10).toBe(0)
  }
})

test('a strategy comes by object, by name, by name with options, or registered; anything else is refused [STR-4]', () => {
  const own = { name: 'mine', options: null, plan: () => ({ keepFrom: 1, summarize: false }) }
  expect(resolveStrategy(undefined).name).toBe('hybrid')
  expect(resolveStrategy({ name: 'slidingWindow', last: { turns: 2 } }).options).toEqual({ last: { turns: 2 }, highTokens: 'auto' })
  expect(resolveStrategy(own)).toBe(own)
  expect(resolveStrategy('mine' as 'hybrid', [own])).toBe(own)
  for (const wrong of [
    'mine',
    { name: 'hybrid', last: { turns: 2 } },
    { name: 'slidingWindow', last: {} },
    { name: 'summary', keepTurns: -1 },
    { name: 'hybrid', lowTokens: 0.5 },
  ])
    expect(() => resolveStrategy(wrong as 'hybrid')).toThrowError(expect.objectContaining({ code: 'invalid_input' }))
})
