// One connection with the settings of SQL-2, each read back.
import { existsSync } from 'node:fs'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { damaged } from '../store-errors.ts'
import { nodeSqlite, nodeSqliteReader, type OpenClient, type SqliteClient } from './client.ts'
import { checkFormat, makeTables } from './schema.ts'
import { asRecollectError, resultCode } from './sqlite-errors.ts'
import { prepareAll, type Statements } from './statements.ts'

export type Synchronous = 'full' | 'normal'

export const pageBytes = 4096

// [pragma, the value to set, what it must read as afterwards]
const settings = (synchronous: Synchronous): readonly (readonly [string, string | number, string | number])[] => [
  ['busy_timeout', 0, 0], // waiting is done outside, without blocking the loop (SQL-8)
  ['page_size', pageBytes, pageBytes],
  ['auto_vacuum', 'none', 0],
  ['journal_mode', 'wal', 'wal'],
  ['synchronous', synchronous, synchronous === 'full' ? 2 : 1],
  ['wal_autocheckpoint', 0, 0], // SQL-7 does it
  ['secure_delete', 'on', 1],
  ['trusted_schema', 'off', 0],
  ['temp_store', 'memory', 2], // nothing of a store lies in files beside it
  ['cache_size', -limits.sqliteCacheKiB, -limits.sqliteCacheKiB],
  ['mmap_size', limits.sqliteMapBytes, limits.sqliteMapBytes],
  ['fullfsync', 'on', 1], // macOS: its plain fsync does not reach the disk; elsewhere without effect
  ['checkpoint_fullfsync', 'on', 1],
]

export interface OpenDatabase {
  readonly client: SqliteClient
  readonly statements: Statements
}

/** Opens the file, refuses what is not ours before anything is written, sets and reads back, makes the tables, and prepares every statement. */
export function openDatabase(open: OpenClient, file: string, synchronous: Synchronous): OpenDatabase {
  // The close of a connection that writes empties the WAL into the file, so one that is not ours would be in it for good.
  if (open === nodeSqlite && existsSync(`${file}-wal`)) {
    const reader = checked(nodeSqliteReader, file)
    reader.close()
  }
  const client = checked(open, file)
  try {
    setAndReadBack(client, synchronous)
    makeTables(client)
    return { client, statements: prepareAll(client) }
  } catch (error) {
    client.close()
    throw openError(error)
  }
}

function checked(open: OpenClient, file: string): SqliteClient {
  let client: SqliteClient | undefined
  try {
    client = open(file)
    client.exec('pragma busy_timeout = 0')
    checkFormat(client)
    return client
  } catch (error) {
    client?.close()
    throw openError(error)
  }
}

/** The settings of every connection to a store's file. */
export function setAndReadBack(client: SqliteClient, synchronous: Synchronous): void {
  for (const [name, value, expected] of settings(synchronous)) {
    client.exec(`pragma ${name} = ${value}`)
    const found = Object.values((client.prepare(`pragma ${name}`).get() ?? {}) as object)[0]
    if (found !== expected)
      throw new RecollectError(
        'invalid_input',
        `SQLite does not hold the setting ${name}: asked for ${expected}, found ${String(found)}`,
        'Use a local disk and a SQLite of 3.47 or later.',
      )
  }
}

function openError(error: unknown): RecollectError {
  const [wrongSql, cannotOpen, notADatabase] = [1, 14, 26]
  const code = resultCode(error) & 0xff
  if (code === notADatabase)
    return new RecollectError('invalid_input', 'the file is not a SQLite database', 'Give the path of a file that Recollect made, or of none.', {
      cause: error,
    })
  if (code === cannotOpen)
    return new RecollectError(
      'invalid_input',
      'the database cannot be opened',
      'Give a path in a folder that this process may write; it also needs some open files free (ulimit -n).',
      {
        cause: error,
      },
    )
  if (code === wrongSql) return damaged('the database has not the tables of its format', error)
  return asRecollectError(error)
}
