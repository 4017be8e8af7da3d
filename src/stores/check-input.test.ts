import { describe, expect, test } from 'vitest'
import { isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { LogStore } from '../ports/log-store.ts'
import { checkInput, type StoreCall } from './check-input.ts'

const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'log' } as const
const fence = { name: { tenantId: 'acme', ownerId: 'alice', purpose: 'work' }, number: 1 }
const empty = new Uint8Array(0)
const one = Uint8Array.of(1)

/** The code with which a call is refused, or undefined. Arguments as a caller without types would give them. */
function codeOf(method: StoreCall, ...args: unknown[]): string | undefined {
  try {
    checkInput(method, args as Parameters<LogStore[StoreCall]>)
    return undefined
  } catch (error) {
    return isRecollectError(error) ? error.code : String(error)
  }
}

// One buffer many times over: what is refused or let pass is a matter of sizes.
const chunks = (count: number, size: number = limits.snapshotChunkBytes): Uint8Array[] => {
  const chunk = new Uint8Array(size)
  return Array.from({ length: count }, () => chunk)
}
const snapshot = (list: unknown[]) => ({ name: 's', upTo: 0, chunks: list })

describe('the check of input', () => {
  test('lets a snapshot of 512 MiB pass, and no more [LOG-3]', () => {
    const most = limits.snapshotBytes / limits.snapshotChunkBytes
    expect(codeOf('saveSnapshot', ref, snapshot(chunks(most)), { fence })).toBeUndefined()
    expect(codeOf('saveSnapshot', ref, snapshot([...chunks(most), ...chunks(1, 1)]), { fence })).toBeUndefined() // the seal's room
    expect(codeOf('saveSnapshot', ref, snapshot(chunks(most + 1)), { fence })).toBe('payload_too_large')
    expect(codeOf('saveSnapshot', ref, snapshot(chunks(limits.snapshotChunks, 512)), { fence })).toBeUndefined()
    expect(codeOf('saveSnapshot', ref, snapshot(chunks(limits.snapshotChunks + 1, 512)), { fence })).toBe('invalid_input')
  })

  test('lets 64 bytes more a body pass for the seal, and no more [LOG-3]', () => {
    const sized = (bytes: number) => [{ id: 'a', body: new Uint8Array(bytes) }]
    expect(codeOf('append', ref, sized(limits.entryBytes + limits.sealBytesAllowed))).toBeUndefined()
    expect(codeOf('append', ref, sized(limits.entryBytes + limits.sealBytesAllowed + 1))).toBe('payload_too_large')
    expect(codeOf('open', ref, { body: new Uint8Array(limits.headBytes + limits.sealBytesAllowed) })).toBeUndefined()
    expect(codeOf('open', ref, { body: new Uint8Array(limits.headBytes + limits.sealBytesAllowed + 1) })).toBe('payload_too_large')
  })

  test('names have 1 to 200 bytes, no NUL and no half characters, and nothing else is asked of them [LOG-1]', () => {
    const good = ['x', 'x'.repeat(200), 'é'.repeat(100), '~keys', ' ', 'e\u0301', '\u200b', '{tag}']
    const bad = ['', 'x'.repeat(201), 'é'.repeat(101), 'a\0', '\ud800', 7, null, undefined]
    for (const name of good)
      expect([codeOf('head', { ...ref, logId: name }), codeOf('append', ref, [{ id: name, body: one }])]).toEqual([undefined, undefined])
    for (const name of bad)
      for (const field of ['tenantId', 'ownerId', 'logId']) expect(codeOf('head', { ...ref, [field]: name })).toBe('invalid_input')
  })

  test('what is no call at all is invalid_input, and never an error of ours [LOG-8]', () => {
    const calls: [StoreCall, ...unknown[]][] = [
      ['open', null, { body: one }],
      ['open', ref, null],
      ['open', ref, { body: 'text' }],
      ['open', ref, { body: one, expires: 5 }],
      ['open', ref, { body: one, expires: { at: '5' } }],
      ['open', ref, { body: one, revision: 0 }],
      ['open', { ...ref, kind: 'other' }, { body: one }],
      ['append', ref, 'entries'],
      ['append', ref, [null]],
      ['append', ref, [{ id: 'a' }]],
      ['append', ref, [{ id: 'a', body: empty }]],
      ['append', ref, [{ id: 'a', body: one }], null],
      ['append', ref, [{ id: 'a', body: one }], { head: 5 }],
      ['append', ref, [{ id: 'a', body: one }], { fence: { name: null, number: 1 } }],
      ['read', ref, { limit: '5' }],
      ['updateHead', ref, 1, null],
      ['updateHead', ref, '1', {}],
      ['rewrite', ref, [{ seq: '1' }]],
      [
        'rewrite',
        ref,
        [
          { seq: 1, body: one },
          { seq: 1, body: one },
        ],
      ],
      ['saveSnapshot', ref, null, { fence }],
      ['saveSnapshot', ref, snapshot([empty]), { fence }],
      ['loadSnapshot', ref, 5],
      ['list', null, 'session'],
      ['list', ref, 'other'],
      ['list', ref, 'session', { cursor: 5 }],
      ['expired', Number.NaN],
      ['owners', 5],
      ['lease', null, 1_000],
      ['lease', { ...fence.name, purpose: 'x'.repeat(limits.leasePurposeBytes + 1) }, 1_000],
      ['renew', { ...fence, number: -1 }, 1_000],
      ['delete', ref, null],
      ['erase', 'alice'],
    ]
    for (const [method, ...args] of calls) expect([method, args, codeOf(method, ...args)]).toEqual([method, args, 'invalid_input'])
  })

  test('a missing fence is a conflict, as a stale one is [LOG-20]', () => {
    expect(codeOf('saveSnapshot', ref, snapshot([one]), {})).toBe('conflict')
  })
})
