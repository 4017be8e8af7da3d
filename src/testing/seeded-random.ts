// Random bytes and numbers that come again with the same seed, so that a failure can be run once more. Never for keys.
import type { Random } from '../core/ids.ts'

export interface SeededRandom extends Random {
  /** A whole number from 0 to `below` − 1. */
  below(below: number): number
}

/** Mulberry32: 32 bits of state; good enough to vary tests. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const random = (bytes: number): Uint8Array => {
    const words = new Uint32Array(Math.ceil(bytes / 4))
    for (let i = 0; i < words.length; i++) words[i] = next()
    return new Uint8Array(words.buffer, 0, bytes)
  }
  return Object.assign(random, { below: (below: number) => Math.floor((next() / 2 ** 32) * below) })
}
