// An erasure beside other work of the same owner: it waits for the owner's lease, ends what it meets, and goes on where it was cut off.
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { logKinds } from '../../src/core/log-ref.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import type { User } from '../../src/index.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { aWorld, codeOf } from './library-world.ts'
import { aMemoryWorld, type MemoryWorld } from './memory-world.ts'

const owner = { tenantId: 'default', ownerId: 'alice' }
const work = { ...owner, purpose: 'work' }
const secret = 'My locker code is heliotrope.'

async function says(user: User, text = secret): Promise<void> {
  await (await user.session('s')).append({ role: 'user', text })
}

/** Logs of the owner in the raw stores, whatever their kind. */
async function logsLeft(stores: readonly LogStore[]): Promise<number> {
  let count = 0
  for (const store of stores) for (const kind of logKinds) count += (await store.list(owner, kind)).items.length
  return count
}
const left = ({ raw }: MemoryWorld) => logsLeft([raw.sessions, raw.memories])

/** Lets everything run that does not wait for the clock. */

describe('while other work holds the lease of the owner', () => {
  async function held() {
    const world = await aMemoryWorld()
    const alice = world.recollect.user('alice')
    await says(alice)
    await alice.memories.settled()
    const { fence } = (await world.raw.memories.lease(work, limits.workLeaseMs)) ?? expect.fail()
    const erased = alice.erase()
    while (world.clock.sleeping === 0) await turnOfTheLoop()
    return { world, alice, fence, erased, before: await left(world) }
  }

  test('an erasure begins nothing, and does all once the lease is free [ERA-1]', async () => {
    const { world, alice, fence, erased, before } = await held()
    expect(before).toBe(2)
    expect((await world.recollect.audit.verify('default')).checked).toBe(0)
    expect((await alice.memories.list()).items).toHaveLength(1)
    await world.raw.memories.release(fence)
    world.clock.advance(limits.workRetryMs + 5)
    expect(await erased).toMatchObject({ clean: true })
    expect(await left(world)).toBe(0)
  })

  test('an erasure is a conflict after 10 s, and everything is as it was [ERA-1]', async () => {
    const { world, alice, erased } = await held()
    world.clock.advance(limits.workWaitMs)
    expect(await codeOf(erased)).toBe('conflict')
    expect(await left(world)).toBe(2)
    await says(alice, 'The bus was late.') // its keys are open still
    expect((await alice.memories.list()).items.map(({ text }) => text)).toEqual([secret])
  })
})

test('an erasure that meets appends, formation and search leaves nothing that any of them wrote, and the name starts anew [ERA-1, ERA-5]', async () => {
  const stores = (await aMemoryWorld()).raw
  const { recollect } = await aWorld('memory', { clock: systemClock, stores })
  const alice = recollect.user('alice')
  for (let round = 0; round < 60; round++) {
    const session = await alice.session('s')
    await session.append({ role: 'user', text: secret })
    const racing = [
      alice.memories.settled(),
      ...Array.from({ length: 4 }, async (_, i) => {
        for (let at = 0; at < i + (round % 5); at++) await turnOfTheLoop()
        await session.append({ role: 'user', text: `${secret} ${i}` })
      }),
      alice.memories.search('locker code'),
      alice.memories.remember(`${secret} And ${round}.`),
      session.context({ budgetTokens: 8_000 }),
    ]
    for (let at = 0; at < round % 7; at++) await turnOfTheLoop()
    const [receipt] = await Promise.all([alice.erase(), Promise.allSettled(racing)])
    expect(receipt.clean, `round ${round}`).toBe(true)
    // A call that came after the end began the name anew: what it wrote is new, and nothing of before is with it.
    const again = await alice.erase()
    expect(again.clean, `round ${round}`).toBe(true)
    expect(await logsLeft([stores.sessions, stores.memories]), `round ${round}`).toBe(0)
    expect((await alice.memories.search('locker code', { floor: 0 })).hits, `round ${round}`).toEqual([])
  }
})

describe('a write that had its keys before an erasure closed them', () => {
  /** Of the session store, the next append waits on its way to the disk until it is let go. */
  async function onItsWay() {
    const world = await aMemoryWorld()
    const [gate, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let first = true
    const append: LogStore['append'] = async (ref, ...rest) => {
      if (ref.kind === 'session' && first) {
        first = false
        reached.resolve()
        await gate.promise
        // The first pass has removed the log meanwhile; a driver may still bring its row, so this one does.
        await world.raw.sessions.open(ref, { body: new Uint8Array() })
      }
      return world.raw.sessions.append(ref, ...rest)
    }
    const { recollect } = await aWorld('memory', {
      seal: 'off',
      clock: world.clock,
      stores: { ...world.raw, sessions: { ...world.raw.sessions, append } },
    })
    const alice = recollect.user('alice')
    const late = says(alice).catch(() => {})
    await reached.promise
    return { world, recollect, alice, late, let: gate.resolve }
  }

  test('is waited for, and goes in the second pass [ERA-5]', async () => {
    const it = await onItsWay()
    let answered = false
    const erased = it.alice.erase().finally(() => (answered = true))
    for (let i = 0; i < 100; i++) await turnOfTheLoop()
    expect(answered).toBe(false)
    it.let()
    expect(await erased).toMatchObject({ clean: true })
    await it.late
    expect(await left(it.world)).toBe(0)
  })

  test('holds an erasure up no longer than a request may take [ERA-5]', async () => {
    const it = await onItsWay()
    const erased = it.alice.erase()
    while (it.world.clock.sleeping === 0) await turnOfTheLoop()
    it.world.clock.advance(limits.requestMs)
    expect(await erased).toMatchObject({ verb: 'erase' })
    it.let()
    await it.late
  })

  test('of another owner is not waited for [ERA-5]', async () => {
    const it = await onItsWay()
    expect(await it.recollect.user('bob').erase()).toMatchObject({ clean: true })
    it.let()
    await it.late
  })
})

describe.each(['before', 'after'] as const)('an erasure that was killed %s a store call took effect', (when) => {
  async function aVictim() {
    const world = await aMemoryWorld({ seal: 'on' }, when, { fuseKeys: true })
    const alice = world.recollect.user('alice')
    await says(alice)
    await alice.memories.settled()
    return { world, alice }
  }

  test('is clean when it is asked for again, and its receipt says that an earlier call had begun [ERA-1, ERA-5]', async () => {
    const whole = await aVictim()
    whole.world.fuse.used = 0
    const receipt = await whole.alice.erase()
    expect(receipt).not.toHaveProperty('resumed')
    const calls = whole.world.fuse.used
    expect(calls).toBeGreaterThan(20)
    let resumed = 0
    for (let call = 0; call < calls; call++) {
      const { world, alice } = await aVictim()
      world.fuse.left = call
      await alice.erase().catch(() => {})
      world.fuse.left = Number.POSITIVE_INFINITY
      world.clock.advance(limits.workLeaseMs) // the lease of the dead
      const recollect = await world.restarted()
      const next = recollect.user('alice')
      const again = await next.erase()
      expect(again.clean, `killed at call ${call}`).toBe(true)
      expect(await left(world), `killed at call ${call}`).toBe(0)
      const logs = again.removed.reduce((sum, one) => sum + one.logs, 0)
      if (again.resumed === true) resumed++
      else expect([0, 2], `killed at call ${call}`).toContain(logs) // all of it, or nothing: the first call had ended
      expect(await recollect.audit.verify('default'), `killed at call ${call}`).toMatchObject({ ok: true })
      await says(next, 'Anew.')
      await next.memories.settled()
      expect((await next.memories.list()).items.map(({ text }) => text)).toEqual(['Anew.'])
    }
    expect(resumed).toBeGreaterThan(5)
  })
})
