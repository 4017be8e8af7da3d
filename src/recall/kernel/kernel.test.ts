import * as fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { expect, test, vi } from 'vitest'
import { quantizeQuery, quantizeVector } from '../../core/quantize.ts'
import { createKernel, leftOut, sharedKernel, strideOf, type Kernel } from './kernel.ts'

const simd = createKernel()
const plain = createKernel({ simd: false })

interface Job {
  dimensions: number
  vectors: number[][]
  scales: number[]
  query: { values: Int16Array; scale: number }
}

function scoresBy(kernel: Kernel, { dimensions, vectors, scales, query }: Job): number[] {
  const { arena } = kernel
  const stride = strideOf(dimensions)
  const count = vectors.length
  const rows = arena.allocate(count * stride)
  const columns = arena.allocate(4 * count)
  const out = arena.allocate(4 * count)
  vectors.forEach((vector, i) => arena.int8(rows.pointer + i * stride, dimensions).set(vector))
  arena.float32(columns.pointer, count).set(scales)
  kernel.scores({ vectors: rows.pointer, dimensions, count, scales: columns.pointer, query, out: out.pointer })
  const scores = [...arena.int32(out.pointer, count)]
  for (const block of [rows, columns, out]) arena.free(block)
  return scores
}

/** In the order of the scores' places: `top` has none. */
function topBy(kernel: Kernel, scores: readonly number[], k: number, floor?: number): number[] {
  const block = kernel.arena.allocate(4 * scores.length)
  kernel.arena.int32(block.pointer, scores.length).set(scores)
  const best = [...kernel.top(block.pointer, scores.length, k, floor)]
  kernel.arena.free(block)
  return best.toSorted((a, b) => a - b)
}

const int8 = fc.integer({ min: -128, max: 127 })
const jobs = fc.integer({ min: 1, max: 70 }).chain((dimensions) =>
  fc.record({
    dimensions: fc.constant(dimensions),
    vectors: fc.array(fc.array(int8, { minLength: dimensions, maxLength: dimensions }), { maxLength: 11 }),
    // as vectors have it, and anything at all: what is too large stays at the end of an int32
    scale: fc.oneof(fc.float({ min: Math.fround(0.001), max: Math.fround(0.01), noNaN: true }), fc.float({ noDefaultInfinity: true, noNaN: true })),
    values: fc.array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: dimensions, maxLength: dimensions }),
    queryScale: fc.oneof(fc.double({ min: 1e-6, max: 1e-4, noNaN: true }), fc.double()),
  }),
)

test('this machine runs the WASM kernel, and the fallback is another [PART-2]', () => {
  expect(simd.simd).toBe(true)
  expect(plain.simd).toBe(false)
  expect(sharedKernel()).toBe(sharedKernel())
})

test('a machine that does not take the WASM runs the fallback [PART-2]', () => {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { validate(bytes: Uint8Array): boolean } }
  const validate = vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
  const kernel = createKernel()
  validate.mockRestore()
  expect([kernel.simd, topBy(kernel, [3, 1, 2], 2)]).toEqual([false, [0, 2]])
})

test('WASM and TypeScript give the same scores bit for bit, for all dimensions and counts [MP7]', () => {
  fc.assert(
    fc.property(jobs, ({ dimensions, vectors, scale, values, queryScale }) => {
      const scales = vectors.map((_, i) => Math.fround(scale / (i + 1)))
      const job = { dimensions, vectors, scales, query: { values: Int16Array.from(values), scale: queryScale } }
      expect(scoresBy(simd, job)).toEqual(scoresBy(plain, job))
    }),
  )
})

test('WASM and TypeScript choose the same best k, whatever ties there are [MP7]', () => {
  const score = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer(), fc.constant(leftOut))
  fc.assert(
    fc.property(fc.array(score, { maxLength: 60 }), fc.integer({ min: 0, max: 70 }), fc.option(score, { nil: undefined }), (scores, k, floor) => {
      const expected = scores
        .map((value, i) => ({ value, i }))
        .filter(({ value }) => value > (floor ?? leftOut))
        .toSorted((a, b) => b.value - a.value || b.i - a.i)
        .slice(0, k)
        .map(({ i }) => i)
        .toSorted((a, b) => a - b)
      expect(topBy(simd, scores, k, floor)).toEqual(expected)
      expect(topBy(plain, scores, k, floor)).toEqual(expected)
    }),
  )
})

test('half a millionth is rounded up, on both sides of zero [PART-2]', () => {
  for (const kernel of [simd, plain])
    for (const copies of [1, 4]) {
      const scoresOf = (scale: number) => {
        const ones = Array.from({ length: copies }, () => [1])
        return scoresBy(kernel, { dimensions: 1, vectors: ones, scales: ones.map(() => 1), query: { values: Int16Array.of(1), scale: scale / 1e6 } })
      }
      expect(new Set([...scoresOf(0.5), ...scoresOf(1.499)])).toEqual(new Set([1]))
      expect(new Set([...scoresOf(-0.5), ...scoresOf(0.499)])).toEqual(new Set([0]))
    }
})

test('the longest vectors at their largest components stay within an int32 [PART-2]', () => {
  for (const dimensions of [128, 1536, 4096]) {
    const query = quantizeQuery(new Float32Array(dimensions).fill(-1))
    const job = { dimensions, vectors: [Array.from({ length: dimensions }, () => -128)], scales: [1 / 128 / dimensions], query }
    expect(scoresBy(simd, job)).toEqual([1e6])
    expect(scoresBy(plain, job)).toEqual([1e6])
  }
})

/** A unit vector that its seed fixes. */
const unit = (seed: number) => {
  const raw = Float32Array.from({ length: 128 }, (_, k) => Math.sin(seed * (k + 1) * 1.7) + Math.cos(seed + k * k))
  const norm = Math.hypot(...raw)
  return raw.map((value) => value / norm)
}

test('a score is the cosine in millionths, as near as int8 allows [EMB-3]', () => {
  const query = unit(1)
  const texts = [1, 2, 3, 4, 5].map(unit)
  const stored = texts.map(quantizeVector)
  const job = {
    dimensions: 128,
    vectors: stored.map(({ values }) => [...values]),
    scales: stored.map(({ scale }) => scale),
    query: quantizeQuery(query),
  }
  scoresBy(simd, job).forEach((score, i) => {
    const cosine = texts[i]!.reduce((sum, value, k) => sum + value * query[k]!, 0)
    expect(Math.abs(score / 1e6 - cosine)).toBeLessThan(0.006)
  })
})

test('a query of another length than the vectors is refused [PART-2]', () => {
  expect(() =>
    simd.scores({ vectors: 1024, dimensions: 8, count: 0, scales: 1024, query: { values: new Int16Array(7), scale: 1 }, out: 1024 }),
  ).toThrow(/8 dimensions/)
})

test('the WASM in the tree is what its source gives [PART-2]', () => {
  expect(() => execFileSync(process.execPath, ['scripts/build-kernel.mjs', '--check'], { stdio: 'pipe' })).not.toThrow()
})
