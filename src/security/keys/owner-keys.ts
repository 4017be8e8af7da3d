// What an owner's keys can do, for the engine: keyed hashes by purpose. The keys themselves stay in `security/` (SEAL-3).
import type { KeyObject } from 'node:crypto'
import type { Owner } from '../../core/scope.ts'

/** Each purpose has a key of its own, derived from the owner's subject key, which is never rotated: ids stay the same. */
export type MacPurpose = 'id' | 'evidence' | 'suppress' | 'pseudonym'

export interface OwnerKeys {
  /** HMAC-SHA-256 over the length-prefixed fields: 32 bytes. */
  mac(purpose: MacPurpose, fields: readonly (string | Uint8Array)[]): Uint8Array
  /** The first 128 bits of `mac` as 22 base64url characters: ids and hashes in records and receipts. */
  tag(purpose: MacPurpose, fields: readonly (string | Uint8Array)[]): string
}

export interface KeyRing {
  /** The owner's keys, made on first use. @throws `not_found` while the owner is being erased · `unavailable` · `integrity_failure` */
  ownerKeys(owner: Owner): Promise<OwnerKeys>
}

/** An owner's data keys, as the sealing wrapper uses them. */
export interface SealKeys {
  /** The key for new seals; each call counts one seal under it (SEAL-10). */
  current(): { readonly version: number; readonly key: KeyObject }
  key(version: number): KeyObject | undefined
}

/** `read` never makes a key and gives undefined if the owner has none; `write` too, and retires a key that is due; `make` makes the first. */
export type KeyUse = 'read' | 'write' | 'make'

export interface SealingRing extends KeyRing {
  /** One look at the key log's head, then the cache (SEAL-16). @throws `not_found` once the owner is closed for erasure · `unavailable` · `integrity_failure` */
  sealKeys(owner: Owner, use: 'make'): Promise<SealKeys>
  sealKeys(owner: Owner, use: KeyUse): Promise<SealKeys | undefined>
}
