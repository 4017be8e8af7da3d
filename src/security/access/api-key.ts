// How an API key is spelled: `rec_live_ID_SECRET_CRC` (ACC-4). Pure.
import { crc32 } from 'node:zlib'
import type { Random } from '../../core/ids.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const idCharacters = 16 // 10 bytes
const secretBytes = 32 // 52 characters
const shape = /^(rec_(?:live|test)_([a-z2-7]{16})_([a-z2-7]{52}))_([0-9a-f]{8})$/

export interface ApiKey {
  readonly id: string
  readonly secret: string
}

function base32(bytes: Uint8Array): string {
  let out = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) out += alphabet[(held >> (bits -= 5)) & 31]
  }
  return bits === 0 ? out : out + alphabet[(held << (5 - bits)) & 31]
}

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')

export function newApiKey(random: Random, mode: 'live' | 'test'): ApiKey & { readonly text: string } {
  const id = base32(random((idCharacters * 5) / 8))
  const secret = base32(random(secretBytes))
  const body = `rec_${mode}_${id}_${secret}`
  return { id, secret, text: `${body}_${checksum(body)}` }
}

/** The parts of a well-formed key with a right checksum, or undefined. */
export function parseApiKey(text: unknown): ApiKey | undefined {
  if (typeof text !== 'string' || text.length > 128) return undefined
  const match = shape.exec(text)
  if (match === null || checksum(match[1]!) !== match[4]) return undefined
  return { id: match[2]!, secret: match[3]! }
}
