import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantizeQuery, quantizeVector } from './quantize.ts'

const vectors = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 300 }).map((values) => Float32Array.from(values))

test('a stored vector comes back within half a step of each component [EMB-3]', () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const { values, scale } = quantizeVector(vector)
      expect(Math.fround(scale)).toBe(scale)
      // a step under the smallest float32 is no step: such a vector is zero
      vector.forEach((value, k) => expect(Math.abs(values[k]! * scale - value)).toBeLessThanOrEqual(scale * 0.51 + 1e-42))
    }),
  )
})

test('a vector that is zero or not finite is stored as zero [EMB-3]', () => {
  for (const vector of [new Float32Array(3), Float32Array.of(1, NaN, 0), Float32Array.of(Infinity, 0, 0)]) {
    expect(quantizeVector(vector)).toEqual({ values: new Int8Array(3), scale: 0 })
    expect(quantizeQuery(vector)).toEqual({ values: new Int16Array(3), scale: 0 })
  }
})

test('a query keeps 16 bits, or fewer where its length would overflow an int32 [EMB-3]', () => {
  expect(quantizeQuery(Float32Array.of(0.5, -0.25)).values).toEqual(Int16Array.of(32_767, -16_383))
  expect(Math.max(...quantizeQuery(new Float32Array(4_096).fill(0.1)).values)).toBe(4_095)
})
