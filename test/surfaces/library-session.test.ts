// Sessions through the library: names, lists, pages, state, setup, title; and that one owner's are nobody else's.
import { describe, expect, test } from 'vitest'
import type { Json, Session } from '../../src/index.ts'
import { limits } from '../../src/core/limits.ts'
import { aWorld, backends, codeOf, texts } from './library-world.ts'

describe.each(backends)('on %s', (backend) => {
  const alice = async () => (await aWorld(backend)).recollect.user('alice')
  const aSession = async () => (await alice()).session('s')
  const withMessages = async (count: number): Promise<Session> => {
    const session = await aSession()
    await session.append(Array.from({ length: count }, (_, i) => ({ id: `m${i + 1}`, role: 'user' as const, text: `${i + 1}` })))
    return session
  }

  test('a member that is put as null goes, at any depth, and one that was not there stays away [SES-3]', async () => {
    const session = await aSession()
    await session.putState({ a: 1, b: { c: 2, d: 3 } })
    expect((await session.putState({ a: null, b: { c: null, d: 3, e: null }, f: null })).state).toEqual({ b: { d: 3 } })
    expect((await session.state()).state).toEqual({ b: { d: 3 } })
  })

  test('a patch is bounded by itself, also where it would only remove [SES-3]', async () => {
    const session = await aSession()
    const removing = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, null]))
    expect(await codeOf(session.patchState(removing(limits.stateBytes / 8)))).toBe('payload_too_large')
    expect((await session.state()).revision).toBe(0)
  })

  test('a session is opened by name and taken up again by the same name [ACC-8]', async () => {
    const user = await alice()
    const first = await user.sessions.open('support-42', { title: 'Lisbon' })
    await first.session.append({ role: 'user', text: 'hello' })
    const again = await user.sessions.open('support-42', { title: 'other' })
    expect([first.made, again.made]).toEqual([true, false])
    expect(await again.session.info()).toMatchObject({ id: 'support-42', title: 'Lisbon', version: 1 })
    expect(texts((await again.session.messages()).items)).toEqual(['hello'])
  })

  test('a made id is ses_ and 43 base64url characters, each time another [ACC-8]', async () => {
    const user = await alice()
    const ids = [(await user.session()).id, (await user.session()).id]
    for (const id of ids) expect(id).toMatch(/^ses_[A-Za-z0-9_-]{43}$/)
    expect(ids[0]).not.toBe(ids[1])
  })

  test('of openers that race for one name exactly one made it [ACC-8]', async () => {
    const user = await alice()
    const opened = await Promise.all(Array.from({ length: 5 }, () => user.sessions.open('s', { system: 'Be kind.' })))
    expect(opened.filter((one) => one.made)).toHaveLength(1)
    expect((await user.sessions.list()).items).toHaveLength(1)
    expect((await opened[0]?.session.info())?.version).toBe(1)
  })

  test.each<[string, string]>([
    ['empty', ''],
    ['reserved', '~review'],
    ['with a line break', 'a\nb'],
    ['not in normal form C', 'e\u0301'],
    ['201 bytes long', 'x'.repeat(201)],
  ])('a name that is %s is refused [ACC-8]', async (_, name) => {
    expect(await codeOf((await alice()).session(name))).toBe('invalid_input')
  })

  test("another owner's or tenant's session of the same name is another session [ACC-8]", async () => {
    const { recollect } = await aWorld(backend)
    await (await recollect.user('alice').session('s')).append({ role: 'user', text: 'mine' })
    expect(await codeOf(recollect.user('bob').sessions.get('s'))).toBe('not_found')
    expect(await codeOf(recollect.tenant('acme').user('alice').sessions.get('s'))).toBe('not_found')
    expect((await (await recollect.user('bob').session('s')).messages()).items).toEqual([])
    expect((await recollect.user('bob').sessions.list()).items).toHaveLength(1)
  })

  test('what was never made and what was deleted are not found, in every call [ACC-8]', async () => {
    const user = await alice()
    expect(await codeOf(user.sessions.get('nowhere'))).toBe('not_found')
    const session = await user.session('s')
    await session.delete()
    for (const call of [
      session.info(),
      session.append({ role: 'user', text: 'x' }),
      session.messages(),
      session.state(),
      session.turn(),
      session.rewind(0),
    ])
      expect(await codeOf(call)).toBe('not_found')
  })

  test('a list gives every session once, newest made first, over pages [ACC-8]', async () => {
    const { recollect, clock } = await aWorld(backend)
    const user = recollect.user('alice')
    for (let i = 0; i < 5; i++) {
      await user.session(`s${i}`)
      clock.advance(1_000)
    }
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await user.sessions.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.items.map((item) => item.id))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(seen).toEqual(['s4', 's3', 's2', 's1', 's0'])
  })

  test('messages are paged both ways, without a gap and without one twice [SES-1]', async () => {
    const session = await withMessages(7)
    const walk = async (order: 'asc' | 'desc') => {
      const seen: string[] = []
      for (let next: number | undefined = 0, first = true; next !== undefined; first = false) {
        const page = await session.messages({ limit: 3, order, ...(first ? {} : order === 'asc' ? { after: next } : { upTo: next }) })
        seen.push(...texts(page.items))
        next = page.next
      }
      return seen
    }
    expect(await walk('asc')).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    expect(await walk('desc')).toEqual(['7', '6', '5', '4', '3', '2', '1'])
    expect(texts((await session.messages({ after: 2, upTo: 4 })).items)).toEqual(['3', '4'])
  })

  test.each([{ limit: 0 }, { limit: 201 }, { limit: 1.5 }, { after: -1 }, { upTo: Number.NaN }, { order: 'up' as 'asc' }])(
    'a page of %o is refused [SES-1]',
    async (page) => {
      expect(await codeOf((await withMessages(1)).messages(page))).toBe('invalid_input')
    },
  )

  test('state is the fold of merge patches, and its revision the seq of the last [SES-3]', async () => {
    const session = await withMessages(1)
    expect(await session.state()).toEqual({ revision: 0, state: null })
    expect(await session.patchState({ city: 'Lisbon', diet: { meat: false, fish: true } })).toEqual({
      revision: 2,
      state: { city: 'Lisbon', diet: { meat: false, fish: true } },
    })
    await session.append({ role: 'user', text: 'x' })
    expect(await session.patchState({ diet: { fish: null }, steps: [1] })).toEqual({
      revision: 4,
      state: { city: 'Lisbon', diet: { meat: false }, steps: [1] },
    })
    expect(await session.state()).toEqual({ revision: 4, state: { city: 'Lisbon', diet: { meat: false }, steps: [1] } })
  })

  test.each<[Json, Json, Json]>([
    [{ a: 1, b: { c: 1, d: 2 } }, { b: { d: 3 } }, { b: { d: 3 } }],
    [{ a: 1 }, [1, 2], [1, 2]],
    [[1], { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    [{ a: 1 }, null, null],
    [null, { a: null }, {}],
    [{ a: { b: 1 } }, { a: 'text' }, { a: 'text' }],
    [{ a: 'text' }, { a: { b: 1 } }, { a: { b: 1 } }],
  ])('putting a state over %j replaces it by %j [SES-3]', async (before, put, after) => {
    const session = await aSession()
    await session.putState(before)
    expect((await session.putState(put)).state).toEqual(after)
    expect((await session.state()).state).toEqual(after)
  })

  test('a swap holds against the last change of the state, not against the head [SES-3]', async () => {
    const session = await aSession()
    const { revision } = await session.patchState({ n: 1 })
    await session.append({ role: 'user', text: 'the head moves on' })
    await session.patchState({ n: 2 }, { ifRevision: revision })
    expect(await codeOf(session.patchState({ n: 3 }, { ifRevision: revision }))).toBe('conflict')
    expect((await session.state()).state).toEqual({ n: 2 })
  })

  test('of two swaps from one revision one wins; patches without one all land [SES-3]', async () => {
    const session = await aSession()
    const swaps = await Promise.allSettled([1, 2, 3].map((n) => session.patchState({ swapped: n }, { ifRevision: 0 })))
    expect(swaps.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    await Promise.all([1, 2, 3, 4, 5].map((n) => session.patchState({ [`p${n}`]: n })))
    expect(Object.keys((await session.state()).state as object)).toHaveLength(6)
  })

  test('a state has at most 64 KiB in all, and what goes over changes nothing [SES-3]', async () => {
    const session = await aSession()
    await session.patchState({ a: 'x'.repeat(limits.stateBytes - 100) })
    expect(await codeOf(session.patchState({ b: 'x'.repeat(200) }))).toBe('payload_too_large')
    expect(Object.keys((await session.state()).state as object)).toEqual(['a'])
  })

  test('a key named __proto__ is a key like any other [SES-3]', async () => {
    const session = await aSession()
    const { state } = await session.patchState(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Json)
    expect(Object.keys(state as object)).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('title and metadata are changed and removed, by a revision if one is given [SES-4]', async () => {
    const session = await aSession()
    const { revision } = await session.update({ title: 'Lisbon', metadata: { tags: ['move'] } })
    expect(await session.info()).toMatchObject({ title: 'Lisbon', metadata: { tags: ['move'] } })
    expect(await codeOf(session.update({ title: 'x' }, { ifRevision: revision - 1 }))).toBe('conflict')
    await session.update({ title: null, metadata: null }, { ifRevision: revision })
    expect(await session.info()).not.toHaveProperty('title')
    expect(await session.info()).not.toHaveProperty('metadata')
  })

  test('a title has 200 characters, metadata 16 KiB, a setup 256 KiB [SES-4]', async () => {
    const session = await aSession()
    await session.update({ title: '😀'.repeat(200) })
    expect(await codeOf(session.update({ title: '😀'.repeat(201) }))).toBe('payload_too_large')
    await session.update({ metadata: { a: 'x'.repeat(limits.metadataBytes - 8) } })
    expect(await codeOf(session.update({ metadata: { a: 'x'.repeat(limits.metadataBytes - 7) } }))).toBe('payload_too_large')
    expect(await codeOf(session.setup({ system: 'x'.repeat(limits.setupBytes) }))).toBe('payload_too_large')
    expect(await codeOf(session.update({ metadata: [] as unknown as {} }))).toBe('invalid_input')
  })

  test('a setup is an entry only where it says something new [SES-4]', async () => {
    const session = await (await alice()).session('s', { model: 'gpt-5', system: 'Be kind.' })
    expect((await session.info()).version).toBe(1)
    await session.setup({ model: 'gpt-5' })
    expect((await session.info()).version).toBe(1)
    await session.setup({ model: 'gpt-5', system: 'Be brief.' })
    expect((await session.info()).version).toBe(2)
    expect((await session.messages()).items).toEqual([])
  })

  test.each([
    { class: 'keep' as 'standard' },
    { formation: 'maybe' as 'on' },
    { idleMs: 0 },
    { absoluteMs: 1e15 },
    { title: 7 as unknown as string },
    { tools: {} as [] },
  ])('a session cannot be made with %o [SES-4]', async (options) => {
    const user = await alice()
    expect(await codeOf(user.session('s', options))).toBe('invalid_input')
    expect((await user.sessions.list()).items).toEqual([])
  })
})

test('sessions, state and setup outlive a restart [SES-1]', async () => {
  const world = await aWorld('sqlite')
  const session = await world.recollect.user('alice').session('s', { title: 'Lisbon', model: 'm' })
  await session.append([
    { id: 'a', role: 'user', text: '1' },
    { id: 'b', role: 'assistant', parts: [{ type: 'image', mediaType: 'image/png', data: new Uint8Array([1, 2, 255]) }] },
  ])
  await session.patchState({ n: 1 })
  const before = { info: await session.info(), items: (await session.messages()).items, state: await session.state() }
  const again = await (await world.reopen()).user('alice').sessions.get('s')
  expect({ info: await again.info(), items: (await again.messages()).items, state: await again.state() }).toEqual(before)
})
