// An owner's key log: wrapped keys in the clear, each one entry, and the mark that closes it for erasure (SEAL-17, ERA-5). Pure: what it holds, as bytes and back.
import { base64url, fromBase64url } from '../../core/bytes.ts'
import { RecollectError } from '../../core/errors.ts'
import { fromUtf8, toUtf8 } from '../../core/json.ts'
import type { Entry, StoredEntry } from '../../ports/log-store.ts'
import type { WrappedKey } from '../../ports/key-provider.ts'

export interface WrappedDataKey {
  readonly purpose: 'data-key' | 'subject-key'
  readonly version: number
  readonly createdAt: number // ms
  readonly wrapped: WrappedKey
}
/** Written when the erasure begins. `target` is the owner's pseudonym, which cannot be made once the keys are gone (ERA-9). */
export interface ClosingMark {
  readonly id: string
  readonly requestedAt: number // ms
  readonly target: string
  readonly dataKeys: number
}
export interface KeyLog {
  readonly subject: WrappedDataKey | undefined
  readonly data: readonly WrappedDataKey[] // by version, from 1
  readonly closed: ClosingMark | undefined
  /** Entries with a wrapped key that is still there: seq and bytes. */
  readonly wraps: readonly { readonly seq: number; readonly bytes: Uint8Array }[]
}

export const closingId = 'closed'
const entryId = (key: WrappedDataKey) => (key.purpose === 'subject-key' ? 'subject' : `data-${key.version}`)

export const keyEntry = (key: WrappedDataKey): Entry => ({
  id: entryId(key),
  body: toUtf8(
    JSON.stringify({
      purpose: key.purpose,
      version: key.version,
      createdAt: key.createdAt,
      keyId: key.wrapped.keyId,
      key: base64url(key.wrapped.bytes),
    }),
  ),
})

export const closingEntry = (mark: ClosingMark): Entry => ({ id: closingId, body: toUtf8(JSON.stringify({ purpose: 'closed', ...mark })) })

const unreadable = (seq: number, cause?: unknown) =>
  new RecollectError('integrity_failure', `a key log holds an entry that cannot be read (seq ${seq})`, 'Restore the key store from a backup.', {
    cause,
  })

function parse(entry: StoredEntry): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(entry.body))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw unreadable(entry.seq, cause)
  }
  throw unreadable(entry.seq)
}

function wrapOf(entry: StoredEntry, value: Record<string, unknown>): WrappedDataKey {
  const { purpose, version, createdAt, keyId, key } = value
  if (purpose !== 'data-key' && purpose !== 'subject-key') throw unreadable(entry.seq)
  if (typeof version !== 'number' || typeof createdAt !== 'number' || typeof keyId !== 'string' || typeof key !== 'string')
    throw unreadable(entry.seq)
  const wrap: WrappedDataKey = { purpose, version, createdAt, wrapped: { keyId, bytes: fromBase64url(key) } }
  if (entryId(wrap) !== entry.id) throw unreadable(entry.seq)
  return wrap
}

function markOf(entry: StoredEntry, value: Record<string, unknown>): ClosingMark {
  const { id, requestedAt, target, dataKeys } = value
  if (typeof id !== 'string' || typeof requestedAt !== 'number' || typeof target !== 'string' || typeof dataKeys !== 'number')
    throw unreadable(entry.seq)
  return { id, requestedAt, target, dataKeys }
}

/** @throws `integrity_failure` on an entry that is not one of these */
export function foldKeyLog(entries: readonly StoredEntry[]): KeyLog {
  let subject: WrappedDataKey | undefined
  let closed: ClosingMark | undefined
  const data: WrappedDataKey[] = []
  const wraps: { seq: number; bytes: Uint8Array }[] = []
  for (const entry of entries) {
    if (entry.body.length === 0) continue // destroyed
    const value = parse(entry)
    if (entry.id === closingId) {
      closed = markOf(entry, value)
      continue
    }
    const wrap = wrapOf(entry, value)
    wraps.push({ seq: entry.seq, bytes: wrap.wrapped.bytes })
    if (wrap.purpose === 'subject-key') subject = wrap
    else data.push(wrap)
  }
  return { subject, data: data.toSorted((a, b) => a.version - b.version), closed, wraps }
}
