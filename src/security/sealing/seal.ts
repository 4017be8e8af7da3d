// One sealed body: AES-256-GCM under an owner's data key, with the address bound in (SEAL-4 to SEAL-7). Pure but for the IV, which is passed in.
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { lengthPrefixed } from '../../core/bytes.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import type { LogRef } from '../../core/log-ref.ts'

const magic = 0x5243
const format = 1
const aes256gcm = 1
const ivAt = 16
export const sealHeaderBytes = 28
export const sealTagBytes = 16
/** What a seal adds to a plaintext. */
export const sealOverheadBytes = sealHeaderBytes + sealTagBytes

/** A data key and its version. */
export interface SealKey {
  readonly version: number
  readonly key: KeyObject
}
/** What is needed to open: the key of a version, if the owner's ring has it. */
export type KeyOfVersion = (version: number) => KeyObject | undefined

/** Which body of a log: an entry by id, the head, or one chunk of a snapshot. */
export type SealedPart =
  | { readonly part: 'entry'; readonly name: string }
  | { readonly part: 'head' }
  | { readonly part: 'snapshot'; readonly name: string; readonly upTo: number; readonly index: number; readonly count: number }

/** True for bytes that begin as a seal does; no unsealed body may (SEAL-1). */
export const looksSealed = (body: Uint8Array): boolean => body.length >= 2 && body[0] === magic >> 8 && body[1] === (magic & 0xff)

/** `integrity_failure` that names the log and the seq, never content (SEAL-9). The ref is in `details`: messages hold no ids. */
export const sealFailure = (
  ref: LogRef,
  what: string,
  place: { part: SealedPart['part']; seq?: number },
  more: { cause?: unknown; nextStep?: string } = {},
): RecollectError =>
  new RecollectError(
    'integrity_failure',
    `a stored ${place.part === 'entry' ? `entry${place.seq === undefined ? '' : ` (seq ${place.seq})`}` : place.part} of a ${ref.kind} log ${what}`,
    more.nextStep ?? 'Check that the key file belongs to this data, and restore the store from a backup if it was changed. Nothing was deleted.',
    {
      cause: more.cause,
      details: {
        tenantId: ref.tenantId,
        ownerId: ref.ownerId,
        kind: ref.kind,
        logId: ref.logId,
        ...(place.seq === undefined ? {} : { seq: place.seq }),
      },
    },
  )

// A ref is frozen, so its fields are encoded once as long as somebody holds it.
const encodedRefs = new WeakMap<LogRef, Uint8Array>()
function encodedRef(ref: LogRef): Uint8Array {
  let bytes = encodedRefs.get(ref)
  if (bytes === undefined) {
    bytes = lengthPrefixed([ref.tenantId, ref.ownerId, ref.kind, ref.logId])
    encodedRefs.set(ref, bytes)
  }
  return bytes
}

const uint64 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** The authenticated bytes: header, the ref's four fields, part, name, and a chunk's numbers, each length-prefixed (SEAL-6). */
export function sealAad(header: Uint8Array, ref: LogRef, what: SealedPart): Uint8Array {
  const chunk = what.part === 'snapshot' ? [uint64(what.upTo), uint64(what.index), uint64(what.count)] : []
  const name = what.part === 'head' ? '' : what.name
  return Buffer.concat([lengthPrefixed([header]), encodedRef(ref), lengthPrefixed([what.part, name, ...chunk])])
}

/** `at`: for an entry the version its writer had seen, for a head the revision, for a chunk its `upTo` (SEAL-12). */
export function sealBody(key: SealKey, ref: LogRef, what: SealedPart, at: number, plain: Uint8Array, random: Random): Uint8Array {
  const body = new Uint8Array(sealOverheadBytes + plain.length)
  const view = new DataView(body.buffer)
  view.setUint16(0, magic)
  view.setUint8(2, format)
  view.setUint8(3, aes256gcm)
  view.setUint32(4, key.version)
  view.setBigUint64(8, BigInt(at))
  body.set(random(sealHeaderBytes - ivAt), ivAt)
  const cipher = createCipheriv('aes-256-gcm', key.key, body.subarray(ivAt, sealHeaderBytes), { authTagLength: sealTagBytes })
  cipher.setAAD(sealAad(body.subarray(0, sealHeaderBytes), ref, what))
  body.set(cipher.update(plain), sealHeaderBytes)
  cipher.final()
  body.set(cipher.getAuthTag(), sealHeaderBytes + plain.length)
  return body
}

export interface Opened {
  readonly at: number
  readonly plain: Uint8Array
}

/** Opens with the one key that the header names: there is no trial decryption (SEAL-7). @throws `integrity_failure` on any miss */
export function openBody(keyOf: KeyOfVersion, ref: LogRef, what: SealedPart, body: Uint8Array, seq?: number): Opened {
  const place = seq === undefined ? { part: what.part } : { part: what.part, seq }
  if (body.length < sealOverheadBytes) throw sealFailure(ref, 'is not sealed, or cut short', place)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  if (view.getUint16(0) !== magic) throw sealFailure(ref, 'is not sealed', place)
  if (view.getUint8(2) !== format) throw sealFailure(ref, 'has an unknown seal format', place)
  if (view.getUint8(3) !== aes256gcm) throw sealFailure(ref, 'has an unknown seal algorithm', place)
  const key = keyOf(view.getUint32(4))
  if (key === undefined) throw sealFailure(ref, "is sealed under a key that is not in the owner's ring", place)
  const header = body.subarray(0, sealHeaderBytes)
  const end = body.length - sealTagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, header.subarray(ivAt), { authTagLength: sealTagBytes })
  decipher.setAAD(sealAad(header, ref, what))
  decipher.setAuthTag(body.subarray(end))
  const text = decipher.update(body.subarray(sealHeaderBytes, end))
  try {
    decipher.final() // the plaintext is used only after this
  } catch (cause) {
    throw sealFailure(ref, 'does not open: it was changed, moved, or sealed under another key', place, { cause })
  }
  return { at: Number(view.getBigUint64(8)), plain: new Uint8Array(text.buffer, text.byteOffset, text.byteLength) }
}
