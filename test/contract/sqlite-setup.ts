// What SQLite brings to the store contract: a fresh file a case, a second process, and hands on the rows underneath.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { mintAny } from '../../src/security/mint.ts'
import { createKeyRing } from '../../src/security/keys/key-ring.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { sealedStore } from '../../src/security/sealing/sealed-store.ts'
import type { LogRef } from '../../src/core/log-ref.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { sqliteStore } from '../../src/stores/sqlite/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { recordingTelemetry } from '../../src/testing/recording-telemetry.ts'
import type { StoreContract } from '../../src/testing/store-contract.ts'
import { storeInProcess } from './sqlite-process.ts'

const year2100 = Date.UTC(2100, 0, 1)

/** The contract's hooks for one run; `clear` removes its files. */
export function sqliteContract(name: string, writer: 'loop' | 'worker' = 'loop'): StoreContract & { clear(): void } {
  const clock = manualClock(year2100)
  const folder = mkdtempSync(path.join(tmpdir(), 'recollect-contract-'))
  const files = new Map<LogStore, string>()
  const opened = async (file: string) => {
    const store = await sqliteStore({ path: file, clock, writer })
    files.set(store, file)
    return store
  }
  const fileOf = (store: LogStore) => files.get(store) as string
  let made = 0

  return {
    name,
    clock,
    create: () => opened(path.join(folder, `${++made}.sqlite`)),
    async restart(store) {
      await store.close()
      return opened(fileOf(store))
    },
    secondProcess: (store) => storeInProcess(fileOf(store), clock),
    raw: async (store) => onTheFile(fileOf(store), everyRow),
    takeAway: async (store, row) =>
      onTheFile(fileOf(store), (database) => {
        const key = keyOf(database, row.ref)
        if ('seq' in row) database.prepare('delete from entry where log = ? and seq = ?').run(key, row.seq)
        else {
          database
            .prepare('delete from chunk where place = ? and snapshot in (select key from snapshot where log = ? and name = ?)')
            .run(row.chunk, key, row.snapshot)
        }
      }),
    raise: async (store, ref, { version, bytes }) =>
      onTheFile(fileOf(store), (database) => {
        database.prepare('update log set version = ?, entries = ?, bytes = ? where key = ?').run(version, version, bytes, keyOf(database, ref))
      }),
    clear: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The same under the sealing wrapper, with the keys in a store of their own. */
export function sealedSqliteContract(name: string): StoreContract & { clear(): void } {
  const plain = sqliteContract(name)
  const { clock } = plain
  const inside = new Map<LogStore, LogStore>()
  const provider = memoryKeyProvider({ random: randomBytes })
  const keys = memoryStore({ clock })
  const wrapped = (inner: LogStore) => {
    const ring = createKeyRing({ store: keys, provider, clock, random: randomBytes, mint: mintAny })
    const store = sealedStore(inner, ring, { seal: 'on', random: randomBytes, telemetry: recordingTelemetry() })
    inside.set(store, inner)
    return store
  }
  const innerOf = (store: LogStore) => inside.get(store) as LogStore
  return {
    ...plain,
    scope: mintAny,
    create: async () => wrapped(await plain.create()),
    restart: async (store) => wrapped((await plain.restart?.(innerOf(store))) as LogStore),
    secondProcess: async (store) => wrapped((await plain.secondProcess?.(innerOf(store))) as LogStore),
    raw: async (store) => (await plain.raw?.(innerOf(store))) ?? [],
    takeAway: async (store, row) => plain.takeAway?.(innerOf(store), row),
    raise: async (store, ref, numbers) => plain.raise?.(innerOf(store), ref, numbers),
  }
}

function onTheFile<T>(file: string, act: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file)
  try {
    database.exec('pragma busy_timeout = 2000; pragma wal_autocheckpoint = 0')
    return act(database)
  } finally {
    database.close()
  }
}

const keyOf = (database: DatabaseSync, { tenantId, ownerId, kind, logId }: LogRef): number =>
  (
    database.prepare('select key from log where tenant = ? and owner = ? and kind = ? and log = ?').get(tenantId, ownerId, kind, logId) as {
      key: number
    }
  ).key

function everyRow(database: DatabaseSync): Uint8Array[] {
  return ['log', 'entry', 'snapshot', 'chunk', 'lease'].flatMap((table) =>
    database
      .prepare(`select * from ${table}`)
      .all()
      .map((row) =>
        Buffer.concat(Object.values(row).map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))))),
      ),
  )
}
