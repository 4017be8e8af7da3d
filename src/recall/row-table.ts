// The records of one owner as columns and one block of UTF-8: what the fold of a memory log is kept in (MEM-1, PART-1). A record is read when it is needed.
import { authorities, recallLists } from '../core/authority.ts'
import type { MemoryTable, RecordChange } from '../core/memory-fold.ts'
import { memoryKinds, type MemoryRecord, type StoredVector } from '../core/memory.ts'
import { createColumns, type Columns } from './columns.ts'
import { namesOf, type Names } from './names.ts'

export const rowKinds = {
  seq: Float64Array,
  bodyAt: Uint32Array,
  bodySize: Uint32Array,
  idSize: Uint16Array, // the id stands before the body in the block
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
export const rowState = { gone: 1, ended: 2, fits: 4, foreign: 8 } as const // fits: its vector is of the partition's model; foreign: of another

export interface RowTable extends MemoryTable {
  readonly rows: Columns<typeof rowKinds>
  readonly sessions: Names
  readonly speakers: Names
  readonly suppressed: Set<string>
  readonly changes: Map<number, RecordChange>
  /** Records and vectors that came since they were last indexed and placed, by row. */
  readonly added: Map<number, MemoryRecord>
  readonly vectors: Map<number, StoredVector>
  readonly live: number
  readonly endedRows: number
  /** Rows whose vector is of another model than the partition's (EMB-4). */
  readonly foreignVectors: number
  /** Rows were removed since this was last false: what was built over them is built anew. */
  removed: boolean
  readonly nextEnd: number // Infinity: none
  readonly bytes: number
  rowOf(id: string): number | undefined
  idAt(row: number): string
  /** The record of a row as the log's events left it, frozen. */
  recordAt(row: number): MemoryRecord
  block(): Uint8Array
  restore(block: Uint8Array): void
}

export function createRowTable(model: string | undefined): RowTable {
  const rows = createColumns(rowKinds)
  const sessions = namesOf()
  const speakers = namesOf()
  const changes: RowTable['changes'] = new Map()
  let block: Buffer = Buffer.allocUnsafe(1_024)
  let used = 0
  let live = 0
  let endedRows = 0
  let nextEnd: number | undefined = Infinity
  let ids: Map<string, number> | undefined

  const idAt = (row: number) => block.toString('utf8', rows.bodyAt[row]!, rows.bodyAt[row]! + rows.idSize[row]!)
  const idMap = () => {
    if (ids !== undefined) return ids
    ids = new Map()
    for (let row = 0; row < rows.length; row++) if ((rows.state[row]! & rowState.gone) === 0) ids.set(idAt(row), row)
    return ids
  }
  const write = (text: string): number => {
    const most = 3 * text.length
    if (used + most > block.length) {
      const larger = Buffer.allocUnsafe(Math.max(used + most, Math.ceil(block.length * 1.5)))
      block.copy(larger, 0, 0, used)
      block = larger
    }
    return block.write(text, used)
  }
  const recordAt = (row: number): MemoryRecord => {
    const from = rows.bodyAt[row]! + rows.idSize[row]!
    const body = JSON.parse(block.toString('utf8', from, from + rows.bodySize[row]!)) as MemoryRecord
    const next = rows.next[row]!
    const isNext = next > 0 && (rows.state[next - 1]! & rowState.gone) === 0
    return freeze({ ...body, ...changes.get(row), ...(isNext ? { next: idAt(next - 1) } : {}) })
  }
  const endsAt = (row: number, time: number) => {
    if (nextEnd !== undefined && time < nextEnd && (rows.state[row]! & rowState.gone) === 0) nextEnd = time
  }
  const removeRow = (row: number) => {
    if ((rows.state[row]! & rowState.gone) !== 0) return
    ids?.delete(idAt(row))
    if ((rows.state[row]! & rowState.ended) !== 0) endedRows--
    rows.state[row] = rowState.gone
    block.fill(0, rows.bodyAt[row]!, rows.bodyAt[row]! + rows.idSize[row]! + rows.bodySize[row]!) // what is forgotten stays nowhere
    changes.delete(row)
    table.added.delete(row)
    table.vectors.delete(row)
    live--
    nextEnd = undefined
    table.removed = true
  }

  const table: RowTable = {
    upTo: 0,
    rows,
    sessions,
    speakers,
    changes,
    suppressed: new Set(),
    tombstoned: new Set(),
    blank: new Set(),
    added: new Map(),
    vectors: new Map(),
    removed: false,
    get live() {
      return live
    },
    get endedRows() {
      return endedRows
    },
    get foreignVectors() {
      let count = 0
      for (let row = 0; row < rows.length; row++) if ((rows.state[row]! & rowState.foreign) !== 0) count++
      return count
    },
    get nextEnd() {
      if (nextEnd === undefined) {
        nextEnd = Infinity
        for (let row = 0; row < rows.length; row++) endsAt(row, Math.min(rows.expiresAt[row]!, rows.validUntil[row]!))
      }
      return nextEnd
    },
    get bytes() {
      return rows.bytes + block.length + 64 * (ids?.size ?? 0)
    },
    idAt,
    recordAt,
    rowOf: (id) => idMap().get(id),
    has: (id) => idMap().has(id),
    get(id) {
      const row = idMap().get(id)
      return row === undefined ? undefined : recordAt(row)
    },
    add(record) {
      const row = rows.length
      rows.grow(1)
      rows.bodyAt[row] = used
      used += rows.idSize[row] = write(record.id)
      used += rows.bodySize[row] = write(JSON.stringify(record))
      rows.seq[row] = record.seq
      rows.saidAt[row] = record.saidAt
      rows.validFrom[row] = record.validFrom ?? -Infinity
      rows.validUntil[row] = record.validUntil ?? Infinity
      rows.expiresAt[row] = record.expiresAt ?? Infinity
      rows.kind[row] = memoryKinds.indexOf(record.kind)
      rows.authority[row] = authorities.indexOf(record.authority)
      rows.list[row] = recallLists.indexOf(record.list)
      rows.session[row] = record.session === undefined ? -1 : sessions.numberOf(record.session)
      rows.speaker[row] = record.speaker === undefined ? -1 : speakers.numberOf(record.speaker)
      idMap().set(record.id, row)
      table.added.set(row, record)
      live++
      endsAt(row, Math.min(rows.expiresAt[row]!, rows.validUntil[row]!))
    },
    change(id, change) {
      const row = idMap().get(id)
      if (row === undefined) return
      const record = recordAt(row)
      changes.set(row, { evidence: record.evidence, mentions: record.mentions, ...changes.get(row), ...change })
      if (change.validUntil !== undefined) {
        rows.validUntil[row] = change.validUntil
        nextEnd = undefined
      }
      if (change.ended !== undefined && (rows.state[row]! & rowState.ended) === 0) {
        rows.state[row]! |= rowState.ended
        endedRows++
      }
    },
    link(id, next) {
      const [row, nextRow] = [idMap().get(id), idMap().get(next)]
      if (row !== undefined && nextRow !== undefined) rows.next[row] = nextRow + 1
    },
    remove(id) {
      const row = idMap().get(id)
      if (row !== undefined) removeRow(row)
    },
    removeSeq(seq) {
      const row = rowWithSeq(rows, seq)
      if (row !== undefined) removeRow(row)
      const holder = rows.vectorSeq.indexOf(seq)
      if (holder >= 0 && holder < rows.length) {
        rows.vectorSeq[holder] = 0
        rows.state[holder]! &= ~(rowState.fits | rowState.foreign)
        table.vectors.delete(holder)
        table.removed = true
      }
    },
    setVector(id, vector) {
      const row = idMap().get(id)
      if (row === undefined) return
      rows.vectorSeq[row] = vector.seq
      rows.state[row] = (rows.state[row]! & ~(rowState.fits | rowState.foreign)) | (vector.model === model ? rowState.fits : rowState.foreign)
      table.vectors.set(row, vector)
    },
    suppress: (hash) => table.suppressed.add(hash),
    block: () => block.subarray(0, used),
    restore(bytes) {
      block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      used = block.length
      ids = undefined
      nextEnd = undefined
      live = endedRows = 0
      for (let row = 0; row < rows.length; row++) {
        if ((rows.state[row]! & rowState.gone) === 0) live++
        if ((rows.state[row]! & rowState.ended) !== 0) endedRows++
      }
    },
  }
  return table
}

/** Rows stand in order of seq. */
function rowWithSeq(rows: Columns<typeof rowKinds>, seq: number): number | undefined {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows.seq[middle]! < seq) low = middle + 1
    else high = middle
  }
  return low < rows.length && rows.seq[low] === seq ? low : undefined
}

/** Plain frozen values (MEM-3). */
function freeze(record: MemoryRecord): MemoryRecord {
  for (const span of record.evidence) Object.freeze(span)
  Object.freeze(record.evidence)
  if (record.supersedes !== undefined) Object.freeze(record.supersedes)
  return Object.freeze(record)
}
