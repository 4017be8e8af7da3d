// How the SQLite driver commits, remembers and waits: what is true of it beyond the contract (SQL-1, SQL-4, SQL-5, SQL-8, DRV-6).
import { writeFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { isRecollectError } from '../../src/core/errors.ts'
import { limits } from '../../src/core/limits.ts'
import { sqliteStore } from '../../src/stores/sqlite/index.ts'
import { untilUnlocked } from '../../src/stores/sqlite/waiting.ts'
import { aFolder, aLog, anEntry, clock, nothing, otherConnection, sqliteError, watched } from './sqlite-builders.ts'

const folder = aFolder()
afterAll(() => folder.remove())

const outcomes = async (calls: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((one) =>
    one.status === 'fulfilled' ? 'done' : isRecollectError(one.reason) ? one.reason.code : String(one.reason),
  )

describe('group commit', () => {
  test('all appends of one turn of the loop share one commit, and one head row is written [SQL-5]', async () => {
    const steps: string[] = []
    const store = await sqliteStore({ path: folder.file('group'), clock, client: watched((sql) => steps.push(sql)) })
    await store.open(aLog(), { body: nothing })
    steps.length = 0
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.append(aLog(), [anEntry(`m${i}`)])))
    const count = (start: string) => steps.filter((sql) => sql.startsWith(start)).length
    expect([count('begin immediate'), count('commit'), count('update log set version'), count('insert into entry')]).toEqual([1, 1, 1, 100])
    await store.close()
  })

  test('leases alone are committed without a flush; anything beside them is flushed, also after a failure [SQL-5, LOG-5]', async () => {
    const steps: string[] = []
    let broken = false
    const client = watched((sql) => {
      steps.push(sql)
      if (broken && sql === 'commit') throw sqliteError(13)
    })
    const store = await sqliteStore({ path: folder.file('leases'), clock, client })
    await store.open(aLog(), { body: nothing })
    const stepsOf = async (work: () => Promise<unknown>) => {
      steps.length = 0
      await work().catch(() => undefined)
      return steps.filter((sql) => /^(pragma synchronous|begin immediate|commit|rollback)/.test(sql))
    }
    const lease = (purpose: string) => store.lease({ tenantId: 't', ownerId: 'o', purpose }, 5_000)
    const [later, atCommit] = ['pragma synchronous = normal', 'pragma synchronous = full']
    expect(await stepsOf(() => lease('a'))).toEqual([later, 'begin immediate', 'commit', atCommit])
    expect(await stepsOf(() => Promise.all([lease('b'), store.append(aLog(), [anEntry('m1')])]))).toEqual(['begin immediate', 'commit'])
    broken = true
    expect(await stepsOf(() => lease('c'))).toEqual([later, 'begin immediate', 'commit', 'rollback', atCommit])
    broken = false
    await store.close()
  })

  test('a group ends at 256 writes or 1 MiB of bodies [SQL-5]', async () => {
    const commits: string[] = []
    const store = await sqliteStore({ path: folder.file('bounds'), clock, client: watched((sql) => sql === 'commit' && commits.push(sql)) })
    await store.open(aLog(), { body: nothing })
    const commitsOf = async (calls: number, bytes: number, name: string) => {
      commits.length = 0
      await Promise.all(Array.from({ length: calls }, (_, i) => store.append(aLog(), [anEntry(`${name}${i}`, 'x'.repeat(bytes))])))
      return commits.length
    }
    expect(await commitsOf(limits.groupAppends, 10, 'a')).toBe(1)
    expect(await commitsOf(limits.groupAppends + 1, 10, 'b')).toBe(2)
    expect(await commitsOf(4, limits.groupBytes / 4, 'c')).toBe(1)
    expect(await commitsOf(5, limits.groupBytes / 4, 'd')).toBe(2)
    await store.close()
  })

  test('a refused append does not touch the others of its group [SQL-5]', async () => {
    const store = await sqliteStore({ path: folder.file('refused'), clock })
    await store.open(aLog(), { body: nothing })
    const calls = [
      store.append(aLog(), [anEntry('m1')]),
      store.append(aLog(), [anEntry('m2')], { expectedVersion: 7 }),
      store.append(aLog('none'), [anEntry('m1')]),
      store.append(aLog(), [anEntry('m3')], { expectedVersion: 1 }),
    ]
    expect(await outcomes(calls)).toEqual(['done', 'conflict', 'not_found', 'done'])
    expect((await store.read(aLog())).map(({ id }) => id)).toEqual(['m1', 'm3'])
    await store.close()
  })

  test('none of a group is acknowledged if its commit fails, and none is there afterwards [SQL-5]', async () => {
    let full = false
    const client = watched((sql) => {
      if (full && sql === 'commit') throw sqliteError(13)
    })
    const store = await sqliteStore({ path: folder.file('fails'), clock, client })
    await store.open(aLog(), { body: nothing })
    full = true
    expect(await outcomes([store.append(aLog(), [anEntry('m1')]), store.append(aLog(), [anEntry('m2')])])).toEqual(['unavailable', 'unavailable'])
    full = false
    expect([(await store.head(aLog()))?.version, await store.read(aLog())]).toEqual([0, []])
    expect((await store.append(aLog(), [anEntry('m1')])).seqs).toEqual([1])
    await store.close()
  })
})

describe('memory of heads and ids', () => {
  test('heads and ids are answered from memory while nobody else has written [SQL-4]', async () => {
    const steps: string[] = []
    const store = await sqliteStore({ path: folder.file('memory'), clock, client: watched((sql) => steps.push(sql)) })
    await store.open(aLog(), { body: nothing })
    await store.append(aLog(), [anEntry('m1')])
    steps.length = 0
    await store.head(aLog())
    expect(steps).toEqual(['pragma data_version'])
    await store.append(aLog(), [anEntry('m1'), anEntry('m2')])
    expect(steps.filter((sql) => sql.startsWith('select'))).toEqual([])
    await store.close()
  })

  test('what another process wrote is seen by the next call, also ids, deletions and logs made again [SQL-4]', async () => {
    const file = folder.file('two')
    const [one, two] = [await sqliteStore({ path: file, clock }), await sqliteStore({ path: file, clock })]
    await one.open(aLog(), { body: nothing })
    for (let i = 1; i <= 50; i++) {
      const [writer, reader] = i % 2 === 0 ? [one, two] : [two, one]
      await writer.append(aLog(), [anEntry(`m${i}`)])
      expect((await reader.append(aLog(), [anEntry(`m${i}`)])).seqs).toEqual([i])
      expect((await reader.head(aLog()))?.version).toBe(i)
    }
    const birth = (await one.head(aLog()))?.birth
    await two.delete(aLog())
    expect(await one.head(aLog())).toBeUndefined()
    await two.open(aLog(), { body: nothing })
    expect((await one.append(aLog(), [anEntry('m1')])).added).toBe(1)
    expect((await one.head(aLog()))?.birth).not.toBe(birth)
    await Promise.all([one.close(), two.close()])
  })
})

describe('a locked file', () => {
  test('a write waits for the lock of another process without blocking the loop [SQL-8]', async () => {
    const file = folder.file('locked')
    const store = await sqliteStore({ path: file, clock })
    await store.open(aLog(), { body: nothing })
    const other = otherConnection(file)
    other.exec('begin immediate')
    let done = false
    const waiting = store.append(aLog(), [anEntry('m1')]).then(() => (done = true))
    for (let turn = 0; turn < 200; turn++) await nextTurn() // the loop turns meanwhile
    expect([done, (await store.head(aLog()))?.version]).toEqual([false, 0])
    other.exec('rollback')
    await waiting
    expect((await store.head(aLog()))?.version).toBe(1)
    other.close()
    await store.close()
  })

  test('a lock that outlasts the deadline is a timeout [SQL-8]', async () => {
    const locked = () => {
      throw sqliteError(5)
    }
    const failure = await untilUnlocked(locked, (bytes) => new Uint8Array(bytes), 1).catch((error: unknown) => error)
    expect(isRecollectError(failure, 'timeout')).toBe(true)
  })
})

describe('a failed flush', () => {
  test('after an I/O error at commit, writes are refused until the store is opened anew; reads go on [DRV-6]', async () => {
    const file = folder.file('flush')
    let broken = false
    const fsyncFailed = 1034
    const client = watched((sql) => {
      if (broken && sql === 'commit') throw sqliteError(fsyncFailed)
    })
    const store = await sqliteStore({ path: file, clock, client })
    await store.open(aLog(), { body: nothing })
    await store.append(aLog(), [anEntry('m1')])
    broken = true
    expect(await outcomes([store.append(aLog(), [anEntry('m2')])])).toEqual(['unavailable'])
    broken = false // the disk answers again: a second flush would prove nothing
    expect(await outcomes([store.append(aLog(), [anEntry('m2')]), store.erase(aLog())])).toEqual(['unavailable', 'unavailable'])
    expect((await store.read(aLog())).map(({ id }) => id)).toEqual(['m1'])
    await store.close()
    const anew = await sqliteStore({ path: file, clock })
    expect((await anew.append(aLog(), [anEntry('m2')])).seqs).toEqual([2])
    await anew.close()
  })

  test('a read error or a full shared-memory file stops no writes [DRV-6]', async () => {
    let code = 0
    const client = watched((sql) => {
      if (code !== 0 && sql === 'commit') throw sqliteError(code)
    })
    const store = await sqliteStore({ path: folder.file('shm'), clock, client })
    await store.open(aLog(), { body: nothing })
    for (code of [266, 4874, 13]) expect(await outcomes([store.append(aLog(), [anEntry('m1')])])).toEqual(['unavailable'])
    code = 0
    expect((await store.append(aLog(), [anEntry('m1')])).seqs).toEqual([1])
    await store.close()
  })
})

describe('a writer in a thread', () => {
  test('its store runs no statement in this thread, answers as on the loop, names what cannot be opened, and takes no client [SQL-9]', async () => {
    const here = [vi.spyOn(DatabaseSync.prototype, 'exec'), vi.spyOn(DatabaseSync.prototype, 'prepare')]
    onTestFinished(() => here.forEach((one) => one.mockRestore()))
    const store = await sqliteStore({ path: folder.file('thread'), clock, writer: 'worker' })
    await store.open(aLog(), { body: nothing })
    const [first, refused] = await Promise.allSettled([
      store.append(aLog(), [anEntry('m1')]),
      store.append(aLog(), [anEntry('m2')], { expectedVersion: 7 }),
    ])
    expect(first).toMatchObject({ status: 'fulfilled', value: { seqs: [1] } })
    expect(refused).toMatchObject({ reason: { code: 'conflict', details: { version: 1, expected: 7 } } })
    expect((await store.emptyWal()).empty).toBe(true)
    await store.close()
    expect(here.flatMap(({ mock }) => mock.calls)).toEqual([])
    writeFileSync(folder.file('text'), 'this is a text, and a long one.\n'.repeat(200))
    const failures = [{ path: folder.file('text') }, { path: folder.file('x'), client: watched(() => {}) }].map((options) =>
      sqliteStore({ ...options, clock, writer: 'worker' }),
    )
    expect(await outcomes(failures)).toEqual(['invalid_input', 'invalid_input'])
  })
})
