// Small byte work that several layers share: length-prefixed fields, base64url, comparison.

/** Joins fields so that distinct lists give distinct bytes: each is a 4-byte big-endian length and its bytes (SEAL-6). */
export function lengthPrefixed(fields: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = fields.map((field) => (typeof field === 'string' ? Buffer.from(field, 'utf8') : field))
  const out = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.writeUInt32BE(part.length, at)
    out.set(part, at + 4)
    at += 4 + part.length
  }
  return out
}

export const base64url = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')

export const fromBase64url = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))

/** Order by UTF-8 bytes, which is order by code point, not by UTF-16 unit (LOG-1). */
export const compareUtf8 = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')))
