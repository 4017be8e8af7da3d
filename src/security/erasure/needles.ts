// Short byte strings to look for in files: collected before a removal, searched for after it (ERA-7). Bounded; over the bound it keeps a sample.

/** One file of a store, read through the store's own handle: closing another one would drop the store's locks on the file (POSIX). */
export interface ResidueFile {
  /** Fills the buffer from `at` on and says how many bytes there were; 0 at the end. */
  read(buffer: Uint8Array, at: number): Promise<number>
}

export interface Needles {
  add(bytes: Uint8Array): void
  /** How many are kept, and how many were given: more given than kept means a sample. */
  readonly kept: number
  readonly given: number
  list(): readonly Uint8Array[]
}

const overheadBytes = 100 // of one kept needle besides its bytes
const keyBytes = 6 // by these a needle is found again
const filterBytes = 3
const chunkBytes = 1024 * 1024

export function needles(mostBytes: number): Needles {
  let kept: Uint8Array[] = []
  let weight = 0
  let stride = 1 // every how many are kept
  let given = 0
  return {
    add(bytes) {
      if (bytes.length < keyBytes) return
      if (given++ % stride !== 0) return
      kept.push(bytes.slice())
      weight += bytes.length + overheadBytes
      if (weight <= mostBytes) return
      kept = kept.filter((_, i) => i % 2 === 0)
      stride *= 2
      weight = kept.reduce((sum, one) => sum + one.length + overheadBytes, 0)
    },
    get kept() {
      return kept.length
    },
    get given() {
      return given
    },
    list: () => kept,
  }
}

const keyAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!) * 0x1000000 + ((bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!)

const isAt = (bytes: Uint8Array, at: number, needle: Uint8Array): boolean => {
  for (let i = 0; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false
  return true
}

/** How many of the needles stand in any of the files. */
export async function foundInFiles(files: readonly ResidueFile[], list: readonly Uint8Array[]): Promise<number> {
  if (list.length === 0) return 0
  const filter = new Uint8Array(2 ** (filterBytes * 8 - 3))
  const byKey = new Map<number, Uint8Array[]>()
  let longest = 0
  for (const needle of list) {
    const first = (needle[0]! << 16) | (needle[1]! << 8) | needle[2]!
    filter[first >> 3]! |= 1 << (first & 7)
    const key = keyAt(needle, 0)
    const same = byKey.get(key)
    if (same === undefined) byKey.set(key, [needle])
    else same.push(needle)
    longest = Math.max(longest, needle.length)
  }
  const found = new Set<Uint8Array>()
  for (const file of files) {
    for await (const piece of overlapping(file, longest - 1)) lookThrough(piece, filter, byKey, found)
  }
  return found.size
}

function lookThrough(piece: Uint8Array, filter: Uint8Array, byKey: ReadonlyMap<number, readonly Uint8Array[]>, found: Set<Uint8Array>): void {
  for (let at = 0; at + keyBytes <= piece.length; at++) {
    const first = (piece[at]! << 16) | (piece[at + 1]! << 8) | piece[at + 2]!
    if ((filter[first >> 3]! & (1 << (first & 7))) === 0) continue
    for (const needle of byKey.get(keyAt(piece, at)) ?? []) if (!found.has(needle) && isAt(piece, at, needle)) found.add(needle)
  }
}

/** The file in pieces, each beginning with the end of the one before, so that nothing is cut in two. */
async function* overlapping(file: ResidueFile, overlap: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(overlap + chunkBytes)
  let held = 0
  for (let at = 0; ;) {
    const count = await file.read(buffer.subarray(held, held + chunkBytes), at)
    if (count === 0) return
    at += count
    const length = held + count
    yield buffer.subarray(0, length)
    held = Math.min(overlap, length)
    buffer.copyWithin(0, length - held, length)
  }
}
