// Quotas at every door by which a session or an owner grows: what would go over is refused, and nothing is changed (LIFE-11).
import { describe, expect, test } from 'vitest'
import { mintScope } from '../../src/core/scope.ts'
import type { Recollect, User } from '../../src/recollect.ts'
import type { QuotaLimits } from '../../src/session/changes/quotas.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryKeyProvider } from '../../src/security/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { aWorld, codeOf, memoryStores, start } from './library-world.ts'
import { aMemoryWorld, flakyEmbedder, type MemoryWorld } from './memory-world.ts'

const long = 'x'.repeat(1_500)
type Door = (user: User) => Promise<unknown>
type Doors = Readonly<Record<string, Door>>

const inSession: Doors = {
  'a message': async (user) => (await user.session('s')).append({ role: 'user', text: long }),
  'a setup': async (user) => (await user.session('s')).setup({ system: long }),
  'a state patch': async (user) => (await user.session('s')).patchState({ long }),
  'a state put': async (user) => (await user.session('s')).putState({ long }),
  'a rewind': async (user) => (await user.session('s')).rewind(1),
}
const inHead: Doors = {
  'a title': async (user) => (await user.session('s')).update({ title: 'x'.repeat(200) }),
  'new metadata': async (user) => (await user.session('s')).update({ metadata: { long } }),
}
const newSession: Doors = {
  'a session with metadata': (user) => user.session('new', { metadata: { long } }),
  'a session with a system prompt': (user) => user.session('new', { system: long }),
}
const fork: Doors = { 'a fork': async (user) => (await user.session('s')).fork(2, { id: 'new' }) }
const memory: Doors = { 'a memory': (user) => user.memories.remember(long, { id: 'm' }) }
const tableOf = (...all: readonly Doors[]) => all.flatMap((doors) => Object.entries(doors))

/** A session with two messages, and a memory; then the same stores under quotas, in another process. */
async function aHeld(quotasFor: (held: number, inSessions: number) => Partial<QuotaLimits>) {
  const world = await aMemoryWorld()
  const session = await world.recollect.user('alice').session('s', { formation: 'off' })
  await session.append([
    { id: '1', role: 'user', text: long },
    { id: '2', role: 'assistant', text: 'ok' },
  ])
  await world.recollect.user('alice').memories.remember('Cats are nice.')
  const recollect = await world.restarted({ quotas: quotasFor(await heldBy(world), await heldBy(world, ['sessions'])) })
  return { world, recollect, user: recollect.user('alice') }
}

/** Bytes of entries and of head bodies, by the heads. */
async function heldBy({ raw }: MemoryWorld, stores: readonly ('sessions' | 'memories')[] = ['sessions', 'memories']): Promise<number> {
  const scope = mintScope('default', 'alice')
  const pages = await Promise.all(stores.map((name) => raw[name].list(scope, name === 'sessions' ? 'session' : 'memory', {})))
  return pages.flatMap((page) => page.items).reduce((sum, head) => sum + head.bytes + head.body.length, 0)
}

/** What a door adds where nothing bounds it. */
async function growthBy(door: Door): Promise<number> {
  const { world, user } = await aHeld(() => ({}))
  const before = await heldBy(world)
  await door(user)
  return (await heldBy(world)) - before
}

/** All that a caller sees of what is there. */
async function everything(recollect: Recollect): Promise<unknown> {
  const user = recollect.user('alice')
  const sessions = (await user.sessions.list()).items
  const states = await Promise.all(sessions.map(async ({ id }) => (await user.sessions.get(id)).state()))
  return { sessions, states, memories: (await user.memories.list()).items }
}

async function refuses(recollect: Recollect, door: Door, message: RegExp): Promise<void> {
  const before = await everything(recollect)
  const nextStep = expect.stringMatching(/\w/)
  await expect(door(recollect.user('alice'))).rejects.toMatchObject({ code: 'limit_exceeded', message: expect.stringMatching(message), nextStep })
  expect(await everything(recollect)).toEqual(before)
}

describe("an owner's bytes", () => {
  test.each(tableOf(inSession, inHead, newSession, memory))(
    '%s fits at them to the byte, and one byte over is refused with nothing changed [LIFE-11]',
    async (_, door) => {
      const growth = await growthBy(door)
      const over = await aHeld((held) => ({ ownerBytes: held + growth - 1 }))
      await refuses(over.recollect, door, /^an owner has at most \d+ bytes; this would make \d+$/)
      const at = await aHeld((held) => ({ ownerBytes: held + growth }))
      await door(at.user)
      // Also what this process has just written counts, before the sums are taken anew.
      await refuses(at.recollect, async (user) => (await user.session('s')).append({ role: 'user', text: '' }), /an owner/)
    },
  )

  test('a fork over them is refused, and makes no session [LIFE-11] [SES-5]', async () => {
    const { recollect } = await aHeld((held) => ({ ownerBytes: held + 1_400 }))
    await refuses(recollect, fork['a fork'] as Door, /an owner/)
  })

  test('what frees them is never refused: a deletion, a redaction, a shorter title, a forgotten memory; and it counts at once [LIFE-11]', async () => {
    const full = await aHeld((held) => ({ ownerBytes: held + 2 * long.length }))
    const session = await full.user.session('s')
    await full.user.memories.remember(long, { id: 'm' })
    const over = async () => codeOf(session.append({ role: 'user', text: 'x'.repeat(long.length + 500) }))
    expect(await over()).toBe('limit_exceeded')
    await full.user.memories.forget('m')
    expect(await over()).toBe('went through')
    expect(await over()).toBe('limit_exceeded')
    await session.redact('1')
    expect(await over()).toBe('went through')
    await session.update({ title: null, metadata: null })
    await session.delete()
    expect(await codeOf(full.user.session('new', { metadata: { long } }))).toBe('went through')
  })

  test('memories that do not fit are not formed; the cursor waits, and they are formed once there is room [LIFE-11] [FORM-7]', async () => {
    const world = await aMemoryWorld()
    await (
      await world.recollect.user('alice').session('s')
    ).append([
      { role: 'user', text: 'I moved to Lisbon in May, and I am vegetarian now.' },
      { role: 'assistant', text: 'Good to know.' },
    ])
    const ownerBytes = (await heldBy(world)) + 100
    const full = await world.restarted({ quotas: { ownerBytes } })
    await full.user('alice').session('s')
    expect(await codeOf(full.settled())).toBe('limit_exceeded')
    expect((await full.user('alice').memories.list()).items).toEqual([])
    expect((await (await full.user('alice').session('s')).info()).cursors.formed).toBe(0)
    const roomy = await world.restarted()
    await roomy.user('alice').session('s')
    await roomy.settled()
    expect((await roomy.user('alice').memories.list()).items).not.toEqual([])
  })

  test('a vector that was missing waits for room as well [LIFE-11] [FORM-7]', async () => {
    const world = await aMemoryWorld()
    await world.recollect.user('alice').memories.remember(long, { id: 'm' })
    await (await world.recollect.user('alice').session('s')).append({ role: 'user', text: 'hi' })
    const [letters, quotas] = [flakyEmbedder(), { ownerBytes: (await heldBy(world)) + 30 }]
    const full = await world.restarted({ embedder: letters, quotas })
    await full.user('alice').session('s')
    await full.settled().catch(() => {})
    expect((await world.log('alice')).map(({ event }) => event?.type)).not.toContain('embedding')
  })
})

describe("a session's own limits", () => {
  test.each(tableOf(inSession, inHead))(
    '%s fits at its bytes, and one byte over is refused with nothing changed [LIFE-11] [LIFE-13]',
    async (_, door) => {
      const growth = await growthBy(door)
      const over = await aHeld((_held, inSession) => ({ sessionBytes: inSession + growth - 1 }))
      await refuses(over.recollect, door, /^a session has at most \d+ bytes; this would make \d+$/)
      await door((await aHeld((_held, inSession) => ({ sessionBytes: inSession + growth }))).user)
    },
  )

  test.each(tableOf(inSession))('%s fits at its entries, and one over is refused with nothing changed [LIFE-11]', async (_, door) => {
    await refuses((await aHeld(() => ({ sessionEntries: 2 }))).recollect, door, /^a session has at most 2 entries; this would make 3$/)
    await door((await aHeld(() => ({ sessionEntries: 3 }))).user)
  })

  test.each(tableOf(newSession, fork))('%s over its bytes is not made [LIFE-11]', async (_, door) => {
    await refuses((await aHeld(() => ({ sessionBytes: 1_400 }))).recollect, door, /^a session has at most 1400 bytes/)
  })

  test('a redaction is not refused in a full session [LIFE-11]', async () => {
    const { user } = await aHeld((_held, inSession) => ({ sessionEntries: 2, sessionBytes: inSession }))
    expect(await codeOf((await user.session('s')).redact('1'))).toBe('went through')
  })
})

test('a rewind ends what was formed of its messages, also where there is no room to form more [SES-2] [LIFE-11]', async () => {
  const world = await aMemoryWorld()
  const session = await world.recollect.user('alice').session('s')
  await session.append({ role: 'user', text: 'I moved to Lisbon in May.' })
  await world.recollect.settled()
  await session.rewind(0)
  await session.append({ role: 'user', text: 'I adopted a dog in June.' })
  const full = await world.restarted({ quotas: { ownerRecords: 1 } })
  await full.user('alice').session('s')
  expect(await codeOf(full.settled())).toBe('limit_exceeded')
  expect((await full.user('alice').memories.list()).items).toEqual([])
})

test('a change that is weighed reads its session once, and writes what was weighed [LIFE-11]', async () => {
  const clock = manualClock(start)
  const stores = memoryStores(clock)
  const calls: string[] = []
  const sessions: LogStore = {
    ...stores.sessions,
    head: (ref) => (calls.push('head'), stores.sessions.head(ref)),
    updateHead: (...given) => (calls.push('swap'), stores.sessions.updateHead(...given)),
  }
  const { recollect } = await aWorld('memory', {
    clock,
    stores: { ...stores, sessions },
    keyProvider: memoryKeyProvider({ random: seededRandom(5) }),
  })
  const session = await recollect.user('alice').session('s')
  calls.length = 0
  await session.update({ title: 'Lisbon' })
  expect(calls).toEqual(['head', 'swap'])
})
