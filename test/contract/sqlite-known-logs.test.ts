// What a process keeps of a SQLite file in memory, bounded and filled from the index alone, and what is indexed.
import { afterAll, expect, test } from 'vitest'
import { createKnownLogs } from '../../src/stores/sqlite/known-logs.ts'
import { sqliteStore, type SqliteClient } from '../../src/stores/sqlite/index.ts'
import { prepareAll } from '../../src/stores/sqlite/statements.ts'
import { aFolder, aLog, anEntry, clock, nothing, otherConnection } from './sqlite-builders.ts'

const folder = aFolder()
afterAll(() => folder.remove())

/** Logs `a`, `b` and `c` with so many entries each, and what is kept of them under bounds. */
async function kept(bounds: { ids: number; headBytes: number }, entries: number) {
  const file = folder.file(`${bounds.ids}-${bounds.headBytes}.db`)
  const store = await sqliteStore({ path: file, clock, random: (bytes) => new Uint8Array(bytes) })
  for (const name of ['a', 'b', 'c']) {
    await store.open(aLog(name), { body: nothing })
    await store.append(
      aLog(name),
      Array.from({ length: entries }, (_, i) => anEntry(`${name}${i}`)),
    )
  }
  const client = otherConnection(file)
  const statements = prepareAll(client as SqliteClient)
  const logs = createKnownLogs(statements, bounds)
  logs.freshen()
  return {
    file,
    logs,
    async end() {
      client.close()
      await store.close()
    },
  }
}

test('known ids stay under their bound, and the log that was used least recently goes first [SQL-4]', async () => {
  const { logs, end } = await kept({ ids: 10, headBytes: 1e9 }, 4)
  const found = (name: string) => logs.find(aLog(name))!
  const [a, b] = [found('a'), found('b')]
  expect([...logs.idsOf(a).keys()]).toEqual(['a0', 'a1', 'a2', 'a3'])
  logs.idsOf(b)
  logs.trim()
  expect([found('b'), found('a')]).toEqual([b, a]) // 8 of 10: both stay, and `a` was used last
  logs.idsOf(found('c'))
  logs.trim()
  expect(found('a')).toBe(a)
  expect(found('b')).not.toBe(b)
  await end()
})

test('heads stay under their bound of bytes [SQL-4]', async () => {
  const { logs, end } = await kept({ ids: 1e9, headBytes: 1_100 }, 1)
  const [a, b] = ['a', 'b'].map((name) => logs.find(aLog(name)))
  logs.trim()
  expect(logs.find(aLog('a'))).toBe(a) // two of about 512 bytes
  logs.find(aLog('c'))
  logs.trim()
  expect(logs.find(aLog('b'))).not.toBe(b)
  await end()
})

test('entries have one index, over log, seq and id, and a ref names one log: appends dirty as few pages as can be [SQL-3]', async () => {
  const { end, file } = await kept({ ids: 1, headBytes: 1 }, 1)
  const client = otherConnection(file)
  const all = (sql: string) => client.prepare(sql).all() as { name: string }[]
  const indexes = (table: string) =>
    all(`select name from pragma_index_list('${table}')`).map(({ name }) =>
      all(`select name from pragma_index_info('${name}')`).map((one) => one.name),
    )
  const entry = indexes('entry')
  const log = indexes('log')
  client.close()
  await end()
  expect(entry).toEqual([['log', 'seq', 'id']])
  expect(log).toContainEqual(['tenant', 'owner', 'kind', 'log'])
})
