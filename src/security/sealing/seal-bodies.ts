// Entries and head bodies as they lie in a sealed store, with the numbers that show a rollback (SEAL-12), and the keys to open them.
import type { Random } from '../../core/ids.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Head, LogStore, StoredEntry } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { noLog, type HeadMemory, type OpenedHead, type Seen } from './head-memory.ts'
import type { KeyUse, SealKeys, SealingRing } from '../keys/owner-keys.ts'
import { openBody, sealBody, sealFailure } from './seal.ts'

export interface SealedLogsParts {
  readonly inner: LogStore
  readonly ring: SealingRing
  readonly random: Random
  readonly memory: HeadMemory
  readonly telemetry: Telemetry
  /** Told of each snapshot that did not open and was dropped (SEAL-13). */
  readonly onDroppedSnapshot: (ref: LogRef) => void
}

const versionBytes = 8 // a sealed head body starts with the version its writer knew (SEAL-12 b)

/** The owner's keys for a log that may or may not be there; none beside a log that is there is a fault, never an empty answer (SEAL-9). */
export async function keysFor({ ring, inner }: SealedLogsParts, ref: LogRef, use: KeyUse): Promise<SealKeys | undefined> {
  const keys = await ring.sealKeys(ref, use)
  if (keys === undefined && (await inner.head(ref)) !== undefined) throw sealFailure(ref, 'has no key in the key store', { part: 'head' })
  return keys
}

/** @throws `not_found` without a log */
export async function keysOrNoLog(parts: SealedLogsParts, ref: LogRef, use: KeyUse): Promise<SealKeys> {
  const keys = await keysFor(parts, ref, use)
  if (keys === undefined) throw noLog()
  return keys
}

export const sealEntry = (keys: SealKeys, ref: LogRef, id: string, at: number, body: Uint8Array, random: Random): Uint8Array =>
  sealBody(keys.current(), ref, { part: 'entry', name: id }, at, body, random)

/** `at`: the revision, `version`: the version that the writer has seen. */
export function sealHead(keys: SealKeys, ref: LogRef, at: number, version: number, body: Uint8Array, random: Random): Uint8Array {
  const plain = new Uint8Array(versionBytes + body.length)
  new DataView(plain.buffer).setBigUint64(0, BigInt(version))
  plain.set(body, versionBytes)
  return sealBody(keys.current(), ref, { part: 'head' }, at, plain, random)
}

export function openEntry(keys: SealKeys, ref: LogRef, entry: StoredEntry): StoredEntry {
  if (entry.body.length === 0) return { seq: entry.seq, id: entry.id, body: new Uint8Array(0) } // redacted
  const { at, plain } = openBody((version) => keys.key(version), ref, { part: 'entry', name: entry.id }, entry.body, entry.seq)
  if (at >= entry.seq) throw sealFailure(ref, 'stands before what its writer had seen', { part: 'entry', seq: entry.seq })
  return { seq: entry.seq, id: entry.id, body: plain }
}

/** The seqs follow on each other from the first that was asked for, and no id comes twice (SEAL-12 c). */
export function checkOrder(ref: LogRef, entries: readonly StoredEntry[], after: number): void {
  const ids = new Set<string>()
  let seq = after
  for (const entry of entries) {
    if (entry.seq !== ++seq) throw sealFailure(ref, 'is missing', { part: 'entry', seq })
    if (ids.has(entry.id)) throw sealFailure(ref, 'has the id of another', { part: 'entry', seq })
    ids.add(entry.id)
  }
}

function openHead(keys: SealKeys, ref: LogRef, sealed: Uint8Array, memory: HeadMemory): OpenedHead {
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
export function clearHead<H extends Head>({ memory }: SealedLogsParts, keys: SealKeys, ref: LogRef, head: H, before: Seen | undefined): H {
  memory.check(ref, head, before)
  const { at, version, plain } = openHead(keys, ref, head.body, memory)
  if (at >= head.revision) throw sealFailure(ref, 'has a lower revision than its writer saw', { part: 'head' })
  if (head.version < version) throw sealFailure(ref, 'has a lower version than its writer saw', { part: 'head' })
  memory.note(ref, head)
  return { ...head, body: plain.slice() }
}
