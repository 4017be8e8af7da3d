// Rows into values; what does not decode is `integrity_failure` (LOG-8).
import type { Head } from '../../ports/log-store.ts'
import { damaged } from '../store-errors.ts'
import type { SqlRow } from './client.ts'

export function integerOf(row: SqlRow, name: string): number {
  const value = row[name]
  if (!Number.isSafeInteger(value)) throw damaged(`the column ${name} holds no whole number`)
  return value as number
}

export const optionalInteger = (row: SqlRow, name: string): number | undefined => (row[name] === null ? undefined : integerOf(row, name))

export function textOf(row: SqlRow, name: string): string {
  const value = row[name]
  if (typeof value !== 'string') throw damaged(`the column ${name} holds no text`)
  return value
}

export function bytesOf(row: SqlRow, name: string): Uint8Array {
  const value = row[name]
  if (!(value instanceof Uint8Array)) throw damaged(`the column ${name} holds no bytes`)
  return value
}

export function decodeHead(row: SqlRow): Head {
  const expiresAt = optionalInteger(row, 'expires_at')
  return {
    version: integerOf(row, 'version'),
    revision: integerOf(row, 'revision'),
    birth: integerOf(row, 'birth'),
    rewrites: integerOf(row, 'rewrites'),
    createdAt: integerOf(row, 'created_at'),
    updatedAt: integerOf(row, 'updated_at'),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    entries: integerOf(row, 'entries'),
    bytes: integerOf(row, 'bytes'),
    body: bytesOf(row, 'body'),
  }
}

/** A head for the caller: its body is the caller's own (LOG-2). */
export const givenOut = (head: Head): Head => ({ ...head, body: new Uint8Array(head.body) })
