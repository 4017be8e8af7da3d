// The SQLite store by name: `recollect/stores/sqlite`.
export { sqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
export type { OpenClient, SqliteClient, SqliteStatement, SqlValue } from './client.ts'
export type { StoreFile } from './held-files.ts'
