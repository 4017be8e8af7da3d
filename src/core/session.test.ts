import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRecollectError } from './errors.ts'
import type { Json } from './json.ts'
import type { Message } from './message.ts'
import {
  decodeSessionEntry,
  emptyFold,
  encodeSessionEntry,
  findMessage,
  foldSession,
  indexFrom,
  mergePatch,
  messageAt,
  type DecodedEntry,
  type SessionEntry,
  type SessionFold,
} from './session.ts'

const message = (id: string): Message => ({ id, role: 'user', createdAt: 0, parts: [{ type: 'text', text: id, spans: [] }] })
const said = (id: string): SessionEntry => ({ type: 'message', message: message(id) })
const numbered = (entries: readonly (SessionEntry | undefined)[]): DecodedEntry[] => entries.map((entry, i) => ({ seq: i + 1, entry }))

/** Logs of every type of entry; tombstones and rewinds name seqs before them, redacted places have their tombstone. */
const logs = fc
  .array(
    fc.record({
      kind: fc.constantFrom('said', 'said', 'said', 'state', 'setup', 'rewind', 'tombstone', 'foreign'),
      n: fc.nat(30),
      keys: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.nat(9), fc.constant(null))),
    }),
    { maxLength: 40 },
  )
  .map((steps) =>
    numbered(
      steps.map(({ kind, n, keys }, i): SessionEntry => {
        if (kind === 'said') return said(`m${i}`)
        if (kind === 'state') return { type: 'state', patch: keys, at: 0 }
        if (kind === 'setup') return { type: 'setup', setup: { model: `model${n}` } }
        if (kind === 'rewind') return { type: 'rewind', toSeq: n % (i + 1), at: 0 }
        if (kind === 'tombstone' && i > 0) return { type: 'tombstone', seqs: [(n % i) + 1], why: 'redacted', at: 0 }
        return { type: 'foreign', name: 'f', data: n }
      }),
    ),
  )

/** What of a fold a reader can see. */
const seen = (fold: SessionFold) => ({
  ...fold,
  gone: [...fold.gone].toSorted(([a], [b]) => a - b),
  tombstoned: [...fold.tombstoned].toSorted((a, b) => a - b),
  ids: undefined,
})

describe('the fold of a session log', () => {
  test('folding in pieces, in any cut, gives the fold of the whole [SES-2] [NODE-2]', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.nat(40), { maxLength: 4 }), (entries, cuts) => {
        const whole = foldSession(emptyFold, entries)
        let fold = emptyFold
        const ends = [...cuts.map((cut) => cut % (entries.length + 1)), entries.length].toSorted((a, b) => a - b)
        for (const end of ends) fold = foldSession(fold, entries.slice(fold.upTo, end))
        expect(seen(fold)).toEqual(seen(whole))
      }),
      { numRuns: 500 },
    )
  })

  test('a fold that was given out does not change when the log grows [NODE-2]', () => {
    fc.assert(
      fc.property(logs, fc.nat(40), (entries, cut) => {
        const early = foldSession(emptyFold, entries.slice(0, cut))
        const before = structuredClone(seen(early))
        foldSession(early, entries.slice(early.upTo))
        expect(seen(early)).toEqual(before)
        for (const {
          seq,
          message: { id },
        } of early.messages)
          expect(findMessage(early, id)?.seq).toBe(seq)
      }),
      { numRuns: 500 },
    )
  })

  test('every seq is a message of the path or gone for a reason, and no other [SES-2]', () => {
    fc.assert(
      fc.property(logs, (entries) => {
        const fold = foldSession(emptyFold, entries)
        for (let seq = 1; seq <= fold.upTo; seq++) expect([messageAt(fold, seq) !== undefined, fold.gone.has(seq)].filter(Boolean)).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })

  test('a rewind leaves messages, state and setup as the log up to that seq has them [SES-2]', () => {
    fc.assert(
      fc.property(logs, fc.nat(40), (entries, n) => {
        const toSeq = n % (entries.length + 1)
        fc.pre(entries.slice(toSeq).every(({ entry }) => entry?.type !== 'rewind')) // what was rewound once does not come back
        const rewound = foldSession(emptyFold, [...entries, { seq: entries.length + 1, entry: { type: 'rewind', toSeq, at: 0 } }])
        const then = foldSession(emptyFold, entries.slice(0, toSeq))
        const tombstoned = new Set(rewound.tombstoned)
        const path = (fold: SessionFold) => fold.messages.map(({ seq }) => seq).filter((seq) => !tombstoned.has(seq))
        expect(path(rewound)).toEqual(path(then))
        expect([rewound.state, rewound.stateSeq, rewound.setup]).toEqual([then.state, then.stateSeq, then.setup])
      }),
      { numRuns: 500 },
    )
  })

  test('what was rewound once does not come back by a rewind to a later seq [SES-2]', () => {
    const fold = foldSession(
      emptyFold,
      numbered([said('a'), said('b'), { type: 'rewind', toSeq: 0, at: 0 }, said('d'), { type: 'rewind', toSeq: 2, at: 0 }]),
    )
    expect(fold.messages).toEqual([])
  })

  test('a redacted place that no tombstone names is an integrity failure [SEAL-12]', () => {
    const fold = () => foldSession(emptyFold, numbered([said('a'), undefined, said('c')]))
    expect(fold).toThrow(expect.toSatisfy((error) => isRecollectError(error, 'integrity_failure')))
    const named = foldSession(emptyFold, numbered([said('a'), undefined, { type: 'tombstone', seqs: [2], why: 'redacted', at: 0 }]))
    expect(named.messages.map(({ seq }) => seq)).toEqual([1])
  })

  test('a message is found by its id although another log’s tail shared the index [NODE-2]', () => {
    const base = foldSession(emptyFold, numbered([said('a')]))
    foldSession(base, [{ seq: 2, entry: said('b') }]) // planned, never appended
    const real = foldSession(base, [
      { seq: 2, entry: said('c') },
      { seq: 3, entry: said('b') },
    ])
    expect(findMessage(real, 'b')?.seq).toBe(3)
    expect(findMessage(real, 'c')?.seq).toBe(2)
    expect(findMessage(base, 'b')).toBeUndefined()
  })

  test('the first index from a seq on is found wherever the seq lies [SES-1]', () => {
    const { messages } = foldSession(emptyFold, numbered([said('a'), { type: 'foreign', name: 'f', data: null }, said('c')]))
    expect([0, 1, 2, 3, 4].map((seq) => indexFrom(messages, seq))).toEqual([0, 0, 1, 1, 2])
  })
})

describe('bodies', () => {
  test('an entry comes back as it was, with the bytes of its media [SES-1]', () => {
    const entry: SessionEntry = {
      type: 'message',
      message: {
        id: 'a',
        role: 'tool',
        createdAt: 1,
        name: 'n',
        incomplete: 'aborted',
        parts: [
          { type: 'tool-result', callId: 'c', content: [{ type: 'image', mediaType: 'image/png', data: new Uint8Array([0, 255, 128]) }] },
          { type: 'reasoning', family: 'f', data: { signature: 'x' } },
        ],
      },
    }
    expect(decodeSessionEntry(1, encodeSessionEntry(entry))).toEqual({ seq: 1, entry })
  })

  test('an empty body is a redacted place, and bytes that are none of ours an integrity failure [SEAL-12]', () => {
    expect(decodeSessionEntry(3, new Uint8Array())).toEqual({ seq: 3, entry: undefined })
    expect(() => decodeSessionEntry(3, new Uint8Array([1, 2]))).toThrow(expect.toSatisfy((error) => isRecollectError(error, 'integrity_failure')))
  })
})

describe('merge patch', () => {
  // The examples of RFC 7396, appendix A.
  test.each<[string, string, string]>([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('%s with %s is %s [SES-3]', (target, patch, result) => {
    expect(JSON.stringify(mergePatch(JSON.parse(target) as Json, JSON.parse(patch) as Json))).toBe(result)
  })
})
