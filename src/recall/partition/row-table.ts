// The records of one owner as columns and one block of UTF-8 (MEM-1, PART-1). A record is read when it is needed; `row-writes.ts` writes.
import type { MemoryRecord, StoredVector } from '../../core/memory.ts'
import { createColumns, type Columns } from './columns.ts'
import { namesOf, type Names } from './names.ts'
import { createRowBlock, type RowBlock } from './row-block.ts'

const rowKinds = {
  seq: Float64Array,
  at: Float64Array, // in the block: the id, then the body
  idSize: Uint16Array,
  bodySize: Uint32Array,
  saidAt: Float64Array,
  validFrom: Float64Array, // −Infinity, Infinity: no bound
  validUntil: Float64Array,
  expiresAt: Float64Array,
  vectorSeq: Float64Array, // 0: none
  kind: Uint8Array,
  authority: Uint8Array,
  list: Uint8Array,
  state: Uint8Array,
  session: Int32Array,
  speaker: Int32Array,
  next: Int32Array, // 1 + row, or 0
  unit: Int32Array, // 1 + its unit in its group, or 0
}
/** `fits`: its vector is of the partition's model; `foreign`: of another. */
export const rowState = { gone: 1, ended: 2, fits: 4, foreign: 8 } as const

/** What later events change of a record; all else stays as its own event holds it. */
export type RecordChange = Pick<MemoryRecord, 'evidence' | 'mentions'> & Partial<Pick<MemoryRecord, 'ended' | 'supersededBy' | 'validUntil'>>

export interface RowTable {
  readonly model: string | undefined
  readonly rows: Columns<typeof rowKinds>
  readonly block: RowBlock
  readonly sessions: Names
  readonly speakers: Names
  /** HMACs of what must not be formed again (ERA-3). */
  readonly suppressed: Set<string>
  /** Seqs that a tombstone names. */
  readonly tombstoned: Set<number>
  /** Seqs without a body that no tombstone has named yet: empty once the log is read to its end. */
  readonly blank: Set<number>
  /** What later events changed of a record, by row. */
  readonly changes: Map<number, RecordChange>
  /** Records and vectors that came since they were last indexed and placed, by row. */
  readonly added: Map<number, MemoryRecord>
  readonly vectors: Map<number, StoredVector>
  upTo: number
  live: number
  endedRows: number
  foreignVectors: number
  /** Rows or vectors were removed since this was last false: what was built over them is built anew. */
  removed: boolean
  /** Made when they are first asked for: a snapshot has neither. */
  ids: Map<string, number> | undefined
  nextEnd: number | undefined
}

export const createRowTable = (model: string | undefined): RowTable => ({
  model,
  rows: createColumns(rowKinds),
  block: createRowBlock(),
  sessions: namesOf(),
  speakers: namesOf(),
  suppressed: new Set(),
  tombstoned: new Set(),
  blank: new Set(),
  changes: new Map(),
  added: new Map(),
  vectors: new Map(),
  upTo: 0,
  live: 0,
  endedRows: 0,
  foreignVectors: 0,
  removed: false,
  ids: undefined,
  nextEnd: Infinity,
})

export const isThere = ({ rows }: RowTable, row: number): boolean => (rows.state[row]! & rowState.gone) === 0

export const idAt = ({ rows, block }: RowTable, row: number): string => block.text(rows.at[row]!, rows.idSize[row]!)

export function rowOf(table: RowTable, id: string): number | undefined {
  if (table.ids === undefined) {
    table.ids = new Map()
    for (let row = 0; row < table.rows.length; row++) if (isThere(table, row)) table.ids.set(idAt(table, row), row)
  }
  return table.ids.get(id)
}

/** The record of a row as the log's events left it: a plain frozen value (MEM-3). */
export function recordAt(table: RowTable, row: number): MemoryRecord {
  const { rows, block, changes } = table
  const body = JSON.parse(block.text(rows.at[row]! + rows.idSize[row]!, rows.bodySize[row]!)) as MemoryRecord
  const next = rows.next[row]! - 1
  const record = { ...body, ...changes.get(row), ...(next >= 0 && isThere(table, next) ? { next: idAt(table, next) } : {}) }
  for (const span of record.evidence) Object.freeze(span)
  Object.freeze(record.evidence)
  if (record.supersedes !== undefined) Object.freeze(record.supersedes)
  return Object.freeze(record)
}

export function recordOf(table: RowTable, id: string): MemoryRecord | undefined {
  const row = rowOf(table, id)
  return row === undefined ? undefined : recordAt(table, row)
}

/** The next time that a record ends or expires; Infinity: none. */
export function nextEndOf(table: RowTable): number {
  if (table.nextEnd === undefined) {
    const { rows } = table
    let next = Infinity
    for (let row = 0; row < rows.length; row++) if (isThere(table, row)) next = Math.min(next, rows.expiresAt[row]!, rows.validUntil[row]!)
    table.nextEnd = next
  }
  return table.nextEnd
}

export const rowBytes = ({ rows, block, ids, changes }: RowTable): number =>
  rows.byteSize() + block.bytes + 64 * (ids?.size ?? 0) + 512 * changes.size

/** After columns and block were loaded. */
export function countRows(table: RowTable): void {
  const { rows } = table
  table.ids = undefined
  table.nextEnd = undefined
  table.live = table.endedRows = table.foreignVectors = 0
  for (let row = 0; row < rows.length; row++) {
    const state = rows.state[row]!
    if ((state & rowState.gone) === 0) table.live++
    if ((state & rowState.ended) !== 0) table.endedRows++
    if ((state & rowState.foreign) !== 0) table.foreignVectors++
  }
}
