// What the events of a memory log come to: its records, vectors and suppressed hashes (MEM-1). Pure but for the table it writes to.
import { listOf } from './authority.ts'
import { RecollectError } from './errors.ts'
import { toUtf8 } from './json.ts'
import { limits } from './limits.ts'
import type { DecodedMemory, Evidence, MemoryEvent, MemoryFold, MemoryRecord, RecordBody, StoredVector } from './memory.ts'
import { decodeBody } from './session.ts'

/** What later events change of a record; all else stays as its own event holds it. */
export type RecordChange = Pick<MemoryRecord, 'evidence' | 'mentions'> & Partial<Pick<MemoryRecord, 'ended' | 'supersededBy' | 'validUntil'>>

/** Where a fold is kept: maps here, columns in a partition. One set of rules writes both, so extending either costs the tail. */
export interface MemoryTable {
  upTo: number
  has(id: string): boolean
  get(id: string): MemoryRecord | undefined
  add(record: MemoryRecord): void
  change(id: string, change: Partial<RecordChange>): void
  /** `next` of one record is the other, which names it as `previous`. */
  link(id: string, next: string): void
  /** Removes the record and its vector; an id or seq that is not there is passed over. */
  remove(id: string): void
  removeSeq(seq: number): void
  setVector(recordId: string, vector: StoredVector): void
  suppress(hash: string): void
  /** Seqs that a tombstone names. */
  readonly tombstoned: Set<number>
  /** Seqs without a body that no tombstone has named yet: empty once the log is read to its end. */
  readonly blank: Set<number>
}

/** Adds entries in order of seq, without a gap. Call `checkBlanks` once the log is read to its end. @throws `integrity_failure` on a gap (SEAL-12 c) */
export function addMemories(table: MemoryTable, entries: readonly DecodedMemory[]): void {
  for (const { seq, event } of entries) {
    if (seq !== table.upTo + 1)
      throw new RecollectError(
        'integrity_failure',
        `the memory log goes from seq ${table.upTo} to ${seq}`,
        'Restore the store from a backup; nothing was changed.',
      )
    table.upTo = seq
    if (event !== undefined) addEvent(table, seq, event)
    else if (!table.tombstoned.has(seq)) table.blank.add(seq)
  }
}

/** @throws `integrity_failure` if a place has no body and no tombstone of the log names it (SEAL-12 c) */
export function checkBlanks(table: Pick<MemoryTable, 'blank'>): void {
  for (const seq of table.blank)
    throw new RecollectError(
      'integrity_failure',
      `the memory log has no body at seq ${seq}, and no tombstone names it`,
      'Restore the store from a backup; nothing was changed.',
    )
}

/** The log up to `base.upTo` and these entries, read to the end. `base` stays as it is. */
export function foldMemories(base: MemoryFold, entries: readonly DecodedMemory[]): MemoryFold {
  if (entries.length === 0) return base
  const table = mapTable(base)
  addMemories(table, entries)
  checkBlanks(table)
  return { upTo: table.upTo, records: table.records, vectors: table.vectors, suppressed: table.suppressed, tombstoned: table.tombstoned }
}

export const emptyMemories: MemoryFold = { upTo: 0, records: new Map(), vectors: new Map(), suppressed: new Set(), tombstoned: new Set() }

function addEvent(table: MemoryTable, seq: number, event: MemoryEvent): void {
  switch (event.type) {
    case 'record':
      addRecord(table, seq, event.record)
      break
    case 'embedding':
      // a vector of what is gone says something of it still
      if (table.has(event.recordId)) table.setVector(event.recordId, { ...vectorOf(event), seq })
      break
    case 'evidence':
      addEvidence(table, event)
      break
    case 'evidence-lost': {
      const record = table.get(event.recordId)
      if (record !== undefined) table.change(record.id, { evidence: record.evidence.filter((span) => !isLost(span, event)) })
      break
    }
    case 'end':
      if (table.has(event.recordId))
        table.change(event.recordId, {
          ended: event.why,
          validUntil: event.validUntil,
          ...(event.by === undefined ? {} : { supersededBy: event.by }),
        })
      break
    case 'tombstone':
      // a tombstone takes effect when it is read, and beats a body that comes back (SEAL-12 e)
      for (const gone of event.seqs) {
        table.tombstoned.add(gone)
        table.blank.delete(gone)
        table.removeSeq(gone)
      }
      for (const id of event.recordIds) table.remove(id)
      for (const hash of event.suppress) table.suppress(hash)
      break
  }
}

function addRecord(table: MemoryTable, seq: number, body: RecordBody): void {
  table.add({ ...body, seq, list: listOf(body.authority) }) // the list follows from the authority, whatever was written (POI-10)
  if (body.previous !== undefined && table.has(body.previous)) table.link(body.previous, body.id)
}

/** FORM-6: the same text again is a mention more, and one span of evidence more while there is room. */
function addEvidence(table: MemoryTable, { recordId, evidence, counted }: MemoryEvent & { type: 'evidence' }): void {
  const record = table.get(recordId)
  if (record === undefined) return
  const there = record.evidence.length >= limits.evidenceSpans || record.evidence.some((span) => isSame(span, evidence))
  table.change(recordId, { mentions: record.mentions + (counted === true ? 0 : 1), ...(there ? {} : { evidence: [...record.evidence, evidence] }) })
}

const isSame = (a: Evidence, b: Evidence): boolean =>
  a.log === b.log && a.birth === b.birth && a.seq === b.seq && a.start === b.start && a.end === b.end

const isLost = (span: Evidence, lost: { session: string; birth: number; seqs?: readonly number[] }): boolean =>
  span.log === lost.session && span.birth === lost.birth && (lost.seqs === undefined || lost.seqs.includes(span.seq))

type MapTable = MemoryTable & {
  readonly records: Map<string, MemoryRecord>
  readonly vectors: Map<string, StoredVector>
  readonly suppressed: Set<string>
}

function mapTable(base: MemoryFold): MapTable {
  const records = new Map(base.records)
  const vectors = new Map(base.vectors)
  const suppressed = new Set(base.suppressed)
  const idAt = new Map<number, string>()
  for (const { seq, id } of records.values()) idAt.set(seq, id)
  for (const [id, { seq }] of vectors) idAt.set(seq, id)
  const patch = (id: string, change: Partial<MemoryRecord>) => {
    const record = records.get(id)
    if (record !== undefined) records.set(id, { ...record, ...change })
  }
  const remove = (id: string) => {
    records.delete(id)
    vectors.delete(id)
  }
  return {
    upTo: base.upTo,
    records,
    vectors,
    suppressed,
    tombstoned: new Set(base.tombstoned),
    blank: new Set(),
    has: (id) => records.has(id),
    get: (id) => records.get(id),
    add(record) {
      records.set(record.id, record)
      idAt.set(record.seq, record.id)
    },
    change: patch,
    link: (id, next) => patch(id, { next }),
    remove,
    removeSeq(seq) {
      const id = idAt.get(seq)
      if (id === undefined) return
      if (records.get(id)?.seq === seq) remove(id)
      else if (vectors.get(id)?.seq === seq) vectors.delete(id)
    },
    setVector(id, vector) {
      vectors.set(id, vector)
      idAt.set(vector.seq, id)
    },
    suppress: (hash) => suppressed.add(hash),
  }
}

// --- bodies: JSON in UTF-8; a vector as base64 of its int8 components (EMB-3) -------------------------------------------------

export const encodeMemory = (event: MemoryEvent): Uint8Array => toUtf8(JSON.stringify(event))

/** An empty body is a redacted entry. @throws `integrity_failure` on bytes that are no event */
export const decodeMemory = (entry: { readonly seq: number; readonly id: string; readonly body: Uint8Array }): DecodedMemory => ({
  seq: entry.seq,
  id: entry.id,
  event: entry.body.length === 0 ? undefined : decodeBody<MemoryEvent>(entry.body, 'memory event'),
})

/** The event of a record's vector, as `quantizeVector` gives it. */
export const embeddingEvent = (recordId: string, model: string, { values, scale }: { values: Int8Array; scale: number }): MemoryEvent => ({
  type: 'embedding',
  recordId,
  model,
  scale,
  vector: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
})

function vectorOf({ model, scale, vector }: MemoryEvent & { type: 'embedding' }): Omit<StoredVector, 'seq'> {
  const bytes = Buffer.from(vector, 'base64')
  return { model, scale, vector: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}
