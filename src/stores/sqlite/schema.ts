// Format 1 of the file (SQL-3), and the check that this version may read it (MOV-5, MOV-6).
import { RecollectError } from '../../core/errors.ts'
import type { SqliteClient } from './client.ts'

export const format = 1

// Keys of logs and snapshots are never given twice (autoincrement), so one that a process remembers cannot come to mean another log.
// `expires_at` is exact; `expiry_mark` is the lazy copy that is indexed, never later than the exact one (LIFE-1).
const tables = `
create table meta (name text primary key, value integer not null) strict, without rowid;
create table log (
  key integer primary key autoincrement,
  tenant text not null, owner text not null, kind text not null, log text not null,
  version integer not null, revision integer not null, birth integer not null, rewrites integer not null,
  created_at integer not null, updated_at integer not null, expires_at integer, expiry_mark integer,
  entries integer not null, bytes integer not null, body blob not null,
  unique (tenant, owner, kind, log)
) strict;
create index log_by_age on log (tenant, owner, kind, created_at, log);
create index log_by_expiry on log (expiry_mark) where expiry_mark is not null;
create table entry (
  key integer primary key, log integer not null, seq integer not null, id text not null, body blob not null,
  unique (log, seq, id)
) strict;
create table snapshot (
  key integer primary key autoincrement,
  log integer not null, name text not null, up_to integer not null, chunks integer not null, whole integer not null
) strict;
create index snapshot_by_name on snapshot (log, name);
create table chunk (
  key integer primary key, snapshot integer not null, place integer not null, body blob not null,
  unique (snapshot, place)
) strict;
create table lease (
  tenant text not null, owner text not null, purpose text not null,
  number integer not null, expires_at integer not null, held integer not null,
  primary key (tenant, owner, purpose)
) strict, without rowid;
insert into meta (name, value) values ('minReader', 1);
pragma user_version = ${format};
`

const one = (client: SqliteClient, sql: string): unknown => Object.values((client.prepare(sql).get() ?? {}) as object)[0]

/** Whether the file is new. Writes nothing; throws `invalid_input` for what is no store of ours, or is too new for this version (MOV-6). */
export function checkFormat(client: SqliteClient): 'new' | 'known' {
  const found = Number(one(client, 'pragma user_version'))
  const count = Number(one(client, 'select count(*) from sqlite_schema'))
  if (found === 0 && count === 0) return 'new'
  if (found === 0)
    throw new RecollectError('invalid_input', 'the file is a database of another program', 'Give the path of a file that Recollect made, or of none.')
  if (found === format) return 'known'
  const says = one(client, "select count(*) from sqlite_schema where name = 'meta'") === 1
  const minReader = says ? one(client, "select value from meta where name = 'minReader'") : undefined
  if (typeof minReader !== 'number')
    throw new RecollectError(
      'invalid_input',
      `the database has format ${found}, and does not say who may read it; this version reads up to ${format}`,
      'Give the path of a file that Recollect made, or of none.',
    )
  if (minReader > format)
    throw new RecollectError(
      'invalid_input',
      `the database has format ${found} and needs a reader of format ${minReader}; this version reads up to ${format}`,
      'Install the newer version of Recollect that wrote it.',
      { limit: format, given: minReader },
    )
  return 'known'
}

/** Makes the tables unless another process did so first. Call it under no transaction. */
export function makeTables(client: SqliteClient): void {
  client.exec('begin immediate')
  try {
    if (checkFormat(client) === 'new') client.exec(tables)
    client.exec('commit')
  } catch (error) {
    try {
      client.exec('rollback')
    } catch {
      // a full disk ends the transaction by itself, and is the one to tell
    }
    throw error
  }
}
