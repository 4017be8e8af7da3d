// Owners' keys: made on first use, kept in the key store wrapped by the provider, checked once a call, and destroyed to erase (SEAL-3, SEAL-10, SEAL-16, SEAL-17).
import { createSecretKey, type KeyObject } from 'node:crypto'
import { RecollectError, isRecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { refKey, refOf, type LogRef } from '../core/log-ref.ts'
import type { Mint } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeyProvider } from '../ports/key-provider.ts'
import type { Head, LogStore, StoredEntry } from '../ports/log-store.ts'
import { boundedMap } from './bounded-map.ts'
import { derivedKey, ownerKeysFrom, type SubjectPurpose } from './derive.ts'
import { closingEntry, foldKeyLog, keyEntry, type ClosingMark, type KeyLog, type WrappedDataKey } from './key-log.ts'
import type { KeyUse, Owner, OwnerKeys, SealKeys, SealingRing } from './owner-keys.ts'
import { reserved } from './reserved.ts'

export interface KeyRingParts {
  /** The key store itself, unwrapped: its key logs are clear (SEAL-17). */
  readonly store: LogStore
  readonly provider: KeyProvider
  readonly clock: Clock
  readonly random: Random
  readonly mint: Mint
  /** Seals under one data-key version before it is retired; 2^28 (SEAL-10). */
  readonly sealsPerKey?: number
  /** Life of a data-key version in ms; 90 days. */
  readonly dataKeyMs?: number
}

export interface OwnerKeyRing extends SealingRing {
  /** A key of the owner for a purpose outside `OwnerKeys`: tokens, API keys, receipts. Made on first use. */
  subjectKey(owner: Owner, purpose: SubjectPurpose): Promise<KeyObject>
  /** The key of one audit log, from the owner's data key of that version (the current one if none is given) (AUD-3). */
  auditKey(owner: Owner, logId: string, version?: number): Promise<{ readonly key: KeyObject; readonly version: number } | undefined>
  /** Closes the key log: from now on every key check is `not_found`. Gives the mark that stands: the first one wins (ERA-5). */
  close(owner: Owner, mark: (keys: OwnerKeys | undefined, dataKeys: number) => ClosingMark): Promise<ClosingMark>
  /** What the key log holds now, also when closed. */
  look(owner: Owner): Promise<KeyLog | undefined>
  /** Redacts every wrapped key; the log stays closed. */
  destroy(owner: Owner): Promise<void>
  /** Deletes the key log, after which the owner may start anew. */
  remove(owner: Owner): Promise<void>
}

interface Loaded {
  readonly owner: Owner
  readonly birth: number
  readonly revision: number
  readonly version: number
  readonly loadedAt: number
  readonly subject: KeyObject
  readonly ownerKeys: OwnerKeys
  readonly data: ReadonlyMap<number, { readonly raw: KeyObject; readonly seal: KeyObject }>
  readonly current: number
  readonly currentSince: number
}

const keyBytes = 32
const closedError = () => new RecollectError('not_found', 'this owner is being erased', 'Wait until the erasure is done; the name may then start anew.')
const lost = (what: string) =>
  new RecollectError('integrity_failure', `a key log ${what}`, 'Restore the key store from a backup; without its keys the data cannot be read. Nothing was deleted.')

export function createKeyRing(parts: KeyRingParts): OwnerKeyRing {
  const { store, provider, clock, random, mint, sealsPerKey = limits.sealsPerKey, dataKeyMs = limits.dataKeyDays * 86_400_000 } = parts
  const cache = boundedMap<Loaded>(limits.keysCached)
  const seals = boundedMap<{ version: number; count: number }>(limits.sealCountsKept) // outlives the cached keys, so that a reload does not count anew
  const loading = new Map<string, Promise<Loaded | undefined>>()

  const refs = boundedMap<LogRef>(limits.keysCached) // making one checks its names: not on every call

  function refFor(owner: Owner): LogRef {
    const name = `${owner.tenantId.length}:${owner.tenantId}${owner.ownerId}`
    const known = refs.get(name)
    if (known !== undefined) return known
    const ref = refOf(mint(owner.tenantId, reserved.keys), 'key', owner.ownerId)
    refs.set(name, ref)
    return ref
  }

  async function readAll(ref: LogRef): Promise<readonly StoredEntry[]> {
    const all: StoredEntry[] = []
    for (;;) {
      const page = await store.read(ref, { after: all.length })
      if (page.length === 0) return all
      all.push(...page)
    }
  }

  async function unwrapped(owner: Owner, wrap: WrappedDataKey): Promise<KeyObject> {
    const bytes = await provider.unwrap(wrap.wrapped, { tenantId: owner.tenantId, ownerId: owner.ownerId, purpose: wrap.purpose, version: wrap.version })
    if (bytes.length !== keyBytes) throw lost('holds a key of the wrong length')
    return keyObject(bytes)
  }

  async function newKey(owner: Owner, purpose: WrappedDataKey['purpose'], version: number): Promise<WrappedDataKey> {
    const key = random(keyBytes)
    const wrapped = await provider.wrap(key, { tenantId: owner.tenantId, ownerId: owner.ownerId, purpose, version })
    key.fill(0)
    return { purpose, version, createdAt: clock.now(), wrapped }
  }

  /** Opens the keys of a log that has any. @throws `not_found` if it is closed */
  async function load(owner: Owner, ref: LogRef, head: Head): Promise<Loaded> {
    const log = foldKeyLog(await readAll(ref))
    if (log.closed !== undefined) throw closedError()
    const newest = log.data.at(-1)
    if (log.subject === undefined || newest === undefined) throw lost('has lost a key')
    const subject = await unwrapped(owner, log.subject)
    const data = new Map<number, { raw: KeyObject; seal: KeyObject }>()
    for (const wrap of log.data) {
      const raw = await unwrapped(owner, wrap)
      data.set(wrap.version, { raw, seal: derivedKey(raw, 'seal') })
    }
    const { birth, revision, version } = head
    const times = { loadedAt: clock.now(), current: newest.version, currentSince: newest.createdAt }
    const loaded: Loaded = { owner: { tenantId: owner.tenantId, ownerId: owner.ownerId }, birth, revision, version, subject, ownerKeys: ownerKeysFrom(subject), data, ...times }
    cache.set(refKey(ref), loaded)
    return loaded
  }

  /** The first two keys in one append; the loser of a race finds the winner's when it loads (SEAL-17). */
  async function makeFirst(owner: Owner, ref: LogRef): Promise<void> {
    await store.open(ref, { body: new Uint8Array(0), expires: 'never' })
    const first = [await newKey(owner, 'subject-key', 1), await newKey(owner, 'data-key', 1)]
    await append(ref, first, 0)
  }

  async function append(ref: LogRef, keys: readonly WrappedDataKey[], expectedVersion: number): Promise<void> {
    try {
      await store.append(ref, keys.map(keyEntry), { expectedVersion })
    } catch (error) {
      if (!isRecollectError(error, 'conflict')) throw error
    }
  }

  const fresh = (loaded: Loaded | undefined, owner: Owner, head: Head): loaded is Loaded =>
    loaded !== undefined && loaded.birth === head.birth && loaded.revision === head.revision && clock.now() - loaded.loadedAt < limits.keyCachedMs &&
    loaded.owner.tenantId === owner.tenantId && loaded.owner.ownerId === owner.ownerId

  /** One at a time an owner: callers that come while keys are fetched share them, since each has looked at the head itself. */
  function once(key: string, work: () => Promise<Loaded | undefined>): Promise<Loaded | undefined> {
    const running = loading.get(key)
    if (running !== undefined) return running
    const promise = work().finally(() => loading.delete(key))
    loading.set(key, promise)
    return promise
  }

  async function keysOf(owner: Owner, make: boolean): Promise<Loaded | undefined> {
    const ref = refFor(owner)
    const key = refKey(ref)
    const head = await store.head(ref) // the one check a call (SEAL-16)
    const cached = cache.get(key)
    if (head !== undefined && fresh(cached, owner, head)) return cached
    if (head === undefined && !make) {
      cache.delete(key)
      return undefined
    }
    return once(`${key}#${head?.birth ?? 0}#${head?.revision ?? 0}#${make}`, async () => {
      if (make && (head === undefined || head.version === 0)) await makeFirst(owner, ref)
      const now = await store.head(ref)
      // A log that was opened, and whose first keys another process is still wrapping, has none yet.
      return now === undefined || now.version === 0 ? undefined : load(owner, ref, now)
    })
  }

  /** A new version once the current one is old or has sealed enough (SEAL-10). */
  async function rotated(loaded: Loaded): Promise<Loaded> {
    const ref = refFor(loaded.owner)
    const count = seals.get(refKey(ref))
    const spent = count !== undefined && count.version === loaded.current && count.count >= sealsPerKey
    if (!spent && clock.now() - loaded.currentSince < dataKeyMs) return loaded
    await append(ref, [await newKey(loaded.owner, 'data-key', loaded.current + 1)], loaded.version)
    const head = await store.head(ref)
    if (head === undefined) throw closedError()
    return load(loaded.owner, ref, head)
  }

  function sealKeysFrom(loaded: Loaded): SealKeys {
    const key = refKey(refFor(loaded.owner))
    return {
      current() {
        const known = seals.get(key)
        const count = known?.version === loaded.current ? known : { version: loaded.current, count: 0 }
        count.count++
        if (count !== known) seals.set(key, count)
        return { version: loaded.current, key: loaded.data.get(loaded.current)!.seal }
      },
      key: (version) => loaded.data.get(version)?.seal,
    }
  }

  async function made(owner: Owner): Promise<Loaded> {
    const loaded = await keysOf(owner, true)
    if (loaded === undefined) throw new RecollectError('unavailable', 'the keys of this owner are being made', 'Try again.')
    return loaded
  }

  async function sealKeys(owner: Owner, use: 'make'): Promise<SealKeys>
  async function sealKeys(owner: Owner, use: KeyUse): Promise<SealKeys | undefined>
  async function sealKeys(owner: Owner, use: KeyUse): Promise<SealKeys | undefined> {
    const loaded = use === 'make' ? await made(owner) : await keysOf(owner, false)
    if (loaded === undefined) return undefined
    return sealKeysFrom(use === 'read' ? loaded : await rotated(loaded))
  }

  async function look(owner: Owner): Promise<KeyLog | undefined> {
    const ref = refFor(owner)
    return (await store.head(ref)) === undefined ? undefined : foldKeyLog(await readAll(ref))
  }

  return {
    sealKeys,
    look,
    ownerKeys: async (owner) => (await made(owner)).ownerKeys,
    subjectKey: async (owner, purpose) => derivedKey((await made(owner)).subject, purpose),

    async auditKey(owner, logId, version) {
      const loaded = version === undefined ? await made(owner) : await keysOf(owner, false)
      const data = loaded?.data.get(version ?? loaded.current)
      return data === undefined ? undefined : { key: derivedKey(data.raw, 'audit', logId), version: version ?? loaded!.current }
    },

    async close(owner, mark) {
      const ref = refFor(owner)
      for (let attempt = 0; attempt < limits.closeAttempts; attempt++) {
        const head = await store.open(ref, { body: new Uint8Array(0), expires: 'never' })
        const log = foldKeyLog(await readAll(ref))
        if (log.closed !== undefined) return log.closed
        const keys = log.subject === undefined ? undefined : ownerKeysFrom(await unwrapped(owner, log.subject))
        try {
          // By the version and the revision that were seen: a new key, or a change of the head, is then seen first (LIFE-6).
          await store.append(ref, [closingEntry(mark(keys, log.data.length))], { expectedVersion: head.version, head: { ifRevision: head.revision } })
        } catch (error) {
          if (!isRecollectError(error, 'conflict')) throw error
        }
        cache.delete(refKey(ref))
      }
      const log = await look(owner)
      if (log?.closed !== undefined) return log.closed
      throw new RecollectError('conflict', `the key log kept changing over ${limits.closeAttempts} attempts`, 'Try again.')
    },

    async destroy(owner) {
      const ref = refFor(owner)
      const { wraps } = (await look(owner)) ?? { wraps: [] }
      if (wraps.length > 0) await store.rewrite(ref, wraps.map(({ seq }) => ({ seq })))
      cache.delete(refKey(ref))
      seals.delete(refKey(ref))
    },

    async remove(owner) {
      await store.delete(refFor(owner))
      cache.delete(refKey(refFor(owner)))
    },
  }
}

function keyObject(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}
