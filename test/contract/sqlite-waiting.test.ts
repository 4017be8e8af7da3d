// Small decisions of the SQLite driver: how long to wait for a lock, which end of a log is indexed, and who moves the WAL.
import { describe, expect, test } from 'vitest'
import type { Order } from '../../src/stores/sqlite/checkpoint.ts'
import { createCheckpoints } from '../../src/stores/sqlite/checkpoints.ts'
import { nextMark } from '../../src/stores/sqlite/expiry.ts'
import { retryAfterMs, shareFrom, untilUnlocked } from '../../src/stores/sqlite/waiting.ts'

test('a locked file is tried again after 0.5 to 8 ms, spread by the random bytes of the store [SQL-8]', () => {
  expect(retryAfterMs(0)).toBe(0.5)
  expect(retryAfterMs(0.5)).toBe(4.25)
  expect(retryAfterMs(255 / 256)).toBeLessThan(8)
  expect([0, 128, 255].map((byte) => shareFrom(() => Uint8Array.of(byte)))).toEqual([0, 0.5, 255 / 256])
})

test('waiting for a lock ends at the deadline with a code, and what is not a lock is not waited for [SQL-8]', async () => {
  const locked = Object.assign(new Error('database is locked'), { errcode: 5 })
  let tries = 0
  const lockedAlways = () => {
    tries++
    throw locked
  }
  const random = () => Uint8Array.of(0)
  await expect(untilUnlocked(lockedAlways, random, 20)).rejects.toMatchObject({ code: expect.stringMatching(/^(unavailable|timeout)$/) })
  expect(tries).toBeGreaterThan(1)
  tries = 0
  const broken = () => {
    tries++
    throw new Error('something else')
  }
  await expect(untilUnlocked(broken, random, 1_000)).rejects.toMatchObject({ code: expect.any(String) })
  expect(tries).toBe(1)
})

describe('the indexed end of a log', () => {
  const [now, idle] = [1_000_000, 10_000]
  const renewed = { inMs: idle }
  test.each([
    ['is the end itself where none was indexed', undefined, now + idle, now + idle],
    ['stays while half of the idle time or more is left before it', now + idle / 2, now + idle, now + idle / 2],
    ['moves once less than half is left', now + idle / 2 - 1, now + idle, now + idle],
    ['is never later than the end', now + idle, now + 6_000, now + 6_000],
    ['goes with the end', now + idle, undefined, undefined],
  ] as const)('%s [LIFE-1]', (_, mark, expiresAt, expected) => {
    expect(nextMark(mark, expiresAt, renewed, now)).toBe(expected)
  })

  test('moves at once for an end that is no renewal [LIFE-1]', () => {
    expect(nextMark(now + 9_000, now + 10_000, { at: now + 10_000 }, now)).toBe(now + 10_000)
  })
})

test('a process without the lease moves nothing of the WAL, and goes on asking for it; what is left is moved once it has it [SQL-7]', async () => {
  const runs: Order[] = []
  let asked = 0
  const askedTwice = Promise.withResolvers<void>()
  const moved = Promise.withResolvers<void>()
  const lease = Promise.withResolvers<boolean>()
  const checkpoints = createCheckpoints({
    file: 'there is no such file',
    checkpointer: {
      async run(order) {
        runs.push(order)
        moved.resolve()
        return { done: true, walBytes: 0, leftBytes: 0 }
      },
      close: async () => {},
    },
    async onDuty() {
      if (++asked === 1) return false
      askedTwice.resolve()
      return lease.promise
    },
    offDuty: async () => {},
    failed: () => {},
  })
  checkpoints.wrote(1_000_000, 0)
  await askedTwice.promise
  expect(runs).toEqual([])
  lease.resolve(true)
  await moved.promise
  expect(runs[0]).toBe('passive')
  await checkpoints.close()
})
