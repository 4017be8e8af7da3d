// A clock that stands still until the test moves it; nothing waits for real time.
import { RecollectError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'

/** `advance` and `set` wake, in order of their time, the sleepers whose time has come. `set` may go back: sleepers then wait on. */
export interface ManualClock extends Clock {
  advance(ms: number): void
  set(ms: number): void
  /** How many sleep now. */
  readonly sleeping: number
}

/**
 * Starts at `startMs` (ms since 1970). What waits for other work, such as `forget` while memories form, waits until the clock is moved: call
 * `settled()` first, or make Recollect with `background: false`.
 *
 * @throws `invalid_input` if a time is no whole number of ms
 */
export function manualClock(startMs: number): ManualClock {
  let now = checkedTime(startMs)
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()

  const moveTo = (ms: number) => {
    now = checkedTime(ms)
    const due = [...sleepers].filter((sleeper) => sleeper.at <= now).toSorted((a, b) => a.at - b.at)
    for (const sleeper of due) sleeper.wake()
  }

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted === true) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { at: now + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
      }),
    advance: (ms) => moveTo(now + ms),
    set: moveTo,
    get sleeping() {
      return sleepers.size
    },
  }
}

function checkedTime(ms: number): number {
  if (!Number.isSafeInteger(ms)) throw new RecollectError('invalid_input', 'a time is a whole number of ms since 1970', 'Give a safe integer.')
  return ms
}
