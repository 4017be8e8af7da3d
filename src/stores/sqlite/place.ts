// The folder and the file: modes, the first flush, and where a database must not lie (SQL-2, ISO-9).
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, statfsSync, statSync } from 'node:fs'
import path from 'node:path'
import { RecollectError } from '../../core/errors.ts'

const fileMode = 0o600
const folderMode = 0o700

// Linux magic numbers (statfs(2)): locks or shared memory of these do not hold between machines.
const networkFileSystems = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
])

/** The name of a network file system by its Linux number, or undefined. */
export const networkFileSystem = (type: number): string | undefined => networkFileSystems.get(type >>> 0)

/** Makes folder and file as needed, private to this user and flushed; throws `invalid_input` where a database cannot lie. */
export function prepareFile(file: string): void {
  const folder = path.dirname(file)
  try {
    const made = makeFolder(folder)
    refuseNetwork(folder)
    if (made !== undefined) flushFolder(path.dirname(made))
    if (makeFile(file)) flushFolder(folder)
    const found = statSync(file)
    if (!found.isFile()) throw new RecollectError('invalid_input', 'the path of the database is not a file', 'Give the path of a file.')
    if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) chmodSync(file, fileMode)
  } catch (error) {
    throw placeError(error)
  }
}

/** Says why nothing may be written once the path has no file, or another: SQLite goes on with the old one, and what it writes is gone with it. */
export function watchFile(file: string): () => RecollectError | undefined {
  const { dev, ino } = statSync(file)
  return () => {
    try {
      const found = statSync(file, { throwIfNoEntry: false })
      if (found?.ino === ino && found.dev === dev) return undefined
    } catch {
      return undefined // it cannot be seen just now
    }
    return new RecollectError(
      'unavailable',
      'the database file is no longer at its path, so this store takes no writes; reads go on',
      'Put the same file back; if it is gone for good, restore a copy and start the process anew.',
    )
  }
}

/** The first folder that had to be made. One at a time: Node's own `recursive` never ends where a parent takes no folders, as /proc. */
function makeFolder(folder: string): string | undefined {
  if (existsSync(folder)) return undefined
  const above = path.dirname(folder)
  const first = above === folder ? undefined : makeFolder(above)
  try {
    mkdirSync(folder, { mode: folderMode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another process was first
  }
  return first ?? folder
}

/** True if the file was made here. It is flushed before SQLite opens it: closing it later would drop SQLite's locks (POSIX). */
function makeFile(file: string): boolean {
  let made: number
  try {
    made = openSync(file, 'wx', fileMode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  fsyncSync(made)
  closeSync(made)
  return true
}

function flushFolder(folder: string): void {
  if (process.platform === 'win32') return // a folder cannot be opened there
  const opened = openSync(folder, 'r')
  fsyncSync(opened)
  closeSync(opened)
}

function refuseNetwork(folder: string): void {
  if (process.platform !== 'linux') return
  const name = networkFileSystem(Number(statfsSync(folder).type))
  if (name !== undefined)
    throw new RecollectError(
      'invalid_input',
      `the folder of the database is on ${name}, where SQLite's locks do not hold`,
      'Put the file on a local disk, or use another store.',
    )
}

function placeError(error: unknown): RecollectError {
  if (error instanceof RecollectError) return error
  const code = (error as NodeJS.ErrnoException).code
  const why: Record<string, string> = {
    ENOENT: 'no folder can be made there',
    EACCES: 'this process may not write there',
    EPERM: 'this process may not write there',
    EROFS: 'the disk is read-only',
    ENOTDIR: 'a part of the path is not a folder',
    EEXIST: 'a part of the path is not a folder',
    ENAMETOOLONG: 'the path is too long',
    ELOOP: 'the path runs in a circle of links',
  }
  const reason = why[code ?? '']
  if (reason !== undefined)
    return new RecollectError('invalid_input', `the database cannot be opened: ${reason}`, 'Give a path in a folder that this process may write.', {
      cause: error,
    })
  return new RecollectError('unavailable', 'the database cannot be opened', 'Look at the disk and the folder, then try again.', { cause: error })
}
