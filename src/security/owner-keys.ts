// What an owner's keys can do, for the engine: keyed hashes by purpose. The keys themselves stay in `security/` (SEAL-3).

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
  ownerKeys(owner: { readonly tenantId: string; readonly ownerId: string }): Promise<OwnerKeys>
}
