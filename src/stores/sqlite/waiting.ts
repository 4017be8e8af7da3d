// Waiting for another process's lock, in real time: what the store's clock says changes nothing about how long a lock is held (SQL-8).
import { limits } from '../../core/limits.ts'
import { asRecollectError, isBusy, lockedTooLong } from './sqlite-errors.ts'

/** ms of a timer that never goes back. */
export const realMs = (): number => performance.now()

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A random wait, so that processes that met once do not meet again; `share` is in [0, 1). */
export const retryAfterMs = (share: number): number => limits.lockRetryMsLeast + share * (limits.lockRetryMsMost - limits.lockRetryMsLeast)

/** A number in [0, 1) from the store's random bytes. */
export const shareFrom = (random: (bytes: number) => Uint8Array): number => (random(1)[0] ?? 0) / 256

/** Does `act` at once; while the file is locked, again after a random wait, until the deadline. Never blocks the loop. */
export async function untilUnlocked<T>(act: () => T, random: (bytes: number) => Uint8Array, limitMs: number = limits.callMs): Promise<T> {
  const began = realMs()
  for (;;) {
    try {
      return act()
    } catch (error) {
      if (!isBusy(error)) throw asRecollectError(error)
      const givenMs = Math.round(realMs() - began)
      if (givenMs >= limitMs) throw lockedTooLong(givenMs, limitMs, error)
    }
    await pause(retryAfterMs(shareFrom(random)))
  }
}
