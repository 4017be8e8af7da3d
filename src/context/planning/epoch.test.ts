// Which cause ends an epoch, each alone and each beside those after it in the list (context §4.1).
import { describe, expect, test } from 'vitest'
import type { EpochCause, EpochRecord } from '../../core/context.ts'
import { emptyFold, foldSession, type SessionFold } from '../../core/session.ts'
import type { Role } from '../../core/message.ts'
import { dueCause, isCold, type EpochView } from './epoch.ts'
import { renderVersion, type Policy } from '../policy/policy.ts'
import { findProfile } from '../prompt/profiles.ts'

const foldOf = (...roles: Role[]): SessionFold =>
  foldSession(
    emptyFold,
    roles.map((role, n) => ({ seq: n + 1, entry: { type: 'message', message: { id: `m${n}`, role, createdAt: 0, parts: [] } } })),
  )
const policy = {
  profile: findProfile('gpt-4o').profile,
  policyHash: 'P',
  systemHash: 'S',
  toolsHash: 'T',
  pins: [],
} as unknown as Policy
const record = {
  family: 'openai',
  policyHash: 'P',
  systemHash: 'S',
  toolsHash: 'T',
  renderVersion,
  keepFrom: 1,
  pins: [],
  cut: [],
  startedUpTo: 1,
  stateSeq: 0,
  tombstones: 0,
  rewrites: 0,
  lowTokens: 1_000,
  highTokens: 3_000,
  gapTokens: 2_000,
} as unknown as EpochRecord
const view: EpochView = {
  fold: foldOf('user', 'assistant', 'user'),
  rewrites: 0,
  policy,
  now: 1_000,
  memories: 'whole',
  changed: false,
  total: 2_000,
  hard: 5_000,
  size: 500,
  pendingRounds: 0,
  pendingSize: 0,
  recordBytes: 100,
}

interface Change {
  readonly record?: Partial<EpochRecord>
  readonly view?: Partial<EpochView>
  readonly policy?: Partial<Policy>
}
const causeOf = (...changes: readonly Change[]): EpochCause | undefined =>
  dueCause(
    Object.assign({}, record, ...changes.map((one) => one.record)),
    Object.assign({}, view, ...changes.map((one) => one.view), { policy: Object.assign({}, policy, ...changes.map((one) => one.policy)) }),
  )

const ways: readonly (readonly [EpochCause, string, Change])[] = [
  ['forgotten', 'a new tombstone', { view: { fold: { ...view.fold, tombstoned: new Set([1]) } } }],
  ['forgotten', 'a redaction', { view: { rewrites: 1 } }],
  ['forgotten', 'a memory that is gone', { view: { memories: 'forgotten' } }],
  ['changed', 'another hash', { view: { changed: true } }],
  ['overflow', 'a refusal for length', { record: { due: 'overflow' } }],
  ['hard', 'a total over the budget', { view: { total: 5_001 } }],
  ['model', 'another family', { record: { family: 'anthropic' } }],
  ['system', 'another system prompt', { policy: { systemHash: 'S2' } }],
  ['tools', 'other tools', { policy: { toolsHash: 'T2' } }],
  ['policy', 'another strategy', { policy: { policyHash: 'P2' } }],
  ['policy', 'an older rendering', { record: { renderVersion: renderVersion - 1 } }],
  ['policy', 'a pin that was evicted', { record: { keepFrom: 2 }, policy: { pins: [1] } }],
  ['highWater', 'a size at the high watermark', { view: { size: 3_000 } }],
  ['cold', 'a cold cache and some growth', { view: { now: 301_000, size: 1_501 } }],
  ['recallUnavailable', 'memories that cannot be read', { view: { memories: 'unreadable' } }],
  ['branch', 'a rewind before what it keeps', { view: { fold: { ...view.fold, gone: new Map([[1, 'rewound']]) } } }],
  ['asked', 'a request', { record: { due: 'asked' } }],
  ['full', 'a record over its bound', { view: { recordBytes: 32 * 1_024 + 1 } }],
]

describe('an epoch ends', () => {
  test('not where nothing calls for it, and begins where there is none [EPO-11]', () => {
    expect([causeOf(), dueCause(undefined, view)]).toEqual([undefined, 'first'])
  })

  test.each(ways)('as %s by %s [EPO-11]', (cause, _, change) => {
    expect(causeOf(change)).toBe(cause)
  })

  const ordered = ways.slice(0, 12)
  test.each(ordered)('as %s by %s, whatever later cause of the list holds too [EPO-11]', (cause, _, change) => {
    const later = ways.filter(
      ([other]) =>
        !ordered.some(([one]) => one === other) || ordered.findIndex(([one]) => one === other) > ordered.findIndex(([one]) => one === cause),
    )
    for (const [, , other] of later) {
      if (other.view?.fold !== undefined && change.view?.fold !== undefined) continue // one log cannot be two
      if (other.record?.due !== undefined && change.record?.due !== undefined) continue
      if (other.record?.keepFrom !== undefined && change.view?.fold !== undefined) continue
      expect(causeOf(other, change)).toBe(cause)
    }
  })

  test.each<[string, Change, EpochCause | undefined]>([
    ['a size just under the high watermark', { view: { size: 2_999 } }, undefined],
    ['a total just within the budget', { view: { total: 5_000 } }, undefined],
    ['the high watermark inside a turn', { view: { fold: foldOf('user', 'assistant', 'tool'), size: 9_000 } }, undefined],
    [
      'a pending turn alone past it, with rounds to cut between',
      { view: { fold: foldOf('user', 'assistant', 'tool'), pendingSize: 3_000, pendingRounds: 2 } },
      'highWater',
    ],
    ['a pending turn under it', { view: { fold: foldOf('user', 'assistant', 'tool'), pendingSize: 2_999, pendingRounds: 2 } }, undefined],
    ['one round alone past it', { view: { fold: foldOf('user', 'assistant', 'tool'), pendingSize: 3_000, pendingRounds: 1 } }, undefined],
    ['a log that has not grown since it began', { record: { startedUpTo: 3 }, view: { size: 9_000 } }, undefined],
    ['a cold cache without growth', { view: { now: 301_000, size: 1_500 } }, undefined],
    ['growth while the cache is warm', { view: { now: 300_000, size: 1_501 } }, undefined],
    ['a cold cache inside a turn', { view: { fold: foldOf('user', 'assistant', 'tool'), now: 301_000, size: 1_501 } }, undefined],
    ['a pin that is kept', { policy: { pins: [2] } }, undefined],
    ['a pin that is kept, but masked', { record: { maskResultsBefore: 3 }, policy: { pins: [2] } }, 'policy'],
    ['a pin that is kept, but cut', { record: { cut: [{ seq: 2, head: 1, tail: 1 }] }, policy: { pins: [2] } }, 'policy'],
    ['a record just within its bound', { view: { recordBytes: 32 * 1_024 } }, undefined],
  ])('so far and no farther: %s [EPO-11, EPO-12]', (_, change, cause) => {
    expect(causeOf(change)).toBe(cause)
  })

  test('a cache is cold without an answer, and past the time to live after the newest one [EPO-12]', () => {
    expect(isCold({ fold: foldOf('user'), policy, now: 0 })).toBe(true)
    expect(isCold({ fold: view.fold, policy, now: 300_000 })).toBe(false)
    expect(isCold({ fold: view.fold, policy, now: 300_001 })).toBe(true)
  })
})
