// Snapshots: derived data in chunks, one row each, written and read in order (SQL-10, LOG-20, LOG-21).
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Fence, Snapshot } from '../../ports/log-store.ts'
import { aboveVersion, staleFence } from '../store-errors.ts'
import type { SqlRow } from './client.ts'
import { liveLog, type Tables } from './live-log.ts'
import { isHeld } from './leases.ts'
import { bytesOf, integerOf } from './rows.ts'
import type { Statements } from './statements.ts'
import type { Group, Writes } from './writes.ts'

/** Drops every snapshot of a log, the half-written ones too; gives the number of whole ones. */
export function dropSnapshots(statements: Statements, logKey: number): number {
  const rows = statements.snapshotsOf.all(logKey) as SqlRow[]
  for (const row of rows) dropSnapshot(statements, integerOf(row, 'key'))
  return rows.filter((row) => row['whole'] === 1).length
}

export function dropSnapshot(statements: Statements, key: number): void {
  statements.dropChunks.run(key)
  statements.dropSnapshot.run(key)
}

/**
 * Writes the chunks in groups, so that no commit grows without bound; what is half written is seen by nobody, and goes with the log,
 * with its snapshots, and with the next save of the name. The last group makes it whole and drops what had the name before.
 */
export async function saveSnapshot(tables: Tables, writes: Writes, ref: LogRef, snapshot: Snapshot, fence: Fence): Promise<void> {
  const parts = inParts(snapshot.chunks)
  let key = 0
  for (const [i, { from, chunks, bytes }] of parts.entries()) {
    await writes.add((group) => {
      if (i === 0) key = begin(tables, group, ref, snapshot, fence)
      else checkGoing(tables, key)
      chunks.forEach((chunk, j) => tables.statements.addChunk.run(key, from + j, chunk))
      if (i === parts.length - 1) finish(tables, group, ref, snapshot, fence, key)
    }, bytes)
  }
}

function begin(tables: Tables, group: Group, ref: LogRef, snapshot: Snapshot, fence: Fence): number {
  const log = checkedLog(tables, group, ref, snapshot, fence)
  const row = tables.statements.makeSnapshot.get(log.key, snapshot.name, snapshot.upTo, snapshot.chunks.length) as SqlRow
  return integerOf(row, 'key')
}

function finish(tables: Tables, group: Group, ref: LogRef, snapshot: Snapshot, fence: Fence, key: number): void {
  const log = checkedLog(tables, group, ref, snapshot, fence)
  for (const row of tables.statements.snapshotsNamed.all(log.key, snapshot.name) as SqlRow[]) {
    if (row['key'] !== key) dropSnapshot(tables.statements, integerOf(row, 'key'))
  }
  tables.statements.finishSnapshot.run(key)
}

function checkedLog(tables: Tables, group: Group, ref: LogRef, snapshot: Snapshot, fence: Fence) {
  const log = liveLog(tables, ref, group.now)
  if (!isHeld(tables.statements, ref, fence)) throw staleFence()
  if (snapshot.upTo > log.head.version) throw aboveVersion('upTo', snapshot.upTo, log.head.version)
  return log
}

/** A redaction, a deletion or another save may have dropped what was begun. */
function checkGoing({ statements }: Tables, key: number): void {
  if (statements.snapshotByKey.get(key) === undefined) throw overtaken()
}

const overtaken = () =>
  new RecollectError('conflict', 'the log was changed while its snapshot was written', 'Make the snapshot anew from the log, if it is still wanted.')

function inParts(chunks: readonly Uint8Array[]): { from: number; chunks: Uint8Array[]; bytes: number }[] {
  const parts = [{ from: 0, chunks: [] as Uint8Array[], bytes: 0 }]
  for (const [i, chunk] of chunks.entries()) {
    let part = parts.at(-1) as (typeof parts)[0]
    if (part.bytes > 0 && part.bytes + chunk.length > limits.appendBytes) {
      part = { from: i, chunks: [], bytes: 0 }
      parts.push(part)
    }
    part.chunks.push(chunk)
    part.bytes += chunk.length
  }
  return parts
}

/** The snapshot, undefined if there is none, or the key of one that lacks a chunk. Under a read transaction. */
export function loadSnapshot(statements: Statements, logKey: number, name: string): Snapshot | { readonly broken: number } | undefined {
  const row = statements.snapshotOf.get(logKey, name) as SqlRow | undefined
  if (row === undefined) return undefined
  const [key, count] = [integerOf(row, 'key'), integerOf(row, 'chunks')]
  const rows = statements.chunksOf.all(key) as SqlRow[]
  if (rows.length !== count || rows.some((chunk, i) => chunk['place'] !== i)) return { broken: key }
  return { name, upTo: integerOf(row, 'up_to'), chunks: rows.map((chunk) => bytesOf(chunk, 'body')) }
}
