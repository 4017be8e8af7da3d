// The turn lease: one holder, waiting in order, fences that go stale, and turns that end elsewhere.
import { describe, expect, test } from 'vitest'
import type { Session } from '../../src/index.ts'
import { limits } from '../../src/core/limits.ts'
import { RecollectError } from '../../src/core/errors.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { aWorld, backends, codeOf, memoryStores, start, texts } from './library-world.ts'

/** Lets what is ready run, without moving the clock. */
const settle = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe.each(backends)('on %s', (backend) => {
  const aSession = async () => {
    const { recollect, clock } = await aWorld(backend)
    return { session: await recollect.user('alice').session('s'), recollect, clock }
  }

  test('a second turn is refused while one is held, and given after its end [NODE-4]', async () => {
    const { session } = await aSession()
    const turn = await session.turn()
    expect(await codeOf(session.turn())).toBe('conflict')
    await turn.end()
    await (await session.turn()).end()
  })

  test('another session of the owner has its own turn [NODE-4]', async () => {
    const { session, recollect } = await aSession()
    await session.turn()
    await (await (await recollect.user('alice').session('t')).turn()).end()
  })

  test('who waits gets the turn in order of arrival [NODE-4]', async () => {
    const { session } = await aSession()
    const held = await session.turn()
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (n) => {
      const turn = await session.turn({ whenBusy: 'wait' })
      order.push(n)
      await turn.end()
    })
    await settle()
    expect(order).toEqual([])
    await held.end()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
  })

  test('the order of arrival holds also where a turn lapses and nobody is called [NODE-4]', async () => {
    const { session, clock } = await aSession()
    await session.turn({ ttlMs: 1_000, renew: false })
    const order: number[] = []
    const waiting = [1, 2, 3, 4, 5].map(async (n) => {
      const turn = await session.turn({ whenBusy: 'wait' })
      order.push(n)
      await turn.end()
    })
    for (let passed = 0; passed < 2_000; passed += 10) {
      await settle()
      clock.advance(10)
    }
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  test('a wait ends in a conflict after 30 s, and by its signal [NODE-4]', async () => {
    const { session, clock } = await aSession()
    await session.turn({ ttlMs: limits.leaseMsMost, renew: false })
    const given = new AbortController()
    const waits = [codeOf(session.turn({ whenBusy: 'wait' })), codeOf(session.turn({ whenBusy: 'wait', signal: given.signal }))]
    await settle()
    given.abort()
    expect(await waits[1]).toBe('conflict')
    for (let passed = 0; passed <= limits.turnWaitMs; passed += limits.turnRetryMs) {
      clock.advance(limits.turnRetryMs)
      await settle()
    }
    expect(await waits[0]).toBe('conflict')
  }, 60_000)

  test('who waits when Recollect closes is told so, and waits no longer [NODE-4]', async () => {
    const { session, recollect } = await aSession()
    await session.turn()
    const waits = [1, 2].map(() => codeOf(session.turn({ whenBusy: 'wait' })))
    await settle()
    const closed = recollect.close()
    expect(await Promise.all(waits)).toEqual(['unavailable', 'unavailable'])
    await closed
  })

  test('eight may wait; the ninth is over the limit [NODE-4]', async () => {
    const { session } = await aSession()
    const held = await session.turn()
    const waiting = Array.from({ length: limits.turnWaiting }, () => session.turn({ whenBusy: 'wait' }).then((turn) => turn.end()))
    await settle()
    expect(await codeOf(session.turn({ whenBusy: 'wait' }))).toBe('limit_exceeded')
    await held.end()
    await Promise.all(waiting)
  })

  test('a turn that another process lets lapse is taken by who waits, by trying again [NODE-4]', async () => {
    const { session, clock } = await aSession()
    await session.turn({ ttlMs: 2_000, renew: false })
    const next = session.turn({ whenBusy: 'wait' })
    for (let passed = 0; passed < 2_500; passed += limits.turnRetryMs) {
      await settle()
      clock.advance(limits.turnRetryMs)
    }
    await (await next).end()
  })

  test('the holder renews its lease every third of its time [NODE-4]', async () => {
    const { session, clock } = await aSession()
    const turn = await session.turn({ ttlMs: 3_000 })
    for (let i = 0; i < 10; i++) {
      await settle()
      clock.advance(1_000)
    }
    await settle()
    expect(await codeOf(session.turn())).toBe('conflict')
    await session.append({ role: 'user', text: 'still mine' }, { fence: turn.fence })
    await turn.end()
  })

  test('a turn that is held when Recollect closes is renewed no more [NODE-4]', async () => {
    const { session, recollect, clock } = await aSession()
    await session.turn()
    expect(clock.sleeping).toBeGreaterThan(0)
    await recollect.close()
    expect(clock.sleeping).toBe(0)
  })

  test('a holder that was forgotten keeps its turn for so long and no longer [NODE-4]', async () => {
    const { session, clock } = await aSession()
    await session.turn({ ttlMs: limits.leaseMsMost })
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += limits.leaseMsMost / 3) {
        clock.advance(limits.leaseMsMost / 3)
        await settle()
      }
    }
    await pass(limits.turnHeldMs)
    expect(await codeOf(session.turn())).toBe('conflict')
    await pass(2 * limits.leaseMsMost)
    await (await session.turn()).end()
  })

  test('who comes while others wait is behind them, also at the moment in which the turn lapses [NODE-4]', async () => {
    const { session, clock } = await aSession()
    await session.turn({ ttlMs: 1_000, renew: false })
    const first = session.turn({ whenBusy: 'wait' })
    for (let passed = 0; passed < 1_000; passed += 10) {
      await settle()
      clock.advance(10)
    }
    expect(await codeOf(session.turn())).toBe('conflict')
    clock.advance(limits.turnRetryMs)
    await (await first).end()
  })

  test('a turn that is ended by its id goes to who waits at once [NODE-4]', async () => {
    const { session } = await aSession()
    const { id } = await session.turn()
    const next = session.turn({ whenBusy: 'wait' })
    await settle()
    await session.endTurn(id)
    await (await next).end()
  })

  test('an append with the fence of a turn that was lost is a conflict, and stores nothing [NODE-4]', async () => {
    const { session, clock } = await aSession()
    const lost = await session.turn({ ttlMs: 1_000, renew: false })
    await session.append({ role: 'user', text: 'before' }, { fence: lost.fence })
    clock.advance(1_000)
    const held = await session.turn()
    await session.append({ role: 'user', text: 'mine' }, { fence: held.fence })
    for (const late of [
      session.append({ role: 'assistant', text: 'late' }, { fence: lost.fence }),
      session.patchState({ late: true }, { fence: lost.fence }),
      session.rewind(0, { fence: lost.fence }),
    ])
      expect(await codeOf(late)).toBe('conflict')
    expect(texts((await session.messages()).items)).toEqual(['before', 'mine'])
  })

  test('a turn is ended by its id alone, and by no other [NODE-4]', async () => {
    const { session, recollect } = await aSession()
    const { id } = await session.turn({ renew: false })
    const elsewhere: Session = await recollect.user('alice').sessions.get('s')
    const other = await recollect.user('alice').session('t')
    expect(await codeOf(other.endTurn(id))).toBe('invalid_input')
    expect(await codeOf(elsewhere.endTurn('nonsense'))).toBe('invalid_input')
    expect(await codeOf(session.turn())).toBe('conflict')
    await elsewhere.endTurn(id)
    await (await session.turn()).end()
  })

  test('a turn that ended stays ended: its id does not end the next one [NODE-4]', async () => {
    const { session } = await aSession()
    const first = await session.turn()
    await first.end()
    await session.turn()
    await session.endTurn(first.id)
    expect(await codeOf(session.turn())).toBe('conflict')
  })

  test.each([999, 600_001, 1.5])('a turn of %d ms is refused [NODE-4]', async (ttlMs) => {
    const { session } = await aSession()
    expect(await codeOf(session.turn({ ttlMs }))).toBe('invalid_input')
  })
})

describe('a lease whose store stumbles', () => {
  const aTurn = async () => {
    const clock = manualClock(start)
    const given = memoryStores(clock)
    const renewals: (() => Promise<boolean>)[] = []
    let renewed = 0
    const { renew } = given.sessions
    const sessions = {
      ...given.sessions,
      renew: (...args: Parameters<typeof renew>) => {
        renewed++
        return renewals.shift()?.() ?? renew(...args)
      },
    }
    const { recollect } = await aWorld('memory', { clock, stores: { ...given, sessions } })
    const session = await recollect.user('alice').session('s')
    await session.turn({ ttlMs: 3_000 })
    const pass = async (thirds: number) => {
      for (let i = 0; i < thirds; i++) {
        await settle()
        clock.advance(1_000)
      }
      await settle()
    }
    return { session, renewals, pass, renewed: () => renewed }
  }

  test('one renewal that fails is made again at the next third, and the turn is kept [NODE-4]', async () => {
    const { session, renewals, pass } = await aTurn()
    renewals.push(() => Promise.reject(new RecollectError('unavailable', 'not now', 'Try again.')))
    await pass(6)
    expect(await codeOf(session.turn())).toBe('conflict')
  })

  test('a lease that was lost is not asked for again [NODE-4]', async () => {
    const { renewals, pass, renewed } = await aTurn()
    renewals.push(() => Promise.resolve(false))
    await pass(6)
    expect(renewed()).toBe(1)
  })
})
