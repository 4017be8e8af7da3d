// The vector kernel of a process: exact scores of all vectors of a list, and the best k of any scores, over one arena (PART-1, PART-2).
import { bug } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { createArena, type Arena, type WasmMemory } from './kernel-arena.ts'
import { plainKernel } from './kernel-plain.ts'
import { kernelWasm } from './kernel-wasm.ts'

/** What WASM and TypeScript both give, over pointers into the arena. `top` leaves (ordinal, score) pairs at `heap`, in no order. */
export interface RawKernel {
  scores(vectors: number, stride: number, count: number, scales: number, query: number, factor: number, out: number): void
  top(scores: number, count: number, k: number, floor: number, heap: number): number
}

/** A score that `top` leaves out: write it for what a filter drops. */
export const leftOut = -2_147_483_648

/** Bytes from one vector to the next: its dimensions, filled up with zeros to whole steps of the kernel. */
export const strideOf = (dimensions: number): number => Math.ceil(dimensions / 16) * 16

export interface Kernel {
  readonly arena: Arena
  readonly simd: boolean
  /**
   * Writes the cosine of each of `count` vectors with the query to `out` (int32 × count), in millionths, rounded half up (RCL-10):
   * `floor(dot · (scales[i] · query.scale · 1e6) + 0.5)`. A zero vector, or one with scale 0, gives 0.
   *
   * `vectors`: int8 × strideOf(dimensions) × count · `scales`: float32 × count · both and `out` are pointers of the arena, 4-byte aligned.
   * `query`: as `quantizeQuery` gives it (core/quantize.ts).
   */
  scores(job: { vectors: number; dimensions: number; count: number; scales: number; query: { values: Int16Array; scale: number }; out: number }): void
  /**
   * Ordinals of the best `k` of `count` int32 scores at the pointer `scores`, in no order; of equal scores the greater ordinal (the newer) goes first.
   * Scores of `floor` or less never come back, so there may be fewer: it is for a caller that knows of `k` above it. The result is the caller's own.
   */
  top(scores: number, count: number, k: number, floor?: number): Int32Array
}

// As in kernel-arena.ts: what is used of WebAssembly, by structure.
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: { recollect: { memory: WasmMemory } }) => { readonly exports: RawKernel }
}

function wasmKernel(arena: Arena): RawKernel | undefined {
  const bytes = Buffer.from(kernelWasm, 'base64')
  if (!WebAssembly.validate(bytes)) return undefined // no SIMD on this machine
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { recollect: { memory: arena.memory } }).exports
}

/** A kernel with an arena of its own. The process shares one (`sharedKernel`); tests make both kinds. */
export function createKernel(options: { simd?: boolean } = {}): Kernel {
  const arena = createArena()
  const wasm = options.simd === false ? undefined : wasmKernel(arena)
  const raw = wasm ?? plainKernel(arena)
  // Room for the query and for the keys of `top`, made once: both are used and read within one synchronous call.
  const queryRoom = arena.allocate(2 * strideOf(limits.vectorDimensions))
  let keyRoom = arena.allocate(8 * limits.recallCandidates)

  return {
    arena,
    simd: wasm !== undefined,
    scores({ vectors, dimensions, count, scales, query, out }) {
      const stride = strideOf(dimensions)
      if (query.values.length !== dimensions || dimensions < 1 || dimensions > limits.vectorDimensions)
        throw bug(`the kernel takes a query of ${dimensions} dimensions, 1 to ${limits.vectorDimensions}; got ${query.values.length}`)
      const asked = arena.int16(queryRoom.pointer, stride)
      asked.fill(0, dimensions)
      asked.set(query.values)
      raw.scores(vectors, stride, count, scales, queryRoom.pointer, query.scale * 1e6, out)
    },
    top(scores, count, k, floor = leftOut) {
      const most = Math.min(k, count)
      if (8 * most > keyRoom.bytes) {
        arena.free(keyRoom)
        keyRoom = arena.allocate(8 * most)
      }
      const n = raw.top(scores, count, most, floor, keyRoom.pointer)
      const keys = arena.int32(keyRoom.pointer, 2 * n)
      const best = new Int32Array(n)
      for (let i = 0; i < n; i++) best[i] = keys[2 * i]!
      return best
    },
  }
}

let shared: Kernel | undefined

/** The kernel of this process, made on first use. */
export const sharedKernel = (): Kernel => (shared ??= createKernel())
