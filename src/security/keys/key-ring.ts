// Owners' keys for the rest of the house: made on first use, retired in time, closed and destroyed to erase (SEAL-3, SEAL-10, SEAL-17).
import type { KeyObject } from 'node:crypto'
import { RecollectError } from '../../core/errors.ts'
import { dayMs, limits } from '../../core/limits.ts'
import { refKey } from '../../core/log-ref.ts'
import type { Owner } from '../../core/scope.ts'
import { boundedMap, type BoundedMap } from '../bounded-map.ts'
import { derivedKey, type SubjectPurpose } from './derive.ts'
import { closeKeyLog, destroyKeys, lookAtKeyLog, removeKeyLog } from './key-ending.ts'
import type { ClosingMark, KeyLog } from './key-log.ts'
import { keyShelf, joined, keysOf, withNewVersion, type KeyParts, type KeyShelf, type LoadedKeys } from './loaded-keys.ts'
import type { KeyUse, OwnerKeys, SealKeys, SealingRing } from './owner-keys.ts'

/** `store` is the key store itself, unwrapped: its key logs are clear (SEAL-17). */
export interface KeyRingParts extends KeyParts {
  /** Seals under one data-key version before it is retired; 2^28 (SEAL-10). */
  readonly sealsPerKey?: number
  /** Life of a data-key version in ms; 90 days. */
  readonly dataKeyMs?: number
  /** Runs before a data key gets its next version, which waits for it: for the audit log (AUD-5). */
  readonly beforeRenewal?: (owner: Owner, keys: OwnerKeys, version: number) => Promise<void>
}

export interface OwnerKeyRing extends SealingRing {
  /** A key of the owner for a purpose outside `OwnerKeys`: tokens, API keys, receipts. Made on first use. */
  subjectKey(owner: Owner, purpose: SubjectPurpose): Promise<KeyObject>
  /** The key of one audit log, from the owner's data key of that version, which may be gone; of the current one, made on first use, if none is given (AUD-3). */
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

interface SealCount {
  readonly version: number
  count: number
}
/** Outlives the cached keys, so that fetching them again does not count anew. */
type SealCounts = BoundedMap<SealCount>

export function createKeyRing(parts: KeyRingParts): OwnerKeyRing {
  const { sealsPerKey = limits.sealsPerKey, dataKeyMs = limits.dataKeyDays * dayMs, beforeRenewal = async () => {}, ...rest } = parts
  const shelf = keyShelf(rest)
  const seals: SealCounts = boundedMap(limits.sealCountsKept)
  const renewing = new Map<string, Promise<LoadedKeys>>()

  /** With a new version once the current one is old or has sealed enough (SEAL-10). */
  async function forWriting(keys: LoadedKeys): Promise<LoadedKeys> {
    const count = seals.get(refKey(keys.ref))
    const spent = count !== undefined && count.version === keys.current && count.count >= sealsPerKey
    if (!spent && shelf.clock.now() - keys.currentSince < dataKeyMs) return keys
    return joined(renewing, `${refKey(keys.ref)}#${keys.current}`, async () => {
      await beforeRenewal(keys.owner, keys.ownerKeys, keys.current + 1)
      return withNewVersion(shelf, keys)
    })
  }

  async function sealKeys(owner: Owner, use: 'make'): Promise<SealKeys>
  async function sealKeys(owner: Owner, use: KeyUse): Promise<SealKeys | undefined>
  async function sealKeys(owner: Owner, use: KeyUse): Promise<SealKeys | undefined> {
    const keys = use === 'make' ? await made(shelf, owner) : await keysOf(shelf, owner, false)
    return keys && sealKeysFrom(use === 'read' ? keys : await forWriting(keys), seals)
  }

  return {
    sealKeys,
    ownerKeys: async (owner) => (await made(shelf, owner)).ownerKeys,
    async subjectKey(owner, purpose) {
      const { subject, subjectKeys } = await made(shelf, owner)
      const key = subjectKeys.get(purpose) ?? derivedKey(subject, purpose)
      subjectKeys.set(purpose, key)
      return key
    },
    async auditKey(owner, logId, version) {
      const keys = version === undefined ? await made(shelf, owner) : await keysOf(shelf, owner, false)
      const wanted = version ?? keys?.current ?? 0
      const data = keys?.data.get(wanted)
      return data && { key: derivedKey(data.raw, 'audit', logId), version: wanted }
    },
    close: (owner, mark) => closeKeyLog(shelf, owner, mark),
    look: (owner) => lookAtKeyLog(shelf, owner),
    destroy: (owner) => destroyKeys(shelf, owner),
    remove: (owner) => removeKeyLog(shelf, owner),
  }
}

async function made(shelf: KeyShelf, owner: Owner): Promise<LoadedKeys> {
  const keys = await keysOf(shelf, owner, true)
  if (keys === undefined) throw new RecollectError('unavailable', 'the keys of this owner are being made', 'Try again.')
  return keys
}

function sealKeysFrom(keys: LoadedKeys, seals: SealCounts): SealKeys {
  const seal = (keys.data.get(keys.current) as { readonly seal: KeyObject }).seal
  return {
    current() {
      const key = refKey(keys.ref)
      const known = seals.get(key)
      if (known?.version === keys.current) known.count++
      else seals.set(key, { version: keys.current, count: 1 })
      return { version: keys.current, key: seal }
    },
    key: (version) => keys.data.get(version)?.seal,
  }
}
