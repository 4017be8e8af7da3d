// Writes rows: what a fold adds, changes and removes. An id or seq that is not there is passed over, as what is gone.
import { authorities, recallLists } from '../../core/authority.ts'
import { memoryKinds, type MemoryRecord, type StoredVector } from '../../core/memory.ts'
import { idAt, isThere, recordAt, rowOf, rowState, type RecordChange, type RowTable } from './row-table.ts'

export function addRow(table: RowTable, record: MemoryRecord): void {
  const { rows, block } = table
  const row = rows.length
  rows.grow(1)
  const id = block.write(record.id)
  rows.at[row] = id.at
  rows.idSize[row] = id.size
  rows.bodySize[row] = block.write(JSON.stringify(record)).size
  rows.seq[row] = record.seq
  rows.saidAt[row] = record.saidAt
  rows.validFrom[row] = record.validFrom ?? -Infinity
  rows.validUntil[row] = record.validUntil ?? Infinity
  rows.expiresAt[row] = record.expiresAt ?? Infinity
  rows.kind[row] = memoryKinds.indexOf(record.kind)
  rows.authority[row] = authorities.indexOf(record.authority)
  rows.list[row] = recallLists.indexOf(record.list)
  rows.session[row] = record.session === undefined ? -1 : table.sessions.numberOf(record.session)
  rows.speaker[row] = record.speaker === undefined ? -1 : table.speakers.numberOf(record.speaker)
  rowOf(table, record.id) // the map of ids is there from here on
  table.ids!.set(record.id, row)
  table.added.set(row, record)
  table.live++
  if (table.nextEnd !== undefined) table.nextEnd = Math.min(table.nextEnd, rows.expiresAt[row]!, rows.validUntil[row]!)
}

export function changeRow(table: RowTable, id: string, change: Partial<RecordChange>): void {
  const row = rowOf(table, id)
  if (row === undefined) return
  const { rows, changes } = table
  const { evidence, mentions } = recordAt(table, row)
  changes.set(row, { evidence, mentions, ...changes.get(row), ...change })
  if (change.validUntil !== undefined) {
    rows.validUntil[row] = change.validUntil
    table.nextEnd = undefined
  }
  if (change.ended === undefined || (rows.state[row]! & rowState.ended) !== 0) return
  rows.state[row]! |= rowState.ended
  table.endedRows++
}

/** `next` of one record is the other, which names it as `previous`. */
export function linkRows(table: RowTable, id: string, next: string): void {
  const [row, nextRow] = [rowOf(table, id), rowOf(table, next)]
  if (row !== undefined && nextRow !== undefined) table.rows.next[row] = nextRow + 1
}

/** The record and its vector. */
export function removeRecord(table: RowTable, id: string): void {
  const row = rowOf(table, id)
  if (row !== undefined) removeRow(table, row)
}

function removeRow(table: RowTable, row: number): void {
  if (!isThere(table, row)) return
  const { rows, block } = table
  table.ids?.delete(idAt(table, row))
  if ((rows.state[row]! & rowState.ended) !== 0) table.endedRows--
  if ((rows.state[row]! & rowState.foreign) !== 0) table.foreignVectors--
  rows.state[row] = rowState.gone
  block.wipe(rows.at[row]!, rows.idSize[row]! + rows.bodySize[row]!)
  for (const map of [table.changes, table.added, table.vectors]) map.delete(row)
  table.live--
  table.nextEnd = undefined
  table.removed = true
}

export function removeSeq(table: RowTable, seq: number): void {
  const { rows } = table
  const row = rowWithSeq(table, seq)
  if (row !== undefined) removeRow(table, row)
  const holder = rows.vectorSeq.subarray(0, rows.length).indexOf(seq)
  if (holder < 0) return
  rows.vectorSeq[holder] = 0
  markVector(table, holder, 0)
  table.vectors.delete(holder)
  table.removed = true
}

/** A vector of what is gone says something of it still: it is not taken. */
export function setVector(table: RowTable, id: string, vector: StoredVector): void {
  const row = rowOf(table, id)
  if (row === undefined) return
  table.rows.vectorSeq[row] = vector.seq
  markVector(table, row, vector.model === table.model ? rowState.fits : rowState.foreign)
  table.vectors.set(row, vector)
}

/** Says of what model a row's vector is; 0: it has none. */
export function markVector(table: RowTable, row: number, mark: 0 | typeof rowState.fits | typeof rowState.foreign): void {
  const { state } = table.rows
  if ((state[row]! & rowState.foreign) !== 0) table.foreignVectors--
  if (mark === rowState.foreign) table.foreignVectors++
  state[row] = (state[row]! & ~(rowState.fits | rowState.foreign)) | mark
}

/** Rows stand in order of seq. */
function rowWithSeq({ rows }: RowTable, seq: number): number | undefined {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows.seq[middle]! < seq) low = middle + 1
    else high = middle
  }
  return low < rows.length && rows.seq[low] === seq ? low : undefined
}
