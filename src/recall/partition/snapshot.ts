// A partition as a snapshot of its log: a table of contents and the bytes of its columns, in chunks (PART-4). It never changes a result; what does not fit is built anew.
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Head, LogStore, Snapshot } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { Columns } from './columns.ts'
import { strideOf } from '../kernel/kernel.ts'
import { createPartition, freePartition, type Partition, type PartitionTools } from './partition.ts'
import { countRows, type RecordChange } from './row-table.ts'
import { weightsVersion } from '../weights.ts'

const format = 1
export const snapshotName = `partition/${format}`

interface Contents {
  readonly format: number
  readonly weights: number
  readonly birth: number
  readonly model: string | undefined
  readonly upTo: number
  readonly pieces: readonly { readonly name: string; readonly bytes: number; readonly rows: number }[]
  readonly sessions: readonly string[]
  readonly speakers: readonly string[]
  readonly threads: readonly (readonly string[])[]
  readonly suppressed: readonly string[]
  readonly tombstoned: readonly number[]
  readonly changes: readonly (readonly [number, RecordChange])[]
}

/** What the columns of a partition are called in its snapshot. */
function columnsOf({ rows, groups }: Partition): [string, Columns<Record<string, never>>][] {
  const all: [string, unknown][] = [['rows', rows.rows]]
  for (const [i, group] of groups.entries()) {
    all.push([`${i}.units`, group.units], [`${i}.messages`, group.messages], [`${i}.threads`, group.threads])
    for (const [j, index] of group.indexes.entries()) {
      const { dictionary } = index
      all.push([`${i}.${j}.terms`, index.terms], [`${i}.${j}.postings`, index.postings])
      all.push([`${i}.${j}.names`, dictionary.terms], [`${i}.${j}.text`, dictionary.text])
    }
  }
  return all as [string, Columns<Record<string, never>>][]
}

/** The partition as chunks; its tails are merged first. */
export function snapshotOf(partition: Partition, birth: number): Snapshot {
  const { rows, groups, tools } = partition
  for (const group of groups) group.merge()
  const pieces: { name: string; bytes: Uint8Array; rows: number }[] = [{ name: 'block', bytes: rows.block.dump(), rows: 0 }]
  for (const [name, columns] of columnsOf(partition))
    for (const column of columns.dump()) pieces.push({ name: `${name}.${column.name}`, bytes: column.bytes, rows: columns.length })
  for (const [i, group] of groups.entries()) {
    const { arena } = tools.kernel
    const count = group.units.length
    pieces.push({
      name: `${i}.vectors`,
      bytes: arena.bytes(group.memory.vectors.pointer, count * strideOf(tools.model?.dimensions ?? 1)),
      rows: count,
    })
    pieces.push({ name: `${i}.scales`, bytes: arena.bytes(group.memory.scales.pointer, 4 * count), rows: count })
  }
  const contents: Contents = {
    format,
    weights: weightsVersion,
    birth,
    model: tools.model?.id,
    upTo: rows.upTo,
    pieces: pieces.map(({ name, bytes, rows: count }) => ({ name, bytes: bytes.length, rows: count })),
    sessions: rows.sessions.list,
    speakers: rows.speakers.list,
    threads: groups.map((group) => group.threadNames.list),
    suppressed: [...rows.suppressed],
    tombstoned: [...rows.tombstoned],
    changes: [...rows.changes],
  }
  const table = Buffer.from(JSON.stringify(contents))
  const size = Buffer.alloc(8)
  size.writeUInt32LE(table.length)
  return {
    name: snapshotName,
    upTo: rows.upTo,
    chunks: cut([size, table, ...pieces.map(({ bytes }) => bytes)].flatMap((part) => [part, padding.subarray(0, padded(part.length) - part.length)])),
  }
}

/** Each piece begins at a multiple of 8, so that a column is read where it lies. */
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8
const padding = Buffer.alloc(8)

function cut(parts: readonly Uint8Array[]): Uint8Array[] {
  const whole = Buffer.concat(parts)
  const chunks: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += limits.partitionChunkBytes) chunks.push(whole.subarray(at, at + limits.partitionChunkBytes))
  return chunks
}

/** The partition of the newest snapshot, or `undefined`: none, damaged, of another format, embedder, weights or log. Those are counted, and built anew. */
export async function loadPartition(
  { memories, telemetry, tools }: { readonly memories: LogStore; readonly telemetry: Telemetry; readonly tools: PartitionTools },
  ref: LogRef,
  head: Head,
): Promise<Partition | undefined> {
  const snapshot = await memories.loadSnapshot(ref, snapshotName)
  if (snapshot === undefined || snapshot.upTo > head.version) return undefined
  const partition = createPartition(tools)
  if (restore(partition, snapshot, head.birth)) return partition
  freePartition(partition)
  telemetry.count('recollect_snapshots_dropped_total')
  return undefined
}

function restore(partition: Partition, snapshot: Snapshot, birth: number): boolean {
  const whole = joined(snapshot.chunks)
  const contents = contentsOf(whole)
  const { tools, rows, groups } = partition
  if (contents === undefined || contents.format !== format || contents.weights !== weightsVersion || contents.birth !== birth) return false
  if (contents.model !== tools.model?.id || contents.upTo !== snapshot.upTo) return false
  const places = new Map<string, { bytes: Uint8Array; rows: number }>()
  let at = 8 + padded(whole.readUInt32LE(0))
  for (const piece of contents.pieces) {
    places.set(piece.name, { bytes: whole.subarray(at, at + piece.bytes), rows: piece.rows })
    at += padded(piece.bytes)
  }
  if (at !== whole.length) return false
  const columns = columnsOf(partition)
  const fits = (name: string, width: number) => {
    const place = places.get(name)
    return place !== undefined && place.bytes.length === width * place.rows
  }
  if (!columns.every(([name, one]) => one.dump().every((column) => fits(`${name}.${column.name}`, column.width)))) return false
  for (const [name, one] of columns) {
    const first = one.dump()[0]!
    one.load(places.get(`${name}.${first.name}`)!.rows, (column) => places.get(`${name}.${column}`)!.bytes)
  }
  rows.upTo = contents.upTo
  for (const name of contents.sessions) rows.sessions.list.push(name)
  for (const name of contents.speakers) rows.speakers.list.push(name)
  for (const hash of contents.suppressed) rows.suppressed.add(hash)
  for (const seq of contents.tombstoned) rows.tombstoned.add(seq)
  for (const [row, change] of contents.changes) rows.changes.set(row, change)
  rows.block.load(places.get('block')!.bytes)
  countRows(rows)
  for (const [i, group] of groups.entries()) {
    for (const name of contents.threads[i]!) group.threadNames.list.push(name)
    group.restore()
    group.makeRoom()
    const { arena } = tools.kernel
    const vectors = places.get(`${i}.vectors`)!.bytes
    arena.bytes(group.memory.vectors.pointer, vectors.length).set(vectors)
    const scales = places.get(`${i}.scales`)!.bytes
    arena.bytes(group.memory.scales.pointer, scales.length).set(scales)
  }
  partition.indexed = rows.rows.length
  return true
}

/** In a buffer of its own: the pool that Buffer.concat may use is aligned for nobody. */
function joined(chunks: readonly Uint8Array[]): Buffer {
  const whole = Buffer.from(new ArrayBuffer(chunks.reduce((sum, chunk) => sum + chunk.length, 0)))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

function contentsOf(whole: Buffer): Contents | undefined {
  if (whole.length < 8 || 8 + whole.readUInt32LE(0) > whole.length) return undefined
  try {
    return JSON.parse(whole.toString('utf8', 8, 8 + whole.readUInt32LE(0))) as Contents
  } catch {
    return undefined // an older shape: built anew from the log
  }
}
