import { expect, test } from 'vitest'
import { seededRandom } from '../../testing/index.ts'
import { foundInFiles, needles } from './needles.ts'

const fileOf = (bytes: Uint8Array) => ({
  read: async (buffer: Uint8Array, at: number) => {
    const piece = bytes.subarray(at, at + buffer.length)
    buffer.set(piece)
    return piece.length
  },
})

test('bytes left in a file are found, whole or over the border of two reads [ERA-7]', async () => {
  const wanted = needles(1e6)
  const noise = seededRandom(3)
  for (let i = 0; i < 1000; i++) wanted.add(noise(12))
  const list = wanted.list()
  const clean = Buffer.from(noise(3 * 1024 * 1024))
  const left = Buffer.from(clean)
  left.set(list[7]!, 1024 * 1024 - 5)
  left.set(list[500]!, 0)
  left.set(list[999]!, left.length - 12)
  left.set(list[3]!.subarray(0, 11), 77) // not whole
  expect(await foundInFiles([fileOf(clean)], list)).toBe(0)
  expect(await foundInFiles([fileOf(clean), fileOf(left)], list)).toBe(3)
})

test('what is looked for is bounded: over the bound every second is kept, and the receipt can say so [ERA-7]', () => {
  const wanted = needles(10_000)
  for (let i = 0; i < 5000; i++) wanted.add(seededRandom(i)(12))
  expect(wanted.given).toBe(5000)
  expect(wanted.kept).toBeGreaterThan(20)
  expect(wanted.kept * 112).toBeLessThanOrEqual(10_000)
})
