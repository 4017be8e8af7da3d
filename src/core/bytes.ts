// Small byte work that several layers share: length-prefixed fields, base64url, comparison.

/** Joins fields so that distinct lists give distinct bytes: each is a 4-byte big-endian length and its bytes (SEAL-6). */
export function lengthPrefixed(fields: readonly (string | Uint8Array)[]): Uint8Array {
  let bytes = 0
  for (const field of fields) bytes += 4 + (typeof field === 'string' ? Buffer.byteLength(field, 'utf8') : field.length)
  const out = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const field of fields) {
    const length = typeof field === 'string' ? out.write(field, at + 4, 'utf8') : field.length
    if (typeof field !== 'string') out.set(field, at + 4)
    at = out.writeUInt32BE(length, at) + length
  }
  return out
}

export const base64url = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')

export const fromBase64url = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))

/** Order by UTF-8 bytes, which is order by code point, not by UTF-16 unit (LOG-1). */
export const compareUtf8 = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')))
