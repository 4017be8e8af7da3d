// Session logs as the engine reads and writes them: one head call tells whether the cached fold still holds (NODE-2), and entries come decoded.
import { RecollectError, isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { refKey, type LogRef } from '../core/log-ref.ts'
import {
  decodeBody,
  decodeSessionEntry,
  emptyFold,
  encodeBody,
  encodeSessionEntry,
  foldSession,
  type DecodedEntry,
  type SessionEntry,
  type SessionFold,
  type SessionHead,
} from '../core/session.ts'
import type { LoadedSession } from '../context/source.ts'
import type { AppendOptions, Appended, Expires, Head, LogStore } from '../ports/log-store.ts'
import { boundedMap } from '../security/bounded-map.ts'

export interface NewEntry {
  readonly id: string
  readonly entry: SessionEntry
}
export interface SessionAppend {
  readonly expectedVersion?: number
  readonly fence?: AppendOptions['fence']
  /** Swapped in with the entries, against the revision it was made from. */
  readonly body?: { readonly ifRevision: number; readonly body: SessionHead }
  readonly ifRevision?: number
}
export interface OpenedHead {
  readonly head: Head
  readonly body: SessionHead
}
/** A body to swap in and, where a life changes, an expiry; undefined: nothing to do. */
export type BodyChange = (now: OpenedHead) => SessionHead | undefined

export interface SessionLogs {
  /** @throws `not_found` if never made, deleted, expired, foreign, or a fork that is not done */
  head(ref: LogRef): Promise<OpenedHead>
  /** As `head`, with undefined for what is not there, and forks under way let through. */
  peek(ref: LogRef): Promise<OpenedHead | undefined>
  load(ref: LogRef): Promise<LoadedSession>
  /** Renews the idle life (LIFE-1). `seen` is a head of this session that the caller has read. */
  append(ref: LogRef, seen: OpenedHead, entries: readonly NewEntry[], options?: SessionAppend): Promise<Appended>
  /** Swaps the head's body; reads again and tries anew on a conflict, unless the caller named a revision. */
  change(ref: LogRef, change: BodyChange, ifRevision?: number): Promise<OpenedHead>
  /** Something derived that lives and goes with the cached session. */
  derived<T extends object>(ref: LogRef, make: () => T): T
  drop(ref: LogRef): void
  dropOwner(owner: { readonly tenantId: string; readonly ownerId: string }): void
  /** How many sessions of the owner are in memory. */
  holds(owner: { readonly tenantId: string; readonly ownerId: string }): number
}

interface Cached {
  readonly ref: LogRef
  readonly birth: number
  readonly rewrites: number
  readonly revision: number // of the body
  readonly body: SessionHead
  readonly fold: SessionFold
  readonly bytes: number // of the entries that are folded
}

// Decoded messages take about this much more than their sealed bytes; a session without any still has its maps.
const heapPerByte = 4
const heapPerSession = 4_096
const weigh = (cached: Cached) => heapPerSession + heapPerByte * cached.bytes + cached.fold.upTo * 64

export function sessionLogs(store: LogStore, cacheBytes: number = limits.sessionCacheBytes): SessionLogs {
  const cache = boundedMap<Cached>(cacheBytes, weigh)
  const derived = boundedMap<object>(limits.derivedSessions)

  /** What of the cache holds under this head; without it the fold begins anew. A head that was read before what is cached changes nothing. */
  function holds(ref: LogRef, head: Head): Cached {
    const cached = cache.get(refKey(ref))
    const same = cached !== undefined && cached.birth === head.birth && cached.rewrites === head.rewrites
    if (same && cached.revision === head.revision) return cached
    const { birth, rewrites, revision } = head
    const body = decodeBody<SessionHead>(head.body, 'session head')
    const now = { ref, birth, rewrites, revision, body, ...(same ? { fold: cached.fold, bytes: cached.bytes } : { fold: emptyFold, bytes: 0 }) }
    if (cached !== undefined && cached.birth === birth && cached.revision > revision) return now
    if (!same) derived.delete(refKey(ref))
    return keep(now)
  }

  function keep(cached: Cached): Cached {
    cache.set(refKey(cached.ref), cached)
    return cached
  }

  async function peek(ref: LogRef): Promise<OpenedHead | undefined> {
    const head = await store.head(ref)
    if (head === undefined) {
      cache.delete(refKey(ref))
      derived.delete(refKey(ref))
      return undefined
    }
    return { head, body: holds(ref, head).body }
  }

  async function head(ref: LogRef): Promise<OpenedHead> {
    const seen = await peek(ref)
    if (seen === undefined || seen.body.forkedFrom?.done === false) throw noSession()
    return seen
  }

  async function load(ref: LogRef): Promise<LoadedSession> {
    for (let attempt = 0; attempt < limits.loadAttempts; attempt++) {
      const seen = await head(ref)
      const cached = holds(ref, seen.head)
      if (cached.fold.upTo === seen.head.version) return { ...seen, fold: cached.fold }
      if (cached.fold.upTo > seen.head.version) continue // an append of ours came after this head
      const tail = await readTail(ref, cached.fold.upTo, seen.head.version)
      const after = await store.head(ref)
      // A redaction or a new log under the same name while the tail was read: what was read may be of either.
      if (after === undefined || after.birth !== seen.head.birth || after.rewrites !== seen.head.rewrites) continue
      const fold = foldSession(cached.fold, tail.entries)
      keep({ ...cached, fold, bytes: cached.bytes + tail.bytes })
      return { ...seen, fold }
    }
    throw new RecollectError('conflict', `the session changed while it was read, ${limits.loadAttempts} times`, 'Try again.')
  }

  async function readTail(ref: LogRef, after: number, upTo: number): Promise<{ entries: readonly DecodedEntry[]; bytes: number }> {
    const entries: DecodedEntry[] = []
    let bytes = 0
    while (after + entries.length < upTo) {
      const page = await store.read(ref, { after: after + entries.length, upTo, limit: limits.readEntriesMost })
      if (page.length === 0) throw new RecollectError('integrity_failure', 'a session log ends before its version', 'Restore the store from a backup; nothing was changed.')
      for (const { seq, body } of page) {
        entries.push(decodeSessionEntry(seq, body))
        bytes += body.length
      }
    }
    return { entries, bytes }
  }

  /** Own entries join the cached fold without being read back, if nothing came between. */
  function join(ref: LogRef, appended: Appended, bodies: readonly Uint8Array[], swapped: boolean): void {
    const cached = cache.get(refKey(ref))
    const { head, seqs } = appended
    const first = cached === undefined ? 0 : cached.fold.upTo + 1
    const fits = cached !== undefined && cached.birth === head.birth && cached.rewrites === head.rewrites && appended.added === bodies.length
    if (!fits || seqs[0] !== first || head.version !== first + bodies.length - 1) return
    const fold = foldSession(
      cached.fold,
      bodies.map((body, i) => decodeSessionEntry(seqs[i] as number, body)),
    )
    const known = cached.revision === head.revision - 1 && !swapped // then the body is the one that is cached
    keep({ ...cached, fold, ...(known ? { revision: head.revision } : {}), bytes: cached.bytes + bodies.reduce((sum, body) => sum + body.length, 0) })
  }

  const ofOwner = (owner: { readonly tenantId: string; readonly ownerId: string }) =>
    [...cache.keys()].filter((key) => {
      const ref = cache.get(key)?.ref
      return ref?.tenantId === owner.tenantId && ref.ownerId === owner.ownerId
    })

  return {
    head,
    peek,
    load,

    async append(ref, seen, entries, options = {}) {
      const bodies = entries.map((one) => encodeSessionEntry(one.entry))
      const { body, expectedVersion, fence } = options
      const ifRevision = body?.ifRevision ?? options.ifRevision
      const expires: Expires = { inMs: seen.body.idleMs, notAfter: seen.body.absoluteAt }
      const appended = await store.append(
        ref,
        entries.map((one, i) => ({ id: one.id, body: bodies[i] as Uint8Array })),
        {
          ...(expectedVersion === undefined ? {} : { expectedVersion }),
          ...(fence === undefined ? {} : { fence }),
          head: { expires, ...(ifRevision === undefined ? {} : { ifRevision }), ...(body === undefined ? {} : { body: encodeBody(body.body) }) },
        },
      )
      join(ref, appended, bodies, body !== undefined)
      return appended
    },

    async change(ref, change, ifRevision) {
      for (let attempt = 1; ; attempt++) {
        const seen = await head(ref)
        if (ifRevision !== undefined && ifRevision !== seen.head.revision) throw otherRevision(ifRevision, seen.head.revision)
        const body = change(seen)
        if (body === undefined) return seen
        try {
          const swapped = await store.updateHead(ref, seen.head.revision, { body: encodeBody(body) })
          return { head: swapped, body: holds(ref, swapped).body }
        } catch (error) {
          if (!isRecollectError(error, 'conflict') || ifRevision !== undefined || attempt === limits.swapAttempts) throw error
        }
      }
    },

    derived<T extends object>(ref: LogRef, make: () => T): T {
      const known = derived.get(refKey(ref))
      if (known !== undefined) return known as T
      const made = make()
      derived.set(refKey(ref), made)
      return made
    },

    drop(ref) {
      cache.delete(refKey(ref))
      derived.delete(refKey(ref))
    },

    dropOwner(owner) {
      for (const key of ofOwner(owner)) {
        cache.delete(key)
        derived.delete(key)
      }
    },

    holds: (owner) => ofOwner(owner).length,
  }
}

export const noSession = () =>
  new RecollectError('not_found', 'there is no such session', 'Open it by name, or list the sessions; one that expired or was deleted does not come back.')

export const otherRevision = (given: number, found: number) =>
  new RecollectError('conflict', `the session is at revision ${found}; the call was made for ${given}`, 'Read the session again, and repeat the call with its revision.', {
    limit: found,
    given,
  })
