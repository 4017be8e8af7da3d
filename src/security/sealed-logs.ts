// The calls on one log of a sealed store: bodies are sealed on the way in, and opened and checked on the way out (SEAL-6 to SEAL-13).
import type { Random } from '../core/ids.ts'
import { registerRef, type LogRef } from '../core/log-ref.ts'
import type { Appended, Entry, Head, HeadPatch, LogStore, Rewrite, Snapshot, StoredEntry } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { noLog, type HeadMemory, type OpenedHead, type Seen } from './head-memory.ts'
import type { KeyUse, SealKeys, SealingRing } from './owner-keys.ts'
import { checkedChanges, checkedChunks, checkedEntries, checkedHeadBody, checkedPatch } from './plain-bounds.ts'
import { openBody, sealBody, sealFailure } from './seal.ts'

/** The calls that carry bodies. */
export type LogCalls = Pick<LogStore, 'open' | 'head' | 'append' | 'read' | 'updateHead' | 'rewrite' | 'saveSnapshot' | 'loadSnapshot' | 'list'>

export interface SealedLogsParts {
  readonly inner: LogStore
  readonly ring: SealingRing
  readonly random: Random
  readonly memory: HeadMemory
  readonly telemetry: Telemetry
  /** Told of each snapshot that did not open and was dropped (SEAL-13). */
  readonly onDroppedSnapshot: (ref: LogRef, name: string) => void
}

const versionBytes = 8 // a sealed head body starts with the version its writer knew (SEAL-12 b)
const safeSeq = (value: number | undefined): number | undefined => (Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined)

function withVersion(version: number, body: Uint8Array): Uint8Array {
  const plain = new Uint8Array(versionBytes + body.length)
  new DataView(plain.buffer).setBigUint64(0, BigInt(version))
  plain.set(body, versionBytes)
  return plain
}

export function sealedLogs(parts: SealedLogsParts): LogCalls {
  const { inner, ring, random, memory, telemetry } = parts

  /** The owner's keys for a log that may or may not be there; none beside a log that is there is a fault, never an empty answer (SEAL-9). */
  async function keysFor(ref: LogRef, use: KeyUse): Promise<SealKeys | undefined> {
    const keys = await ring.sealKeys(ref, use)
    if (keys === undefined && (await inner.head(ref)) !== undefined) throw sealFailure(ref, 'has no key in the key store', { part: 'head' })
    return keys
  }
  async function mustHave(ref: LogRef, use: KeyUse): Promise<SealKeys> {
    const keys = await keysFor(ref, use)
    if (keys === undefined) throw noLog()
    return keys
  }

  const sealHead = (keys: SealKeys, ref: LogRef, at: number, version: number, body: Uint8Array) =>
    sealBody(keys.current(), ref, { part: 'head' }, at, withVersion(version, body), random)

  const sealEntry = (keys: SealKeys, ref: LogRef, id: string, at: number, body: Uint8Array) =>
    sealBody(keys.current(), ref, { part: 'entry', name: id }, at, body, random)

  function openHeadBody(keys: SealKeys, ref: LogRef, sealed: Uint8Array): OpenedHead {
    const kept = memory.opened(ref, sealed)
    if (kept !== undefined) return kept
    const { at, plain } = openBody((version) => keys.key(version), ref, { part: 'head' }, sealed)
    if (plain.length < versionBytes) throw sealFailure(ref, 'has no version', { part: 'head' })
    const version = Number(new DataView(plain.buffer, plain.byteOffset, plain.byteLength).getBigUint64(0))
    const opened = { at, version, plain: plain.subarray(versionBytes) }
    memory.keep(ref, sealed, opened)
    return opened
  }

  /** A head as the caller sees it: not older than what was seen before the call, its body opened, its clear numbers held against the sealed ones. */
  function clearHead<H extends Head>(keys: SealKeys, ref: LogRef, head: H, before: Seen | undefined): H {
    memory.check(ref, head, before)
    const { at, version, plain } = openHeadBody(keys, ref, head.body)
    if (at >= head.revision) throw sealFailure(ref, 'has a lower revision than its writer saw', { part: 'head' })
    if (head.version < version) throw sealFailure(ref, 'has a lower version than its writer saw', { part: 'head' })
    memory.note(ref, head)
    return { ...head, body: plain.slice() }
  }

  /** The version that belongs to `revision`, as far as it can be known without a lock. */
  async function versionAt(ref: LogRef, revision: number | undefined): Promise<number> {
    const seen = memory.seen(ref)
    if (seen !== undefined && seen.revision === revision) return seen.version
    return (await inner.head(ref))?.version ?? 0
  }

  async function sealPatch(keys: SealKeys, ref: LogRef, patch: HeadPatch, revision: number | undefined) {
    if (patch.body === undefined) return { patch, version: 0 }
    const version = await versionAt(ref, revision)
    return { patch: { ...patch, body: sealHead(keys, ref, safeSeq(revision) ?? 0, version, patch.body) }, version }
  }

  /**
   * A log that was deleted and made again by another process between our look and our write has lower numbers than the seal says.
   * The same text is then sealed anew with numbers that hold, so that no reader takes our own write for a rollback.
   */
  async function mendAppend(keys: SealKeys, ref: LogRef, entries: readonly Entry[], at: number, appended: Appended): Promise<Head> {
    const firstNew = appended.head.version - appended.added + 1
    if (appended.added === 0 || at < firstNew) return appended.head
    const late = new Map(
      entries
        .flatMap((entry, i) => (appended.seqs[i]! >= firstNew && appended.seqs[i]! <= at ? [[appended.seqs[i]!, entry] as const] : []))
        .reverse(),
    )
    await inner.rewrite(
      ref,
      [...late].map(([seq, entry]) => ({ seq, body: sealEntry(keys, ref, entry.id, 0, entry.body) })),
    )
    const head = await inner.head(ref)
    if (head === undefined) throw noLog()
    return head
  }
  async function mendHead(keys: SealKeys, ref: LogRef, body: Uint8Array | undefined, version: number, head: Head): Promise<Head> {
    if (body === undefined || head.version >= version) return head
    return inner.updateHead(ref, head.revision, { body: sealHead(keys, ref, head.revision, 0, body) })
  }

  function openEntry(keys: SealKeys, ref: LogRef, entry: StoredEntry): StoredEntry {
    if (entry.body.length === 0) return { seq: entry.seq, id: entry.id, body: new Uint8Array(0) }
    const { at, plain } = openBody((version) => keys.key(version), ref, { part: 'entry', name: entry.id }, entry.body, entry.seq)
    if (at >= entry.seq) throw sealFailure(ref, 'stands before what its writer had seen', { part: 'entry', seq: entry.seq })
    return { seq: entry.seq, id: entry.id, body: plain }
  }

  /** SEAL-12 c: the seqs follow on each other from the first that was asked for, and no id comes twice. */
  function checkOrder(ref: LogRef, entries: readonly StoredEntry[], after: number): void {
    const ids = new Set<string>()
    let seq = after
    for (const entry of entries) {
      if (entry.seq !== ++seq) throw sealFailure(ref, 'is missing', { part: 'entry', seq })
      if (ids.has(entry.id)) throw sealFailure(ref, 'has the id of another', { part: 'entry', seq })
      ids.add(entry.id)
    }
  }

  return {
    async open(ref, init) {
      const body = checkedHeadBody(init.body)
      const keys = await ring.sealKeys(ref, 'make')
      const before = memory.seen(ref)
      return clearHead(keys, ref, await inner.open(ref, { ...init, body: sealHead(keys, ref, 0, 0, body) }), before)
    },

    async head(ref) {
      const before = memory.seen(ref)
      const head = await inner.head(ref)
      if (head === undefined) return undefined
      const keys = await keysFor(ref, 'read')
      return keys === undefined ? undefined : clearHead(keys, ref, head, before)
    },

    async append(ref, given, options = {}) {
      const entries = checkedEntries(given)
      const change = options.head && checkedPatch(options.head)
      const keys = await mustHave(ref, 'write')
      const before = memory.seen(ref)
      const at = safeSeq(options.expectedVersion) ?? before?.version ?? (await inner.head(ref))?.version ?? 0
      const sealed = entries.map((entry) => ({ id: entry.id, body: sealEntry(keys, ref, entry.id, at, entry.body) }))
      const { patch, version } = await sealPatch(keys, ref, change ?? {}, change?.ifRevision)
      const appended = await inner.append(ref, sealed, change === undefined ? options : { ...options, head: patch })
      const mended = await mendAppend(keys, ref, entries, at, appended)
      const head = appended.added === 0 ? mended : await mendHead(keys, ref, change?.body, version, mended)
      return { ...appended, head: clearHead(keys, ref, head, before) }
    },

    async read(ref, options = {}) {
      const keys = await mustHave(ref, 'read')
      const after = options.after ?? 0
      let entries = await inner.read(ref, options)
      if (entries.length === 0 && (options.upTo === undefined || options.upTo > after)) {
        // Nothing may mean the end, or a tail taken away underneath: the head tells. Read again, since it may have grown meanwhile.
        const head = await inner.head(ref)
        if (head !== undefined && head.version > after) entries = await inner.read(ref, options)
        if (head !== undefined && head.version > after && entries.length === 0)
          throw sealFailure(ref, 'is missing', { part: 'entry', seq: after + 1 })
      }
      checkOrder(ref, entries, after)
      return entries.map((entry) => openEntry(keys, ref, entry))
    },

    async updateHead(ref, expectedRevision, given) {
      const change = checkedPatch(given)
      const keys = await mustHave(ref, 'write')
      const before = memory.seen(ref)
      const { patch, version } = await sealPatch(keys, ref, change, expectedRevision)
      const head = await mendHead(keys, ref, change.body, version, await inner.updateHead(ref, expectedRevision, patch))
      return clearHead(keys, ref, head, before)
    },

    async rewrite(ref, given) {
      const changes = checkedChanges(given)
      const keys = await mustHave(ref, 'write')
      const sealed: Rewrite[] = []
      for (const change of changes) sealed.push(change.body === undefined ? { seq: change.seq } : await resealed(keys, ref, change.seq, change.body))
      await inner.rewrite(ref, sealed)
    },

    async saveSnapshot(ref, snapshot, options) {
      const given = checkedChunks(snapshot.chunks)
      const keys = await mustHave(ref, 'write')
      const { name, upTo } = snapshot
      const count = given.length
      const at = safeSeq(upTo) ?? 0
      const chunks = given.map((chunk, index) => sealBody(keys.current(), ref, { part: 'snapshot', name, upTo: at, index, count }, at, chunk, random))
      await inner.saveSnapshot(ref, { name, upTo, chunks }, options)
    },

    async loadSnapshot(ref, name) {
      const keys = await keysFor(ref, 'read')
      if (keys === undefined) return undefined
      const snapshot = await inner.loadSnapshot(ref, name)
      if (snapshot === undefined) return undefined
      try {
        return openSnapshot(keys, ref, snapshot)
      } catch {
        // Derived data: never served when it fails, and built anew from its log, which is never rebuilt (SEAL-13).
        telemetry.count('recollect_snapshots_dropped_total')
        parts.onDroppedSnapshot(ref, name)
        return undefined
      }
    },

    async list(scope, kind, page) {
      const { items, cursor } = await inner.list(scope, kind, page)
      if (items.length === 0) return cursor === undefined ? { items } : { items, cursor }
      const refs = items.map((item) => registerRef({ tenantId: scope.tenantId, ownerId: scope.ownerId, kind, logId: item.logId }))
      const keys = await mustHave(refs[0]!, 'read')
      const heads: (Head & { logId: string })[] = []
      for (const [i, item] of items.entries()) {
        // A page may have been read before a write that we know of: the log is then looked at by itself.
        const before = memory.seen(refs[i]!)
        const stale = before !== undefined && before.birth === item.birth && item.revision < before.revision
        const head = stale ? await inner.head(refs[i]!) : item
        if (head !== undefined) heads.push({ ...clearHead(keys, refs[i]!, head, stale ? before : undefined), logId: item.logId })
      }
      return cursor === undefined ? { items: heads } : { items: heads, cursor }
    },
  }

  /** The new body under the id and `at` of the old one; what is not there or redacted is left to the store, which refuses it. */
  async function resealed(keys: SealKeys, ref: LogRef, seq: number, body: Uint8Array): Promise<Rewrite> {
    const [old] = safeSeq(seq) === undefined || seq < 1 ? [] : await inner.read(ref, { after: seq - 1, upTo: seq, limit: 1 })
    const at =
      old === undefined || old.body.length === 0
        ? 0
        : openBody((version) => keys.key(version), ref, { part: 'entry', name: old.id }, old.body, seq).at
    return { seq, body: sealEntry(keys, ref, old?.id ?? '', at, body) }
  }
}

function openSnapshot(keys: SealKeys, ref: LogRef, snapshot: Snapshot): Snapshot {
  const { name, upTo } = snapshot
  const count = snapshot.chunks.length
  const chunks = snapshot.chunks.map(
    (chunk, index) => openBody((version) => keys.key(version), ref, { part: 'snapshot', name, upTo, index, count }, chunk).plain,
  )
  return { name, upTo, chunks }
}
