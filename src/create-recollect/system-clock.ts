// The real clock: what `Clock` promises, from the system's time and timers.
import type { Clock } from '../ports/clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal, kind) =>
    new Promise((resolve) => {
      if (ms <= 0 || signal?.aborted === true) return resolve()
      const wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.min(ms, longestTimerMs))
      if (kind === 'background') timer.unref()
      signal?.addEventListener('abort', wake, { once: true })
    }),
}

const longestTimerMs = 2 ** 31 - 1 // Node fires longer timers at once
