// When a log ends, and the lazy copy of that time which is indexed (LIFE-1).
import type { Expires, Head } from '../../ports/log-store.ts'
import { expiryOf } from '../store-time.ts'

/** The head with another end; what is left out stays. */
export function withExpiry(head: Head, expires: Expires | undefined, now: number): Head {
  if (expires === undefined) return head
  const { expiresAt: _, ...rest } = head
  const expiresAt = expiryOf(expires, now)
  return expiresAt === undefined ? rest : { ...rest, expiresAt }
}

/**
 * The mark to index for a new end. It stays while it is early enough and more than half of the idle time is left before it:
 * an append then moves no index page. It is never later than the end, so a look by marks misses nothing.
 */
export function nextMark(mark: number | undefined, expiresAt: number | undefined, expires: Expires, now: number): number | undefined {
  if (expiresAt === undefined || mark === undefined || mark > expiresAt) return expiresAt
  const idleMs = expires !== 'never' && 'inMs' in expires ? expires.inMs : 0
  return idleMs > 0 && mark - now >= idleMs / 2 ? mark : expiresAt
}

export const isOver = (head: Head, now: number): boolean => head.expiresAt !== undefined && now >= head.expiresAt
