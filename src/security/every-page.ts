// Walks the pages of a listing to their end, bounded: a store whose cursor never ends must not hang the caller (house rule 9).
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Page, PageRequest } from '../ports/log-store.ts'

/** @throws `integrity_failure` if there is still a cursor after as many pages as no owner can fill */
export async function* everyPage<T>(fetch: (page: PageRequest) => Promise<Page<T>>, most: number = limits.walkPages): AsyncGenerator<T> {
  let cursor: string | undefined
  for (let count = 0; count < most; count++) {
    const page = await fetch({ limit: limits.pageItemsMost, ...(cursor === undefined ? {} : { cursor }) })
    yield* page.items
    cursor = page.cursor
    if (cursor === undefined) return
  }
  throw new RecollectError('integrity_failure', `a listing did not end within ${most} pages`, 'Check the store; nothing was changed.')
}
