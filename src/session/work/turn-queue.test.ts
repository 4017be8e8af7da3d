import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { refOf } from '../../core/log-ref.ts'
import { mintScope } from '../../core/scope.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { turnQueue } from './turn-queue.ts'

test.each([
  [0, 1],
  [128, 126],
  [255, 250],
])('who waits for another process looks again after up to 250 ms, by chance: byte %i, %i ms [NODE-4]', async (byte, ms) => {
  const clock = manualClock(0)
  const closed = new AbortController()
  let tried = 0
  const held = { ...memoryStore({ clock }), lease: async () => void tried++ }
  const waiting = turnQueue(held, clock, () => Uint8Array.of(byte), closed.signal).wait(refOf(mintScope('t', 'o'), 'session', 's'), 1_000, undefined)
  for (const [passed, wanted] of [
    [0, 1],
    [ms - 1, 1],
    [1, 2],
  ] as const) {
    clock.advance(passed)
    await setImmediate()
    expect(tried).toBe(wanted)
  }
  closed.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
})
