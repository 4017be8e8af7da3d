// Where a SQLite store can be opened, with what settings, and what is said where it cannot (SQL-2, SQL-3, ISO-7, ISO-9, MOV-6).
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { isRecollectError } from '../../src/core/errors.ts'
import type { LogRef } from '../../src/core/log-ref.ts'
import { sqliteStore, type SqliteClient } from '../../src/stores/sqlite/index.ts'
import { networkFileSystem } from '../../src/stores/sqlite/place.ts'
import { aFolder, aLog, clock, nothing } from './sqlite-builders.ts'

const folder = aFolder()
afterAll(() => folder.remove())

const refusal = async (file: string): Promise<string> => {
  const failure: unknown = await sqliteStore({ path: file, clock }).catch((error: unknown) => error)
  return isRecollectError(failure) ? `${failure.code}: ${failure.message}` : String(failure)
}

/** As another program would, while nobody has it open or beside who has. */
function changed(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

describe('the file', () => {
  test('file and folder are made for this user alone, WAL and shared memory too [ISO-9]', async () => {
    const file = folder.file('a/b/data.sqlite')
    const store = await sqliteStore({ path: file, clock })
    await store.open(aLog(), { body: nothing })
    const mode = (name: string) => (statSync(folder.file(name)).mode & 0o777).toString(8)
    expect(['a', 'a/b', 'a/b/data.sqlite', 'a/b/data.sqlite-wal', 'a/b/data.sqlite-shm'].map(mode)).toEqual(['700', '700', '600', '600', '600'])
    await store.close()
    chmodSync(file, 0o644)
    await (await sqliteStore({ path: file, clock })).close()
    expect(mode('a/b/data.sqlite')).toBe('600')
  })

  test('once the file is gone or another lies there, no write is taken; the same file put back goes on [DRV-6]', async () => {
    for (const writer of ['loop', 'worker'] as const) {
      const file = folder.file(`moved-${writer}`)
      const store = await sqliteStore({ path: file, clock, writer })
      await store.open(aLog(), { body: nothing })
      const write = (id: string) => store.append(aLog(), [{ id, body: Buffer.from(id) }])
      await write('before')
      renameSync(file, `${file}-elsewhere`)
      await expect(write('gone')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/no longer at its path/) })
      writeFileSync(file, 'another')
      await expect(write('another')).rejects.toMatchObject({ code: 'unavailable' })
      renameSync(`${file}-elsewhere`, file)
      await write('back')
      expect((await store.read(aLog())).map(({ id }) => id)).toEqual(['before', 'back'])
      await store.close()
    }
  })

  test('every setting of the connection reads back as it should [SQL-2]', async () => {
    let opened: SqliteClient | undefined
    const client = (file: string) => (opened = new DatabaseSync(file) as SqliteClient)
    const store = await sqliteStore({ path: folder.file('settings'), clock, client })
    const value = (name: string) => Object.values(opened?.prepare(`pragma ${name}`).get() as object)[0]
    const names = [
      'journal_mode',
      'synchronous',
      'wal_autocheckpoint',
      'busy_timeout',
      'secure_delete',
      'auto_vacuum',
      'trusted_schema',
      'page_size',
      'temp_store',
      'fullfsync',
      'checkpoint_fullfsync',
    ]
    expect(names.map(value)).toEqual(['wal', 2, 0, 0, 1, 0, 0, 4096, 2, 1, 1])
    expect([value('cache_size'), value('mmap_size'), value('user_version'), store.info]).toEqual([
      -65_536,
      268_435_456,
      1,
      { name: 'sqlite', durable: true, shared: true },
    ])
    await store.close()
  })

  test('synchronous=normal says that it is not durable [SQL-2]', async () => {
    for (const writer of ['loop', 'worker'] as const) {
      const store = await sqliteStore({ path: folder.file('relaxed'), clock, synchronous: 'normal', writer })
      expect(store.info.durable).toBe(false)
      await store.close()
    }
  })

  test('a client that does not hold a setting is refused, with its name [SQL-2]', async () => {
    const client = (file: string) => {
      const database = new DatabaseSync(file) as SqliteClient
      const exec = database.exec.bind(database)
      return Object.assign(database, { exec: (sql: string) => (sql.includes('secure_delete') ? undefined : exec(sql)) })
    }
    const failure = await sqliteStore({ path: folder.file('unset'), clock, client }).catch((error: unknown) => error)
    expect([isRecollectError(failure, 'invalid_input'), String(failure)]).toEqual([true, expect.stringContaining('secure_delete')])
  })

  test('network file systems are known by their number, local ones pass [SQL-2]', () => {
    const [nfs, cifs, ext4, tmpfs, overlay] = [0x6969, 0xff534d42, 0xef53, 0x01021994, 0x794c7630]
    expect([nfs, cifs, cifs | 0, ext4, tmpfs, overlay].map(networkFileSystem)).toEqual(['NFS', 'CIFS', 'CIFS', undefined, undefined, undefined])
  })
})

describe('what cannot be opened', () => {
  test('each has its reason, and no path in the message [SQL-2]', async () => {
    mkdirSync(folder.file('folder'))
    writeFileSync(folder.file('plain'), 'x')
    expect(await refusal(folder.file('folder'))).toBe('invalid_input: the path of the database is not a file')
    expect(await refusal(folder.file('plain/below'))).toMatch(/^invalid_input: .*not a folder$/)
    expect(await refusal(folder.file('n'.repeat(300)))).toMatch(/^invalid_input: .*too long$/)
    if (process.platform === 'linux') expect(await refusal('/proc/nowhere/file')).toMatch(/^invalid_input: .*no folder can be made there$/)
  })

  test('a file that is no database is refused and left as it is [SQL-2]', async () => {
    const text = 'this is a text, and a long one.\n'.repeat(200)
    writeFileSync(folder.file('text'), text)
    expect(await refusal(folder.file('text'))).toBe('invalid_input: the file is not a SQLite database')
    expect(readFileSync(folder.file('text'), 'utf8')).toBe(text)
  })

  test('the database of another program is refused and left as it is [SQL-3]', async () => {
    const file = folder.file('foreign')
    const database = new DatabaseSync(file)
    database.exec('create table notes (text)')
    database.close()
    const before = readFileSync(file)
    expect(await refusal(file)).toBe('invalid_input: the file is a database of another program')
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  test('a format that needs a newer reader is refused before anything is written; one that does not is read [MOV-6]', async () => {
    const file = folder.file('newer')
    await (await sqliteStore({ path: file, clock })).close()
    changed(file, "pragma user_version = 3; update meta set value = 2 where name = 'minReader'")
    const before = readFileSync(file)
    expect(await refusal(file)).toBe('invalid_input: the database has format 3 and needs a reader of format 2; this version reads up to 1')
    expect(readFileSync(file).equals(before)).toBe(true)
    changed(file, "update meta set value = 1 where name = 'minReader'")
    await (await sqliteStore({ path: file, clock })).close()
  })

  test('a format that does not say who may read it is refused [MOV-6]', async () => {
    for (const [i, lost] of ['delete from meta', 'drop table meta'].entries()) {
      const file = folder.file(`unsaid-${i}`)
      await (await sqliteStore({ path: file, clock })).close()
      changed(file, `pragma user_version = 2; ${lost}`)
      expect(await refusal(file)).toBe('invalid_input: the database has format 2, and does not say who may read it; this version reads up to 1')
    }
  })

  test('a file that lacks what its format has is damaged, and nothing holds it afterwards [SQL-3]', async () => {
    for (const [i, harm] of [
      'drop table lease',
      'alter table log rename column body to text',
      'drop table entry; create view entry as select 1',
    ].entries()) {
      const file = folder.file(`lacking-${i}`)
      await (await sqliteStore({ path: file, clock })).close()
      changed(file, harm)
      expect(await refusal(file)).toBe('integrity_failure: stored data is damaged: the database has not the tables of its format')
      expect(existsSync(`${file}-wal`)).toBe(false) // as after the close of a last connection
    }
  })

  test('a WAL of another database beside the file is refused, and the file is left as it is [SQL-3]', async () => {
    const [file, foreign] = [folder.file('whole'), folder.file('another')]
    await (await sqliteStore({ path: file, clock })).close()
    const before = readFileSync(file)
    const database = new DatabaseSync(foreign)
    database.exec('pragma journal_mode = wal; create table notes (text)')
    copyFileSync(`${foreign}-wal`, `${file}-wal`)
    database.close()
    expect(await refusal(file)).toBe('invalid_input: the file is a database of another program')
    expect(readFileSync(file).equals(before)).toBe(true)
    rmSync(`${file}-wal`)
    await (await sqliteStore({ path: file, clock })).close()
  })

  test('a file that was cut short, and a number that none of ours can be, are damage and not a wait [SQL-3, LOG-8]', async () => {
    const file = folder.file('numbers')
    const store = await sqliteStore({ path: file, clock })
    await store.open(aLog(), { body: nothing })
    changed(file, 'update log set revision = 9223372036854775807')
    await expect(store.head(aLog())).rejects.toMatchObject({ code: 'integrity_failure' })
    await store.close()
    const short = await sqliteStore({ path: folder.file('short'), clock })
    await short.open(aLog(), { body: nothing })
    await short.append(aLog(), [{ id: 'a', body: Buffer.alloc(20_000) }])
    await short.close()
    truncateSync(folder.file('short'), statSync(folder.file('short')).size - 1)
    const cut = await sqliteStore({ path: folder.file('short'), clock })
    await expect(cut.read(aLog())).rejects.toMatchObject({ code: 'integrity_failure' })
    await cut.close()
  })

  test('a folder that may not be written is refused with the reason [SQL-2]', () => {
    const locked = folder.file('locked')
    mkdirSync(locked, { mode: 0o500 })
    chmodSync(folder.path, 0o755)
    const program = `import { sqliteStore } from ${JSON.stringify(path.join(import.meta.dirname, '../../src/stores/sqlite/index.ts'))}
      await sqliteStore({ path: ${JSON.stringify(path.join(locked, 'data.sqlite'))}, clock: { now: () => 0 } }).catch((error) => console.log(error.code, error.message))`
    const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', ...asNobody })
    expect(run.stdout.trim()).toBe('invalid_input the database cannot be opened: this process may not write there')
  })
})

test('distinct refs are distinct logs, whatever stands in their names [ISO-7]', async () => {
  const store = await sqliteStore({ path: folder.file('refs'), clock })
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', ':', '%', '_', '*', '.', '~', ' ', 'é', '😀'), minLength: 1, maxLength: 4 })
  const address = fc.record({ tenantId: name, ownerId: name, logId: name, kind: fc.constantFrom('session' as const, 'memory' as const) })
  const refs = [...new Map(fc.sample(address, { numRuns: 10_000, seed: 7 }).map((ref) => [JSON.stringify(ref), ref])).values()]
  const births = await Promise.all(refs.map(async (ref) => (await store.open(ref, { body: Buffer.from(JSON.stringify(ref)) })).birth))
  expect(new Set(births).size).toBe(refs.length)
  for (const mine of Map.groupBy(refs, ({ tenantId, ownerId, kind }) => JSON.stringify([tenantId, ownerId, kind])).values()) {
    const { items } = await store.list(mine[0] as LogRef, (mine[0] as LogRef).kind, { limit: 200 })
    expect(items.map(({ logId }) => logId).toSorted()).toEqual(mine.map(({ logId }) => logId).toSorted())
  }
  await store.close()
})
