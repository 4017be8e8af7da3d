// Reading a sealed log: what comes back was sealed for this very place, is no older than what this node knew, and has no gap.
import { registerRef, type LogRef } from '../../core/log-ref.ts'
import type { Head, LogStore, ReadOptions, Snapshot, StoredEntry } from '../../ports/log-store.ts'
import type { SealKeys } from '../keys/owner-keys.ts'
import { openBody, sealFailure } from './seal.ts'
import { checkOrder, clearHead, keysFor, keysOrNoLog, openEntry, type SealedLogsParts } from './seal-bodies.ts'

export function sealedReads(parts: SealedLogsParts): Pick<LogStore, 'head' | 'read' | 'loadSnapshot' | 'list'> {
  const { inner, memory, telemetry } = parts
  return {
    async head(ref) {
      const before = memory.seen(ref)
      const head = await inner.head(ref)
      if (head === undefined) return undefined
      const keys = await keysFor(parts, ref, 'read')
      return keys === undefined ? undefined : clearHead(parts, keys, ref, head, before)
    },

    async read(ref, options = {}) {
      const keys = await keysOrNoLog(parts, ref, 'read')
      const entries = await readWhole(inner, ref, options)
      checkOrder(ref, entries, options.after ?? 0)
      return entries.map((entry) => openEntry(keys, ref, entry))
    },

    async loadSnapshot(ref, name) {
      const keys = await keysFor(parts, ref, 'read')
      const snapshot = keys === undefined ? undefined : await inner.loadSnapshot(ref, name)
      if (keys === undefined || snapshot === undefined) return undefined
      try {
        return openSnapshot(keys, ref, snapshot)
      } catch {
        // Derived data: never served when it fails, and built anew from its log, which is never rebuilt (SEAL-13).
        telemetry.count('recollect_snapshots_dropped_total')
        parts.onDroppedSnapshot(ref)
        return undefined
      }
    },

    async list(scope, kind, page) {
      const { items, ...rest } = await inner.list(scope, kind, page)
      const refs = items.map((item) => registerRef({ tenantId: scope.tenantId, ownerId: scope.ownerId, kind, logId: item.logId }))
      if (refs[0] === undefined) return { items: [], ...rest }
      const keys = await keysOrNoLog(parts, refs[0], 'read')
      const heads: (Head & { logId: string })[] = []
      for (const [i, item] of items.entries()) {
        const head = await listedHead(parts, keys, refs[i] as LogRef, item)
        if (head !== undefined) heads.push({ ...head, logId: item.logId })
      }
      return { items: heads, ...rest }
    },
  }
}

/** Nothing may mean the end, or a tail taken away underneath: the head tells. Then it is read again, since the log may have grown meanwhile. */
async function readWhole(inner: LogStore, ref: LogRef, options: ReadOptions): Promise<readonly StoredEntry[]> {
  const after = options.after ?? 0
  const entries = await inner.read(ref, options)
  if (entries.length > 0 || (options.upTo !== undefined && options.upTo <= after)) return entries
  const head = await inner.head(ref)
  if (head === undefined || head.version <= after) return entries
  const again = await inner.read(ref, options)
  if (again.length === 0) throw sealFailure(ref, 'is missing', { part: 'entry', seq: after + 1 })
  return again
}

/** A page may have been read before a write that we know of: the log is then looked at by itself. */
async function listedHead(parts: SealedLogsParts, keys: SealKeys, ref: LogRef, item: Head): Promise<Head | undefined> {
  const before = parts.memory.seen(ref)
  if (before === undefined || before.birth !== item.birth || item.revision >= before.revision) return clearHead(parts, keys, ref, item, undefined)
  const head = await parts.inner.head(ref)
  return head === undefined ? undefined : clearHead(parts, keys, ref, head, before)
}

function openSnapshot(keys: SealKeys, ref: LogRef, snapshot: Snapshot): Snapshot {
  const { name, upTo } = snapshot
  const count = snapshot.chunks.length
  const keyOf = (version: number) => keys.key(version)
  const chunks = snapshot.chunks.map((chunk, index) => openBody(keyOf, ref, { part: 'snapshot', name, upTo, index, count }, chunk).plain)
  return { name, upTo, chunks }
}
