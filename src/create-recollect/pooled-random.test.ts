import { expect, test } from 'vitest'
import { pooledRandom } from './pooled-random.ts'

test('no byte is given twice, and any length is served', () => {
  const random = pooledRandom(64)
  const given = Array.from({ length: 1_000 }, (_, i) => random(8 + (i % 9)))
  expect(new Set(given.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(1_000)
  expect(given.every((bytes) => bytes.some((byte) => byte !== 0))).toBe(true)
  expect(random(200)).toHaveLength(200)
  expect(random(0)).toHaveLength(0)
})
