// What this node has seen of each log's head: to notice a log put back to an older state (SEAL-12 d), and to open a hot head only once.
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { refKey, type LogRef } from '../../core/log-ref.ts'
import type { Owner } from '../../core/scope.ts'
import type { Head } from '../../ports/log-store.ts'
import { boundedMap } from '../bounded-map.ts'
import { sealFailure, sealHeaderBytes, sealTagBytes } from './seal.ts'

export interface Seen {
  readonly birth: number
  readonly revision: number
  readonly version: number
}

/** A head body that was opened: `at` and `version` are what its writer had seen. */
export interface OpenedHead {
  readonly at: number
  readonly version: number
  readonly plain: Uint8Array
}

interface Kept extends OpenedHead {
  readonly ref: LogRef
  readonly mark: Uint8Array // header and tag: they stand for the sealed bytes
}

const sameAddress = (a: LogRef, b: LogRef) => a.tenantId === b.tenantId && a.ownerId === b.ownerId && a.kind === b.kind && a.logId === b.logId

function markOf(sealed: Uint8Array): Uint8Array {
  const mark = new Uint8Array(sealHeaderBytes + sealTagBytes)
  mark.set(sealed.subarray(0, sealHeaderBytes))
  mark.set(sealed.subarray(sealed.length - sealTagBytes), sealHeaderBytes)
  return mark
}

function hasMark(sealed: Uint8Array, mark: Uint8Array): boolean {
  if (sealed.length < mark.length) return false
  for (let i = 0; i < sealHeaderBytes; i++) if (sealed[i] !== mark[i]) return false
  const tagAt = sealed.length - sealTagBytes
  for (let i = 0; i < sealTagBytes; i++) if (sealed[tagAt + i] !== mark[sealHeaderBytes + i]) return false
  return true
}

const keptBytes = (kept: Kept) => kept.plain.length + 600 // the rest of an entry, generously

export type HeadMemory = ReturnType<typeof headMemory>

export function headMemory(most: number = limits.revisionsRemembered, openedBytes: number = limits.openedHeadBytes) {
  const seen = boundedMap<Seen>(most)
  const opened = boundedMap<Kept>(openedBytes, keptBytes)
  return {
    /** Taken before a call: its answer may not be older than this. */
    seen: (ref: LogRef): Seen | undefined => seen.get(refKey(ref)),

    /** @throws `integrity_failure` for the same log at a lower revision than was known before the call was made */
    check(ref: LogRef, head: Head, before: Seen | undefined): void {
      if (before !== undefined && before.birth === head.birth && (head.revision < before.revision || head.version < before.version))
        throw sealFailure(ref, 'is older than this node has seen it', { part: 'head' })
    },

    note(ref: LogRef, head: Head): void {
      const key = refKey(ref)
      const known = seen.get(key)
      if (known !== undefined && known.birth === head.birth && known.revision >= head.revision) return
      seen.set(key, { birth: head.birth, revision: head.revision, version: head.version })
    },

    /** The opened body of these sealed bytes, if it is kept. A hit is compared by address, header and tag (ISO-12). */
    opened(ref: LogRef, sealed: Uint8Array): OpenedHead | undefined {
      const kept = opened.get(refKey(ref))
      return kept !== undefined && sameAddress(kept.ref, ref) && hasMark(sealed, kept.mark) ? kept : undefined
    },

    keep(ref: LogRef, sealed: Uint8Array, head: OpenedHead): void {
      opened.set(refKey(ref), { ...head, plain: head.plain.slice(), ref, mark: markOf(sealed) })
    },

    forget(ref: LogRef): void {
      seen.delete(refKey(ref))
      opened.delete(refKey(ref))
    },

    /** Everything of one owner: after an erasure nothing of it stays in memory (ERA-5). */
    forgetOwner(owner: Owner): void {
      for (const key of opened.keysWhere(of(owner))) opened.delete(key)
      for (const key of seen.keysWhere(of(owner))) seen.delete(key)
    },

    /** How many opened bodies of the owner are kept. */
    holds: (owner: Owner): number => opened.keysWhere(of(owner)).length,
  }
}

const of = (owner: Owner) => {
  const prefix = ownerPrefix(owner)
  return (_: unknown, key: string) => key.startsWith(prefix)
}

// The lengths in `refKey` make this prefix exact: no other owner's key starts with it (ISO-7).
const ownerPrefix = (owner: Owner) => {
  const key = refKey({ tenantId: owner.tenantId, ownerId: owner.ownerId, kind: 'session', logId: '' })
  return key.slice(0, key.length - 'session'.length)
}

export const noLog = () => new RecollectError('not_found', 'there is no such log', 'Open it first; it may have expired or been deleted.')
