// Where a page ended, as the opaque text that asks for the next: the sort key of its last item, never a scope (LOG-22).
import { RecollectError } from '../core/errors.ts'

/** The last item's sort key, in order. */
export type PageKey = readonly (string | number)[]

/** What each listing is ordered by: `s` a name, `n` a whole number. A cursor of another listing does not parse. */
const shapes = { list: 'ns', expired: 'nssss', owners: 'ss' } as const
export type Listing = keyof typeof shapes

export const pageCursor = (listing: Listing, key: PageKey): string => Buffer.from(JSON.stringify([listing, ...key])).toString('base64url')

/** The key that `pageCursor` was given. @throws `invalid_input` for every other text */
export function keyOfCursor(listing: Listing, cursor: string): PageKey {
  const key = parsed(cursor)
  const shape = key?.slice(1).map((field) => (typeof field === 'string' ? 's' : Number.isSafeInteger(field) ? 'n' : '?'))
  if (key?.[0] !== listing || shape?.join('') !== shapes[listing] || pageCursor(listing, key.slice(1) as PageKey) !== cursor)
    throw new RecollectError('invalid_input', 'this is not the cursor of a page', 'Pass on the cursor of the page before, unchanged.')
  return key.slice(1) as PageKey
}

function parsed(cursor: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
