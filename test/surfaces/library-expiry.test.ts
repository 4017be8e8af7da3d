// How sessions end by time: idle and absolute, what renews, what does not, and what the sweeper does about it.
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { aWorld, backends, codeOf, start } from './library-world.ts'

const minute = 60_000
const lives = { idleMs: 30 * minute, absoluteMs: 60 * minute }

describe.each(backends)('on %s', (backend) => {
  const aSession = async (options = {}) => {
    const { recollect, clock } = await aWorld(backend)
    return { session: await recollect.user('alice').session('s', { ...lives, ...options }), recollect, clock }
  }

  test('idle is 30 days and absolute 365 by default, and a caller may choose its own [ACC-10]', async () => {
    const { recollect } = await aWorld(backend)
    expect((await (await recollect.user('a').session('s')).info()).expiresAt).toBe(start + limits.idleMs)
    expect((await (await recollect.user('a').session('t', { absoluteMs: 1_000 })).info()).expiresAt).toBe(start + 1_000)
    expect((await (await recollect.user('a').session('u', { idleMs: 1_000 })).info()).expiresAt).toBe(start + 1_000)
  })

  test('a session is there 1 ms before its idle end and gone at it [ACC-10] [LIFE-1]', async () => {
    const { session, recollect, clock } = await aSession()
    clock.advance(lives.idleMs - 1)
    expect((await session.info()).id).toBe('s')
    clock.advance(1)
    expect(await codeOf(session.info())).toBe('not_found')
    expect(await codeOf(session.append({ role: 'user', text: 'late' }))).toBe('not_found')
    expect((await recollect.user('alice').sessions.list()).items).toEqual([])
  })

  test('an append renews the idle time; reading, listing and turns do not [LIFE-1]', async () => {
    const { session, recollect, clock } = await aSession()
    clock.advance(10 * minute)
    await session.messages()
    await session.state()
    await recollect.user('alice').sessions.list()
    await (await session.turn()).end()
    expect((await session.info()).expiresAt).toBe(start + lives.idleMs)
    await session.append({ role: 'user', text: 'x' })
    expect((await session.info()).expiresAt).toBe(start + 10 * minute + lives.idleMs)
  })

  test('nothing moves the absolute end [LIFE-2]', async () => {
    const { session, clock } = await aSession()
    for (let i = 0; i < 5; i++) {
      clock.advance(11 * minute)
      await session.append({ role: 'user', text: 'x' })
    }
    expect((await session.info()).expiresAt).toBe(start + lives.absoluteMs)
    clock.set(start + lives.absoluteMs)
    expect(await codeOf(session.append({ role: 'user', text: 'late' }))).toBe('not_found')
  })

  test('a clock that jumps a year both ways leaves the end of an untouched session alone [ACC-10]', async () => {
    const { session, clock } = await aSession({ absoluteMs: 365 * 86_400_000 })
    const { expiresAt } = await session.info()
    clock.set(start - 365 * 86_400_000)
    expect((await session.info()).expiresAt).toBe(expiresAt)
    clock.set(start)
    expect((await session.info()).expiresAt).toBe(expiresAt)
  })

  test('a session that is opened again after its end is a new one, without the old messages [LIFE-2]', async () => {
    const { session, recollect, clock } = await aSession()
    await session.append({ id: 'a', role: 'user', text: 'old' })
    clock.advance(lives.idleMs)
    const { session: again, made } = await recollect.user('alice').sessions.open('s', lives)
    expect(made).toBe(true)
    expect((await again.messages()).items).toEqual([])
    await again.append({ id: 'a', role: 'user', text: 'new' })
    expect((await again.info()).version).toBe(1)
  })

  test('with no sweeper at all nothing that expired can be read [LIFE-8]', async () => {
    const { session, recollect, clock } = await aSession()
    await session.append({ role: 'user', text: 'x' })
    clock.advance(365 * 86_400_000)
    for (const call of [
      session.info(),
      session.messages(),
      session.state(),
      session.receipts.list(),
      session.turn(),
      recollect.user('alice').sessions.get('s'),
    ])
      expect(await codeOf(call)).toBe('not_found')
  })

  test('a dry run lists what goes by a time, and the sweep then removes exactly that [LIFE-9]', async () => {
    const { recollect, clock } = await aWorld(backend)
    for (let i = 1; i <= 8; i++) {
      const session = await recollect
        .tenant(i % 2 === 0 ? 'acme' : 'default')
        .user(`u${i % 3}`)
        .session(`s${i}`, { idleMs: i * minute })
      await session.append({ role: 'user', text: 'x' })
    }
    const until = start + 5 * minute
    const listed = await recollect.sweep({ dryRun: true, until })
    expect(listed.items.map((item) => item.session)).toEqual(['s1', 's2', 's3', 's4', 's5'])
    expect(listed.items[0]).toMatchObject({
      tenantId: 'default',
      ownerId: 'u1',
      expiresAt: start + minute,
      class: 'standard',
      entries: 1,
      unformed: 1,
    })
    clock.set(until)
    expect((await recollect.sweep({ dryRun: true })).items.map((item) => item.session)).toEqual(listed.items.map((item) => item.session))
    const swept = await recollect.sweep()
    expect(swept).toMatchObject({ dryRun: false, deleted: listed.items.length, failed: 0, more: false })
    expect((await recollect.sweep({ dryRun: true })).items).toEqual([])
    clock.set(start) // what is left would show itself again
    const left = await Promise.all(
      ['default', 'acme'].flatMap((tenant) => ['u0', 'u1', 'u2'].map((user) => recollect.tenant(tenant).user(user).sessions.list())),
    )
    expect(left.flatMap((page) => page.items.map((item) => item.id)).toSorted()).toEqual(['s6', 's7', 's8'])
  })

  test('a dry run writes nothing [LIFE-9]', async () => {
    const { session, recollect, clock } = await aSession()
    const { revision } = await session.info()
    await recollect.sweep({ dryRun: true, until: start + lives.absoluteMs })
    expect((await session.info()).revision).toBe(revision)
    clock.advance(lives.idleMs)
    await recollect.sweep({ dryRun: true })
    expect((await recollect.sweep()).deleted).toBe(1)
  })

  test('a sweep looks at the present only, unless it is a dry run [LIFE-9]', async () => {
    const { recollect } = await aSession()
    expect(await codeOf(recollect.sweep({ until: start + 1 }))).toBe('invalid_input')
    expect(await codeOf(recollect.sweep({ dryRun: true, until: 1.5 }))).toBe('invalid_input')
  })

  test('a session that was opened again under its name is not swept with the old one [LIFE-7]', async () => {
    const { recollect, clock, session } = await aSession()
    await session.append({ role: 'user', text: 'old' })
    clock.advance(lives.idleMs)
    const again = await recollect.user('alice').session('s', lives)
    expect((await recollect.sweep()).deleted).toBe(0)
    expect((await again.info()).id).toBe('s')
  })
})

test('the sweeper of a running process comes every 60 s [LIFE-7]', async () => {
  const { recollect, clock } = await aWorld('memory', { background: true })
  await recollect.user('alice').session('s', { idleMs: 1_000 })
  for (let i = 0; i < 3; i++) {
    for (let tick = 0; tick < 50; tick++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(limits.sweepEveryMs)
  }
  for (let tick = 0; tick < 50; tick++) await new Promise((resolve) => setImmediate(resolve))
  expect((await recollect.sweep({ dryRun: true })).items).toEqual([])
})
