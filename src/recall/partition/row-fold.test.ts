// The fold of a memory log into rows: what its events come to, however they are read.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRecollectError } from '../../core/errors.ts'
import { decodeMemory, embeddingEvent, encodeMemory } from '../../core/memory-events.ts'
import type { DecodedMemory, Evidence, MemoryEvent, RecordBody } from '../../core/memory.ts'
import { addMemories, checkBlanks } from './row-fold.ts'
import { createRowTable, idAt, isThere, recordAt } from './row-table.ts'

const span = (seq: number): Evidence => ({ log: 's', birth: 1, seq, start: 0, end: 4, mac: `mac-${seq}` })
const body = (id: string, more: Partial<RecordBody> = {}): RecordBody => ({
  id,
  kind: 'episodic',
  text: `text of ${id}`,
  saidAt: 1,
  formedAt: 1,
  origin: 'user-typed',
  authority: 'typed',
  list: 'trusted',
  evidence: [span(1)],
  mentions: 1,
  madeBy: 'quote',
  session: 's',
  ...more,
})
const record = (id: string, more: Partial<RecordBody> = {}): MemoryEvent => ({ type: 'record', record: body(id, more) })
const vector = (id: string, first = 7): MemoryEvent => embeddingEvent(id, 'm@1', { values: Int8Array.of(first, -128, 127), scale: 0.5 })
const log = (...events: (MemoryEvent | undefined)[]): DecodedMemory[] => events.map((event, i) => ({ seq: i + 1, id: `e${i + 1}`, event }))
const fold = (...events: (MemoryEvent | undefined)[]) => folded([log(...events)])

/** The log read piece by piece to its end. */
function folded(pieces: readonly (readonly DecodedMemory[])[]) {
  const table = createRowTable('m@1')
  for (const piece of pieces) addMemories(table, piece)
  checkBlanks(table)
  const there = Array.from({ length: table.rows.length }, (_, row) => row).filter((row) => isThere(table, row))
  const { suppressed, tombstoned, upTo } = table
  const records = new Map(there.map((row) => [idAt(table, row), recordAt(table, row)]))
  const vectors = new Map([...table.vectors].map(([row, vector]) => [idAt(table, row), vector]))
  return { records, vectors, suppressed, tombstoned, upTo }
}

const tombstone = (id: string, seqs: readonly number[]): MemoryEvent => ({
  type: 'tombstone',
  recordIds: [id],
  seqs,
  suppress: ['h'],
  why: 'forgotten',
  at: 1,
})
const codeOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    return isRecollectError(error) ? error.code : error
  }
  return undefined
}

test('events come back from their bodies as they were, vectors too [MEM-1]', () => {
  for (const event of [record('a'), vector('a'), tombstone('a', [1])])
    expect(decodeMemory({ seq: 3, id: 'e3', body: encodeMemory(event) })).toEqual({ seq: 3, id: 'e3', event })
  expect(decodeMemory({ seq: 3, id: 'e3', body: new Uint8Array() }).event).toBeUndefined()
  expect([...(fold(record('a'), vector('a')).vectors.get('a')?.vector ?? [])]).toEqual([7, -128, 127])
  expect(codeOf(() => decodeMemory({ seq: 3, id: 'e3', body: Buffer.from('{') }))).toBe('integrity_failure')
})

test('later events change a record and leave its text; the newest vector stands [MEM-1]', () => {
  const end: MemoryEvent = { type: 'end', recordId: 'a', validUntil: 9, why: 'superseded', by: 'b' }
  const { records, vectors } = fold(record('a'), record('b', { previous: 'a' }), vector('a'), vector('a', 9), end, {
    type: 'evidence',
    recordId: 'a',
    evidence: span(2),
  })
  expect(records.get('a')).toMatchObject({
    text: 'text of a',
    mentions: 2,
    evidence: [span(1), span(2)],
    ended: 'superseded',
    validUntil: 9,
    supersededBy: 'b',
    next: 'b',
  })
  expect(vectors.get('a')).toMatchObject({ seq: 4, model: 'm@1', scale: 0.5 })
})

test('the same span again is a mention, and the ninth span is not kept [FORM-6, MEM-4]', () => {
  const more = (seq: number): MemoryEvent => ({ type: 'evidence', recordId: 'a', evidence: span(seq) })
  const found = fold(record('a'), more(1), ...[2, 3, 4, 5, 6, 7, 8, 9].map(more)).records.get('a')
  expect([found?.mentions, found?.evidence.length]).toEqual([10, 8])
})

test('evidence of a session or of some of its seqs is lost [ERA-4]', () => {
  const lost = (seqs?: readonly number[]): MemoryEvent => ({
    type: 'evidence-lost',
    recordId: 'a',
    session: 's',
    birth: 1,
    ...(seqs === undefined ? {} : { seqs }),
  })
  const two = record('a', { evidence: [span(1), span(2)] })
  expect(fold(two, lost([1])).records.get('a')?.evidence).toEqual([span(2)])
  expect(fold(two, lost()).records.get('a')?.evidence).toEqual([])
  expect(fold(two, { ...lost(), birth: 2 } as MemoryEvent).records.get('a')?.evidence.length).toBe(2)
})

test('the list follows from the authority, whatever was written [POI-10]', () => {
  expect(fold(record('a', { authority: 'untrusted', list: 'trusted' })).records.get('a')?.list).toBe('untrusted')
})

test('a tombstone removes record and vector, and beats a body that comes back [ERA-3, SEAL-12]', () => {
  for (const events of [
    [record('a'), vector('a'), tombstone('a', [1, 2])], // the bodies are there again, or still
    [undefined, undefined, tombstone('a', [1, 2])],
  ]) {
    const { records, vectors, suppressed, tombstoned } = fold(...events)
    expect([records.size, vectors.size, [...suppressed], [...tombstoned]]).toEqual([0, 0, ['h'], [1, 2]])
  }
  const left = (seq: number) => {
    const { records, vectors } = fold(record('a'), vector('a'), { ...tombstone('', [seq]), recordIds: [] } as MemoryEvent)
    return [records.size, vectors.size]
  }
  expect([left(1), left(2)]).toEqual([
    [0, 0],
    [1, 0],
  ])
})

test('a missing seq, and a body missing without a tombstone, are integrity failures [SEAL-12]', () => {
  expect(codeOf(() => fold(record('a'), undefined))).toBe('integrity_failure')
  expect(codeOf(() => folded([log(record('a'), record('b')).slice(1)]))).toBe('integrity_failure')
})

const ids = ['a', 'b', 'c', 'd']
const anyEvent: fc.Arbitrary<(done: Set<string>) => MemoryEvent | undefined> = fc
  .record({ id: fc.constantFrom(...ids), what: fc.nat(5), n: fc.nat(9) })
  .map(({ id, what, n }) => (done) => {
    if (!done.has(id)) {
      done.add(id)
      return record(id, n < 5 ? { previous: ids[n] ?? 'a' } : {})
    }
    if (what === 0) return vector(id, n)
    if (what === 1) return { type: 'evidence', recordId: id, evidence: span(n) }
    if (what === 2) return { type: 'end', recordId: id, validUntil: n, why: 'corrected' }
    if (what === 3) return { type: 'evidence-lost', recordId: id, session: 's', birth: 1, seqs: [n] }
    return what === 4 ? { type: 'tombstone', recordIds: [id], seqs: [], suppress: [id], why: 'expired', at: n } : undefined
  })

test('a log gives one state, read at once or in pieces [MEM-P1]', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 6 }), (makers, cuts) => {
      const done = new Set<string>()
      const entries = log(...makers.map((make) => make(done)).filter((event) => event !== undefined))
      const ends = [...cuts, entries.length].toSorted((x, y) => x - y)
      expect(folded(ends.map((end, i) => entries.slice(ends[i - 1] ?? 0, end)))).toEqual(folded([entries]))
    }),
  )
})

test('events of different records commute [MEM-P1]', () => {
  const of = (id: string): MemoryEvent[] => [
    record(id),
    vector(id),
    { type: 'evidence', recordId: id, evidence: span(5) },
    { type: 'end', recordId: id, validUntil: 3, why: 'retracted' },
  ]
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (turns) => {
      const [a, b] = [of('a'), of('b')]
      const mixed: MemoryEvent[] = []
      for (const turn of turns) mixed.push((turn ? (a.shift() ?? b.shift()) : (b.shift() ?? a.shift()))!)
      const plain = (events: MemoryEvent[]) => {
        const { records, vectors } = fold(...events)
        return ['a', 'b'].map((id) => [
          { ...records.get(id), seq: 0 },
          { ...vectors.get(id), seq: 0 },
        ])
      }
      expect(plain(mixed)).toEqual(plain([...of('a'), ...of('b')]))
    }),
  )
})
