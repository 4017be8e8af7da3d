import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../core/limits.ts'
import { createArena, type Block } from './kernel-arena.ts'

test('blocks never overlap, and come back empty after others used the place [PART-1]', () => {
  const step = fc.record({ bytes: fc.integer({ min: 0, max: 100_000 }), release: fc.boolean(), which: fc.nat() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const arena = createArena()
      const live: Block[] = []
      for (const { bytes, release, which } of steps) {
        if (release && live.length > 0) arena.free(live.splice(which % live.length, 1)[0]!)
        const block = arena.allocate(bytes)
        expect(block.bytes).toBeGreaterThanOrEqual(bytes)
        expect(arena.bytes(block.pointer, block.bytes).every((byte) => byte === 0)).toBe(true)
        for (const other of live) expect(block.pointer + block.bytes <= other.pointer || other.pointer + other.bytes <= block.pointer).toBe(true)
        arena.bytes(block.pointer, block.bytes).fill(255)
        live.push(block)
      }
      expect(arena.used).toBe(live.reduce((sum, { bytes }) => sum + bytes, 0))
      for (const block of live) arena.free(block)
      expect(arena.used).toBe(0)
    }),
    { numRuns: 50 },
  )
})

test('what was given back is used again: a thousand partitions in turn take the room of one [PART-1]', () => {
  const arena = createArena()
  arena.free(arena.allocate(300_000))
  const { size } = arena
  for (let i = 0; i < 1_000; i++) {
    const blocks = [arena.allocate(100_000), arena.allocate(60_000), arena.allocate(100_000)]
    for (const i of [1, 0, 2]) arena.free(blocks[i]!)
  }
  expect(arena.size).toBe(size)
})

test('the memory grows under live blocks, which keep their bytes [PART-1]', () => {
  const arena = createArena()
  const first = arena.allocate(8)
  arena.bytes(first.pointer, 8).fill(7)
  arena.allocate(3_000_000)
  expect([...arena.bytes(first.pointer, 8)]).toEqual([7, 7, 7, 7, 7, 7, 7, 7])
})

test('a block that is given back is wiped at once [PART-1]', () => {
  const arena = createArena()
  const block = arena.allocate(16)
  arena.bytes(block.pointer, 16).fill(9)
  arena.free(block)
  expect(arena.bytes(block.pointer, 16).every((byte) => byte === 0)).toBe(true)
})

test('a block given back twice is a bug, and more than the limit is refused with both numbers [PART-6]', () => {
  const arena = createArena()
  const block = arena.allocate(16)
  arena.free(block)
  expect(() => arena.free(block)).toThrow(expect.objectContaining({ code: 'internal' }))
  expect(() => arena.allocate(5 * 2 ** 30)).toThrow(expect.objectContaining({ code: 'limit_exceeded', limit: 4_294_967_296 }))
})

test.each([
  ['first', 0, 1],
  ['last', 1, 0],
])('neighbours are one piece again where the one that lies %s was given back before the other [PART-1]', (_, one, other) => {
  const arena = createArena()
  const whole = arena.size - limits.arenaSlabBytes
  const blocks = [arena.allocate(whole / 3), arena.allocate((2 * whole) / 3)]
  arena.free(blocks[one]!)
  arena.free(blocks[other]!)
  const before = arena.size
  expect(arena.allocate(whole).pointer).toBe(limits.arenaSlabBytes) // 0 is no pointer
  expect(arena.size).toBe(before)
})
