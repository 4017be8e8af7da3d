// The floor under the candidates: it spares the heap the others, and never one of the best.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { leftOut } from '../kernel/kernel.ts'
import { scoreSteps } from '../kernel/scratch.ts'
import { countStep, floorOf } from './fuse.ts'

test('as many as are wanted stand above the floor, whatever the scores are, or nothing is cut [RCL-2]', () => {
  const score = fc.oneof(
    fc.integer({ min: -100_000, max: 100_000 }),
    fc.integer({ min: -6_000_000, max: 14_000_000 }),
    fc.integer(),
    fc.constant(leftOut),
  )
  fc.assert(
    fc.property(fc.array(score, { maxLength: 80 }), fc.integer({ min: 1, max: 40 }), (scores, most) => {
      const steps = new Int32Array(scoreSteps)
      for (const one of scores) countStep(steps, one)
      const floor = floorOf(steps, most)
      const above = scores.filter((one) => one > floor).length
      expect(floor === leftOut || above >= most).toBe(true)
    }),
  )
})

test('of many near each other, few stand above the floor without need [RCL-2]', () => {
  const steps = new Int32Array(scoreSteps)
  for (let i = 0; i < 10_000; i++) countStep(steps, i * 100)
  const floor = floorOf(steps, 300)
  expect(9_999 - Math.floor(floor / 100)).toBeLessThan(300 + 2 ** 14 / 100 + 1)
})
