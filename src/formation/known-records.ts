// What formation must know of an owner's memory log to add to it: duplicates, neighbours, lives, what rests on which message, what must not come back.
import { RecollectError } from '../core/errors.ts'
import { listOf, recallLists, type RecallList } from '../core/authority.ts'
import type { DecodedMemory, Evidence, MemoryEvent, RecordBody } from '../core/memory.ts'
import { canonicalText } from '../core/canonical-text.ts'

/** One record as formation sees it: where its entries stand, and what it rests on; its text stays in the log. */
export interface Known {
  readonly id: string
  readonly list: RecallList
  readonly madeBy: RecordBody['madeBy']
  readonly textKey: string
  readonly saidAt: number
  readonly expiresAt: number | undefined
  readonly seqs: number[] // of its record, embedding, evidence and other entries: what a redaction names
  evidence: Evidence[]
  ended: boolean
}

/** A derived view of one memory log, with the seq up to which it has read. Extended by the tail. */
export interface KnownRecords {
  upTo: number
  readonly records: Map<string, Known>
  readonly byText: Map<string, string> // list and canonical text → the newest record's id
  readonly bySession: Map<string, Set<string>> // session and birth → ids of records that rest on it
  readonly lastOf: Map<string, string> // session and birth → id of its newest unit
  readonly withoutVector: Set<string>
  readonly suppressed: Set<string>
  readonly gone: Set<string> // ids of records that a tombstone names
  readonly unredacted: Set<number> // seqs that a tombstone names and that have a body still: a removal that was cut off
}

export const noneKnown = (): KnownRecords => ({
  upTo: 0,
  records: new Map(),
  byText: new Map(),
  bySession: new Map(),
  lastOf: new Map(),
  withoutVector: new Set(),
  suppressed: new Set(),
  gone: new Set(),
  unredacted: new Set(),
})

export const sessionKey = (session: string, birth: number): string => `${birth} ${session}`

/** Takes in entries in order of seq, the tail of the log whole. What was redacted stays unread; its tombstone says what went. */
export function learn(known: KnownRecords, entries: readonly DecodedMemory[]): void {
  const blank = new Set<number>()
  for (const { seq, event } of entries) {
    known.upTo = seq
    if (event === undefined) blank.add(seq)
    else learnEvent(known, seq, event)
  }
  // A redaction raises `rewrites`, and the log is read from its start: so a blank seq is always in the tail that is read with its tombstone.
  for (const seq of blank) known.unredacted.delete(seq)
}

function learnEvent(known: KnownRecords, seq: number, event: MemoryEvent): void {
  if (event.type === 'record') return addRecord(known, seq, event.record)
  if (event.type === 'tombstone') {
    for (const seq of event.seqs) known.unredacted.add(seq)
    for (const id of event.recordIds) {
      known.gone.add(id)
      dropRecord(known, id)
    }
    for (const hash of event.suppress) known.suppressed.add(hash)
    return
  }
  const record = known.records.get(event.recordId)
  if (record === undefined) return
  record.seqs.push(seq)
  switch (event.type) {
    case 'embedding':
      known.withoutVector.delete(record.id)
      break
    case 'evidence':
      record.evidence.push(event.evidence)
      indexEvidence(known, record.id, event.evidence)
      break
    case 'evidence-lost':
      record.evidence = record.evidence.filter(
        (one) => one.log !== event.session || one.birth !== event.birth || (event.seqs !== undefined && !event.seqs.includes(one.seq)),
      )
      break
    case 'end':
      record.ended = true
      break
  }
}

function addRecord(known: KnownRecords, seq: number, body: RecordBody): void {
  const list = listOf(body.authority)
  const record: Known = {
    id: body.id,
    list,
    madeBy: body.madeBy,
    textKey: textKeyOf(list, body.text),
    saidAt: body.saidAt,
    expiresAt: body.expiresAt,
    seqs: [seq],
    evidence: [...body.evidence],
    ended: false,
  }
  known.records.set(body.id, record)
  if (body.kind === 'episodic') known.byText.set(record.textKey, body.id)
  known.withoutVector.add(body.id)
  for (const one of body.evidence) indexEvidence(known, body.id, one)
  const first = body.evidence[0]
  if (first !== undefined && body.madeBy === 'quote') known.lastOf.set(sessionKey(first.log, first.birth), body.id)
}

function indexEvidence(known: KnownRecords, id: string, { log, birth }: Evidence): void {
  const key = sessionKey(log, birth)
  const ids = known.bySession.get(key) ?? new Set()
  ids.add(id)
  known.bySession.set(key, ids)
}

function dropRecord(known: KnownRecords, id: string): void {
  const record = known.records.get(id)
  if (record === undefined) return
  known.records.delete(id)
  known.withoutVector.delete(id)
  if (known.byText.get(record.textKey) === id) known.byText.delete(record.textKey)
  for (const { log, birth } of record.evidence) {
    const key = sessionKey(log, birth)
    const ids = known.bySession.get(key)
    ids?.delete(id)
    if (ids?.size === 0) known.bySession.delete(key)
    if (known.lastOf.get(key) === id) known.lastOf.delete(key)
  }
}

/** Every record that says the same, whoever said it: what is forgotten is forgotten in all its copies (ERA-3). */
export function sameText(known: KnownRecords, { text }: Pick<RecordBody, 'text'>): string[] {
  const keys = new Set(recallLists.map((list) => textKeyOf(list, text)))
  return [...known.records.values()].filter((one) => keys.has(one.textKey)).map((one) => one.id)
}

export const textKeyOf = (list: RecallList, text: string): string => `${list} ${canonicalText(text)}`

/** LIFE-11. @throws `limit_exceeded` where an owner would have more records than `most` */
export function checkRoom(most: number, wanted: number): void {
  if (wanted <= most) return
  throw new RecollectError('limit_exceeded', `an owner has at most ${most} memory records`, 'Forget records, or raise limits.ownerRecords.', {
    limit: most,
    given: wanted,
  })
}
