// What the tests of the SQLite driver share: a fresh file, a store on it, entries by name, and a client whose steps can be watched or made to fail.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { LogRef } from '../../src/core/log-ref.ts'
import type { Entry } from '../../src/ports/log-store.ts'
import type { OpenClient, SqliteClient, SqliteStatement } from '../../src/stores/sqlite/index.ts'

export const year2100 = Date.UTC(2100, 0, 1)
export const clock = { now: () => year2100 }
export const nothing = new Uint8Array(0)

export const aLog = (logId = 'log', ownerId = 'alice', tenantId = 'acme'): LogRef => ({ tenantId, ownerId, kind: 'session', logId })
export const anEntry = (id: string, body = `body of ${id}`): Entry => ({ id, body: Buffer.from(body) })

/** A folder of this test file alone. */
export function aFolder(): { path: string; file: (name: string) => string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'recollect-sqlite-'))
  return { path: folder, file: (name) => path.join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Another connection, as another process would have. */
export function otherConnection(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec('pragma busy_timeout = 0; pragma wal_autocheckpoint = 0')
  return database
}

/** Node's SQLite with a look at each statement before it is run; `before` may throw in its place. */
export function watched(before: (sql: string, client: SqliteClient) => void): OpenClient {
  return (file) => {
    const client = new DatabaseSync(file) as SqliteClient
    const seen: SqliteClient = {
      exec: (sql) => client.exec(sql),
      close: () => client.close(),
      prepare(sql) {
        const statement = client.prepare(sql)
        const step = <K extends keyof SqliteStatement>(name: K): SqliteStatement[K] =>
          ((...values: never[]) => {
            before(sql, client)
            return (statement[name] as (...values: never[]) => unknown)(...values)
          }) as SqliteStatement[K]
        return { run: step('run'), get: step('get'), all: step('all') }
      },
    }
    return seen
  }
}

/** An error as `node:sqlite` throws it, with an extended result code. */
export const sqliteError = (errcode: number): Error => Object.assign(new Error('as SQLite says it'), { code: 'ERR_SQLITE_ERROR', errcode })
