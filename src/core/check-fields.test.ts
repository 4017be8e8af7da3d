// The bounds that every list has alike.
import { expect, test } from 'vitest'
import { pageLimit } from './check-fields.ts'
import { limits } from './limits.ts'

test('a page has 1 to 200 items, 50 where nobody says; other sizes are refused with the bound and what was given [ACC-11]', () => {
  expect([undefined, 1, 199, limits.pageItemsMost].map((given) => pageLimit(given))).toEqual([50, 1, 199, 200])
  for (const given of [0, -1, 1.5, 201, Infinity])
    expect(() => pageLimit(given)).toThrow(expect.objectContaining({ code: 'invalid_input', limit: 200, given }) as Error)
  expect(() => pageLimit('canary' as unknown as number)).toThrow('a page has 1 to 200 items; asked for string')
})
