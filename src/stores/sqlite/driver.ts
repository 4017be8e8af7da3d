// The SQLite driver on the thread that calls it: opens one connection and puts the parts together. The promises are the port's (ports/log-store.ts).
import type { Random } from '../../core/ids.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { checkedStore } from '../checked-store.ts'
import { storeTime } from '../store-time.ts'
import { ownCheckpointer, threadCheckpointer } from './checkpoint.ts'
import { createCheckpoints } from './checkpoints.ts'
import { nodeSqlite, type OpenClient } from './client.ts'
import { checkpointDuty } from './duty.ts'
import { createKnownLogs } from './known-logs.ts'
import { openDatabase, type Synchronous } from './open-database.ts'
import { watchFile } from './place.ts'
import { readCalls, type Store } from './read-calls.ts'
import { asRecollectError } from './sqlite-errors.ts'
import { shareFrom, untilUnlocked } from './waiting.ts'
import { writeCalls } from './write-calls.ts'
import { createWrites } from './writes.ts'

export interface DriverOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly synchronous: Synchronous
  readonly client?: OpenClient | undefined
}

/** A store, and a way to empty its WAL: false where a reader holds it. */
export interface Driver extends LogStore {
  emptyWal(): Promise<boolean>
}

/** Over a file that is there. */
export async function openDriver(file: string, { clock, random, synchronous, client: open }: DriverOptions): Promise<Driver> {
  const { client, statements } = await untilUnlocked(() => openDatabase(open ?? nodeSqlite, file, synchronous), random)
  const logs = createKnownLogs(statements)
  const now = storeTime(clock)
  const moved = watchFile(file)

  const writes = createWrites({
    statements,
    synchronous,
    logs,
    now,
    share: () => shareFrom(random),
    refusal: () => moved() ?? checkpoints.refusal(),
    committed: (count, bytes) => checkpoints.wrote(count, bytes),
  })
  const checkpoints = createCheckpoints({
    file,
    checkpointer: open === undefined ? threadCheckpointer(file, client) : ownCheckpointer(client),
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
    },
  }
  return { ...checkedStore(driver, asRecollectError), emptyWal: checkpoints.empty }
}
