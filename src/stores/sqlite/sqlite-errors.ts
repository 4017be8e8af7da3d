// What SQLite's result codes mean to a caller: the codes of LOG-8, with the driver's text in `cause` alone.
import { RecollectError } from '../../core/errors.ts'
import { damaged, storeFailed } from '../store-errors.ts'

// https://www.sqlite.org/rescode.html: the low byte is the primary code, the rest says more.
const primary = { busy: 5, locked: 6, readOnly: 8, ioError: 10, corrupt: 11, full: 13, protocol: 15, constraint: 19, mismatch: 20, notADatabase: 26 }

// A page that the file ends in the middle of. A number that no number of ours can be comes from Node as `ERR_OUT_OF_RANGE`.
const shortRead = 522
// The shared memory beside the file could not grow, for want of room.
const noRoomForIndex = 4874

// IOERR, _WRITE, _FSYNC, _DIR_FSYNC, _CLOSE of a write: the pages may be gone from the cache, so a second flush proves nothing (DRV-6).
// The shared-memory kinds (a full disk gives those) lose nothing and are left out.
const failedFlush = new Set([10, 778, 1034, 1290, 4106])

/** The extended result code of an error that a client threw, or 0. `node:sqlite` says `errcode`. */
export function resultCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code : 0
}

/** Somebody else has the lock for a moment: the same call may succeed at once (SQL-8). */
export const isBusy = (error: unknown): boolean => [primary.busy, primary.locked, primary.protocol].includes(resultCode(error) & 0xff)

export const isFailedFlush = (error: unknown): boolean => failedFlush.has(resultCode(error))

/** The error a caller gets for what a client threw. */
export function asRecollectError(error: unknown): RecollectError {
  if (error instanceof RecollectError) return error
  if (resultCode(error) === shortRead || (error as { code?: unknown } | null)?.code === 'ERR_OUT_OF_RANGE')
    return damaged('the database file does not read as one', error)
  switch (resultCode(error) === noRoomForIndex ? primary.full : resultCode(error) & 0xff) {
    case primary.full:
      return new RecollectError('unavailable', 'the disk of the database is full', 'Free space on it, then make the same call again.', {
        cause: error,
      })
    case primary.readOnly:
      return new RecollectError('unavailable', 'the database cannot be written', 'Give this process the right to write the file and its folder.', {
        cause: error,
      })
    case primary.corrupt:
    case primary.constraint:
    case primary.mismatch:
    case primary.notADatabase:
      return damaged('the database file does not read as one', error)
    default:
      return storeFailed(error)
  }
}

export const writesStopped = (cause: unknown): RecollectError =>
  new RecollectError(
    'unavailable',
    'a flush to disk failed, so this store takes no more writes; reads go on',
    'Look at the disk, then start the process anew.',
    { cause },
  )

export const lockedTooLong = (givenMs: number, limitMs: number, cause: unknown): RecollectError =>
  new RecollectError(
    'timeout',
    `a call has at most ${limitMs} ms; the database was locked for ${givenMs} ms`,
    'Make the same call again; look for a process that holds the file.',
    {
      cause,
      limit: limitMs,
      given: givenMs,
    },
  )
