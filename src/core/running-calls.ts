// The calls that are on their way through a store or a wrapper, so that a close can wait for them, and lets none in after it (LOG-29).
import { RecollectError } from './errors.ts'

export interface RunningCalls {
  /** Runs `work`, whose synchronous part is done when this returns. @throws `unavailable` after `close` */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Waits for what runs, then does `last`, once. */
  close(last: () => Promise<void>): Promise<void>
}

export function runningCalls(): RunningCalls {
  const running = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  return {
    async run(work) {
      if (closing !== undefined) throw new RecollectError('unavailable', 'the store is closed', 'Open the store again.')
      const call = work()
      running.add(call)
      try {
        return await call
      } finally {
        running.delete(call)
      }
    },
    close: (last) => (closing ??= Promise.allSettled(running).then(last)),
  }
}
