// Walks over the pages of a store: an owner's logs, all owners, what expires. In order, each once.
import { limits } from '../core/limits.ts'
import type { LogKind, LogRef } from '../core/log-ref.ts'
import type { Owner, Scope } from '../core/scope.ts'
import type { Head, LogStore, Page, PageRequest } from '../ports/log-store.ts'

/** Every log of an owner and kind, newest made first (LOG-22). */
export const everyHead = (store: LogStore, scope: Scope, kind: LogKind): AsyncGenerator<Head & { readonly logId: string }> =>
  everyItem((page) => store.list(scope, kind, page))

/** Every owner that has a log (LOG-24); for background work only. */
export const everyOwner = (store: LogStore): AsyncGenerator<Owner> => everyItem((page) => store.owners(page))

/** What expires at or before `at`, soonest first (LOG-23); for background work only. */
export const everyDue = (store: LogStore, at: number): AsyncGenerator<{ readonly ref: LogRef; readonly expiresAt: number }> =>
  everyItem((page) => store.expired(at, page))

async function* everyItem<T>(pageAt: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined
  do {
    const page = await pageAt({ limit: limits.pageItemsMost, ...(cursor === undefined ? {} : { cursor }) })
    yield* page.items
    cursor = page.cursor
  } while (cursor !== undefined)
}
