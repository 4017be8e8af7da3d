// Names of tenants, owners and logs: what is a valid one, and how ours are made. Bad names are refused, never repaired (ISO-6).
import { base64url } from './bytes.ts'
import { RecollectError } from './errors.ts'
import { utf8Length } from './json.ts'
import { limits } from './limits.ts'

// Cc: controls; the rest: characters that show as nothing (Default_Ignorable_Code_Point).
const unseen = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u

export const hasLoneSurrogate = (text: string): boolean => !text.isWellFormed()

/** Why `id` is no valid name, or undefined. `what` is the field's name for the message. */
export function idFault(id: unknown, what: string): string | undefined {
  if (typeof id !== 'string') return `${what} must be a string; got ${id === null ? 'null' : typeof id}`
  const bytes = utf8Length(id)
  if (bytes < 1 || bytes > limits.idBytes) return `${what} has 1 to ${limits.idBytes} UTF-8 bytes; got ${bytes}`
  if (hasLoneSurrogate(id)) return `${what} holds a lone surrogate`
  if (id.normalize('NFC') !== id) return `${what} is not in Unicode normal form C`
  if (unseen.test(id)) return `${what} holds a control or invisible character`
  return undefined
}

/** Throws `invalid_input` unless `id` is a name a caller may give (ISO-6); `~…` is reserved. */
export function checkId(id: unknown, what: string): string {
  const fault = idFault(id, what) ?? ((id as string).startsWith('~') ? `${what} starts with ~, which is reserved` : undefined)
  if (fault !== undefined)
    throw new RecollectError('invalid_input', fault, `Give ${what} as 1 to ${limits.idBytes} bytes of visible text in NFC, not starting with ~.`)
  return id as string
}

/** As `checkId`, and lets reserved names through: for refs that the engine makes itself. */
export function checkAnyId(id: unknown, what: string): string {
  const fault = idFault(id, what)
  if (fault !== undefined) throw new RecollectError('invalid_input', fault, `Give ${what} as 1 to ${limits.idBytes} bytes of visible text in NFC.`)
  return id as string
}

/** Random bytes come in by the door (house rule 4). */
export type Random = (bytes: number) => Uint8Array

/** `ses_` and 43 base64url characters of 32 random bytes (ACC-8). */
export const madeSessionId = (random: Random): string => `ses_${base64url(random(32))}`

/** A random id of 22 base64url characters, 128 bits, with a prefix that says what it names. */
export const madeId = (prefix: string, random: Random): string => `${prefix}_${base64url(random(16))}`
