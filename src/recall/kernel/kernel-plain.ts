// The vector kernel in TypeScript: the reference that kernel.wat is held to bit for bit, and the fallback without WASM SIMD (PART-2).
import type { Arena } from './kernel-arena.ts'
import type { RawKernel } from './kernel.ts'

const least = -2_147_483_648
const most = 2_147_483_647

/** To an i32 as WASM's trunc_sat: NaN is 0, and what is too large stays at the end. */
const saturated = (value: number): number => (value <= least ? least : value >= most ? most : value | 0)

/** Scores and ordinals in one order: the greater score, then the greater ordinal. True if (s, i) comes after (t, j). */
const isAfter = (s: number, i: number, t: number, j: number): boolean => s < t || (s === t && i < j)

export function plainKernel(arena: Arena): RawKernel {
  return {
    scores(vectors, stride, count, scales, query, factor, out) {
      const all = arena.int8(vectors, stride * count)
      const scale = arena.float32(scales, count)
      const asked = arena.int16(query, stride)
      const scores = arena.int32(out, count)
      for (let i = 0, at = 0; i < count; i++, at += stride) {
        let dot = 0
        for (let k = 0; k < stride; k++) dot += all[at + k]! * asked[k]!
        scores[i] = saturated(Math.floor(dot * (scale[i]! * factor) + 0.5))
      }
    },
    top(scoresAt, count, k, over, heapAt) {
      if (k === 0) return 0
      const scores = arena.int32(scoresAt, count)
      // A heap with the last of the best on top, as ordinals; the keys that WASM keeps there are written at the end.
      const heap: number[] = []
      const after = (a: number, b: number) => isAfter(scores[a]!, a, scores[b]!, b)
      const sink = (ordinal: number) => {
        const n = heap.length
        let i = 0
        for (let child = 1; child < n; child = 2 * i + 1) {
          if (child + 1 < n && after(heap[child + 1]!, heap[child]!)) child++
          if (!after(heap[child]!, ordinal)) break
          heap[i] = heap[child]!
          i = child
        }
        heap[i] = ordinal
      }
      const rise = (ordinal: number) => {
        let i = heap.push(ordinal) - 1
        for (let parent = (i - 1) >> 1; i > 0 && after(ordinal, heap[parent]!); i = parent, parent = (i - 1) >> 1) heap[i] = heap[parent]!
        heap[i] = ordinal
      }
      let floor = over
      for (let i = count - 1; i >= 0; i--) {
        if (scores[i]! <= floor) continue
        if (heap.length < k) rise(i)
        else sink(i)
        if (heap.length === k) floor = scores[heap[0]!]!
      }
      const n = heap.length
      const keys = arena.int32(heapAt, 2 * n)
      for (let i = 0; i < n; i++) {
        keys[2 * i] = heap[i]!
        keys[2 * i + 1] = scores[heap[i]!]!
      }
      return n
    },
  }
}
