// Terms to numbers: an open hash table over one block of UTF-16 units. The text itself is compared, so no collision changes a ranking (PART-3).
import { createColumns, type Columns } from './columns.ts'

const kinds = { start: Uint32Array, hash: Uint32Array }
const unitKinds = { unit: Uint16Array }

export interface Dictionary {
  readonly size: number
  readonly bytes: number
  /** The term's number, or −1. */
  find(term: string): number
  /** The term's number, made if it is new. */
  add(term: string): number
  readonly terms: Columns<typeof kinds> // number → where it starts, and its hash
  readonly text: Columns<typeof unitKinds>
  /** After `terms` and `text` were loaded. */
  rehash(): void
}

/** FNV-1a over UTF-16 units. */
function hashOf(term: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

export function createDictionary(): Dictionary {
  const terms = createColumns(kinds)
  const text = createColumns(unitKinds)
  let slots = new Int32Array(64).fill(-1)

  const isAt = (number: number, term: string): boolean => {
    const { start } = terms
    const { unit } = text
    const from = start[number]!
    const to = number + 1 < terms.length ? start[number + 1]! : text.length
    if (to - from !== term.length) return false
    for (let i = 0; i < term.length; i++) if (unit[from + i] !== term.charCodeAt(i)) return false
    return true
  }
  /** The slot that holds the term, or the free one where it would go. */
  const slotOf = (term: string, hash: number): number => {
    const mask = slots.length - 1
    let slot = hash & mask
    for (let number = slots[slot]!; number >= 0; number = slots[slot]!) {
      if (terms.hash[number] === hash && isAt(number, term)) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }
  const rehash = () => {
    let size = 64
    while (size < 2 * terms.length + 2) size *= 2
    slots = new Int32Array(size).fill(-1)
    const { hash } = terms
    for (let number = 0; number < terms.length; number++) {
      let slot = hash[number]! & (size - 1)
      while (slots[slot]! >= 0) slot = (slot + 1) & (size - 1)
      slots[slot] = number
    }
  }

  return {
    get size() {
      return terms.length
    },
    get bytes() {
      return terms.byteSize() + text.byteSize() + slots.byteLength
    },
    terms,
    text,
    rehash,
    find: (term) => slots[slotOf(term, hashOf(term))]!,
    add(term) {
      const hash = hashOf(term)
      const slot = slotOf(term, hash)
      if (slots[slot]! >= 0) return slots[slot]!
      const number = terms.length
      const from = text.length
      terms.grow(1)
      text.grow(term.length)
      terms.start[number] = from
      terms.hash[number] = hash
      const { unit } = text
      for (let i = 0; i < term.length; i++) unit[from + i] = term.charCodeAt(i)
      slots[slot] = number
      if (2 * terms.length > slots.length) rehash()
      return number
    },
  }
}
