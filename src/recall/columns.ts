// Typed arrays of one length that grow together: a table without an object a row (PART-1).

export type TypedArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array
export type ArrayKind = new (from: number | ArrayBuffer) => TypedArray

/** `c.seq[i]` is row i. Take an array anew after `grow`, which may replace it. */
export type Columns<K extends Readonly<Record<string, ArrayKind>>> = { readonly [name in keyof K]: InstanceType<K[name]> } & {
  readonly length: number
  readonly bytes: number
  /** Adds so many rows of zeros. */
  grow(rows: number): void
  clear(): void
  /** The bytes of each column, in the order of their names; views, not copies. */
  dump(): { name: string; bytes: Uint8Array }[]
  /** Rows as `dump` gave them. The bytes become the table's own. */
  load(length: number, bytes: (name: string) => Uint8Array): void
}

export function createColumns<K extends Readonly<Record<string, ArrayKind>>>(kinds: K, room = 16): Columns<K> {
  const names = Object.keys(kinds)
  const arrays: Record<string, TypedArray> = {}
  let length = 0
  let capacity = room
  const make = (name: string, rows: number) => new kinds[name]!(rows)
  const table = {
    get length() {
      return length
    },
    get bytes() {
      return names.reduce((sum, name) => sum + arrays[name]!.byteLength, 0)
    },
    grow(rows: number) {
      length += rows
      if (length <= capacity) return
      capacity = Math.max(length, Math.ceil(capacity * 1.5))
      for (const name of names) {
        const larger = make(name, capacity)
        larger.set(arrays[name]! as never)
        arrays[name] = larger
      }
    },
    clear() {
      length = 0
      capacity = room
      for (const name of names) arrays[name] = make(name, room)
    },
    dump: () =>
      names.toSorted().map((name) => {
        const array = arrays[name]!
        return { name, bytes: new Uint8Array(array.buffer, array.byteOffset, length * array.BYTES_PER_ELEMENT) }
      }),
    load(rows: number, bytes: (name: string) => Uint8Array) {
      length = capacity = rows
      for (const name of names) arrays[name] = new kinds[name]!(bytes(name).slice().buffer)
    },
  }
  for (const name of names) Object.defineProperty(table, name, { get: () => arrays[name]!, enumerable: true })
  table.clear()
  return table as unknown as Columns<K>
}
