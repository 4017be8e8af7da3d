// The smallest client the driver needs, by structure: a prepared statement, `exec`, `close` (SQL-1). The default is `node:sqlite`.

export type SqlValue = string | number | null | Uint8Array
export type SqlRow = Record<string, unknown>

export interface SqliteStatement {
  run(...values: SqlValue[]): unknown
  get(...values: SqlValue[]): unknown // the row by column name, or undefined
  all(...values: SqlValue[]): unknown[]
}

/** One connection. Blobs are bound and returned as `Uint8Array`, integers as numbers. */
export interface SqliteClient {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** Opens one connection to a file that exists. */
export type OpenClient = (file: string) => SqliteClient

/** Loaded at the first use: an older Node, which has none, can then be told what is wanted. */
export const nodeSqlite: OpenClient = (file) => new (process.getBuiltinModule('node:sqlite').DatabaseSync)(file) as SqliteClient

/** A connection that leaves every byte of the file as it is, also at its close. */
export const nodeSqliteReader: OpenClient = (file) =>
  new (process.getBuiltinModule('node:sqlite').DatabaseSync)(file, { readOnly: true }) as SqliteClient
