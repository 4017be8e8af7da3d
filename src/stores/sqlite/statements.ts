// Every statement of the driver, named for what it does. Each names all parts of the ref, or the key that was found by them (ISO-7).
import type { SqliteClient, SqliteStatement } from './client.ts'

const headColumns = 'key, version, revision, birth, rewrites, created_at, updated_at, expires_at, expiry_mark, entries, bytes, body'
// Node 22 binds an empty Uint8Array that it read itself as null.
const bytes = "ifnull(?, x'')"
const lives = '(expires_at is null or expires_at > ?)'

const sql = {
  begin: 'begin immediate',
  beginRead: 'begin',
  commit: 'commit',
  rollback: 'rollback',
  dataVersion: 'pragma data_version',
  flushLater: 'pragma synchronous = normal',
  flushAtCommit: 'pragma synchronous = full',

  headOf: `select ${headColumns} from log where tenant = ? and owner = ? and kind = ? and log = ?`,
  makeLog: `insert into log (tenant, owner, kind, log, version, revision, birth, rewrites, created_at, updated_at, expires_at, expiry_mark, entries, bytes, body)
    values (?, ?, ?, ?, 0, ?, ?, 0, ?, ?, ?, ?, 0, 0, ${bytes})`,
  saveHead: `update log set version = ?, revision = ?, rewrites = ?, updated_at = ?, expires_at = ?, entries = ?, bytes = ?, body = ${bytes} where key = ?`,
  saveMark: 'update log set expiry_mark = ? where key = ?',
  dropLog: 'delete from log where key = ?',

  idsAfter: 'select id, seq from entry where log = ? and seq > ?',
  addEntry: 'insert into entry (log, seq, id, body) values (?, ?, ?, ?)',
  entriesIn: 'select seq, id, body from entry where log = ? and seq > ? and seq <= ? order by seq',
  sizesIn: 'select length(body) as size from entry where log = ? and seq > ? and seq <= ? order by seq',
  sizeAt: 'select length(body) as size from entry where log = ? and seq = ?',
  setBody: 'update entry set body = ? where log = ? and seq = ?',
  redactBody: "update entry set body = x'' where log = ? and seq = ?",
  dropEntries: 'delete from entry where log = ?',

  snapshotOf: 'select key, up_to, chunks from snapshot where log = ? and name = ? and whole = 1',
  snapshotByKey: 'select key from snapshot where key = ?',
  makeSnapshot: 'insert into snapshot (log, name, up_to, chunks, whole) values (?, ?, ?, ?, 0) returning key',
  finishSnapshot: 'update snapshot set whole = 1 where key = ?',
  snapshotsNamed: 'select key from snapshot where log = ? and name = ?',
  snapshotsOf: 'select key, whole from snapshot where log = ?',
  dropSnapshot: 'delete from snapshot where key = ?',
  addChunk: 'insert into chunk (snapshot, place, body) values (?, ?, ?)',
  chunksOf: 'select place, body from chunk where snapshot = ? order by place',
  dropChunks: 'delete from chunk where snapshot = ?',

  listFirst: `select log, ${headColumns} from log where tenant = ? and owner = ? and kind = ? and ${lives} order by created_at desc, log desc limit ?`,
  listAfter: `select log, ${headColumns} from log where tenant = ? and owner = ? and kind = ? and ${lives} and (created_at, log) < (?, ?)
    order by created_at desc, log desc limit ?`,
  expiredFrom: `select tenant, owner, kind, log, expires_at from log where expiry_mark <= ? and expires_at <= ?
    and (expires_at, tenant, owner, kind, log) > (?, ?, ?, ?, ?) order by expires_at, tenant, owner, kind, log limit ?`,
  ownerAfter: 'select tenant, owner from log where (tenant, owner) > (?, ?) order by tenant, owner limit 1',

  lastLogKey: 'select max(key) as key from log where tenant = ? and owner = ?',
  logsOfOwner: 'select key, kind, log, version, entries, bytes from log where tenant = ? and owner = ? and key <= ? limit ?',

  leaseOf: 'select number, expires_at, held from lease where tenant = ? and owner = ? and purpose = ?',
  saveLease: `insert into lease (tenant, owner, purpose, number, expires_at, held) values (?, ?, ?, ?, ?, 1)
    on conflict (tenant, owner, purpose) do update set number = excluded.number, expires_at = excluded.expires_at, held = 1`,
  extendLease: 'update lease set expires_at = ? where tenant = ? and owner = ? and purpose = ?',
  endLease: 'update lease set held = 0, expires_at = ? where tenant = ? and owner = ? and purpose = ?',
  dropLeases: 'delete from lease where tenant = ? and owner = ?',
  dropOldLeases: 'delete from lease where expires_at < ?',
} as const

type Name = keyof typeof sql
export type Statements = Readonly<Record<Name, SqliteStatement>>

export function prepareAll(client: SqliteClient): Statements {
  const prepared = Object.entries(sql).map(([name, text]) => [name, client.prepare(text)] as const)
  return Object.fromEntries(prepared) as unknown as Statements
}

/** SQLite rolls back by itself after some errors; then there is no transaction to end, and the first error is the one to tell. */
export function rollBack({ rollback }: Statements): void {
  try {
    rollback.run()
  } catch {
    // as above
  }
}
