// The calls that are on their way through a store or a wrapper, so that a close can wait for them, and lets none in after it (LOG-29).
import { RecollectError } from './errors.ts'
import { sameOwner, type Owner } from './scope.ts'

export interface RunningCalls {
  /** Runs `work`, whose synchronous part is done when this returns; `whose`: for `settled`. Rejects with `unavailable` after `close`; throws at once what `work` throws at once */
  run<T>(work: () => Promise<T>, whose?: Owner): Promise<T>
  /** Waits for what runs now for this owner, and for nothing that begins later. */
  settled(whose: Owner): Promise<void>
  /** Waits for what runs, then does `last`, once. */
  close(last: () => Promise<void>): Promise<void>
}

export function runningCalls(): RunningCalls {
  const running = new Map<Promise<unknown>, Owner | undefined>()
  let closing: Promise<void> | undefined

  return {
    run(work, whose) {
      if (closing !== undefined) return Promise.reject(new RecollectError('unavailable', 'the store is closed', 'Open the store again.'))
      const call = work()
      const over = () => void running.delete(call)
      running.set(call, whose)
      call.then(over, over)
      return call // itself: each promise around it would cost every call a turn
    },
    async settled(whose) {
      await Promise.allSettled([...running].flatMap(([call, of]) => (of !== undefined && sameOwner(of, whose) ? [call] : [])))
    },
    close: (last) => (closing ??= Promise.allSettled(running.keys()).then(last)),
  }
}
