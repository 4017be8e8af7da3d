// The units of lists that lend to each other, with their neighbours, words and vectors: trusted and assistant together, untrusted apart (RCL-3, POI-10).
import type { RecallList } from '../../core/authority.ts'
import type { MemoryRecord, StoredVector } from '../../core/memory.ts'
import type { Terms } from '../text/analyze.ts'
import { createColumns, type Columns } from './columns.ts'
import { strideOf, type Kernel } from '../kernel/kernel.ts'
import type { Block } from '../kernel/kernel-arena.ts'
import { createLexicalIndex, type LexicalIndex } from './lexical-index.ts'
import { namesOf, type Names } from './names.ts'

const unitKinds = {
  row: Int32Array,
  list: Uint8Array, // index in the group's lists
  asks: Uint8Array, // 1: nothing but questions
  previous: Int32Array, // 1 + unit of the same thread, or 0
  next: Int32Array,
  message: Int32Array,
  sibling: Int32Array, // 1 + the unit before it of the same message, or 0
  thread: Int32Array, // a session by name and birth; a unit of no session has one of its own
  words: Uint16Array, // by white space
  weighty: Uint16Array, // words that carry weight
  distinct: Uint16Array, // different stems of content
  sketchLow: Int32Array, // one bit a stem: for near copies (RCL-9)
  sketchHigh: Int32Array,
}
const messageKinds = { previous: Int32Array, next: Int32Array, last: Int32Array } // 1 + message, or 0; `last`: its newest unit
const threadKinds = { lastUnit: Int32Array, lastMessage: Int32Array, lastSeq: Float64Array, first: Int32Array, second: Int32Array } // units by list

/** Vectors and scales of the units, in the arena: `room` units fit. */
interface VectorRoom {
  readonly vectors: Block
  readonly scales: Block
  readonly scores: Block // int32 a unit: cosines, then fused scores, of the query being answered
  readonly fused: Block
  readonly room: number
}

export interface UnitGroup {
  readonly lists: readonly RecallList[]
  readonly units: Columns<typeof unitKinds>
  readonly messages: Columns<typeof messageKinds>
  readonly threads: Columns<typeof threadKinds>
  readonly threadNames: Names
  readonly indexes: readonly LexicalIndex[] // one a list: its own frequencies and lengths (LEX-3)
  readonly sizes: readonly number[] // units by list
  readonly memory: VectorRoom
  readonly bytes: number
  add(row: number, list: RecallList, record: MemoryRecord, terms: Terms): number
  /** Room for the vectors of all units; called once units were added. */
  makeRoom(units?: number): void
  /** A vector of other dimensions than the group's is left out: false. */
  place(unit: number, vector: Pick<StoredVector, 'vector' | 'scale'>): boolean
  merge(): void
  trim(): void
  restore(): void
  free(): void
}

export function createUnitGroup(lists: readonly RecallList[], kernel: Kernel, dimensions: number): UnitGroup {
  const units = createColumns(unitKinds)
  const messages = createColumns(messageKinds)
  const threads = createColumns(threadKinds)
  const threadNames = namesOf()
  const indexes = lists.map(() => createLexicalIndex())
  const { arena } = kernel
  const stride = strideOf(dimensions)
  let memory = allocate(kernel, stride, 16)
  const chain = { units, messages, threads, threadNames }

  const group: UnitGroup = {
    lists,
    units,
    messages,
    threads,
    threadNames,
    indexes,
    get sizes() {
      return indexes.map((index) => index.units)
    },
    get memory() {
      return memory
    },
    get bytes() {
      const { vectors, scales, scores, fused } = memory
      const columns = units.byteSize() + messages.byteSize() + threads.byteSize() + 64 * threadNames.list.length
      return columns + indexes.reduce((sum, index) => sum + index.bytes, 0) + vectors.bytes + scales.bytes + scores.bytes + fused.bytes
    },
    add(row, list, record, terms) {
      const unit = units.length
      units.grow(1)
      units.row[unit] = row
      units.list[unit] = lists.indexOf(list)
      units.words[unit] = Math.min(65_535, terms.words)
      units.weighty[unit] = terms.length
      units.asks[unit] = terms.asks ? 1 : 0
      units.distinct[unit] = Math.min(65_535, terms.content.size)
      sketch(units, unit, terms.content)
      link(chain, unit, record)
      indexes[units.list[unit]!]!.add(unit, terms)
      return unit
    },
    makeRoom(wanted = units.length) {
      if (wanted <= memory.room) return
      memory = moved(kernel, stride, memory, Math.max(wanted, Math.ceil(1.5 * memory.room)))
    },
    place(unit, { vector, scale }) {
      if (vector.length !== dimensions) return false
      arena.int8(memory.vectors.pointer + unit * stride, dimensions).set(vector)
      arena.float32(memory.scales.pointer, memory.room)[unit] = scale
      return true
    },
    merge() {
      for (const index of indexes) index.merge()
    },
    trim() {
      for (const index of indexes) index.trim()
      for (const columns of [units, messages, threads]) columns.trim()
      if (memory.room > Math.max(24, units.length)) memory = moved(kernel, stride, memory, Math.max(16, units.length))
    },
    restore: () => countUnits(units, indexes),
    free() {
      release(kernel, memory)
    },
  }
  return group
}

function countUnits(units: Columns<typeof unitKinds>, indexes: readonly LexicalIndex[]): void {
  const counts = indexes.map(() => ({ units: 0, length: 0 }))
  for (let unit = 0; unit < units.length; unit++) {
    const count = counts[units.list[unit]!]!
    count.units++
    count.length += units.weighty[unit]!
  }
  for (const [i, index] of indexes.entries()) index.restore(counts[i]!)
}

interface Chain {
  readonly units: Columns<typeof unitKinds>
  readonly messages: Columns<typeof messageKinds>
  readonly threads: Columns<typeof threadKinds>
  readonly threadNames: Names
}

/** Puts a unit behind the last of its thread: in the message that is there, or as a new one after it. */
function link({ units, messages, threads, threadNames }: Chain, unit: number, record: MemoryRecord): void {
  const source = record.session === undefined ? undefined : record.evidence[0]
  // the name of a unit without a session is its own: a line break cannot stand in an id
  const thread = threadNames.numberOf(source === undefined ? `\n${record.id}` : `${source.log}\n${source.birth}`)
  if (thread === threads.length) threads.grow(1)
  const lastUnit = threads.lastUnit[thread]!
  const joins = lastUnit > 0 && source !== undefined && threads.lastSeq[thread] === source.seq
  let message = threads.lastMessage[thread]! - 1
  if (!joins) {
    const before = message
    message = messages.length
    messages.grow(1)
    messages.previous[message] = before + 1
    if (before >= 0) messages.next[before] = message + 1
  }
  units.thread[unit] = thread
  units.message[unit] = message
  units.sibling[unit] = joins ? messages.last[message]! : 0
  messages.last[message] = unit + 1
  units.previous[unit] = lastUnit
  if (lastUnit > 0) units.next[lastUnit - 1] = unit + 1
  threads.lastUnit[thread] = unit + 1
  threads.lastMessage[thread] = message + 1
  threads.lastSeq[thread] = source?.seq ?? 0
  ;(units.list[unit] === 0 ? threads.first : threads.second)[thread]!++
}

/** Two sets that share nine of ten members differ in few bits, so most pairs need no look at their words. */
function sketch(units: Columns<typeof unitKinds>, unit: number, content: ReadonlySet<string>): void {
  let low = 0
  let high = 0
  for (const term of content) {
    let hash = 0x811c9dc5
    for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193)
    const bit = (hash >>> 8) & 63
    if (bit < 32) low |= 1 << bit
    else high |= 1 << (bit - 32)
  }
  units.sketchLow[unit] = low
  units.sketchHigh[unit] = high
}

function allocate({ arena }: Kernel, stride: number, room: number): VectorRoom {
  return {
    vectors: arena.allocate(room * stride),
    scales: arena.allocate(4 * room),
    scores: arena.allocate(4 * room),
    fused: arena.allocate(4 * room),
    room,
  }
}

function moved(kernel: Kernel, stride: number, before: VectorRoom, room: number): VectorRoom {
  const next = allocate(kernel, stride, room)
  const { arena } = kernel
  const kept = Math.min(room, before.room)
  arena.int8(next.vectors.pointer, kept * stride).set(arena.int8(before.vectors.pointer, kept * stride))
  arena.float32(next.scales.pointer, kept).set(arena.float32(before.scales.pointer, kept))
  release(kernel, before)
  return next
}

function release({ arena }: Kernel, { vectors, scales, scores, fused }: VectorRoom): void {
  for (const block of [vectors, scales, scores, fused]) arena.free(block)
}
