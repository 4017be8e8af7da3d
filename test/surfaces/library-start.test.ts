// Starting and stopping: what is refused at start, what is said about a set-up that is weaker than the default, and what close leaves.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { createRecollect } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { aWorld, codeOf, memoryStores, start } from './library-world.ts'

const clock = manualClock(start)

test('sealed data without its key file does not start, and no new key is made beside it [SEAL-2]', async () => {
  const world = await aWorld('sqlite')
  await (await world.recollect.user('alice').session('s')).append({ role: 'user', text: 'x' })
  await world.recollect.close()
  const key = path.join(`${world.dataDir}-keys`, 'key.json')
  rmSync(key)
  expect(await codeOf(createRecollect({ dataDir: world.dataDir }))).toBe('integrity_failure')
  expect(await codeOf(createRecollect({ dataDir: world.dataDir }))).toBe('integrity_failure')
})

test('a key store without its key file does not start either, whatever the data stores hold [SEAL-2]', async () => {
  const world = await aWorld('sqlite')
  await world.recollect.credentials.create('default', { name: 'k', ownerId: 'alice', roles: ['owner'], userText: 'paste' })
  await world.recollect.close()
  rmSync(path.join(`${world.dataDir}-keys`, 'key.json'))
  const { sessions, memories } = memoryStores(clock)
  const started = createRecollect({ dataDir: world.dataDir, stores: { sessions, memories } })
  await expect(started).rejects.toMatchObject({ code: 'integrity_failure', message: expect.stringContaining('key.json') as string })
  expect(existsSync(path.join(`${world.dataDir}-keys`, 'key.json'))).toBe(false)
})

test('sealed data without its key store does not start, and none is made beside it [SEAL-2]', async () => {
  const world = await aWorld('sqlite')
  await (await world.recollect.user('alice').session('s')).append({ role: 'user', text: 'x' })
  await world.recollect.close()
  const keys = path.join(`${world.dataDir}-keys`, 'keys.db')
  rmSync(keys)
  await expect(createRecollect({ dataDir: world.dataDir })).rejects.toMatchObject({
    code: 'integrity_failure',
    message: expect.stringContaining(keys) as string,
  })
  expect(existsSync(keys)).toBe(false)
})

test('a data folder that is a file, and a database that is none, are refused with a code [SQL-2]', async () => {
  const { dataDir, recollect } = await aWorld('sqlite')
  await recollect.close()
  const file = path.join(path.dirname(dataDir), 'file')
  writeFileSync(file, 'not a database at all, and long enough to be looked at as one'.repeat(20))
  expect(await codeOf(createRecollect({ dataDir: file }))).toMatch(/^(invalid_input|unavailable)$/)
  writeFileSync(path.join(dataDir, 'recollect.db'), 'not a database at all, and long enough to be looked at as one'.repeat(20))
  expect(await codeOf(createRecollect({ dataDir }))).toMatch(/^(invalid_input|integrity_failure|unavailable)$/)
})

test('keys that do not outlive a restart are refused beside data that does [SEAL-17]', async () => {
  const { dataDir, recollect } = await aWorld('sqlite')
  await recollect.close()
  expect(await codeOf(createRecollect({ dataDir, stores: { keys: memoryStore({ clock }) } }))).toBe('invalid_input')
})

test('one store for data and keys is taken in memory, and health warns of it [SEAL-17]', async () => {
  const { sessions } = memoryStores(clock)
  const { recollect } = await aWorld('memory', { stores: { sessions, memories: sessions, keys: sessions } })
  await (await recollect.user('alice').session('s')).append({ role: 'user', text: 'x' })
  expect((await recollect.health()).checks).toContainEqual({ name: 'key-store-apart', state: 'warn' })
})

test('unsealed data is said by health and stands in the audit trail from the first start on [SEAL-1]', async () => {
  const { recollect } = await aWorld('memory', { seal: 'off' })
  const health = await recollect.health()
  expect([health.checks.find(({ name }) => name === 'seal')?.state, health.details['seal']]).toEqual(['warn', 'off'])
  expect(await recollect.audit.verify('~system')).toMatchObject({ ok: true, checked: 1 })
})

test('close writes what waits, and twice is fine; calls after it are unavailable [LOG-29]', async () => {
  const world = await aWorld('sqlite')
  const session = await world.recollect.user('alice').session('s')
  await session.append({ role: 'user', text: 'x' })
  const { receipt } = await session.context({ recall: false })
  await world.recollect.close()
  await world.recollect.close()
  expect(await codeOf(session.info())).toBe('unavailable')
  const again = await (await world.reopen()).user('alice').sessions.get('s')
  expect((await again.receipts.get(receipt.id)).receipt.id).toBe(receipt.id)
})

test.each(['', '~system', 'a\nb', 7 as unknown as string])('a tenant or owner named %j is refused [ISO-6]', async (name) => {
  const { recollect } = await aWorld('memory')
  expect(() => recollect.user(name)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  expect(() => recollect.tenant(name)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
})
