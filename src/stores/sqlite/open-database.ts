// One connection with the settings of SQL-2, each read back.
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { OpenClient, SqliteClient } from './client.ts'
import { checkFormat, makeTables } from './schema.ts'
import { asRecollectError, resultCode } from './sqlite-errors.ts'

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

/** Opens the file, refuses what is not ours before anything is written, sets and reads back, and makes the tables. */
export function openDatabase(open: OpenClient, file: string, synchronous: Synchronous): SqliteClient {
  const client = opened(open, file)
  try {
    client.exec('pragma busy_timeout = 0')
    checkFormat(client)
    setAndReadBack(client, synchronous)
    makeTables(client)
    return client
  } catch (error) {
    client.close()
    throw openError(error)
  }
}

function opened(open: OpenClient, file: string): SqliteClient {
  try {
    return open(file)
  } catch (error) {
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
  const notADatabase = 26
  const cannotOpen = 14
  const code = resultCode(error) & 0xff
  if (code === notADatabase)
    return new RecollectError('invalid_input', 'the file is not a SQLite database', 'Give the path of a file that Recollect made, or of none.', {
      cause: error,
    })
  if (code === cannotOpen)
    return new RecollectError('invalid_input', 'the database cannot be opened', 'Give a path in a folder that this process may write.', {
      cause: error,
    })
  return asRecollectError(error)
}
