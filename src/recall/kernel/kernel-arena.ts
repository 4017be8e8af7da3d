// Where all partitions of a process keep their columns: one growable WASM memory, handed out in slabs (PART-1).
import { bug, RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'

const pageBytes = 65_536 // of WebAssembly

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}
// Node's types have no WebAssembly, and the `dom` library is not ours: what is used here, by structure.
declare const WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => WasmMemory }

/** A piece of the arena. `pointer` is a byte offset, a multiple of 1 KiB; 0 is never given. */
export interface Block {
  readonly pointer: number
  readonly bytes: number
}

/**
 * One memory for many owners (a process cannot hold more than about 13,000 WASM memories). A new block is all zero, and a block
 * given back is wiped at once, so nothing of one owner is ever seen in a block of another.
 *
 * A view is good until the next `allocate`, which may move the memory: take it anew from the pointer, never keep it.
 */
export interface Arena {
  readonly memory: WasmMemory
  /** @throws `limit_exceeded` over `limits.arenaBytes` */
  allocate(bytes: number): Block
  /** Gives a block back. Twice is a bug. */
  free(block: Block): void
  /** Bytes handed out, and bytes of the memory. */
  readonly used: number
  readonly size: number
  bytes(pointer: number, length: number): Uint8Array
  int8(pointer: number, length: number): Int8Array
  int16(pointer: number, length: number): Int16Array
  int32(pointer: number, length: number): Int32Array
  float32(pointer: number, length: number): Float32Array
  float64(pointer: number, length: number): Float64Array
}

interface Span {
  at: number
  bytes: number
}

/** The first free span that is large enough, cut; the list stays ordered by address, and neighbours are one span. */
function take(free: Span[], bytes: number): number | undefined {
  const i = free.findIndex((span) => span.bytes >= bytes)
  const span = free[i]
  if (span === undefined) return undefined
  const at = span.at
  if (span.bytes === bytes) free.splice(i, 1)
  else free[i] = { at: at + bytes, bytes: span.bytes - bytes }
  return at
}

function giveBack(free: Span[], span: Span): void {
  let i = free.findIndex((other) => other.at > span.at)
  if (i < 0) i = free.length
  const before = free[i - 1]
  const after = free[i]
  const joinsBefore = before !== undefined && before.at + before.bytes === span.at
  const joinsAfter = after !== undefined && span.at + span.bytes === after.at
  const at = joinsBefore ? before.at : span.at
  const bytes = span.bytes + (joinsBefore ? before.bytes : 0) + (joinsAfter ? after.bytes : 0)
  free.splice(joinsBefore ? i - 1 : i, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), { at, bytes })
}

export function createArena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 })
  const slab = limits.arenaSlabBytes
  const free: Span[] = [{ at: slab, bytes: pageBytes - slab }] // from the second slab: 0 is no pointer
  const live = new Map<number, number>()
  let used = 0

  const grow = (bytes: number) => {
    const size = memory.buffer.byteLength
    const last = free.at(-1)
    const atEnd = last !== undefined && last.at + last.bytes === size ? last.bytes : 0
    // an eighth more than asked: growing moves the memory
    const pages = Math.ceil(Math.max(bytes - atEnd, Math.min(size / 8, limits.arenaBytes - size)) / pageBytes)
    const asked = size + pages * pageBytes
    const next = 'Lower recall.partitionCacheBytes, or run more processes.'
    if (asked > limits.arenaBytes)
      throw new RecollectError('limit_exceeded', `the vector memory has at most ${limits.arenaBytes} bytes; asked for ${asked}`, next, {
        limit: limits.arenaBytes,
        given: asked,
      })
    try {
      memory.grow(pages)
    } catch (cause) {
      throw new RecollectError('limit_exceeded', `the machine has no ${asked} bytes for the vector memory`, next, { cause, given: asked })
    }
    giveBack(free, { at: size, bytes: pages * pageBytes })
  }

  return {
    memory,
    allocate(bytes) {
      const whole = Math.max(1, Math.ceil(bytes / slab)) * slab
      let at = take(free, whole)
      if (at === undefined) {
        grow(whole)
        at = take(free, whole)
      }
      if (at === undefined) throw bug('the arena grew and still has no room')
      live.set(at, whole)
      used += whole
      return { pointer: at, bytes: whole }
    },
    free({ pointer }) {
      const bytes = live.get(pointer)
      if (bytes === undefined) throw bug('a block of the arena was given back twice')
      live.delete(pointer)
      used -= bytes
      new Uint8Array(memory.buffer, pointer, bytes).fill(0)
      giveBack(free, { at: pointer, bytes })
    },
    get used() {
      return used
    },
    get size() {
      return memory.buffer.byteLength
    },
    bytes: (pointer, length) => new Uint8Array(memory.buffer, pointer, length),
    int8: (pointer, length) => new Int8Array(memory.buffer, pointer, length),
    int16: (pointer, length) => new Int16Array(memory.buffer, pointer, length),
    int32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
    float32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    float64: (pointer, length) => new Float64Array(memory.buffer, pointer, length),
  }
}
