// The ids and bodies of records, end to end in one block of UTF-8 (PART-1).

export interface RowBlock {
  readonly bytes: number
  /** Writes text to the end: where it begins, and its size in bytes. */
  write(text: string): { readonly at: number; readonly size: number }
  text(at: number, size: number): string
  /** What is forgotten stays nowhere. */
  wipe(at: number, size: number): void
  dump(): Uint8Array
  trim(): void
  /** The bytes become the block's own. */
  load(bytes: Uint8Array): void
}

export function createRowBlock(): RowBlock {
  let block: Buffer = Buffer.allocUnsafe(1_024)
  let used = 0
  return {
    get bytes() {
      return block.length
    },
    write(text) {
      const most = 3 * text.length // UTF-8 of one UTF-16 unit
      if (used + most > block.length) {
        const larger = Buffer.allocUnsafe(Math.max(used + most, Math.ceil(1.5 * block.length)))
        block.copy(larger, 0, 0, used)
        block.fill(0, 0, used)
        block = larger
      }
      const at = used
      used += block.write(text, at)
      return { at, size: used - at }
    },
    text: (at, size) => block.toString('utf8', at, at + size),
    wipe(at, size) {
      block.fill(0, at, at + size)
    },
    trim() {
      if (used < block.length) block = Buffer.from(block.subarray(0, used))
    },
    dump: () => block.subarray(0, used),
    load(bytes) {
      block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      used = block.length
    },
  }
}
