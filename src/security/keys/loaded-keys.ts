// An owner's keys in memory: fetched and unwrapped from the key log, kept for a while, checked by the log's head at each call (SEAL-16).
import { createSecretKey, type KeyObject } from 'node:crypto'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { refKey, refOf, type LogRef } from '../../core/log-ref.ts'
import { sameOwner, type Mint, type Owner } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KeyProvider } from '../../ports/key-provider.ts'
import type { Head, LogStore, StoredEntry } from '../../ports/log-store.ts'
import { boundedMap, type BoundedMap } from '../bounded-map.ts'
import { derivedKey, ownerKeysFrom, type SubjectPurpose } from './derive.ts'
import { foldKeyLog, keyEntry, type WrappedDataKey } from './key-log.ts'
import type { OwnerKeys } from './owner-keys.ts'
import { reserved } from '../reserved.ts'

export interface KeyParts {
  readonly store: LogStore
  readonly provider: KeyProvider
  readonly clock: Clock
  readonly random: Random
  readonly mint: Mint
}

/** What the parts of the key ring share. */
export interface KeyShelf extends KeyParts {
  readonly cache: BoundedMap<LoadedKeys>
  readonly loading: Map<string, Promise<LoadedKeys | undefined>>
  readonly refs: BoundedMap<LogRef>
}

export interface LoadedKeys {
  readonly owner: Owner
  readonly ref: LogRef
  readonly birth: number
  readonly revision: number
  readonly version: number
  readonly loadedAt: number
  readonly subject: KeyObject
  readonly ownerKeys: OwnerKeys
  readonly subjectKeys: Map<SubjectPurpose, KeyObject> // those that were asked for: deriving one costs more than a MAC with it
  readonly data: ReadonlyMap<number, { readonly raw: KeyObject; readonly seal: KeyObject }>
  readonly current: number
  readonly currentSince: number
}

const keyBytes = 32

export const closedError = (): RecollectError =>
  new RecollectError('not_found', 'this owner is being erased', 'Wait until the erasure is done; the name may then start anew.')

const lost = (what: string) =>
  new RecollectError(
    'integrity_failure',
    `a key log ${what}`,
    'Restore the key store from a backup; without its keys the data cannot be read. Nothing was deleted.',
  )

export const keyShelf = (parts: KeyParts): KeyShelf => ({
  ...parts,
  cache: boundedMap(limits.keysCached),
  loading: new Map(),
  refs: boundedMap(limits.keysCached),
})

/** The address of an owner's key log. Making one checks its names, so it is kept: this stands on every call. */
export function keyLogOf({ refs, mint }: KeyShelf, owner: Owner): LogRef {
  const name = `${owner.tenantId.length}:${owner.tenantId}${owner.ownerId}`
  const known = refs.get(name)
  if (known !== undefined) return known
  const ref = refOf(mint(owner.tenantId, reserved.keys), 'key', owner.ownerId)
  refs.set(name, ref)
  return ref
}

/** @throws `integrity_failure` if the log does not end where it could: a key log has a few entries a year */
export async function readKeyLog(store: LogStore, ref: LogRef): Promise<readonly StoredEntry[]> {
  const all: StoredEntry[] = []
  while (all.length < limits.keyLogEntries) {
    const page = await store.read(ref, { after: all.length })
    if (page.length === 0) return all
    all.push(...page)
  }
  throw lost(`holds over ${limits.keyLogEntries} entries`)
}

export async function unwrapped(provider: KeyProvider, { tenantId, ownerId }: Owner, wrap: WrappedDataKey): Promise<KeyObject> {
  const bytes = await provider.unwrap(wrap.wrapped, { tenantId, ownerId, purpose: wrap.purpose, version: wrap.version })
  if (bytes.length !== keyBytes) throw lost('holds a key of the wrong length')
  const key = createSecretKey(bytes)
  bytes.fill(0) // the KeyObject holds its own copy (SEAL-16)
  return key
}

async function newKey(shelf: KeyShelf, { tenantId, ownerId }: Owner, purpose: WrappedDataKey['purpose'], version: number): Promise<WrappedDataKey> {
  const key = shelf.random(keyBytes)
  const wrapped = await shelf.provider.wrap(key, { tenantId, ownerId, purpose, version })
  key.fill(0)
  return { purpose, version, createdAt: shelf.clock.now(), wrapped }
}

/** Who loses the race finds the winner's keys when it loads (SEAL-17). */
async function append(store: LogStore, ref: LogRef, keys: readonly WrappedDataKey[], expectedVersion: number): Promise<void> {
  try {
    await store.append(ref, keys.map(keyEntry), { expectedVersion })
  } catch (error) {
    if (!isRecollectError(error, 'conflict')) throw error
  }
}

/** The first two keys in one append, so that there is never one without the other. */
async function makeFirst(shelf: KeyShelf, owner: Owner, ref: LogRef): Promise<void> {
  await shelf.store.open(ref, { body: new Uint8Array(0), expires: 'never' })
  const first = [await newKey(shelf, owner, 'subject-key', 1), await newKey(shelf, owner, 'data-key', 1)]
  await append(shelf.store, ref, first, 0)
}

/** @throws `not_found` if the log is closed · `integrity_failure` if a key is missing or does not unwrap · `unavailable` */
async function load(shelf: KeyShelf, { tenantId, ownerId }: Owner, ref: LogRef, head: Head): Promise<LoadedKeys> {
  const owner = { tenantId, ownerId }
  const log = foldKeyLog(await readKeyLog(shelf.store, ref))
  if (log.closed !== undefined) throw closedError()
  const newest = log.data.at(-1)
  if (log.subject === undefined || newest === undefined) throw lost('has lost a key')
  const subject = await unwrapped(shelf.provider, owner, log.subject)
  const data = new Map<number, { raw: KeyObject; seal: KeyObject }>()
  for (const wrap of log.data) {
    const raw = await unwrapped(shelf.provider, owner, wrap)
    data.set(wrap.version, { raw, seal: derivedKey(raw, 'seal') })
  }
  const { birth, revision, version } = head
  const times = { loadedAt: shelf.clock.now(), current: newest.version, currentSince: newest.createdAt }
  const loaded = { owner, ref, birth, revision, version, subject, ownerKeys: ownerKeysFrom(subject), subjectKeys: new Map(), data, ...times }
  shelf.cache.set(refKey(ref), loaded)
  return loaded
}

const isFresh = (keys: LoadedKeys, owner: Owner, head: Head, now: number): boolean =>
  keys.birth === head.birth && keys.revision === head.revision && now - keys.loadedAt < limits.keyCachedMs && sameOwner(keys.owner, owner)

/** The keys by one look at the key log's head; undefined if the owner has none and none are to be made. @throws as `load` */
export async function keysOf(shelf: KeyShelf, owner: Owner, make: boolean): Promise<LoadedKeys | undefined> {
  const ref = keyLogOf(shelf, owner)
  const key = refKey(ref)
  const head = await shelf.store.head(ref) // the one check a call (SEAL-16)
  const cached = shelf.cache.get(key)
  if (head !== undefined && cached !== undefined && isFresh(cached, owner, head, shelf.clock.now())) return cached
  if (head === undefined && !make) {
    shelf.cache.delete(key)
    return undefined
  }
  return joined(shelf.loading, `${key}#${head?.birth ?? 0}#${head?.revision ?? 0}#${make}`, async () => {
    if (make && (head === undefined || head.version === 0)) await makeFirst(shelf, owner, ref)
    const now = await shelf.store.head(ref)
    // A log that was opened, and whose first keys another process is still wrapping, has none yet.
    return now === undefined || now.version === 0 ? undefined : load(shelf, owner, ref, now)
  })
}

/** Callers that saw the same share one piece of work. */
export function joined<T>(running: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const found = running.get(key)
  if (found !== undefined) return found
  const promise = work().finally(() => running.delete(key))
  running.set(key, promise)
  return promise
}

/** The keys with one data-key version more; or with the one that another process added meanwhile. */
export async function withNewVersion(shelf: KeyShelf, keys: LoadedKeys): Promise<LoadedKeys> {
  await append(shelf.store, keys.ref, [await newKey(shelf, keys.owner, 'data-key', keys.current + 1)], keys.version)
  const head = await shelf.store.head(keys.ref)
  if (head === undefined) throw closedError()
  return load(shelf, keys.owner, keys.ref, head)
}
