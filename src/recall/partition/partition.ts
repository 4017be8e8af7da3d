// One owner's memory in this process: rows, and the units of each list over them. Built from the log, extended by its tail, thrown away at will (PART-1, PART-5).
import { recallLists, type RecallList } from '../../core/authority.ts'
import { limits } from '../../core/limits.ts'
import type { DecodedMemory } from '../../core/memory.ts'
import type { Analyzer } from '../text/analyze.ts'
import { strideOf, type Kernel } from '../kernel/kernel.ts'
import { addMemories, checkBlanks } from './row-fold.ts'
import { createRowTable, isThere, recordAt, rowBytes, rowState, type RowTable } from './row-table.ts'
import { markVector } from './row-writes.ts'
import { createUnitGroup, type UnitGroup } from './unit-group.ts'

/** Which lists lend to each other (RCL-3): an answer is found by its question and the reverse; `untrusted` lends nothing. */
const groupLists: readonly (readonly RecallList[])[] = [['trusted', 'assistant'], ['untrusted']]
const groupOf = (list: RecallList): number => (list === 'untrusted' ? 1 : 0)

export interface PartitionTools {
  readonly kernel: Kernel
  readonly analyzer: Analyzer
  /** What vectors the partition holds: those of one model. */
  readonly model: { readonly id: string; readonly dimensions: number } | undefined
}

export interface Partition {
  readonly tools: PartitionTools
  readonly rows: RowTable
  groups: readonly UnitGroup[]
  indexed: number // rows that are searchable; the others come next
  unsaved: number // rows indexed since the last snapshot (NODE-3)
  former: Former | undefined // while rows are indexed anew: where their vectors lie
  freed: boolean
}

interface Former {
  readonly groups: readonly UnitGroup[]
  readonly unit: Int32Array // by row
  readonly indexed: number
}

export function createPartition(tools: PartitionTools): Partition {
  return { tools, rows: createRowTable(tools.model?.id), groups: emptyGroups(tools), indexed: 0, unsaved: 0, former: undefined, freed: false }
}

const emptyGroups = ({ kernel, model }: PartitionTools) => groupLists.map((lists) => createUnitGroup(lists, kernel, model?.dimensions ?? 1))

export const partitionBytes = ({ rows, groups }: Partition): number => rowBytes(rows) + groups.reduce((sum, group) => sum + group.bytes, 0)

/** Folds entries into the rows; `indexRows` makes them searchable. */
export const addEntries = ({ rows }: Partition, entries: readonly DecodedMemory[]): void => addMemories(rows, entries)

/** Indexes at most so many new rows; true once all are. The last step places vectors and checks blanks (SEAL-12 c). */
export function indexRows(partition: Partition, most = Infinity): boolean {
  const { rows: table } = partition
  if (table.removed && partition.indexed > 0) beginAnew(partition)
  table.removed = false
  const end = Math.min(table.rows.length, partition.indexed + most)
  partition.unsaved += Math.max(0, end - Math.max(partition.indexed, partition.former?.indexed ?? 0))
  for (; partition.indexed < end; partition.indexed++) if (isThere(table, partition.indexed)) indexRow(partition, partition.indexed)
  if (partition.indexed < table.rows.length) return false
  checkBlanks(table)
  for (const group of partition.groups) group.makeRoom()
  if (partition.former !== undefined) takeVectors(partition, partition.former)
  placeVectors(partition)
  for (const group of partition.groups)
    for (const index of group.indexes)
      if (index.tailUnits >= limits.partitionTail || index.tailUnits >= limits.partitionTailShare * index.units) index.merge()
  return true
}

/** Gives back what growing took ahead: after a build, when little will be added. */
export function trimPartition({ rows, groups }: Partition): void {
  rows.rows.trim()
  rows.block.trim()
  for (const group of groups) group.trim()
}

/** Gives the vectors' room back. The partition is not used after it. */
export function freePartition(partition: Partition): void {
  if (partition.freed) return
  partition.freed = true
  for (const group of [...partition.groups, ...(partition.former?.groups ?? [])]) group.free()
}

function indexRow({ rows: table, groups, tools }: Partition, row: number): void {
  const record = table.added.get(row) ?? recordAt(table, row)
  table.rows.unit[row] = groups[groupOf(record.list)]!.add(row, record.list, record, tools.analyzer.record(record)) + 1
}

const groupAt = ({ rows: table, groups }: Partition, row: number): UnitGroup => groups[groupOf(recallLists[table.rows.list[row]!]!)]!

function placeVectors(partition: Partition): void {
  const { rows: table, tools } = partition
  for (const [row, vector] of table.vectors) {
    const fits = vector.model === tools.model?.id && groupAt(partition, row).place(table.rows.unit[row]! - 1, vector)
    if (!fits) markVector(table, row, rowState.foreign)
  }
  table.vectors.clear()
  table.added.clear()
}

/** Removal is rare, and what is left must be as if the rest had never been: frequencies, neighbours, order (MP3). The steps that follow index it again. */
function beginAnew(partition: Partition): void {
  const { rows: table, tools, groups, indexed, former } = partition
  if (former === undefined) partition.former = { groups, unit: table.rows.unit.slice(0, table.rows.length), indexed }
  else for (const group of groups) group.free() // something was removed before the last building anew had ended
  partition.groups = emptyGroups(tools)
  partition.indexed = 0
}

function takeVectors(partition: Partition, former: Former): void {
  const { rows: table, tools } = partition
  for (let row = 0; row < former.unit.length; row++) {
    if ((table.rows.state[row]! & rowState.fits) === 0 || former.unit[row] === 0 || table.vectors.has(row)) continue
    const group = groupAt(partition, row)
    copyVector(tools, former.groups[partition.groups.indexOf(group)]!, former.unit[row]! - 1, group, table.rows.unit[row]! - 1)
  }
  for (const group of former.groups) group.free()
  partition.former = undefined
}

function copyVector({ kernel: { arena }, model }: PartitionTools, from: UnitGroup, unit: number, to: UnitGroup, target: number): void {
  const dimensions = model?.dimensions ?? 1
  const vector = arena.int8(from.memory.vectors.pointer + unit * strideOf(dimensions), dimensions)
  const scale = arena.float32(from.memory.scales.pointer, from.memory.room)[unit]!
  to.place(target, { vector, scale })
}
