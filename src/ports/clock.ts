// Time comes in by the door: `now` to read it, `sleep` to let it pass.

export interface Clock {
  /** ms since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. A `background` sleep does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal, kind?: 'background'): Promise<void>
}

export const late = Symbol('late')

/** What the work gives, or `late` after so many ms; the work itself goes on, and a later failure of it is nobody's. */
export async function inTime<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | typeof late> {
  const done = new AbortController()
  const timer = clock.sleep(ms, done.signal, 'background').then((): typeof late => late)
  try {
    return await Promise.race([work, timer])
  } finally {
    done.abort(null)
  }
}
