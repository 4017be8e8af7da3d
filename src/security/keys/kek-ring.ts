// Key-encryption keys with ids, and the wrapping that the file and the in-memory provider share (SEAL-14, SEAL-15).
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { lengthPrefixed } from '../../core/bytes.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import type { KeyContext, KeyProvider } from '../../ports/key-provider.ts'

const ivBytes = 12
const tagBytes = 16

const aad = (keyId: string, context: KeyContext) =>
  lengthPrefixed(['recollect/v1/wrap', keyId, context.tenantId, context.ownerId, context.purpose, String(context.version)])

const refused = (what: string, cause?: unknown) =>
  new RecollectError('integrity_failure', `a wrapped key ${what}`, 'Check that the key file belongs to this key store.', { cause })

/** A provider over keys in hand. A wrap is IV, ciphertext and tag of AES-256-GCM, with the key's id and the context as AAD. */
export function kekRing(name: string, keys: ReadonlyMap<string, KeyObject>, activeKeyId: string, random: Random): KeyProvider {
  let closed = false
  const keyOf = (keyId: string): KeyObject => {
    if (closed) throw new RecollectError('unavailable', 'the key provider is closed', 'Open it again.')
    const key = keys.get(keyId)
    if (key === undefined) throw refused('names a key-encryption key that is not here')
    return key
  }
  const provider: KeyProvider = {
    info: { name, activeKeyId, leavesProcess: false },

    async wrap(key, context) {
      const iv = random(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', keyOf(activeKeyId), iv, { authTagLength: tagBytes })
      cipher.setAAD(aad(activeKeyId, context))
      return { keyId: activeKeyId, bytes: new Uint8Array(Buffer.concat([iv, cipher.update(key), cipher.final(), cipher.getAuthTag()])) }
    },

    async unwrap({ keyId, bytes }, context) {
      const key = keyOf(keyId)
      if (bytes.length < ivBytes + tagBytes) throw refused('is cut short')
      const end = bytes.length - tagBytes
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
      decipher.setAAD(aad(keyId, context))
      decipher.setAuthTag(bytes.subarray(end))
      const plain = decipher.update(bytes.subarray(ivBytes, end))
      try {
        decipher.final()
      } catch (cause) {
        throw refused('does not open: it was changed, or belongs to another key or owner', cause)
      }
      return new Uint8Array(plain)
    },

    async rewrap(wrapped, context) {
      const key = await provider.unwrap(wrapped, context)
      try {
        return await provider.wrap(key, context)
      } finally {
        key.fill(0)
      }
    },

    async close() {
      closed = true
    },
  }
  return provider
}
