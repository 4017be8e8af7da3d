import { expect, test } from 'vitest'
import { RecollectError } from '../core/errors.ts'
import { manualClock } from '../testing/index.ts'
import { checkedStore } from './checked-store.ts'
import { memoryStore } from './memory/index.ts'
import { keyOfCursor, pageCursor } from './page-cursor.ts'
import { expiryOf, storeTime } from './store-time.ts'

const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'log' } as const

const failing = (error: unknown, asError?: (error: unknown) => unknown) =>
  checkedStore(
    {
      ...memoryStore({ clock: manualClock(0) }),
      head: () => {
        throw error // at once, not by a promise
      },
    },
    asError,
  )

test('what a client throws is unavailable, with its text in the cause alone [LOG-8]', async () => {
  const thrown = new TypeError('driver text')
  for (const error of [thrown, new RecollectError('internal', 'driver text', 'driver text')]) {
    const refusal = await failing(error)
      .head(ref)
      .catch((reason: unknown) => reason)
    expect(refusal).toMatchObject({ code: 'unavailable', cause: error })
    expect(String((refusal as Error).message)).not.toContain('driver text')
  }
})

test('a listed error passes, and a driver may translate its own [LOG-8]', async () => {
  const known = new RecollectError('integrity_failure', 'a hole', 'Restore it.')
  await expect(failing(known).head(ref)).rejects.toBe(known)
  const translated = failing(new TypeError('full'), () => new RecollectError('timeout', 'too slow', 'Try again.'))
  await expect(translated.head(ref)).rejects.toMatchObject({ code: 'timeout' })
})

test('bad input is refused also by a closed store, and before the driver is asked [LOG-3]', async () => {
  const store = failing(new TypeError('asked'))
  await expect(store.head({ ...ref, logId: '' })).rejects.toMatchObject({ code: 'invalid_input' })
  await store.close()
  await expect(store.head({ ...ref, logId: '' })).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(store.head(ref)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a cursor gives back its key, to its own listing only, and no other text parses [LOG-22]', () => {
  const keys = { list: [5, "a'b"], expired: [7, 't', 'o', 'session', 'é'], owners: ['t', '😀'] } as const
  for (const [listing, key] of Object.entries(keys)) {
    const cursor = pageCursor(listing as keyof typeof keys, key)
    expect(keyOfCursor(listing as keyof typeof keys, cursor)).toEqual(key)
    for (const other of Object.keys(keys).filter((each) => each !== listing))
      expect(() => keyOfCursor(other as keyof typeof keys, cursor)).toThrow(/not the cursor/)
    for (const changed of [`${cursor}=`, `${cursor}A`, ` ${cursor}`, cursor.slice(1)])
      expect(() => keyOfCursor(listing as keyof typeof keys, changed)).toThrow(/not the cursor/)
  }
})

test('the time of a store never goes back [LOG-28]', () => {
  const clock = manualClock(1_000)
  const now = storeTime(clock)
  expect(now()).toBe(1_000)
  clock.set(10)
  expect(now()).toBe(1_000)
  clock.set(2_000)
  expect(now()).toBe(2_000)
  expect(storeTime(clock, 9_000)()).toBe(9_000)
  expect([expiryOf({ inMs: 5 }, 10), expiryOf({ inMs: 5, notAfter: 12 }, 10), expiryOf({ at: 3 }, 10), expiryOf('never', 10)]).toEqual([
    15,
    12,
    3,
    undefined,
  ])
})
