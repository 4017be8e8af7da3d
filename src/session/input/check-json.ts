// What may be stored as JSON: plain values, well-formed text, bounded in depth and bytes; the answer is a copy that nobody else holds.
import { RecollectError } from '../../core/errors.ts'
import { hasLoneSurrogate } from '../../core/ids.ts'
import { utf8Length, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'

/** @throws `invalid_input` on what is no JSON or too deep · `payload_too_large` over `bytes` of UTF-8 */
export function checkJson(value: unknown, what: string, most: { readonly bytes: number }): Json {
  const copy = plain(value, what, 0)
  const bytes = utf8Length(JSON.stringify(copy))
  if (bytes > most.bytes)
    throw new RecollectError('payload_too_large', `${what} has at most ${most.bytes} bytes of JSON; got ${bytes}`, 'Send less.', {
      limit: most.bytes,
      given: bytes,
    })
  return copy
}

function plain(value: unknown, what: string, depth: number): Json {
  if (depth > limits.jsonDepth) throw refused(`${what} is nested at most ${limits.jsonDepth} deep`)
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refused(`${what} holds a number that JSON has not`)
    return value
  }
  if (typeof value === 'string') return text(value, what)
  if (Array.isArray(value)) return value.map((item) => plain(item, what, depth + 1))
  if (typeof value !== 'object') throw refused(`${what} holds a ${typeof value}`)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) throw refused(`${what} holds an object of a class`)
  const out: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [key, item] of Object.entries(value)) if (item !== undefined) out[text(key, what)] = plain(item, what, depth + 1)
  return out
}

function text(value: string, what: string): string {
  if (hasLoneSurrogate(value)) throw refused(`${what} holds a lone surrogate`)
  return value
}

const refused = (message: string) =>
  new RecollectError('invalid_input', message, 'Give plain JSON: objects, lists, strings, numbers, booleans and null.')
