import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Anchor } from '../../core/context.ts'
import { anchorAfterOverflow, hardLimit, isPlausible, marginOf, moveAnchor, predict, scaleOf, uncertainty } from './anchor.ts'

const sent = (estimatedTokens: number, upTo = 10) => ({ receiptId: 'r', upTo, estimatedTokens })

test('without usage the profile’s ratio alone predicts [TOK-6]', () => {
  expect(predict(scaleOf(undefined, 1.5), 1_000)).toBe(1_500)
})

test('after a billed call only what was added is estimated, and the answer is known [TOK-6]', () => {
  const anchor = moveAnchor(undefined, 1, sent(1_000), { inputTokens: 1_200, outputTokens: 90, reasoningTokens: 40 })
  expect(anchor.ratio).toBeCloseTo(1.2)
  expect(anchor.outputTokens).toBe(50) // reasoning is not replayed
  // The next call adds the answer, estimated at 80, and 100 more.
  expect(predict(scaleOf(anchor, 1), 1_180, 80)).toBe(1_200 + 50 + 120)
})

test('after an eviction a prediction is never under half of what the ratio alone gives [TOK-6]', () => {
  const anchor = { ...moveAnchor(undefined, 1, sent(10_000), { inputTokens: 10_000, outputTokens: 0 }), ratio: 2 }
  expect(predict(scaleOf(anchor, 1), 1_000)).toBe(1_000) // the anchor alone would say less than nothing
})

test('the ratio is a quotient of sums that decay, within its bounds [TOK-6]', () => {
  let anchor: Anchor | undefined = moveAnchor(undefined, 1, sent(1_000), { inputTokens: 1_000, outputTokens: 0 })
  anchor = moveAnchor(anchor, 1, sent(1_100, 12), { inputTokens: 1_300, outputTokens: 0 })
  expect(anchor.ratio).toBeCloseTo((1_000 * 0.8 + 300) / (1_000 * 0.8 + 100))
  expect(moveAnchor(undefined, 1, sent(10), { inputTokens: 300, outputTokens: 0 }).ratio).toBe(6)
  expect(moveAnchor(undefined, 1, sent(100), { inputTokens: 10, outputTokens: 0 }).ratio).toBe(0.3)
})

test('a report that cannot be true teaches no ratio [TOK-6]', () => {
  const before = moveAnchor(undefined, 1, sent(1_000), { inputTokens: 1_200, outputTokens: 0 })
  expect(moveAnchor(before, 1, sent(1_100, 12), { inputTokens: 9_000, outputTokens: 0 }).ratio).toBe(before.ratio)
  expect([isPlausible(6_256, 1_000), isPlausible(6_257, 1_000), isPlausible(44, 1_000), isPlausible(43, 1_000)]).toEqual([true, false, true, false])
})

test('what is left of an anchor after an eviction predicts no more than the bounds of the ratio [TOK-6]', () => {
  const anchor = { ...moveAnchor(undefined, 1, sent(1_000), { inputTokens: 5_000, outputTokens: 0 }), ratio: 1 }
  expect(predict(scaleOf(anchor, 1), 900)).toBe(4_900)
  expect(predict(scaleOf(anchor, 1), 100)).toBe(600)
})

test('a call that sent less than the one before teaches no ratio, and moves the anchor [TOK-6]', () => {
  const before = moveAnchor(undefined, 1, sent(1_000), { inputTokens: 1_200, outputTokens: 0 })
  const after = moveAnchor(before, 1, sent(400, 20), { inputTokens: 500, outputTokens: 0 })
  expect([after.ratio, after.inputTokens, after.samples]).toEqual([before.ratio, 500, 2])
})

test('after three usages the error is under a tenth, for tokenizers of ratio 0.5 to 2 [TOK-7]', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.5, max: 2, noNaN: true }),
      fc.array(fc.integer({ min: 50, max: 900 }), { minLength: 5, maxLength: 30 }),
      (ratio, turns) => {
        let estimated = 1_500
        let answer = 0 // to the call before
        let anchor: Anchor | undefined
        for (const [index, turn] of turns.entries()) {
          const user = Math.ceil(turn / 3)
          estimated += user + answer
          const truth = Math.round(estimated * ratio)
          const predicted = predict(scaleOf(anchor, 1), estimated, answer)
          if (index >= 3) expect(Math.abs(predicted - truth) / truth).toBeLessThan(0.1)
          answer = turn - user
          anchor = moveAnchor(anchor, 1, sent(estimated, index), { inputTokens: truth, outputTokens: Math.round(answer * ratio) })
        }
      },
    ),
  )
})

test('the margin is a quarter without usage, 8 % after one sample, 3 % after five, and 256 at least [TOK-8]', () => {
  expect([0, 1, 4, 5].map(uncertainty)).toEqual([0.25, 0.08, 0.08, 0.03])
  expect([marginOf(100, 0), marginOf(10_000, 0), marginOf(10_000, 1), marginOf(10_000, 9)]).toEqual([256, 2_500, 800, 300])
})

test('what is predicted within the hard limit stays in the budget with its margin [TOK-8]', () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 1_000_000 }), fc.integer({ min: 0, max: 9 }), (budget, samples) => {
      const hard = hardLimit(budget, samples)
      expect(hard + marginOf(hard, samples)).toBeLessThanOrEqual(budget + 1)
    }),
  )
})

test('an overflow raises the ratio by what the provider said, or by a quarter [TOK-9]', () => {
  expect(anchorAfterOverflow(undefined, 1, sent(1_000), 1_000, 1_400).ratio).toBeCloseTo(1.4)
  expect(anchorAfterOverflow(undefined, 1, sent(1_000), 1_000, undefined).ratio).toBeCloseTo(1.25)
  expect(anchorAfterOverflow(undefined, 1, sent(1_000), 1_000, undefined).overflows).toBe(1)
})
