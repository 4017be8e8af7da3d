// F5 on SQLite: the disk is full, and room is made again (FLT-F5). On a small tmpfs where this user may mount one; everywhere by a bound on the file's pages,
// which gives SQLite the same error on the same path.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { isRecollectError } from '../../src/core/errors.ts'
import { asRecollectError } from '../../src/stores/sqlite/sqlite-errors.ts'
import { sqliteError } from '../contract/sqlite-builders.ts'
import { sqliteStore, type SqliteClient, type SqliteStore } from '../../src/stores/sqlite/index.ts'

const rounds = 5
const folder = mkdtempSync(path.join(tmpdir(), 'recollect-full-'))
const small = path.join(folder, 'small')
mkdirSync(small)
const mounted = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small]).status === 0
afterAll(() => {
  if (mounted) spawnSync('umount', [small])
  rmSync(folder, { recursive: true, force: true })
})

const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'full' } as const
const clock = { now: () => Date.UTC(2100, 0, 1) }

/** Fills the store until it refuses, makes room, and goes on; what was acknowledged must be there, and nothing else may be said than `unavailable`. */
async function fillAndGoOn(store: SqliteStore, makeRoom: (round: number) => void) {
  await store.open(ref, { body: new Uint8Array(0) })
  const acknowledged = new Set<string>()
  const codes = new Set<string>()
  let n = 0
  let unread = 0
  for (let round = 0; round < rounds; round++) {
    for (let refused = 0; refused < 3;) {
      const ids = Array.from({ length: 4 }, () => `m${n++}`)
      const outcomes = await Promise.allSettled(ids.map((id) => store.append(ref, [{ id, body: Buffer.alloc(20_000, id) }])))
      outcomes.forEach((outcome, i) => {
        if (outcome.status === 'fulfilled') acknowledged.add(ids[i] as string)
        else codes.add(isRecollectError(outcome.reason) ? outcome.reason.code : String(outcome.reason))
      })
      refused += outcomes.some((outcome) => outcome.status === 'rejected') ? 1 : 0
    }
    if ((await store.read(ref, { limit: 5 })).length === 0) unread++
    makeRoom(round)
    const id = `after ${round}`
    await store.append(ref, [{ id, body: Buffer.alloc(20_000, id) }])
    acknowledged.add(id)
  }
  return { acknowledged, codes: [...codes], unread }
}

async function stored(store: SqliteStore): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let after = 0; ;) {
    const page = await store.read(ref, { after })
    for (const { id, body } of page) if (Buffer.from(body).equals(Buffer.alloc(20_000, id))) ids.add(id)
    if (page.length === 0) return ids
    after = page.at(-1)?.seq as number
  }
}

test('a full file is unavailable and nothing else; reads go on, nothing acknowledged is lost, and it goes on when there is room [FLT-F5]', async () => {
  let client: SqliteClient | undefined
  const file = path.join(folder, 'pages.sqlite')
  const opened = await sqliteStore({ path: file, clock, client: (place) => (client = new DatabaseSync(place) as SqliteClient) })
  const bound = (pages: number) => client?.exec(`pragma max_page_count = ${pages}`)
  bound(300)
  const { acknowledged, codes, unread } = await fillAndGoOn(opened, (round) => bound(300 * (round + 2)))
  await opened.close()
  const again = await sqliteStore({ path: file, clock })
  const found = await stored(again)
  await again.close()
  expect({ codes, unread, lost: [...acknowledged].filter((id) => !found.has(id)), extra: found.size - acknowledged.size }).toEqual({
    codes: ['unavailable'],
    unread: 0,
    lost: [],
    extra: 0,
  })
})

test.skipIf(!mounted)(`the same on a real disk of 8 MiB [FLT-F5]${mounted ? '' : ' (not covered: root for tmpfs)'}`, async () => {
  const ballast = (round: number) => path.join(small, `ballast${round}`)
  for (let round = 0; round < rounds; round++) writeFileSync(ballast(round), Buffer.alloc(900_000))
  const file = path.join(small, 'full.sqlite')
  const store = await sqliteStore({ path: file, clock })
  const { acknowledged, codes, unread } = await fillAndGoOn(store, (round) => rmSync(ballast(round)))
  const found = await stored(store)
  await store.close()
  expect({ codes, unread, lost: [...acknowledged].filter((id) => !found.has(id)) }).toEqual({ codes: ['unavailable'], unread: 0, lost: [] })
})

test('a disk that is full at the first start is what is told, and the next start goes on in the same file [FLT-F5]', async () => {
  const file = path.join(folder, 'first.sqlite')
  const client = (place: string): SqliteClient => {
    const opened = new DatabaseSync(place)
    const full = () => {
      opened.exec('rollback') // as SQLite does by itself
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    }
    const exec = (sql: string) => (sql.includes('create table') ? full() : opened.exec(sql))
    return { exec, prepare: (sql) => opened.prepare(sql) as never, close: () => opened.close() }
  }
  await expect(sqliteStore({ path: file, clock, client })).rejects.toMatchObject({ code: 'unavailable', message: 'the disk of the database is full' })
  expect(asRecollectError(sqliteError(4874)).message).toBe('the disk of the database is full') // of the shared memory beside the file
  const store = await sqliteStore({ path: file, clock })
  expect((await store.open(ref, { body: new Uint8Array(0) })).version).toBe(0)
  await store.close()
})
