// Writing a sealed log: each body is sealed for its place, with the version or revision that its writer has seen (SEAL-12).
import type { LogRef } from '../../core/log-ref.ts'
import type { Appended, Entry, Head, HeadPatch, LogStore, Rewrite } from '../../ports/log-store.ts'
import { noLog } from './head-memory.ts'
import type { SealKeys } from '../keys/owner-keys.ts'
import { checkedChanges, checkedChunks, checkedEntries, checkedHeadBody, checkedPatch } from './plain-bounds.ts'
import { openBody, sealBody } from './seal.ts'
import { clearHead, keysOrNoLog, sealEntry, sealHead, type SealedLogsParts } from './seal-bodies.ts'

// What is no seq is left to the store, which refuses it.
const safeSeq = (value: number | undefined): number | undefined => (Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined)

export function sealedWrites(parts: SealedLogsParts): Pick<LogStore, 'open' | 'append' | 'updateHead' | 'rewrite' | 'saveSnapshot'> {
  const { inner, ring, random, memory } = parts
  return {
    async open(ref, init) {
      const body = checkedHeadBody(init.body)
      const keys = await ring.sealKeys(ref, 'make')
      const before = memory.seen(ref)
      return clearHead(parts, keys, ref, await inner.open(ref, { ...init, body: sealHead(keys, ref, 0, 0, body, random) }), before)
    },

    async append(ref, given, options = {}) {
      const entries = checkedEntries(given)
      const change = options.head && checkedPatch(options.head)
      const keys = await keysOrNoLog(parts, ref, 'write')
      const before = memory.seen(ref)
      const at = safeSeq(options.expectedVersion) ?? before?.version ?? (await inner.head(ref))?.version ?? 0
      const sealed = entries.map((entry) => ({ id: entry.id, body: sealEntry(keys, ref, entry.id, at, entry.body, random) }))
      const { patch, version } = await sealPatch(parts, keys, ref, change ?? {}, change?.ifRevision)
      const appended = await inner.append(ref, sealed, change === undefined ? options : { ...options, head: patch })
      memory.check(ref, appended.head, before) // before anything is mended: a log put back is none made anew
      const mended = await mendAppend(parts, keys, ref, entries, at, appended)
      const head = appended.added === 0 ? mended : await mendHead(parts, keys, ref, change?.body, version, mended)
      return { ...appended, head: clearHead(parts, keys, ref, head, before) }
    },

    async updateHead(ref, expectedRevision, given) {
      const change = checkedPatch(given)
      const keys = await keysOrNoLog(parts, ref, 'write')
      const before = memory.seen(ref)
      const { patch, version } = await sealPatch(parts, keys, ref, change, expectedRevision)
      const updated = await inner.updateHead(ref, expectedRevision, patch)
      memory.check(ref, updated, before)
      const head = await mendHead(parts, keys, ref, change.body, version, updated)
      return clearHead(parts, keys, ref, head, before)
    },

    async rewrite(ref, given) {
      const changes = checkedChanges(given)
      const keys = await keysOrNoLog(parts, ref, 'write')
      const sealed: Rewrite[] = []
      for (const { seq, body } of changes) sealed.push(body === undefined ? { seq } : await resealed(parts, keys, ref, seq, body))
      await inner.rewrite(ref, sealed)
    },

    async saveSnapshot(ref, snapshot, options) {
      const plain = checkedChunks(snapshot.chunks)
      const keys = await keysOrNoLog(parts, ref, 'write')
      const { name, upTo } = snapshot
      const at = safeSeq(upTo) ?? 0
      const place = { part: 'snapshot', name, upTo: at, count: plain.length } as const
      const chunks = plain.map((chunk, index) => sealBody(keys.current(), ref, { ...place, index }, at, chunk, random))
      await inner.saveSnapshot(ref, { name, upTo, chunks }, options)
    },
  }
}

/** The version that belongs to `revision`, as far as it can be known without a lock. */
async function versionAt({ memory, inner }: SealedLogsParts, ref: LogRef, revision: number | undefined): Promise<number> {
  const seen = memory.seen(ref)
  if (seen !== undefined && seen.revision === revision) return seen.version
  return (await inner.head(ref))?.version ?? 0
}

async function sealPatch(parts: SealedLogsParts, keys: SealKeys, ref: LogRef, patch: HeadPatch, revision: number | undefined) {
  if (patch.body === undefined) return { patch, version: 0 }
  const version = await versionAt(parts, ref, revision)
  return { patch: { ...patch, body: sealHead(keys, ref, safeSeq(revision) ?? 0, version, patch.body, parts.random) }, version }
}

/**
 * A log that was deleted and made again by another process between our look and our write has lower numbers than the seal says.
 * The same text is then sealed anew with numbers that hold, so that no reader takes our own write for a rollback.
 */
async function mendAppend(
  { inner, random }: SealedLogsParts,
  keys: SealKeys,
  ref: LogRef,
  entries: readonly Entry[],
  at: number,
  { head, seqs, added }: Appended,
): Promise<Head> {
  const firstNew = head.version - added + 1
  if (added === 0 || at < firstNew) return head
  const late = new Map<number, Entry>() // of an id that comes twice, the first entry stands
  for (const [i, entry] of entries.entries()) {
    const seq = seqs[i] as number
    if (seq >= firstNew && seq <= at && !late.has(seq)) late.set(seq, entry)
  }
  await inner.rewrite(
    ref,
    Array.from(late, ([seq, { id, body }]) => ({ seq, body: sealEntry(keys, ref, id, 0, body, random) })),
  )
  const mended = await inner.head(ref)
  if (mended === undefined) throw noLog()
  return mended
}

async function mendHead(
  { inner, random }: SealedLogsParts,
  keys: SealKeys,
  ref: LogRef,
  body: Uint8Array | undefined,
  version: number,
  head: Head,
): Promise<Head> {
  if (body === undefined || head.version >= version) return head
  return inner.updateHead(ref, head.revision, { body: sealHead(keys, ref, head.revision, 0, body, random) })
}

/** The new body under the id and `at` of the old one; what is not there or redacted is left to the store, which refuses it. */
async function resealed({ inner, random }: SealedLogsParts, keys: SealKeys, ref: LogRef, seq: number, body: Uint8Array): Promise<Rewrite> {
  const [old] = safeSeq(seq) === undefined || seq < 1 ? [] : await inner.read(ref, { after: seq - 1, upTo: seq, limit: 1 })
  if (old === undefined || old.body.length === 0) return { seq, body: sealEntry(keys, ref, old?.id ?? '', 0, body, random) }
  const { at } = openBody((version) => keys.key(version), ref, { part: 'entry', name: old.id }, old.body, seq)
  return { seq, body: sealEntry(keys, ref, old.id, at, body, random) }
}
