// Session logs as the engine reads and writes them: one head call tells whether the cached fold still holds (NODE-2), and entries come decoded.
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import { decodeSessionEntry, encodeBody, encodeSessionEntry, type DecodedEntry, type SessionEntry, type SessionHead } from '../../core/session.ts'
import type { LoadedSession } from '../../context/planning/source.ts'
import type { AppendOptions, Appended, Entry, Head, LogStore } from '../../ports/log-store.ts'
import { logPages } from '../../security/log-pages.ts'
import { foldCache, type FoldCache } from './fold-cache.ts'

export interface NewEntry {
  readonly id: string
  readonly entry: SessionEntry
}
/** Once for each entry: what is weighed is what is stored. */
export const encodeEntries = (entries: readonly NewEntry[]): readonly Entry[] =>
  entries.map(({ id, entry }) => ({ id, body: encodeSessionEntry(entry) }))

export interface SessionAppend {
  readonly expectedVersion?: number
  readonly fence?: AppendOptions['fence']
  readonly ifRevision?: number
}
export interface OpenedHead {
  readonly head: Head
  readonly body: SessionHead
}
/** A body to swap in; undefined: nothing to do. */
export type BodyChange = (now: OpenedHead) => SessionHead | undefined | Promise<SessionHead | undefined>

export interface SessionLogs extends Pick<FoldCache, 'derived' | 'drop' | 'dropOwner' | 'holds'> {
  /** @throws `not_found` if never made, deleted, expired, foreign, or a fork that is not done */
  head(ref: LogRef): Promise<OpenedHead>
  /** As `head`, with undefined for what is not there, and forks under way let through. */
  peek(ref: LogRef): Promise<OpenedHead | undefined>
  load(ref: LogRef): Promise<LoadedSession>
  /** Renews the idle life (LIFE-1). `seen` is a head of this session that the caller has read. */
  append(ref: LogRef, seen: OpenedHead, entries: readonly Entry[], options?: SessionAppend): Promise<Appended>
  /** Puts a body in the place of the one that was seen. @throws `conflict` if the head has another revision by now */
  swap(ref: LogRef, seen: OpenedHead, body: SessionHead): Promise<OpenedHead>
  /** Swaps the head's body; reads again and tries anew on a conflict, unless the caller named a revision. */
  change(ref: LogRef, change: BodyChange, ifRevision?: number): Promise<OpenedHead>
}

export function sessionLogs(store: LogStore, cacheBytes: number = limits.sessionCacheBytes): SessionLogs {
  const cache = foldCache(cacheBytes)

  async function peek(ref: LogRef): Promise<OpenedHead | undefined> {
    const head = await store.head(ref)
    if (head !== undefined) return { head, body: cache.under(ref, head).body }
    cache.drop(ref)
    return undefined
  }

  async function head(ref: LogRef): Promise<OpenedHead> {
    const seen = await peek(ref)
    if (seen === undefined || seen.body.forkedFrom?.done === false) throw noSession()
    return seen
  }

  async function load(ref: LogRef): Promise<LoadedSession> {
    for (let attempt = 0; attempt < limits.loadAttempts; attempt++) {
      const seen = await head(ref)
      const kept = cache.under(ref, seen.head)
      if (kept.fold.upTo === seen.head.version) return { ...seen, fold: kept.fold }
      if (kept.fold.upTo > seen.head.version) continue // an append of ours came after this head
      const tail = await readTail(store, ref, kept.fold.upTo, seen.head.version)
      const after = await store.head(ref)
      // A redaction or a new log under the same name while the tail was read: what was read may be of either.
      if (after === undefined || after.birth !== seen.head.birth || after.rewrites !== seen.head.rewrites) continue
      return { ...seen, fold: cache.grow(kept, tail.entries, tail.bytes) }
    }
    throw new RecollectError('conflict', `the session changed while it was read, ${limits.loadAttempts} times`, 'Try again.')
  }

  async function append(ref: LogRef, seen: OpenedHead, entries: readonly Entry[], options: SessionAppend = {}): Promise<Appended> {
    const appended = await store.append(ref, entries, appendOptions(seen.body, options))
    cache.join(
      ref,
      appended,
      entries.map(({ body }) => body),
    )
    return appended
  }

  async function swap(ref: LogRef, { head: { revision } }: OpenedHead, body: SessionHead): Promise<OpenedHead> {
    const swapped = await store.updateHead(ref, revision, { body: encodeBody(body) })
    return { head: swapped, body: cache.under(ref, swapped, body).body }
  }

  async function change(ref: LogRef, decide: BodyChange, ifRevision?: number): Promise<OpenedHead> {
    for (let attempt = 1; ; attempt++) {
      const seen = await head(ref)
      if (ifRevision !== undefined && ifRevision !== seen.head.revision) throw otherRevision(ifRevision, seen.head.revision)
      const body = await decide(seen)
      if (body === undefined) return seen
      try {
        return await swap(ref, seen, body)
      } catch (error) {
        if (!isRecollectError(error, 'conflict') || ifRevision !== undefined || attempt === limits.swapAttempts) throw error
      }
    }
  }

  const { derived, drop, dropOwner, holds } = cache
  return { head, peek, load, append, swap, change, derived, drop, dropOwner, holds }
}

function appendOptions({ idleMs, absoluteAt }: SessionHead, { expectedVersion, fence, ifRevision }: SessionAppend): AppendOptions {
  return {
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(fence === undefined ? {} : { fence }),
    head: { expires: { inMs: idleMs, notAfter: absoluteAt }, ...(ifRevision === undefined ? {} : { ifRevision }) },
  }
}

async function readTail(store: LogStore, ref: LogRef, after: number, upTo: number): Promise<{ entries: readonly DecodedEntry[]; bytes: number }> {
  const entries: DecodedEntry[] = []
  let bytes = 0
  for await (const page of logPages(store, ref, after, upTo))
    for (const { seq, body } of page) {
      entries.push(decodeSessionEntry(seq, body))
      bytes += body.length
    }
  return { entries, bytes }
}

export const noSession = () =>
  new RecollectError(
    'not_found',
    'there is no such session',
    'Open it by name, or list the sessions; one that expired or was deleted does not come back.',
  )

export const otherRevision = (given: number, found: number) =>
  new RecollectError(
    'conflict',
    `the session is at revision ${found}; the call was made for ${given}`,
    'Read the session again, and repeat the call with its revision.',
    {
      limit: found,
      given,
    },
  )
