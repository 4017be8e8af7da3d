// Keys derived from an owner's two random keys by HKDF-SHA-256, one a purpose (SEAL-3). Purposes never share a key.
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { lengthPrefixed } from '../../core/bytes.ts'
import type { MacPurpose, OwnerKeys } from './owner-keys.ts'

/** From a data key: what seals, and what chains one audit log (AUD-3). */
export type DataPurpose = 'seal' | 'audit'
/** From a subject key, which is not rotated: names and hashes, and the keys of reserved owners (SEAL-22, ACC-4, ERA-6). */
export type SubjectPurpose = MacPurpose | 'token' | 'api-key' | 'receipt'

/** A 32-byte key for one purpose; `detail` parts the keys of one purpose further (an audit log's id). */
export function derivedKey(from: Uint8Array | KeyObject, purpose: DataPurpose | SubjectPurpose, detail?: string): KeyObject {
  const label = `recollect/v1/${purpose}`
  const info = detail === undefined ? label : lengthPrefixed([label, detail])
  const bytes = new Uint8Array(hkdfSync('sha256', from, new Uint8Array(0), info, 32))
  const key = createSecretKey(bytes)
  bytes.fill(0) // the KeyObject holds its own copy (SEAL-16)
  return key
}

const digestOf = (key: KeyObject, fields: readonly (string | Uint8Array)[]): Buffer =>
  createHmac('sha256', key).update(lengthPrefixed(fields)).digest()

/** HMAC-SHA-256 over length-prefixed fields. */
export const macOf = (key: KeyObject, fields: readonly (string | Uint8Array)[]): Uint8Array => new Uint8Array(digestOf(key, fields))

const tagBytes = 16

export function ownerKeysFrom(subject: KeyObject): OwnerKeys {
  const keys: Record<MacPurpose, KeyObject> = {
    id: derivedKey(subject, 'id'),
    evidence: derivedKey(subject, 'evidence'),
    suppress: derivedKey(subject, 'suppress'),
    pseudonym: derivedKey(subject, 'pseudonym'),
  }
  return {
    mac: (purpose, fields) => macOf(keys[purpose], fields),
    tag: (purpose, fields) => digestOf(keys[purpose], fields).toString('base64url', 0, tagBytes),
  }
}
