// Rewind and fork: the path goes back to a place, or goes on from it in a session of its own.
import { describe, expect, test } from 'vitest'
import { createRecollect, type Session } from '../../src/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { aWorld, backends, codeOf, dyingAfter, memoryStores, sharedOptions, start, texts } from './library-world.ts'

const filled = async (session: Session): Promise<Session> => {
  await session.append([
    { id: 'a', role: 'user', text: '1' },
    { id: 'b', role: 'assistant', text: '2' },
  ]) // 1, 2
  await session.patchState({ n: 1 }) // 3
  await session.append([
    { id: 'c', role: 'user', text: '3' },
    { id: 'd', role: 'assistant', text: '4' },
  ]) // 4, 5
  await session.patchState({ n: 2, m: true }) // 6
  await session.setup({ model: 'second' }) // 7
  return session
}

describe.each(backends)('on %s', (backend) => {
  const aSession = async () => {
    const world = await aWorld(backend)
    return { ...world, session: await filled(await world.recollect.user('alice').session('s')) }
  }

  test('after a rewind messages and state are those up to that seq [SES-2]', async () => {
    const { session } = await aSession()
    await session.rewind(4)
    expect(texts((await session.messages()).items)).toEqual(['1', '2', '3'])
    expect(await session.state()).toEqual({ revision: 3, state: { n: 1 } })
    await session.append({ role: 'assistant', text: 'other' })
    expect(texts((await session.messages()).items)).toEqual(['1', '2', '3', 'other'])
    await session.rewind(0)
    expect((await session.messages()).items).toEqual([])
    expect(await session.state()).toEqual({ revision: 0, state: null })
  })

  test('the log keeps the old path: a rewound message is not on the path, and its id stays known [SES-2]', async () => {
    const { session } = await aSession()
    await session.rewind(2)
    expect(await codeOf(session.message('c'))).toBe('not_found')
    expect(await session.append({ id: 'c', role: 'user', text: 'again' })).toMatchObject({ added: 0, seqs: [4] })
    expect((await session.info()).size).toMatchObject({ messages: 2, entries: 8 })
  })

  test('an append may rewind first, in one step; the same again, it changes nothing [SES-2, LOG-12]', async () => {
    const { session } = await aSession()
    const edit = () => session.append({ id: 'c2', role: 'user', text: 'edited' }, { rewindTo: 2 })
    expect(await edit()).toMatchObject({ seqs: [9], ids: ['c2'], added: 1 })
    expect(texts((await session.messages()).items)).toEqual(['1', '2', 'edited'])
    await session.append({ role: 'assistant', text: 'new' })
    expect(await edit()).toMatchObject({ seqs: [9], added: 0 })
    expect(texts((await session.messages()).items)).toEqual(['1', '2', 'edited', 'new'])
    expect(await session.state()).toMatchObject({ state: null })
  })

  test('where the append is refused, nothing is rewound [SES-2, LIFE-11]', async () => {
    const world = await aWorld(backend, { quotas: { sessionEntries: 8 } })
    const session = await filled(await world.recollect.user('alice').session('s'))
    expect(await codeOf(session.append({ role: 'user', text: 'edited' }, { rewindTo: 2 }))).toBe('limit_exceeded')
    expect(texts((await session.messages()).items)).toEqual(['1', '2', '3', '4'])
  })

  test('a rewind holds against the revision it was made for [SES-2]', async () => {
    const { session } = await aSession()
    const { revision } = await session.info()
    await session.append({ role: 'user', text: 'x' })
    expect(await codeOf(session.rewind(2, { ifRevision: revision }))).toBe('conflict')
    await session.rewind(2, { ifRevision: revision + 1 })
  })

  test('of two rewinds at once that were made for one revision one wins [SES-2]', async () => {
    const { session } = await aSession()
    const { revision } = await session.info()
    const codes = await Promise.all([1, 2].map((seq) => codeOf(session.rewind(seq, { ifRevision: revision }))))
    expect(codes.toSorted()).toEqual(['conflict', 'went through'])
  })

  test.each([-1, 8, 1.5, Number.NaN])('a rewind to %d is refused [SES-2]', async (seq) => {
    expect(await codeOf((await aSession()).session.rewind(seq))).toBe('invalid_input')
  })

  test('a fork has the path, ids, seqs and times up to its seq, and goes its own way [SES-5]', async () => {
    const { session, clock } = await aSession()
    await session.update({ title: 'Lisbon' })
    clock.advance(60_000)
    const fork = await session.fork(5, { id: 'f' })
    expect((await fork.messages()).items).toEqual((await session.messages()).items)
    expect((await fork.state()).state).toEqual({ n: 1 })
    expect(await fork.info()).toMatchObject({
      id: 'f',
      title: 'Lisbon',
      version: 5,
      forkedFrom: { session: 's', atSeq: 5 },
      cursors: { formed: 5 },
      createdAt: start + 60_000,
    })
    await fork.append({ role: 'user', text: 'here' })
    await session.append({ role: 'user', text: 'there' })
    expect(texts((await fork.messages()).items)).toEqual(['1', '2', '3', '4', 'here'])
    expect(texts((await session.messages()).items)).toEqual(['1', '2', '3', '4', 'there'])
  })

  test('the expiry of a fork counts anew [SES-5]', async () => {
    const { recollect, clock } = await aWorld(backend)
    const session = await recollect.user('alice').session('s', { idleMs: 60_000, absoluteMs: 120_000 })
    await session.append({ role: 'user', text: 'x' })
    clock.advance(30_000)
    const { expiresAt } = await (await session.fork(1)).info()
    expect(expiresAt).toBe(start + 90_000)
  })

  test('what was redacted is redacted in the fork too [SES-5]', async () => {
    const { session } = await aSession()
    await session.redact('b')
    const fork = await session.fork(5)
    expect(texts((await fork.messages()).items)).toEqual(['1', '3', '4'])
    expect(await codeOf(fork.message('b'))).toBe('not_found')
    expect((await fork.info()).size).toMatchObject({ messages: 3, entries: 5 }) // with the tombstone, without the message
  })

  test('a fork from before the first message has none, and goes its own way [SES-5]', async () => {
    const { session } = await aSession()
    const fork = await session.fork(0, { id: 'f' })
    expect(await fork.info()).toMatchObject({ version: 0, forkedFrom: { session: 's', atSeq: 0 } })
    await fork.append({ role: 'user', text: 'anew' })
    expect(texts((await fork.messages()).items)).toEqual(['anew'])
    expect((await fork.state()).state).toBeNull()
  })

  test('the same fork again is the same session; another under its id is a conflict [SES-5]', async () => {
    const { session, recollect } = await aSession()
    await (await session.fork(2, { id: 'f' })).append({ role: 'user', text: 'kept' })
    expect(texts((await (await session.fork(2, { id: 'f' })).messages()).items)).toEqual(['1', '2', 'kept'])
    expect(await codeOf(session.fork(3, { id: 'f' }))).toBe('conflict')
    await recollect.user('alice').session('taken')
    expect(await codeOf(session.fork(2, { id: 'taken' }))).toBe('conflict')
  })

  test.each([-1, 8, 1.5])('a fork at %d is refused [SES-5]', async (seq) => {
    const { session, recollect } = await aSession()
    expect(await codeOf(session.fork(seq))).toBe('invalid_input')
    expect((await recollect.user('alice').sessions.list()).items).toHaveLength(1)
  })
})

test('a fork that is cut off after any call is nobody’s session, and the same call finishes it [SES-5]', async () => {
  for (let calls = 0; ; calls++) {
    const clock = manualClock(start)
    const stores = memoryStores(clock)
    const sessions = dyingAfter(stores.sessions, Number.POSITIVE_INFINITY, [])
    const dying = dyingAfter(sessions, calls, ['open', 'append', 'rewrite', 'updateHead'])
    const options = sharedOptions(clock)
    const recollect = await createRecollect({ ...options, stores })
    const session = await filled(await recollect.user('alice').session('s'))
    await session.redact('b')
    const second = await createRecollect({ ...options, stores: { ...stores, sessions: dying } })
    const cut = await codeOf((await second.user('alice').sessions.get('s')).fork(6, { id: 'f' }))
    if (cut === 'went through') break
    const visible = (await recollect.user('alice').sessions.list()).items.map((item) => item.id)
    expect(visible).toEqual(['s'])
    expect(await codeOf(recollect.user('alice').sessions.get('f'))).toBe('not_found')
    const fork = await session.fork(6, { id: 'f' })
    expect(texts((await fork.messages()).items)).toEqual(['1', '3', '4'])
    expect((await fork.state()).state).toEqual({ n: 2, m: true })
    expect((await fork.info()).version).toBe(7)
    expect(calls).toBeLessThan(20)
  }
})

test('a fork’s absolute end counts from its making, not from that of its source [SES-5]', async () => {
  const { recollect, clock } = await aWorld('memory')
  const session = await recollect.user('alice').session('s', { idleMs: 60_000, absoluteMs: 70_000 })
  await session.append({ role: 'user', text: 'x' })
  clock.advance(50_000)
  const fork = await session.fork(1)
  expect((await fork.info()).expiresAt).toBe(start + 110_000)
  clock.advance(50_000)
  await fork.append({ role: 'user', text: 'y' })
  expect((await fork.info()).expiresAt).toBe(start + 120_000)
})

test('what a tombstone names is not copied, also where its redaction was cut off; and the name of a fork under way is taken [SES-5]', async () => {
  const stores = memoryStores(manualClock(start))
  const copied: string[] = []
  let failing: 'nothing' | 'rewrites' | 'updates' = 'rewrites'
  const sessions: typeof stores.sessions = {
    ...stores.sessions,
    rewrite: async (ref, changes) => (failing === 'rewrites' ? Promise.reject(new Error('killed')) : stores.sessions.rewrite(ref, changes)),
    updateHead: async (...given) => (failing === 'updates' ? Promise.reject(new Error('killed')) : stores.sessions.updateHead(...given)),
    async append(ref, entries, options) {
      if (ref.logId === 'f') copied.push(...entries.map(({ body }) => new TextDecoder().decode(body)))
      return stores.sessions.append(ref, entries, options)
    },
  }
  const { recollect } = await aWorld('memory', { stores: { ...stores, sessions }, seal: 'off' })
  const user = recollect.user('alice')
  const session = await user.session('s')
  await session.append([
    { id: 'a', role: 'user', text: 'heliotrope' },
    { id: 'b', role: 'assistant', text: 'kept' },
  ])
  expect(await codeOf(session.redact('a'))).not.toBe('went through')
  failing = 'updates'
  expect(await codeOf(session.fork(2, { id: 'f' }))).not.toBe('went through')
  expect(copied.join()).toContain('kept')
  expect(copied.join()).not.toContain('heliotrope')
  expect(await codeOf(user.session('f'))).toBe('conflict')
  failing = 'nothing'
  expect(texts((await (await session.fork(2, { id: 'f' })).messages()).items)).toEqual(['kept'])
})

describe('memories of another branch', () => {
  const asked = async () => {
    const { recollect } = await aWorld('memory')
    const user = recollect.user('alice')
    await user.memories.remember('Alice lives in Lisbon with Bruno.')
    const session = await user.session('s')
    await session.append([
      { role: 'user', text: 'hello' },
      { role: 'assistant', text: 'hi' },
    ])
    const { upTo } = (await session.context({ recall: false })).receipt
    await session.append({ role: 'user', text: 'Where does Alice live?' })
    expect(JSON.stringify((await session.context()).messages)).toContain('Lisbon')
    return { session, upTo }
  }

  test('what was placed before a later message is not in a fork from before it [EPO-7, INJ-1]', async () => {
    const { session, upTo } = await asked()
    const fork = await session.fork(upTo)
    await fork.append({ role: 'user', text: 'What is two plus two?' })
    expect(JSON.stringify((await fork.context({ recall: false })).messages)).not.toContain('Lisbon')
  })

  test('what was placed before a message that was rewound may be placed again [EPO-7, INJ-1]', async () => {
    const { session, upTo } = await asked()
    await session.rewind(upTo)
    await session.append({ role: 'user', text: 'Where does Alice live now?' })
    expect(JSON.stringify((await session.context()).messages)).toContain('Lisbon')
  })

  test('what was said and rewound does not come back as a memory, also before it is unformed [SES-2, RCL-6]', async () => {
    const { recollect } = await aWorld('memory', { background: false })
    const user = recollect.user('alice')
    const session = await user.session('s')
    await session.append({ role: 'user', text: 'Which bread should Anna bring to the picnic?' })
    await session.append({ role: 'assistant', text: 'Anna should bring rye bread to the picnic.' })
    await user.memories.settled()
    await session.rewind((await session.info()).version - 2)
    await session.append({ role: 'user', text: 'Which wine should Anna bring to the picnic?' })
    const context = await session.context()
    expect(JSON.stringify(context.messages)).not.toMatch(/bread/)
  })
})

test('a fork goes on in the epoch and from the summary that it holds whole, and from neither where they reach beyond it [EPO-7, SES-5]', async () => {
  const user = (await aWorld('memory')).recollect.user('alice')
  const session = await user.session('s', { strategy: 'summary', formation: 'off' })
  for (let turn = 0; turn < 40; turn++)
    await session.append([
      { role: 'user', text: `I decided to plant tree number ${turn} next to the old wall. `.repeat(12) },
      { role: 'assistant', text: 'Noted.' },
    ])
  await session.context({ budgetTokens: 4_000, recall: false })
  const { version, cursors } = await session.info()
  const epoch = await session.epoch()
  expect(cursors.summarized).toBeGreaterThan(2)
  const [early, late] = [await session.fork(2), await session.fork(version)]
  expect([await early.epoch(), (await early.info()).cursors.summarized]).toEqual([undefined, 0])
  expect([await late.epoch(), (await late.info()).cursors.summarized]).toEqual([epoch, cursors.summarized])
  await late.append({ role: 'user', text: 'My locker code is heliotrope.' })
  await user.memories.settled()
  expect((await user.memories.list()).items).toEqual([]) // a session that forms nothing has no fork that does
})
