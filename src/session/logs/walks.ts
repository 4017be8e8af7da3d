// Walks over the pages of a store: an owner's logs, all owners, what expires. In order, each once. A deployment may be of any size, an owner not.
import type { LogKind, LogRef } from '../../core/log-ref.ts'
import type { Owner, Scope } from '../../core/scope.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import { everyPage } from '../../security/every-page.ts'

/** Every log of an owner and kind, newest made first (LOG-22). */
export const everyHead = (store: LogStore, scope: Scope, kind: LogKind): AsyncGenerator<Head & { readonly logId: string }> =>
  everyPage((page) => store.list(scope, kind, page))

/** Every owner that has a log (LOG-24); for background work only. */
export const everyOwner = (store: LogStore): AsyncGenerator<Owner> => everyPage((page) => store.owners(page), Infinity)

/** What expires at or before `at`, soonest first (LOG-23); for background work only. */
export const everyDue = (store: LogStore, at: number): AsyncGenerator<{ readonly ref: LogRef; readonly expiresAt: number }> =>
  everyPage((page) => store.expired(at, page), Infinity)
