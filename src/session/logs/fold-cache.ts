// Folds of sessions that a process keeps, least recently used out: what of them holds under a head is decided here (NODE-2). Waits for nothing.
import { limits } from '../../core/limits.ts'
import { refKey, type LogRef } from '../../core/log-ref.ts'
import { sameOwner, type Owner } from '../../core/scope.ts'
import { decodeBody, decodeSessionEntry, emptyFold, foldSession, type DecodedEntry, type SessionFold, type SessionHead } from '../../core/session.ts'
import type { Appended, Head } from '../../ports/log-store.ts'
import { boundedMap } from '../../security/bounded-map.ts'

export interface KeptFold {
  readonly ref: LogRef
  readonly birth: number
  readonly rewrites: number
  readonly revision: number // of the body
  readonly body: SessionHead
  readonly fold: SessionFold
  readonly bytes: number // of the entries that are folded
}

export interface FoldCache {
  /** What holds under this head; without it the fold begins anew. A head that was read before what is kept changes nothing. `body`: the head's, where the caller wrote it. */
  under(ref: LogRef, head: Head, body?: SessionHead): KeptFold
  /** Adds the tail that was read to a fold, and keeps it. */
  grow(kept: KeptFold, tail: readonly DecodedEntry[], bytes: number): SessionFold
  /** Own entries join without being read back, if nothing came between. */
  join(ref: LogRef, appended: Appended, bodies: readonly Uint8Array[]): void
  /** Something derived that lives and goes with the fold. */
  derived<T extends object>(ref: LogRef, make: () => T): T
  drop(ref: LogRef): void
  dropOwner(owner: Owner): void
  holds(owner: Owner): number
}

// Decoded messages take about this much more than their sealed bytes; a session without any still has its maps.
const heapPerByte = 4
const heapPerEntry = 64
const heapPerSession = 4_096
const weigh = (kept: KeptFold) => heapPerSession + heapPerByte * kept.bytes + heapPerEntry * kept.fold.upTo

const sumOf = (bodies: readonly Uint8Array[]) => bodies.reduce((sum, body) => sum + body.length, 0)

export function foldCache(cacheBytes: number): FoldCache {
  const folds = boundedMap<KeptFold>(cacheBytes, weigh)
  const derived = boundedMap<object>(limits.derivedSessions)
  const keep = (kept: KeptFold): KeptFold => (folds.set(refKey(kept.ref), kept), kept)
  const drop = (key: string) => {
    folds.delete(key)
    derived.delete(key)
  }
  const ofOwner = (owner: Owner) => folds.keysWhere(({ ref }) => sameOwner(ref, owner))

  return {
    under(ref, head, body) {
      const kept = folds.get(refKey(ref))
      const same = kept !== undefined && kept.birth === head.birth && kept.rewrites === head.rewrites
      if (same && kept.revision === head.revision) return kept
      const now = keptUnder(ref, head, same ? kept : undefined, body ?? decodeBody<SessionHead>(head.body, 'session head'))
      if (kept !== undefined && kept.birth === head.birth && kept.revision > head.revision) return now
      if (!same) derived.delete(refKey(ref))
      return keep(now)
    },
    grow: (kept, tail, bytes) => keep({ ...kept, fold: foldSession(kept.fold, tail), bytes: kept.bytes + bytes }).fold,
    join(ref, appended, bodies) {
      const joined = joinedBy(folds.get(refKey(ref)), appended, bodies)
      if (joined !== undefined) keep(joined)
    },
    derived<T extends object>(ref: LogRef, make: () => T): T {
      const known = derived.get(refKey(ref))
      if (known !== undefined) return known as T
      const made = make()
      derived.set(refKey(ref), made)
      return made
    },
    drop: (ref) => drop(refKey(ref)),
    dropOwner: (owner) => ofOwner(owner).forEach(drop),
    holds: (owner) => ofOwner(owner).length,
  }
}

function keptUnder(ref: LogRef, { birth, rewrites, revision }: Head, same: KeptFold | undefined, body: SessionHead): KeptFold {
  const { fold, bytes } = same ?? { fold: emptyFold, bytes: 0 }
  return { ref, birth, rewrites, revision, body, fold, bytes }
}

function joinedBy(kept: KeptFold | undefined, { head, seqs, added }: Appended, bodies: readonly Uint8Array[]): KeptFold | undefined {
  if (kept === undefined || kept.birth !== head.birth || kept.rewrites !== head.rewrites || added !== bodies.length) return undefined
  const first = kept.fold.upTo + 1
  if (seqs[0] !== first || head.version !== kept.fold.upTo + bodies.length) return undefined
  const entries = bodies.map((body, i) => decodeSessionEntry(first + i, body))
  const known = kept.revision === head.revision - 1 // then the body is the one that is kept
  return { ...kept, fold: foldSession(kept.fold, entries), bytes: kept.bytes + sumOf(bodies), ...(known ? { revision: head.revision } : {}) }
}
