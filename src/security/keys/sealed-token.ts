// Tokens that clients carry and cannot read or change: cursors and response ids (SEAL-22).
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { base64url, fromBase64url, lengthPrefixed } from '../../core/bytes.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { fromUtf8, toUtf8, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { Clock } from '../../ports/clock.ts'
import type { OwnerKeyRing } from './key-ring.ts'
import { reserved } from '../reserved.ts'

export interface TokenBinding {
  readonly purpose: 'cursor' | 'response-id'
  readonly tenantId: string
  readonly ownerId: string
  readonly route: string
  readonly filter: string
}

/** Tokens bound to purpose, scope, route and filter, with an end (SEAL-22). A changed, expired or foreign token does not open: one answer. */
export interface SealedTokens {
  /** The payload is sealed into the token: nothing is stored. */
  seal(binding: TokenBinding, payload: Json, ttlMs: number): Promise<string>
  open(binding: TokenBinding, token: string): Promise<Json | undefined>
}

const format = 1
const headBytes = 9 // format, then the expiry in ms as 8 bytes
const ivBytes = 12
const tagBytes = 16
const leastBytes = headBytes + ivBytes + tagBytes
const system = { tenantId: reserved.system, ownerId: reserved.system }

const aad = (head: Uint8Array, binding: TokenBinding) =>
  lengthPrefixed(['recollect/v1/token', head, binding.purpose, binding.tenantId, binding.ownerId, binding.route, binding.filter])

function checkBinding(binding: TokenBinding): void {
  const { purpose, tenantId, ownerId, route, filter } = binding ?? {}
  if ([purpose, tenantId, ownerId, route, filter].every((one) => typeof one === 'string')) return
  throw new RecollectError('invalid_input', 'a token is bound to a purpose, tenantId, ownerId, route and filter', 'Give each of them as text.')
}

/** The token's bytes, or as many zeros as the shortest has: what does not parse takes the same way as what does not open. */
function bytesOf(token: unknown): Uint8Array {
  const bytes = typeof token === 'string' && token.length <= limits.urlBytes ? fromBase64url(token) : new Uint8Array(0)
  // Spelled in one way only: the last character has bits that decoding drops.
  return bytes.length >= leastBytes && base64url(bytes) === token ? bytes : new Uint8Array(leastBytes)
}

export function createSealedTokens(parts: { readonly ring: OwnerKeyRing; readonly clock: Clock; readonly random: Random }): SealedTokens {
  const { ring, clock, random } = parts
  return {
    async seal(binding, payload, ttlMs) {
      checkBinding(binding)
      if (!Number.isSafeInteger(Math.trunc(clock.now() + ttlMs)))
        throw new RecollectError('invalid_input', 'ttlMs is a number of ms', 'Give how long the token opens.')
      const key = await ring.subjectKey(system, 'token')
      const head = Buffer.alloc(headBytes)
      head.writeUInt8(format)
      head.writeBigUInt64BE(BigInt(Math.trunc(clock.now() + ttlMs)), 1)
      const iv = random(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes })
      cipher.setAAD(aad(head, binding))
      return base64url(Buffer.concat([head, iv, cipher.update(toUtf8(JSON.stringify(payload))), cipher.final(), cipher.getAuthTag()]))
    },

    async open(binding, token) {
      checkBinding(binding)
      const key = await ring.subjectKey(system, 'token')
      const bytes = bytesOf(token)
      const head = bytes.subarray(0, headBytes)
      const end = bytes.length - tagBytes
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(headBytes, headBytes + ivBytes), { authTagLength: tagBytes })
      decipher.setAAD(aad(head, binding))
      decipher.setAuthTag(bytes.subarray(end))
      const plain = decipher.update(bytes.subarray(headBytes + ivBytes, end))
      try {
        decipher.final()
      } catch {
        return undefined
      }
      const expiresAt = Number(new DataView(head.buffer, head.byteOffset, headBytes).getBigUint64(1))
      return head[0] === format && clock.now() < expiresAt ? (JSON.parse(fromUtf8(plain)) as Json) : undefined
    },
  }
}
