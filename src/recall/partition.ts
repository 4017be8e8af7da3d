// One owner's memory in this process: rows, and the units of each list over them. Built from the log, extended by its tail, thrown away at will (PART-1, PART-5).
import { recallLists, type RecallList } from '../core/authority.ts'
import { limits } from '../core/limits.ts'
import { addMemories, checkBlanks } from '../core/memory-fold.ts'
import type { DecodedMemory } from '../core/memory.ts'
import type { Analyzer } from './analyze.ts'
import { strideOf, type Kernel } from './kernel.ts'
import { createRowTable, rowState, type RowTable } from './row-table.ts'
import { createUnitGroup, type UnitGroup } from './unit-group.ts'

/** Which lists lend to each other (RCL-3): an answer is found by its question and the reverse; `untrusted` lends nothing. */
export const groupLists: readonly (readonly RecallList[])[] = [['trusted', 'assistant'], ['untrusted']]
const groupOf = (list: RecallList): number => (list === 'untrusted' ? 1 : 0)

/** What vectors the partition holds: those of one model. */
export interface VectorModel {
  readonly id: string
  readonly dimensions: number
}

export interface PartitionTools {
  readonly kernel: Kernel
  readonly analyzer: Analyzer
  readonly model: VectorModel | undefined
}

export interface Partition {
  readonly tools: PartitionTools
  readonly rows: RowTable
  readonly groups: readonly UnitGroup[]
  readonly bytes: number
  readonly freed: boolean
  /** Folds entries into the rows; `index` makes them searchable. */
  add(entries: readonly DecodedMemory[]): void
  /** Indexes at most so many new rows; true once all are. The last step places vectors and checks blanks. */
  index(most?: number): boolean
  /** After rows and groups were loaded from a snapshot: all of them are indexed. */
  restore(): void
  /** Rows indexed since the last snapshot, for NODE-3. */
  unsaved: number
  free(): void
}

export function createPartition(tools: PartitionTools): Partition {
  const { kernel, analyzer, model } = tools
  const rows = createRowTable(model?.id)
  const makeGroups = () => groupLists.map((lists) => createUnitGroup(lists, kernel, model?.dimensions ?? 1))
  let groups = makeGroups()
  let freed = false

  const indexRow = (row: number) => {
    const record = rows.added.get(row) ?? rows.recordAt(row)
    rows.rows.unit[row] = groups[groupOf(record.list)]!.add(row, record.list, record, analyzer.record(record)) + 1
  }
  const unitOf = (row: number) => ({ group: groupOf(recallLists[rows.rows.list[row]!]!), unit: rows.rows.unit[row]! - 1 })
  const placeVectors = () => {
    for (const group of groups) group.makeRoom()
    for (const [row, vector] of rows.vectors) {
      const { group, unit } = unitOf(row)
      if (vector.model === model?.id && !groups[group]!.place(unit, vector)) rows.rows.state[row]! ^= rowState.fits | rowState.foreign
    }
    rows.vectors.clear()
    rows.added.clear()
  }
  /** Removal is rare, and what is left must be as if the rest had never been: frequencies, neighbours, order (MP3). */
  const buildAnew = () => {
    const before = groups
    const units = rows.rows.unit.slice(0, rows.rows.length)
    groups = makeGroups()
    for (let row = 0; row < rows.rows.length; row++) if ((rows.rows.state[row]! & rowState.gone) === 0) indexRow(row)
    for (const group of groups) group.makeRoom()
    for (let row = 0; row < rows.rows.length; row++) {
      if ((rows.rows.state[row]! & (rowState.gone | rowState.fits)) !== rowState.fits || units[row] === 0 || rows.vectors.has(row)) continue
      const { group, unit } = unitOf(row)
      copyVector(kernel, before[group]!, units[row]! - 1, groups[group]!, unit, model!.dimensions)
    }
    for (const group of before) group.free()
  }

  let indexed = 0
  const partition: Partition = {
    tools,
    rows,
    get groups() {
      return groups
    },
    get bytes() {
      return rows.bytes + groups.reduce((sum, group) => sum + group.bytes, 0)
    },
    get freed() {
      return freed
    },
    unsaved: 0,
    add(entries) {
      addMemories(rows, entries)
    },
    index(most = Infinity) {
      if (rows.removed && indexed > 0) {
        buildAnew()
        indexed = rows.rows.length
      }
      rows.removed = false
      const end = Math.min(rows.rows.length, indexed + most)
      partition.unsaved += end - indexed
      for (; indexed < end; indexed++) if ((rows.rows.state[indexed]! & rowState.gone) === 0) indexRow(indexed)
      if (indexed < rows.rows.length) return false
      checkBlanks(rows)
      placeVectors()
      for (const group of groups)
        for (const index of group.indexes)
          if (index.tailUnits >= limits.partitionTail || index.tailUnits >= limits.partitionTailShare * index.units) index.merge()
      return true
    },
    restore() {
      indexed = rows.rows.length
    },
    free() {
      if (freed) return
      freed = true
      for (const group of groups) group.free()
    },
  }
  return partition
}

function copyVector({ arena }: Kernel, from: UnitGroup, unit: number, to: UnitGroup, target: number, dimensions: number): void {
  const vector = arena.int8(from.memory.vectors.pointer + unit * strideOf(dimensions), dimensions)
  const scale = arena.float32(from.memory.scales.pointer, from.memory.room)[unit]!
  to.place(target, { vector, scale })
}
