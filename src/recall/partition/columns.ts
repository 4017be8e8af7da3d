// Typed arrays of one length that grow together: a table without an object a row (PART-1).

type TypedArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array
export interface ArrayKind {
  new (length: number): TypedArray
  new (buffer: ArrayBufferLike, at: number, length: number): TypedArray
}

/** `c.seq[i]` is row i. Take an array anew after `grow`, which may replace it. */
export type Columns<K extends Readonly<Record<string, ArrayKind>>> = { readonly [name in keyof K]: InstanceType<K[name]> } & {
  readonly length: number
  byteSize(): number
  /** Adds so many rows of zeros. */
  grow(rows: number): void
  clear(): void
  /** Gives back the room that growing took ahead. */
  trim(): void
  /** The bytes of each column, in the order of their names, and bytes a row; views, not copies. */
  dump(): { readonly name: string; readonly width: number; readonly bytes: Uint8Array }[]
  /** Rows as `dump` gave them, each column at a multiple of its width. The bytes become the table's own. */
  load(length: number, bytes: (name: string) => Uint8Array): void
}

export function createColumns<K extends Readonly<Record<string, ArrayKind>>>(kinds: K, room = 16): Columns<K> {
  const names = Object.keys(kinds)
  let capacity = room
  // The arrays are plain fields: a getter costs more than what the loops over them do.
  const arrays: Record<string, TypedArray> = Object.fromEntries(names.map((name) => [name, new kinds[name]!(room)]))
  const table = Object.assign(arrays, {
    length: 0,
    byteSize: () => names.reduce((sum, name) => sum + arrays[name]!.byteLength, 0),
    grow(rows: number) {
      table.length += rows
      if (table.length <= capacity) return
      capacity = Math.max(table.length, Math.ceil(1.5 * capacity))
      for (const name of names) {
        const larger = new kinds[name]!(capacity)
        larger.set(arrays[name]! as never)
        arrays[name] = larger
      }
    },
    clear() {
      table.length = 0
      capacity = room
      for (const name of names) arrays[name] = new kinds[name]!(room)
    },
    trim() {
      if (capacity === table.length) return
      capacity = table.length
      for (const name of names) arrays[name] = arrays[name]!.slice(0, capacity)
    },
    dump: () =>
      names.toSorted().map((name) => {
        const array = arrays[name]!
        return { name, width: array.BYTES_PER_ELEMENT, bytes: new Uint8Array(array.buffer, array.byteOffset, table.length * array.BYTES_PER_ELEMENT) }
      }),
    load(rows: number, bytes: (name: string) => Uint8Array) {
      table.length = capacity = rows
      for (const name of names) {
        const { buffer, byteOffset } = bytes(name)
        arrays[name] = new kinds[name]!(buffer, byteOffset, rows)
      }
    },
  })
  return table as unknown as Columns<K>
}
