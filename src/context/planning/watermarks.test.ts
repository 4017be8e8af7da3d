import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aboveKept, bestGap, bestLow, turnLoad, watermarks, type Load } from './watermarks.ts'

const chat: Load = { tokensPerTurn: 450, callsPerTurn: 1, readRatio: 0.1, writeRatio: 1.25, evictionCost: 0 }
const agent: Load = { ...chat, tokensPerTurn: 1_510, callsPerTurn: 2 }

describe('the cheapest distance between two evictions', () => {
  test('a low watermark of 4,500 in a chat gives the gap 6,825 [WAT-1, WAT-4]', () => {
    expect(Math.abs(bestGap(4_500, chat) - 6_825)).toBeLessThan(3)
  })

  test('a low watermark of 15,100 of an agent gives the gap 16,193 [WAT-1, WAT-4]', () => {
    expect(Math.abs(bestGap(15_100, agent) - 16_193)).toBeLessThan(3)
  })

  test('a room of 11,325 gives the low watermark 4,500 back [WAT-2, WAT-4]', () => {
    expect(Math.abs(bestLow(11_325, chat) - 4_500)).toBeLessThan(3)
  })

  test('the largest low watermark is the one whose best gap just fits [WAT-2]', () => {
    const load = fc.record({
      tokensPerTurn: fc.integer({ min: 50, max: 5_000 }),
      callsPerTurn: fc.integer({ min: 1, max: 9 }),
      readRatio: fc.constantFrom(0.05, 0.1, 0.25, 0.5),
      writeRatio: fc.constantFrom(1, 1.25, 2),
      evictionCost: fc.integer({ min: 0, max: 5_000 }),
    })
    fc.assert(
      fc.property(load, fc.integer({ min: 1_000, max: 1_000_000 }), (one, room) => {
        const low = bestLow(room, one)
        if (low > 0) expect(low + bestGap(low, one)).toBeCloseTo(room, 1)
      }),
    )
  })

  test('the gap is two turns and a tenth of the room at least, the low mark gives way, and the high one stays in the room [WAT-3]', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 50_000 }), fc.boolean(), (room, least, fixed) => {
        const marks = watermarks(room, { low: fixed ? least : 'auto', high: 'auto', leastLowTokens: least }, chat)
        expect(marks.highTokens).toBeLessThanOrEqual(room)
        expect(marks.gapTokens).toBe(marks.highTokens - marks.lowTokens)
        if (!fixed && room > 9_000) expect(marks.gapTokens).toBeGreaterThanOrEqual(Math.floor(Math.max(900, room / 10)) - 1)
        expect(marks.lowTokens).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  // Reading costs what writing costs: no gap pays, so the floors alone decide.
  const flat = (tokensPerTurn: number): Load => ({ tokensPerTurn, callsPerTurn: 1, readRatio: 1, writeRatio: 1, evictionCost: 0 })
  const marksOf = (low: 'auto' | number, leastLowTokens: number, load: Load, room = 10_000) => {
    const { lowTokens, highTokens } = watermarks(room, { low, high: 'auto', leastLowTokens }, load)
    return [lowTokens, highTokens]
  }

  test.each([
    ['a tenth of the room between them', marksOf('auto', 0, flat(300)), [9_000, 10_000]],
    ['two turns, where that is more', marksOf('auto', 0, flat(800)), [8_400, 10_000]],
    ['so also above a low mark that was given', marksOf(3_000, 0, flat(800)), [3_000, 4_600]],
    ['and a given low mark gives way', marksOf(9_800, 0, flat(300)), [9_000, 10_000]],
    ['at least three tenths below, however dear an eviction', marksOf('auto', 0, { ...chat, tokensPerTurn: 3_000 }), [3_000, 10_000]],
    ['at least the turns that must stay', marksOf('auto', 3_900, { ...chat, tokensPerTurn: 3_000 }), [3_900, 10_000]],
    ['unless two turns would not fit above them', marksOf('auto', 5_000, { ...chat, tokensPerTurn: 3_000 }), [4_000, 10_000]],
    ['nothing below, where not even two turns fit', marksOf('auto', 5_000, flat(9_000)), [0, 10_000]],
    ['no more than the room above', marksOf(9_500, 0, chat, 9_000), [8_100, 9_000]],
  ])('the floors: %s [WAT-3]', (_, found, wanted) => {
    expect(found).toEqual(wanted)
  })

  test('what a strategy keeps by its own rule does not give way while the room holds it [WAT-1, WAT-3]', () => {
    expect(aboveKept(9_800, 10_000, flat(300))).toEqual({ lowTokens: 9_800, highTokens: 10_000, gapTokens: 200 })
    expect(aboveKept(3_000, 10_000, flat(300))).toEqual({ lowTokens: 3_000, highTokens: 4_000, gapTokens: 1_000 })
    expect(aboveKept(4_500, 50_000, chat).gapTokens).toBe(Math.floor(4_500 + bestGap(4_500, chat)) - 4_500)
    expect(aboveKept(12_000, 10_000, chat)).toEqual({ lowTokens: 10_000, highTokens: 10_000, gapTokens: 0 })
  })

  test('a high watermark of the caller’s is taken, and a high equal to the low leaves no gap [WAT-3, STR-1]', () => {
    expect(watermarks(10_000, { low: 2_000, high: 2_000, leastLowTokens: 0 }, chat)).toEqual({ lowTokens: 2_000, highTokens: 2_000, gapTokens: 0 })
    expect(watermarks(10_000, { low: 'auto', high: 50_000, leastLowTokens: 0 }, chat).highTokens).toBe(10_000)
  })

  test('the load is the mean of the last twenty turns, and assumed under three [WAT-3]', () => {
    const turn = (tokens: number, calls: number) => ({ tokens, calls })
    expect(turnLoad([turn(9, 9), turn(9, 9)], false)).toEqual({ g: 450, c: 1 })
    expect(turnLoad([], true)).toEqual({ g: 1_500, c: 2 })
    expect(turnLoad([...Array.from({ length: 5 }, () => turn(9_999, 9)), ...Array.from({ length: 20 }, () => turn(100, 3))], false)).toEqual({
      g: 100,
      c: 3,
    })
  })
})
