// Append, read, rewrite: the entries of one log (LOG-12 to LOG-19).
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { AppendOptions, Appended, Entry, Head, HeadPatch, Rewrite, StoredEntry } from '../../ports/log-store.ts'
import { aboveVersion, alreadyRedacted, damaged, otherRevision, otherVersion, staleFence } from '../store-errors.ts'
import type { SqlRow } from './client.ts'
import { nextMark, withExpiry } from './expiry.ts'
import type { KnownLog } from './known-logs.ts'
import { isHeld } from './leases.ts'
import { liveLog, type Tables } from './live-log.ts'
import { bytesOf, givenOut, integerOf, textOf } from './rows.ts'
import { dropSnapshots } from './snapshots.ts'
import type { Statements } from './statements.ts'
import type { Job } from './writes.ts'

export function checkRevision(head: Head, given: number | undefined): void {
  if (given !== undefined && given !== head.revision) throw otherRevision(given, head.revision)
}

export const append =
  (tables: Tables, ref: LogRef, entries: readonly Entry[], options: AppendOptions): Job<Appended> =>
  (group) => {
    const log = liveLog(tables, ref, group.now)
    const ids = tables.logs.idsOf(log)
    const fresh = new Map<string, Entry>()
    for (const entry of entries) if (!ids.has(entry.id) && !fresh.has(entry.id)) fresh.set(entry.id, entry)
    if (fresh.size > 0) {
      checkAppend(tables, ref, log.head, options)
      let seq = log.head.version
      let bytes = 0
      for (const { id, body } of fresh.values()) {
        tables.statements.addEntry.run(log.key, ++seq, id, body)
        ids.set(id, seq)
        bytes += body.length
      }
      const grown = { ...log.head, version: seq, entries: log.head.entries + fresh.size, bytes: log.head.bytes + bytes }
      group.save(log, patched(tables, log, grown, options.head ?? {}, group.now))
    }
    const seqs = entries.map(({ id }) => ids.get(id) as number)
    return { head: givenOut(log.head), seqs, added: fresh.size }
  }

function checkAppend({ statements }: Tables, ref: LogRef, head: Head, { fence, expectedVersion, head: patch }: AppendOptions): void {
  if (fence !== undefined && !isHeld(statements, ref, fence)) throw staleFence()
  if (expectedVersion !== undefined && expectedVersion !== head.version) throw otherVersion(expectedVersion, head.version)
  checkRevision(head, patch?.ifRevision)
}

/** The changed head with its patch, its revision and its time; the indexed mark is written where it moves. */
export function patched({ statements }: Tables, log: KnownLog, changed: Head, patch: HeadPatch, now: number): Head {
  const head = withExpiry(changed, patch.expires, now)
  if (patch.expires !== undefined) {
    const mark = nextMark(log.expiryMark, head.expiresAt, patch.expires, now)
    if (mark !== log.expiryMark) statements.saveMark.run(mark ?? null, log.key)
    log.expiryMark = mark
  }
  return { ...head, body: patch.body ?? head.body, revision: head.revision + 1, updatedAt: Math.max(now, head.updatedAt) }
}

/** Entries with `after < seq ≤ upTo`: the first `limit`, fewer where 16 MiB are full. Under a read transaction. */
export function read({ statements }: Tables, log: KnownLog, after: number, upTo: number, limit: number): StoredEntry[] {
  const asked = Math.min(upTo, log.head.version, after + limit)
  if (asked <= after) return []
  const last = log.head.bytes <= limits.readBytes ? asked : after + fitting(statements.sizesIn.all(log.key, after, asked) as SqlRow[])
  const rows = statements.entriesIn.all(log.key, after, last) as SqlRow[]
  const entries = rows.map((row) => ({ seq: integerOf(row, 'seq'), id: textOf(row, 'id'), body: bytesOf(row, 'body') }))
  entries.forEach(({ seq }, i) => {
    if (seq !== after + 1 + i) throw damaged(`entry ${after + 1 + i} of a log is missing`)
  })
  if (entries.length !== last - after) throw damaged(`entry ${after + 1 + entries.length} of a log is missing`)
  return entries
}

/** How many bodies from the front stay under the bytes of one read; at least one. */
function fitting(sizes: readonly SqlRow[]): number {
  let bytes = 0
  for (const [i, row] of sizes.entries()) {
    bytes += integerOf(row, 'size')
    if (bytes > limits.readBytes) return Math.max(i, 1)
  }
  return Math.max(sizes.length, 1)
}

/** Redacts and replaces; true if a body changed. All is checked before the first is written. */
export const rewrite =
  (tables: Tables, ref: LogRef, changes: readonly Rewrite[]): Job<boolean> =>
  (group) => {
    const { statements } = tables
    const log = liveLog(tables, ref, group.now)
    const sizes = sizesOf(statements, log, changes)
    const due = changes.filter(({ seq, body }) => body !== undefined || sizes.get(seq) !== 0)
    if (due.some(({ seq }) => sizes.get(seq) === 0)) throw alreadyRedacted()
    if (due.length === 0) return false
    let { entries, bytes } = log.head
    for (const { seq, body } of due) {
      if (body === undefined) statements.redactBody.run(log.key, seq)
      else statements.setBody.run(body, log.key, seq)
      entries -= body === undefined ? 1 : 0
      bytes += (body?.length ?? 0) - (sizes.get(seq) as number)
    }
    if (due.some(({ body }) => body === undefined)) dropSnapshots(statements, log.key)
    const changed = { ...log.head, entries, bytes, rewrites: log.head.rewrites + due.length }
    group.save(log, patched(tables, log, changed, {}, group.now))
    return true
  }

function sizesOf(statements: Statements, log: KnownLog, changes: readonly Rewrite[]): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const { seq } of changes) {
    if (seq > log.head.version) throw aboveVersion('seq', seq, log.head.version)
    const row = statements.sizeAt.get(log.key, seq) as SqlRow | undefined
    if (row === undefined) throw damaged(`entry ${seq} of a log is missing`)
    sizes.set(seq, integerOf(row, 'size'))
  }
  return sizes
}
