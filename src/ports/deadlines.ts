// Time limits of much short work, of searches and of the pieces of a stream: one sleeper wakes for all, since a timer for each costs a good part of it.
import { late, type Clock } from './clock.ts'

export interface Deadlines {
  /** What the work gives, or `late` after so many ms; the work itself goes on. */
  within<T>(ms: number, work: Promise<T>): Promise<T | typeof late>
}

interface Waiting {
  readonly at: number // ms of the clock
  readonly pass: () => void
}

export function createDeadlines(clock: Clock): Deadlines {
  const waiting = new Set<Waiting>() // as many as there is work
  let wakesAt = Infinity

  const watch = async (at: number): Promise<void> => {
    if (at >= wakesAt) return
    wakesAt = at
    await clock.sleep(at - clock.now(), undefined, 'background')
    if (wakesAt === at) wakesAt = Infinity // else one that wakes earlier took its place
    const now = clock.now()
    let next = Infinity
    for (const one of waiting)
      if (one.at <= now) one.pass()
      else next = Math.min(next, one.at)
    if (next < Infinity) void watch(next)
  }

  return {
    within: (ms, work) =>
      new Promise((resolve, reject) => {
        const one: Waiting = {
          at: clock.now() + ms,
          pass() {
            waiting.delete(one)
            resolve(late)
          },
        }
        waiting.add(one)
        void watch(one.at)
        work.then(
          (value) => {
            waiting.delete(one)
            resolve(value)
          },
          (error: unknown) => {
            waiting.delete(one)
            reject(error)
          },
        )
      }),
  }
}
