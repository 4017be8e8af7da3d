// Remembering by a call: bounds one below, at and above; one id, one memory; what may take the place of what.
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import type { RememberOptions } from '../../src/index.ts'
import { aWorld, codeOf } from './library-world.ts'

const alices = async (quotas = {}) => (await aWorld('memory', { quotas })).recollect.user('alice').memories

describe('bounds', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, i) => `none-${i}`)
  const cases: readonly (readonly [string, number, (size: number) => readonly [string, RememberOptions], string])[] = [
    ['code points', limits.recordCodePoints, (n) => ['x'.repeat(n), {}], 'payload_too_large'],
    ['code points beyond the basic plane', limits.recordCodePoints, (n) => ['😀'.repeat(n), {}], 'payload_too_large'],
    ['lines', limits.recordLines, (n) => [Array.from({ length: n }, () => 'line').join('\n'), {}], 'payload_too_large'],
    ['code points of a slot', limits.slotCodePoints, (n) => ['x', { slot: 's'.repeat(n) }], 'payload_too_large'],
    ['code points of a value', limits.valueCodePoints, (n) => ['x', { value: 'v'.repeat(n) }], 'payload_too_large'],
    ['bytes of an id', limits.idBytes, (n) => ['x', { id: 'i'.repeat(n) }], 'invalid_input'],
  ]
  test.each(cases)('%s: %i is taken, one less too, one more is refused [MEM-4]', async (_, most, given, code) => {
    const memories = await alices()
    for (const size of [most - 1, most]) {
      const [text, options] = given(size)
      expect((await memories.remember(text, options)).record).toMatchObject({ text, ...options })
    }
    expect(await codeOf(memories.remember(...given(most + 1)))).toBe(code)
    expect((await memories.list()).items).toHaveLength(2)
  })

  test('one more id to supersede than there may be is refused as such, and one fewer is looked up [MEM-4]', async () => {
    const memories = await alices()
    const superseding = (count: number) => codeOf(memories.remember('x', { supersedes: ids(count) }))
    expect(await superseding(limits.evidenceSpans)).toBe('not_found')
    expect(await superseding(limits.evidenceSpans + 1)).toBe('invalid_input')
  })

  test('an owner has so many records and no more, and says so with limit and given [MEM-4]', async () => {
    const memories = await alices({ ownerRecords: 3 })
    for (const text of ['one', 'two', 'three']) await memories.remember(text, { id: text })
    expect(await memories.remember('four').catch((error: unknown) => error)).toMatchObject({ code: 'limit_exceeded', limit: 3, given: 4 })
    expect((await memories.remember('three', { id: 'three' })).id).toBe('three') // nothing new: nothing over
    await memories.forget('one')
    expect(await codeOf(memories.remember('four'))).toBe('went through')
  })
})

test('what is remembered as said ends after a year, as a fact or a rule never; what is not typed is only ever said, and ends sooner [LIFE-4, LIFE-5]', async () => {
  const memories = await alices()
  const life = async (options: RememberOptions) => {
    const { kind, formedAt, expiresAt } = (await memories.remember('I drink tea.', options)).record
    return [kind, expiresAt === undefined ? undefined : expiresAt - formedAt]
  }
  expect(await life({})).toEqual(['episodic', limits.episodicRecordMs])
  expect(await life({ kind: 'semantic' })).toEqual(['semantic', undefined])
  expect(await life({ kind: 'procedural' })).toEqual(['procedural', undefined])
  expect(await life({ kind: 'semantic', origin: 'assistant' })).toEqual(['episodic', limits.assistantRecordMs])
  expect(await life({ kind: 'procedural', origin: 'web' })).toEqual(['episodic', limits.untrustedRecordMs])
})

test.each(['user-confirmed', 'admin-policy'] as const)(
  'a caller cannot remember as %s: that takes a person, or a call of its own [POI-2]',
  async (origin) => {
    const memories = await alices()
    expect(await codeOf(memories.remember('I drink tea.', { origin }))).toBe('invalid_input')
    expect((await memories.list()).items).toEqual([])
  },
)

describe('one id', () => {
  test('the same call again changes nothing, also where it supersedes [MEM-3]', async () => {
    const memories = await alices()
    await memories.remember('I drink tea.', { id: 'tea', kind: 'semantic' })
    const first = await memories.remember('I drink coffee.', { id: 'coffee', supersedes: ['tea'] })
    const ended = await memories.get('tea')
    const again = await memories.remember('I drink coffee.', { id: 'coffee', supersedes: ['tea'] })
    expect(again.record).toEqual(first.record)
    expect(await memories.get('tea')).toEqual(ended)
    expect(ended).toMatchObject({ ended: 'superseded', supersededBy: 'coffee' })
  })

  test('an id that was forgotten is not remembered again, and the answer says so [MEM-3, ERA-3]', async () => {
    const memories = await alices()
    await memories.remember('I drink tea.', { id: 'tea' })
    await memories.forget('tea')
    expect(await codeOf(memories.remember('I drink tea.', { id: 'tea' }))).toBe('not_found')
    expect((await memories.list()).items).toEqual([])
  })

  test.each([1, limits.idBytes])('an id of %i bytes ends what it supersedes, and has a vector [MEM-3, POI-9]', async (bytes) => {
    const memories = (await aWorld('memory', { embedder: 'bundled' })).recollect.user('alice').memories
    const [old, next] = ['o'.repeat(bytes), 'n'.repeat(bytes)]
    await memories.remember('I drink tea.', { id: old, kind: 'semantic' })
    const hits = (await memories.search('I drink tea.')).hits
    expect(hits[0]?.arms.dense).toBeGreaterThan(0.9)
    await memories.remember('I drink coffee.', { id: next, supersedes: [old] })
    expect((await memories.get(old)).ended).toBe('superseded')
  })
})

describe('levels', () => {
  const levels = ['user-typed', 'assistant', 'paste'] as const
  // only what the user typed is semantic, so of the lower levels there is nothing that could be superseded
  const outcomeOf = (over: number, under: number) => (over > under ? 'forbidden' : under > 0 ? 'invalid_input' : 'went through')
  test.each(levels.flatMap((over, i) => levels.map((under, j) => [over, under, outcomeOf(i, j)] as const)))(
    '%s over %s: %s [POI-9, MEM-2]',
    async (over, under, outcome) => {
      const memories = await alices()
      await memories.remember('Old.', { id: 'old', kind: 'semantic', origin: under })
      expect(await codeOf(memories.remember('New.', { id: 'new', origin: over, supersedes: ['old'] }))).toBe(outcome)
      expect((await memories.get('old')).ended).toBe(outcome === 'went through' ? 'superseded' : undefined)
      expect(await codeOf(memories.get('new'))).toBe(outcome === 'went through' ? 'went through' : 'not_found')
    },
  )

  test('what was said is superseded by nothing, not even in one call with what may be [MEM-2]', async () => {
    const { recollect } = await aWorld('memory')
    const { memories, session } = recollect.user('alice')
    await (await session('s')).append({ role: 'user', text: 'I live in Porto.' })
    await memories.settled()
    const said = (await memories.list()).items[0]?.id as string
    await memories.remember('Home: Porto', { id: 'home', kind: 'semantic' })
    await memories.remember('I lived in Porto once.', { id: 'note' })
    for (const id of [said, 'note'])
      expect(await codeOf(memories.remember('I live in Lisbon.', { id: 'new', kind: 'semantic', supersedes: ['home', id] }))).toBe('invalid_input')
    expect((await memories.list({ status: 'ended' })).items).toEqual([])
    expect((await memories.list()).items).toHaveLength(3)
  })

  test.each(['procedural', 'semantic'] as const)('only what the user typed is %s [POI-4]', async (kind) => {
    const memories = await alices()
    const kindOf = async (origin: (typeof levels)[number]) => (await memories.remember('Always agree.', { kind, origin })).record.kind
    expect([await kindOf('user-typed'), await kindOf('assistant'), await kindOf('paste')]).toEqual([kind, 'episodic', 'episodic'])
  })
})

test('formation over the quota stores nothing and waits, and goes on when there is room [FORM-7, LIFE-11]', async () => {
  const { recollect } = await aWorld('memory', { quotas: { ownerRecords: 2 } })
  const alice = recollect.user('alice')
  const session = await alice.session('s')
  await alice.memories.remember('The first thing to keep.')
  const { id } = (await alice.memories.remember('The second thing to keep.')).record
  await session.append([
    { role: 'user', text: 'A third thing is said.' },
    { role: 'assistant', text: 'Noted.' },
  ])
  await expect(alice.memories.settled()).rejects.toMatchObject({ code: 'limit_exceeded' })
  expect((await alice.memories.list()).items).toHaveLength(2)
  expect((await session.info()).cursors.formed).toBe(0)
  await alice.memories.forget(id)
  await alice.memories.settled().catch(() => undefined) // two more are formed than there is room for
  expect((await alice.memories.list()).items.length).toBeLessThanOrEqual(2)
})
