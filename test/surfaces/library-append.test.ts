// Appending through the library: what is stored, with which origin, what is refused, and what a retry does.
import { describe, expect, test } from 'vitest'
import type { MessageInput } from '../../src/index.ts'
import { limits } from '../../src/core/limits.ts'
import { aWorld, backends, codeOf, start, texts } from './library-world.ts'

const spansOf = (parts: readonly unknown[]) => (parts[0] as { spans: { start: number; end: number; origin: string; labelled: boolean }[] }).spans

describe.each(backends)('on %s', (backend) => {
  const aSession = async (options = {}) => {
    const { recollect, clock } = await aWorld(backend, options)
    return { session: await recollect.user('alice').session('s'), recollect, clock }
  }

  test('messages come back as they were appended, in order of seq [SES-1]', async () => {
    const { session } = await aSession()
    const first = await session.append({ id: 'm1', role: 'user', text: 'I moved to Lisbon.' })
    const second = await session.append([
      { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c1', name: 'map', arguments: '{"q": 1 }' }] },
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', content: 'here' }] },
    ])
    expect(first).toMatchObject({ version: 1, seqs: [1], ids: ['m1'], added: 1 })
    expect(second).toMatchObject({ version: 3, seqs: [2, 3], added: 2 })
    const { items } = await session.messages()
    expect(items.map(({ seq, message }) => [seq, message.role])).toEqual([
      [1, 'user'],
      [2, 'assistant'],
      [3, 'tool'],
    ])
    expect(items[1]?.message.parts[0]).toEqual({ type: 'tool-call', callId: 'c1', name: 'map', arguments: '{"q": 1 }' })
    expect(await session.message('m1')).toEqual(items[0])
  })

  test('an append of some known ids stores what is new, and says where each stands [SES-1]', async () => {
    const { session } = await aSession()
    await session.append([
      { id: 'a', role: 'user', text: '1' },
      { id: 'b', role: 'assistant', text: '2' },
    ])
    const again = await session.append([
      { id: 'b', role: 'assistant', text: 'other' },
      { id: 'c', role: 'user', text: '3' },
    ])
    expect(again).toMatchObject({ seqs: [2, 3], ids: ['b', 'c'], added: 1, version: 3 })
    expect(texts((await session.messages()).items)).toEqual(['1', '2', '3'])
  })

  test('a retry of a success is a success, even with a version that no longer holds [SES-1]', async () => {
    const { session } = await aSession()
    const message: MessageInput = { id: 'a', role: 'user', text: '1' }
    await session.append(message, { expectedVersion: 0 })
    expect(await session.append(message, { expectedVersion: 0 })).toMatchObject({ added: 0, seqs: [1], version: 1 })
    expect(await codeOf(session.append({ role: 'user', text: '2' }, { expectedVersion: 0 }))).toBe('conflict')
  })

  test('of two writers that expect one version, one wins and nothing of the other is stored [SES-1]', async () => {
    const { session } = await aSession()
    const writes = [1, 2].map((n) =>
      session.append(
        [
          { role: 'user', text: `${n}a` },
          { role: 'user', text: `${n}b` },
        ],
        { expectedVersion: 0 },
      ),
    )
    const outcomes = await Promise.allSettled(writes)
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    const winner = outcomes.findIndex((one) => one.status === 'fulfilled') + 1
    expect(texts((await session.messages()).items)).toEqual([`${winner}a`, `${winner}b`])
  })

  test('one bad message refuses the whole append [SES-1]', async () => {
    const { session } = await aSession()
    expect(
      await codeOf(
        session.append([
          { role: 'user', text: 'good' },
          { role: 'user', text: '\ud800' },
        ]),
      ),
    ).toBe('invalid_input')
    expect((await session.messages()).items).toEqual([])
  })

  test('a message may be from the past, never from the future [SES-1]', async () => {
    const { session } = await aSession()
    await session.append({ role: 'user', text: 'then', createdAt: 1_000 })
    expect((await session.messages()).items[0]?.message.createdAt).toBe(1_000)
    await session.append({ role: 'user', text: 'now', createdAt: start })
    expect(await codeOf(session.append({ role: 'user', text: 'soon', createdAt: start + 1 }))).toBe('invalid_input')
  })

  test.each<[string, unknown]>([
    ['no list and no object', 'hello'],
    ['an empty list', []],
    ['an unknown role', { role: 'developer', text: 'x' }],
    ['neither text nor parts', { role: 'user' }],
    ['text and parts', { role: 'user', text: 'x', parts: [] }],
    ['a text that is no string', { role: 'user', text: 7 }],
    ['an unknown part', { role: 'user', parts: [{ type: 'video' }] }],
    ['a reserved id', { id: '~x', role: 'user', text: 'x' }],
    ['an id with a control character', { id: 'a\u0000b', role: 'user', text: 'x' }],
    [
      'a result inside a result',
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', content: [{ type: 'tool-result', callId: 'd', content: 'x' }] }] },
    ],
    ['data that is no JSON', { role: 'assistant', parts: [{ type: 'reasoning', family: 'f', data: { f: () => 1 } }] }],
    ['65 parts', { role: 'user', parts: Array.from({ length: 65 }, () => ({ type: 'text', text: 'x' })) }],
    ['201 messages', Array.from({ length: 201 }, () => ({ role: 'user', text: 'x' }))],
  ])('%s is refused and changes nothing [SES-1]', async (_, given) => {
    const { session } = await aSession()
    expect(await codeOf(session.append(given as MessageInput))).toBe('invalid_input')
    expect((await session.info()).version).toBe(0)
  })

  test('a message over the size of an entry is too large, and changes nothing [SES-1]', async () => {
    const { session } = await aSession()
    expect(await codeOf(session.append({ role: 'user', text: 'x'.repeat(limits.entryBytes) }))).toBe('payload_too_large')
    expect((await session.info()).version).toBe(0)
    await session.append({ role: 'user', text: 'x'.repeat(limits.entryBytes - 500) })
    expect((await session.info()).version).toBe(1)
  })

  test('a stored message is not the object that the caller goes on to change [SES-1]', async () => {
    const { session } = await aSession()
    const data: Record<string, string> = { a: 'before' }
    await session.append({ role: 'assistant', parts: [{ type: 'foreign', family: 'f', data }] })
    data['a'] = 'after'
    expect((await session.messages()).items[0]?.message.parts[0]).toMatchObject({ data: { a: 'before' } })
  })

  test('the channel fixes the origin: user text is typed, or pasted where the key says so [POI-1]', async () => {
    const { session } = await aSession()
    await session.append({ role: 'user', text: 'abc' })
    await session.append({ role: 'user', text: 'abc' }, { userText: 'paste' })
    await session.append([
      { role: 'assistant', text: 'abc' },
      { role: 'tool', text: 'abc' },
      { role: 'system', text: 'abc' },
    ])
    const { items } = await session.messages()
    expect(items.map(({ message }) => spansOf(message.parts)[0]?.origin)).toEqual(['user-typed', 'paste', 'assistant', 'tool', 'unknown'])
  })

  test('a label lowers the span it covers and leaves the rest to the channel [POI-1]', async () => {
    const { session } = await aSession()
    await session.append({ role: 'user', parts: [{ type: 'text', text: 'see: <page>!', spans: [{ start: 5, end: 11, origin: 'web' }] }] })
    expect(spansOf((await session.messages()).items[0]?.message.parts ?? [])).toEqual([
      { start: 0, end: 5, origin: 'user-typed', labelled: false },
      { start: 5, end: 11, origin: 'web', labelled: true },
      { start: 11, end: 12, origin: 'user-typed', labelled: false },
    ])
  })

  test.each([
    ['user', 'user-typed', 'user-confirmed'],
    ['user', 'paste', 'user-typed'],
    ['assistant', 'user-typed', 'user-typed'],
    ['system', 'user-typed', 'admin-policy'],
  ] as const)('a label never raises: %s text of a channel %s cannot be %s [POI-1]', async (role, userText, origin) => {
    const { session } = await aSession()
    const labelled = { role, parts: [{ type: 'text', text: 'abc', spans: [{ start: 0, end: 3, origin }] }] } as const
    expect(await codeOf(session.append(labelled, { userText }))).toBe('invalid_input')
  })

  test('a typed span over 4,000 code points counts as pasted, also when a label cuts it in two [POI-1]', async () => {
    const { session } = await aSession()
    const long = '😀'.repeat(4_000)
    await session.append({ role: 'user', text: long })
    await session.append({ role: 'user', text: `${long}!` })
    await session.append({ role: 'user', parts: [{ type: 'text', text: `${long}!`, spans: [{ start: 2, end: 4, origin: 'user-typed' }] }] })
    const { items } = await session.messages()
    expect(items.map(({ message }) => [...new Set(spansOf(message.parts).map((span) => `${span.origin} ${span.labelled}`))])).toEqual([
      ['user-typed false'],
      ['paste false'],
      ['paste false'],
    ])
  })

  test('tool results are of origin tool, whatever they are labelled [POI-1]', async () => {
    const { session } = await aSession()
    await session.append({
      role: 'user',
      parts: [{ type: 'tool-result', callId: 'c', content: [{ type: 'text', text: 'abc', spans: [{ start: 0, end: 3, origin: 'user-typed' }] }] }],
    })
    const [result] = (await session.messages()).items[0]?.message.parts ?? []
    expect(result).toMatchObject({ content: [{ spans: [{ start: 0, end: 3, origin: 'tool' }] }] })
  })

  test('a full session refuses the next entry, and still takes a retry of its last [LIFE-11]', async () => {
    const { session } = await aSession({ quotas: { sessionEntries: 3 } })
    for (const id of ['a', 'b', 'c']) await session.append({ id, role: 'user', text: 'x' })
    expect(await codeOf(session.append({ id: 'd', role: 'user', text: 'x' }))).toBe('limit_exceeded')
    expect(await session.append({ id: 'c', role: 'user', text: 'x' })).toMatchObject({ added: 0, version: 3 })
    expect((await session.messages()).items).toHaveLength(3)
  })

  test("an owner's quota of bytes counts all sessions, and frees what is deleted [LIFE-11] [LIFE-13]", async () => {
    const { session, recollect, clock } = await aSession({ quotas: { ownerBytes: 3_000 } })
    const other = await recollect.user('alice').session('other')
    await session.append({ role: 'user', text: 'x'.repeat(1_000) })
    await other.append({ role: 'user', text: 'x'.repeat(1_000) })
    expect(await codeOf(session.append({ role: 'user', text: 'x'.repeat(1_000) }))).toBe('limit_exceeded')
    await (await recollect.user('bob').session('s')).append({ role: 'user', text: 'x'.repeat(1_000) })
    await other.delete()
    clock.advance(limits.quotaSumsCachedMs)
    await session.append({ role: 'user', text: 'x'.repeat(1_000) })
  })

  test("an owner's quota of sessions refuses one more to be made, and opens those that are there [LIFE-11]", async () => {
    const { recollect } = await aSession({ quotas: { ownerSessions: 2 } })
    await recollect.user('alice').session('t')
    expect(await codeOf(recollect.user('alice').session('u'))).toBe('limit_exceeded')
    expect((await recollect.user('alice').session('t')).id).toBe('t')
  })
})
