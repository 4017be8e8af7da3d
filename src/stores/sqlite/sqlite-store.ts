// The SQLite driver: opens the file and puts the parts together. The promises are the port's (ports/log-store.ts).
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Random } from '../../core/ids.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { checkedStore } from '../checked-store.ts'
import { storeTime } from '../store-time.ts'
import { ownCheckpointer, threadCheckpointer } from './checkpoint.ts'
import { createCheckpoints } from './checkpoints.ts'
import { nodeSqlite, type OpenClient } from './client.ts'
import { checkpointDuty } from './duty.ts'
import { holdFile, processesWith, type StoreFile } from './held-files.ts'
import { createKnownLogs } from './known-logs.ts'
import { openDatabase, type Synchronous } from './open-database.ts'
import { prepareFile } from './place.ts'
import { readCalls, type Store } from './read-calls.ts'
import { asRecollectError } from './sqlite-errors.ts'
import { prepareAll } from './statements.ts'
import { shareFrom, untilUnlocked } from './waiting.ts'
import { writeCalls } from './write-calls.ts'
import { createWrites } from './writes.ts'

export interface SqliteStoreOptions {
  /** Of the database file; relative to the working folder. File and folder are made if they are not there, for this user alone. */
  readonly path: string
  readonly clock: Pick<Clock, 'now'>
  readonly random?: Random
  /** `normal`: a power cut may lose the last commits, and `info.durable` is false (SQL-2). Default `full`. */
  readonly synchronous?: Synchronous
  /** Another SQLite than Node's. Checkpoints then run on its one connection, as two copies of SQLite in a process undo each other's locks. */
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
 * @throws `invalid_input` where the path, the file, its format or a setting is wrong · `unavailable`, `timeout` where the disk or a lock is
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { clock, random = randomBytes, synchronous = 'full' } = options
  const file = path.resolve(options.path)
  prepareFile(file)
  const heldFile = holdFile(file)
  const client = await untilUnlocked(() => openDatabase(options.client ?? nodeSqlite, file, synchronous), random).catch((error: unknown) => {
    heldFile.release()
    throw error
  })
  const statements = prepareAll(client)
  const logs = createKnownLogs(statements)
  const now = storeTime(clock)

  const writes = createWrites({
    statements,
    logs,
    now,
    share: () => shareFrom(random),
    refusal: () => checkpoints.refusal(),
    committed: (count, bytes) => checkpoints.wrote(count, bytes),
  })
  const checkpoints = createCheckpoints({
    file,
    checkpointer: options.client === undefined ? threadCheckpointer(file, client) : ownCheckpointer(client),
    ...checkpointDuty(statements, writes, now),
    failed: writes.stop,
  })
  const store: Store = { statements, logs, writes, checkpoints, now, random }

  const driver: LogStore = {
    info: { name: 'sqlite', durable: synchronous === 'full', shared: true },
    ...readCalls(store),
    ...writeCalls(store),
    async close() {
      await checkpoints.close()
      client.close()
      heldFile.release()
    },
  }
  return {
    ...checkedStore(driver, asRecollectError),
    files: heldFile.files,
    async emptyWal() {
      const empty = await checkpoints.empty()
      return { empty, openIn: empty ? [] : await processesWith(file) }
    },
  }
}
