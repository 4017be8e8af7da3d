// The SQLite store by name: `recollect/stores/sqlite`.
export { sqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
export type { OpenClient, SqliteClient, SqliteStatement, SqlValue } from './client.ts'
