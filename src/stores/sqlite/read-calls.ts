// The calls that only read: each sees one state of the file (LOG-4, LOG-6).
import type { Random } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { LogStore, Page, PageRequest } from '../../ports/log-store.ts'
import { keyOfCursor, pageCursor, type Listing, type PageKey } from '../page-cursor.ts'
import type { Checkpoints } from './checkpoints.ts'
import { read } from './entries.ts'
import { liveLog, type Tables } from './live-log.ts'
import { isOver } from './expiry.ts'
import { expiredPage, listPage, ownersPage } from './pages.ts'
import { givenOut } from './rows.ts'
import { dropSnapshot, loadSnapshot } from './snapshots.ts'
import { untilUnlocked } from './waiting.ts'
import type { Writes } from './writes.ts'
import { rollBack } from './statements.ts'

export interface Store extends Tables {
  readonly writes: Writes
  readonly checkpoints: Checkpoints
  readonly now: () => number // never goes back: what expired stays so (LOG-28)
  readonly random: Random
}

type ReadCalls = Pick<LogStore, 'head' | 'read' | 'loadSnapshot' | 'list' | 'expired' | 'owners'>

export function readCalls(store: Store): ReadCalls {
  const { statements, logs, writes, now, random } = store

  /** One statement or none: from memory while nobody else has written. */
  const looking = <T>(act: () => T): Promise<T> =>
    untilUnlocked(() => {
      logs.freshen()
      const found = act()
      logs.trim()
      return found
    }, random)

  /** Several statements over one state of the file. */
  const reading = <T>(act: () => T): Promise<T> =>
    untilUnlocked(() => {
      statements.beginRead.run()
      let given: T
      try {
        logs.freshen()
        given = act()
      } catch (error) {
        rollBack(statements)
        logs.trim()
        throw error
      }
      statements.commit.run()
      logs.trim()
      return given
    }, random)

  return {
    head: (ref) =>
      looking(() => {
        const log = logs.find(ref)
        return log === undefined || isOver(log.head, now()) ? undefined : givenOut(log.head)
      }),
    read: (ref, { after = 0, upTo = Number.MAX_SAFE_INTEGER, limit = limits.readEntries } = {}) =>
      reading(() => read(store, liveLog(store, ref, now()), after, upTo, limit)),
    async loadSnapshot(ref, name) {
      const found = await reading(() => {
        const log = logs.find(ref)
        return log === undefined || isOver(log.head, now()) ? undefined : loadSnapshot(statements, log.key, name)
      })
      if (found === undefined || 'chunks' in found) return found
      await writes.add(() => dropSnapshot(statements, found.broken))
      return undefined
    },
    list: (scope, kind, page = {}) => looking(() => paged('list', page, (limit, after) => listPage(statements, scope, kind, limit, after, now()))),
    expired: (at, page = {}) => looking(() => paged('expired', page, (limit, after) => expiredPage(statements, at, limit, after))),
    owners: (page = {}) => reading(() => paged('owners', page, (limit, after) => ownersPage(statements, limit, after))),
  }
}

function paged<T>(
  listing: Listing,
  page: PageRequest,
  ask: (limit: number, after: PageKey | undefined) => { items: readonly T[]; next: PageKey | undefined },
): Page<T> {
  const after = page.cursor === undefined ? undefined : keyOfCursor(listing, page.cursor)
  const { items, next } = ask(page.limit ?? limits.pageItems, after)
  return next === undefined ? { items } : { items, cursor: pageCursor(listing, next) }
}
