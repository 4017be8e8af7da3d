// Time as an in-process store sees it: what has expired stays so, also when the clock is set back (LOG-28).
import type { Clock } from '../ports/clock.ts'
import type { Expires } from '../ports/log-store.ts'

/** The highest time that `clock` has shown. `from` is the highest time known from before, such as a stored one. */
export function storeTime(clock: Pick<Clock, 'now'>, from = 0): () => number {
  let highest = from
  return () => (highest = Math.max(highest, Math.floor(clock.now())))
}

/** The time that `expires` names, in ms; undefined for never. */
export function expiryOf(expires: Expires | undefined, now: number): number | undefined {
  if (expires === undefined || expires === 'never') return undefined
  return 'at' in expires ? expires.at : Math.min(now + expires.inMs, expires.notAfter ?? Number.MAX_SAFE_INTEGER)
}
