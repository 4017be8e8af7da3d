// One log in memory: its head, its entries, the ids it has seen, its snapshots; and every change to it, in one step each.
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { AppendOptions, Entry, Expires, Head, HeadPatch, Init, ReadOptions, Rewrite, Snapshot, StoredEntry } from '../../ports/log-store.ts'
import { aboveVersion, alreadyRedacted, inTheFuture, otherRevision, otherVersion } from '../store-errors.ts'
import { expiryOf } from '../store-time.ts'

export interface MemoryLog {
  readonly ref: LogRef
  head: Head
  readonly entries: StoredEntry[] // seq n stands at n − 1
  readonly seqOf: Map<string, number> // every id ever seen, also of what was redacted (LOG-13)
  readonly snapshots: Map<string, Snapshot>
  /** What the rows of entries take beside their bodies; what the snapshots take. */
  rowBytes: number
  snapshotBytes: number
}

export function madeLog(ref: LogRef, init: Init, now: number, birth: number): MemoryLog {
  if ((init.createdAt ?? now) > now) throw inTheFuture()
  const { tenantId, ownerId, kind, logId } = ref
  const head: Head = {
    version: 0,
    revision: init.revision ?? 1,
    birth,
    rewrites: 0,
    createdAt: init.createdAt ?? now,
    updatedAt: now,
    entries: 0,
    bytes: 0,
    body: init.body.slice(),
  }
  return {
    ref: Object.freeze({ tenantId, ownerId, kind, logId }), // listings give it out
    head: withExpiry(head, init.expires, now),
    entries: [],
    seqOf: new Map(),
    snapshots: new Map(),
    rowBytes: 0,
    snapshotBytes: 0,
  }
}

export const isOver = (log: MemoryLog, now: number): boolean => log.head.expiresAt !== undefined && now >= log.head.expiresAt

/** A copy that shares no memory with the log (LOG-2). */
export const copyOfHead = (log: MemoryLog): Head => ({ ...log.head, body: log.head.body.slice() })

export const copyOfSnapshot = ({ name, upTo, chunks }: Snapshot): Snapshot => ({ name, upTo, chunks: chunks.map((chunk) => chunk.slice()) })

/** The entries whose ids the log has not seen; within one call the first of an id stands (LOG-12). */
export function newEntries(log: MemoryLog, entries: readonly Entry[]): Entry[] {
  const seen = new Set<string>()
  return entries.filter((entry) => {
    if (log.seqOf.has(entry.id) || seen.has(entry.id)) return false
    seen.add(entry.id)
    return true
  })
}

/** After ids and fence: the version, then the revision (LOG-12). */
export function checkAppend(log: MemoryLog, options: AppendOptions): void {
  const { version, revision } = log.head
  if (options.expectedVersion !== undefined && options.expectedVersion !== version) throw otherVersion(options.expectedVersion, version)
  const ifRevision = options.head?.ifRevision
  if (ifRevision !== undefined && ifRevision !== revision) throw otherRevision(ifRevision, revision)
}

export function addEntries(log: MemoryLog, added: readonly Entry[], patch: HeadPatch, now: number): void {
  let { version, bytes } = log.head
  for (const entry of added) {
    log.entries.push({ seq: ++version, id: entry.id, body: entry.body.slice() })
    log.seqOf.set(entry.id, version)
    bytes += entry.body.length
    log.rowBytes += rowSize(entry)
  }
  changeHead(log, { version, bytes, entries: log.head.entries + added.length }, patch, now)
}

export function swapHead(log: MemoryLog, expectedRevision: number, patch: HeadPatch, now: number): void {
  if (expectedRevision !== log.head.revision) throw otherRevision(expectedRevision, log.head.revision)
  changeHead(log, {}, patch, now)
}

/** Ascending from the front, up to the limit and 16 MiB, and never nothing where there is something (LOG-17). */
export function entriesOf(log: MemoryLog, options: ReadOptions): StoredEntry[] {
  const after = options.after ?? 0
  const upTo = Math.min(options.upTo ?? log.head.version, log.head.version)
  const out: StoredEntry[] = []
  let bytes = 0
  for (const entry of log.entries.slice(after, Math.max(after, Math.min(upTo, after + (options.limit ?? limits.readEntries))))) {
    bytes += entry.body.length
    if (bytes > limits.readBytes && out.length > 0) break
    out.push({ ...entry, body: entry.body.slice() })
  }
  return out
}

/** What a rewrite would change: a redacted entry is left alone by a redaction, and refused to a replacement (LOG-19). */
export function plannedChanges(log: MemoryLog, changes: readonly Rewrite[]): Rewrite[] {
  return changes.filter(({ seq, body }) => {
    const entry = log.entries[seq - 1]
    if (entry === undefined) throw aboveVersion('seq', seq, log.head.version)
    if (entry.body.length > 0) return true
    if (body !== undefined) throw alreadyRedacted()
    return false
  })
}

export function rewriteEntries(log: MemoryLog, changes: readonly Rewrite[], now: number): void {
  let { entries, bytes } = log.head
  for (const { seq, body } of changes) {
    const old = log.entries[seq - 1] as StoredEntry
    log.entries[seq - 1] = { seq, id: old.id, body: body?.slice() ?? new Uint8Array(0) }
    bytes += (body?.length ?? 0) - old.body.length
    if (body === undefined) entries--
  }
  if (changes.some((change) => change.body === undefined)) {
    log.snapshots.clear()
    log.snapshotBytes = 0
  }
  changeHead(log, { entries, bytes, rewrites: log.head.rewrites + changes.length }, {}, now)
}

export function keepSnapshot(log: MemoryLog, snapshot: Snapshot): void {
  log.snapshotBytes += snapshotSize(snapshot) - snapshotSize(log.snapshots.get(snapshot.name))
  log.snapshots.set(snapshot.name, copyOfSnapshot(snapshot))
}

export const rowSize = ({ id }: { readonly id: string }): number => limits.memoryRowBytes + id.length

export const snapshotSize = (snapshot: Snapshot | undefined): number =>
  snapshot === undefined ? 0 : snapshot.chunks.reduce((sum, chunk) => sum + limits.memoryRowBytes + chunk.length, snapshot.name.length)

export const sizeOf = ({ ref, head, rowBytes, snapshotBytes }: MemoryLog): number =>
  limits.memoryRowBytes + ref.tenantId.length + ref.ownerId.length + ref.logId.length + head.body.length + head.bytes + rowBytes + snapshotBytes

// LOG-9: every change is one revision, and updatedAt never goes back.
function changeHead(log: MemoryLog, numbers: Partial<Pick<Head, 'version' | 'entries' | 'bytes' | 'rewrites'>>, patch: HeadPatch, now: number): void {
  const changed: Head = { ...log.head, ...numbers, revision: log.head.revision + 1, updatedAt: Math.max(log.head.updatedAt, now) }
  log.head = withExpiry(patch.body === undefined ? changed : { ...changed, body: patch.body.slice() }, patch.expires, now)
}

function withExpiry(head: Head, expires: Expires | undefined, now: number): Head {
  if (expires === undefined) return head
  const { expiresAt: _, ...rest } = head
  const expiresAt = expiryOf(expires, now)
  return expiresAt === undefined ? rest : { ...rest, expiresAt }
}
