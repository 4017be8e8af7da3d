// Holds the key-encryption keys, and wraps data keys with them (SEAL-14). Data never passes through it.

export interface KeyContext {
  readonly tenantId: string
  readonly ownerId: string
  readonly purpose: 'data-key' | 'subject-key'
  readonly version: number
}
/** `keyId` names the key-encryption key and its version. */
export interface WrappedKey {
  readonly keyId: string
  readonly bytes: Uint8Array
}
export interface KeyProvider {
  readonly info: { readonly name: string; readonly activeKeyId: string; readonly leavesProcess: boolean }
  /** @throws `unavailable` */
  wrap(key: Uint8Array, context: KeyContext): Promise<WrappedKey>
  /** @throws `integrity_failure` on wrong bytes, key or context · `unavailable` */
  unwrap(wrapped: WrappedKey, context: KeyContext): Promise<Uint8Array>
  /** To the active key-encryption key. @throws as `unwrap` */
  rewrap(wrapped: WrappedKey, context: KeyContext): Promise<WrappedKey>
  close(): Promise<void>
}
