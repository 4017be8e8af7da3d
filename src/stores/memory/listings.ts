// The three listings: sorted by what does not change, and continued from where the last page ended (LOG-22 to LOG-24).
import { compareUtf8 } from '../../core/bytes.ts'
import { limits } from '../../core/limits.ts'
import type { Page, PageRequest } from '../../ports/log-store.ts'
import { keyOfCursor, pageCursor, type Listing, type PageKey } from '../page-cursor.ts'

/** Numbers by size, names by their UTF-8 bytes. */
function compareKeys(a: PageKey, b: PageKey): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] as string | number
    const order = typeof left === 'number' ? left - (right as number) : compareUtf8(left, right as string)
    if (order !== 0) return order
  }
  return 0
}

/** The page of `rows` after the request's cursor, in the order of their keys, or against it. */
export function pageOf<T>(
  listing: Listing,
  rows: readonly T[],
  keyOf: (row: T) => PageKey,
  { limit = limits.pageItems, cursor }: PageRequest,
  direction: 'up' | 'down' = 'up',
): Page<T> {
  const sign = direction === 'up' ? 1 : -1
  const from = cursor === undefined ? undefined : keyOfCursor(listing, cursor)
  const rest = rows
    .map((row) => ({ row, key: keyOf(row) }))
    .filter(({ key }) => from === undefined || sign * compareKeys(key, from) > 0)
    .toSorted((a, b) => sign * compareKeys(a.key, b.key))
  const items = rest.slice(0, limit).map(({ row }) => row)
  const last = rest[limit - 1]
  return rest.length > limit && last !== undefined ? { items, cursor: pageCursor(listing, last.key) } : { items }
}
