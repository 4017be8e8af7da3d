// What the events of a memory log come to, in rows: records, vectors and suppressed hashes (MEM-1). Extending a fold costs its tail (PART-5).
import { listOf } from '../../core/authority.ts'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { vectorOf } from '../../core/memory-events.ts'
import type { DecodedMemory, Evidence, MemoryEvent, RecordBody } from '../../core/memory.ts'
import { recordOf, type RowTable } from './row-table.ts'
import { addRow, changeRow, linkRows, removeRecord, removeSeq, setVector } from './row-writes.ts'

/** Adds entries in order of seq, without a gap. Call `checkBlanks` once the log is read to its end. @throws `integrity_failure` on a gap (SEAL-12 c) */
export function addMemories(table: RowTable, entries: readonly DecodedMemory[]): void {
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
export function checkBlanks({ blank }: RowTable): void {
  for (const seq of blank)
    throw new RecollectError(
      'integrity_failure',
      `the memory log has no body at seq ${seq}, and no tombstone names it`,
      'Restore the store from a backup; nothing was changed.',
    )
}

function addEvent(table: RowTable, seq: number, event: MemoryEvent): void {
  switch (event.type) {
    case 'record':
      addRecord(table, seq, event.record)
      break
    case 'embedding':
      setVector(table, event.recordId, { ...vectorOf(event), seq })
      break
    case 'evidence':
      addEvidence(table, event)
      break
    case 'evidence-lost': {
      const record = recordOf(table, event.recordId)
      if (record !== undefined) changeRow(table, record.id, { evidence: record.evidence.filter((span) => !isLost(span, event)) })
      break
    }
    case 'end':
      changeRow(table, event.recordId, {
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
        removeSeq(table, gone)
      }
      for (const id of event.recordIds) removeRecord(table, id)
      for (const hash of event.suppress) table.suppressed.add(hash)
      break
  }
}

function addRecord(table: RowTable, seq: number, body: RecordBody): void {
  addRow(table, { ...body, seq, list: listOf(body.authority) }) // the list follows from the authority, whatever was written (POI-10)
  if (body.previous !== undefined) linkRows(table, body.previous, body.id)
}

/** FORM-6: the same text again is a mention more, and one span of evidence more while there is room. */
function addEvidence(table: RowTable, { recordId, evidence, counted }: MemoryEvent & { type: 'evidence' }): void {
  const record = recordOf(table, recordId)
  if (record === undefined) return
  const there = record.evidence.length >= limits.evidenceSpans || record.evidence.some((span) => isSame(span, evidence))
  changeRow(table, recordId, {
    mentions: record.mentions + (counted === true ? 0 : 1),
    ...(there ? {} : { evidence: [...record.evidence, evidence] }),
  })
}

const isSame = (a: Evidence, b: Evidence): boolean =>
  a.log === b.log && a.birth === b.birth && a.seq === b.seq && a.start === b.start && a.end === b.end

const isLost = (span: Evidence, lost: { session: string; birth: number; seqs?: readonly number[] }): boolean =>
  span.log === lost.session && span.birth === lost.birth && (lost.seqs === undefined || lost.seqs.includes(span.seq))
