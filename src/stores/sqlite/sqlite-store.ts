// The SQLite store: a private file, its one handle for probes, and the driver on the caller's loop or in a thread (SQL-9).
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { RecollectError } from '../../core/errors.ts'
import { requireNode } from '../../core/node-version.ts'
import type { Random } from '../../core/ids.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { OpenClient } from './client.ts'
import { openDriver } from './driver.ts'
import { driverInThread } from './driver-thread.ts'
import { holdFile, processesWith, type StoreFile } from './held-files.ts'
import type { Synchronous } from './open-database.ts'
import { prepareFile } from './place.ts'

export interface SqliteStoreOptions {
  /** Of the database file; relative to the working folder. File and folder are made if they are not there, for this user alone. */
  readonly path: string
  readonly clock: Pick<Clock, 'now'>
  readonly random?: Random
  /** `normal`: a power cut may lose the last commits, and `info.durable` is false (SQL-2). Default `full`. */
  readonly synchronous?: Synchronous
  /** `worker`: in a thread, so that no flush blocks the caller's loop, for a little more time an append (SQL-9). Default `loop`. */
  readonly writer?: 'loop' | 'worker'
  /** Another SQLite than Node's, on the loop. Checkpoints then run on its one connection, as two copies of SQLite in a process undo each other's locks. */
  readonly client?: OpenClient
}

export interface SqliteStore extends LogStore {
  /** The database and its WAL, to look for what should be gone. Opening the file by its path instead would drop SQLite's locks. */
  files(): Promise<readonly StoreFile[]>
  /** Empties the WAL; where a reader holds it, the ids of the other processes that have it open, as far as the system shows them (SQL-10). */
  emptyWal(): Promise<{ readonly empty: boolean; readonly openIn: readonly number[] }>
}

/**
 * A store in one SQLite file, for one process or a few on one machine (storage §2.1).
 *
 * @throws `invalid_input` where the path, the file, its format, a setting or the Node is wrong · `unavailable`, `timeout` where the disk or a lock is
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { clock, random = randomBytes, synchronous = 'full', writer = 'loop', client } = options
  if (writer === 'worker' && client !== undefined)
    throw new RecollectError('invalid_input', 'a client of your own cannot write in a worker', "Leave out `client`, or use writer: 'loop'.")
  requireNode(process.versions.node)
  const file = path.resolve(options.path)
  prepareFile(file)
  const held = holdFile(file)
  const opening = writer === 'loop' ? openDriver(file, { clock, random, synchronous, client }) : driverInThread(file, { clock, synchronous })
  const driver = await opening.catch((error: unknown) => {
    held.release()
    throw error
  })
  let closing: Promise<void> | undefined
  return {
    ...driver,
    files: held.files,
    async emptyWal() {
      const empty = await driver.emptyWal()
      return { empty, openIn: empty ? [] : await processesWith(file) }
    },
    close: () => (closing ??= driver.close().finally(held.release)),
  }
}
