// Deleting a session and redacting a message: nothing of it can be read any more, and a receipt says what went.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { createRecollect } from '../../src/index.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { aWorld, backends, codeOf, texts } from './library-world.ts'

describe.each(backends)('on %s', (backend) => {
  test('a deleted session is gone with all it had, and its name starts anew [ERA-4]', async () => {
    const { recollect } = await aWorld(backend)
    const user = recollect.user('alice')
    const session = await user.session('s', { title: 'secret' })
    await session.append([
      { id: 'a', role: 'user', text: '1' },
      { role: 'assistant', text: '2' },
    ])
    await session.patchState({ n: 1 })
    const receipt = await session.delete()
    expect(receipt).toMatchObject({ verb: 'delete', removed: [{ logs: 1, entries: 3 }], records: 0 })
    expect(receipt.target).not.toContain('s1')
    expect((await user.sessions.list()).items).toEqual([])
    const again = await user.session('s')
    expect(await again.info()).toMatchObject({ version: 0 })
    expect(await again.info()).not.toHaveProperty('title')
    expect((await again.state()).state).toBeNull()
    expect(await again.append({ id: 'a', role: 'user', text: 'new' })).toMatchObject({ added: 1 })
  })

  test('a second delete finds nothing, and says so without an error [ERA-1]', async () => {
    const { recollect } = await aWorld(backend)
    const session = await recollect.user('alice').session('s')
    await session.delete()
    expect(await session.delete()).toMatchObject({ verb: 'delete', removed: [] })
  })

  test('a redacted message is out of the path at once, for good, and its neighbours stay [ERA-4]', async () => {
    const { recollect } = await aWorld(backend)
    const session = await recollect.user('alice').session('s')
    await session.append(['1', '2', '3'].map((text, i) => ({ id: `m${i + 1}`, role: 'user' as const, text })))
    const receipt = await session.redact('m2')
    expect(receipt).toMatchObject({ verb: 'redact', removed: [{ entries: 1 }] })
    expect(texts((await session.messages()).items)).toEqual(['1', '3'])
    expect(await codeOf(session.message('m2'))).toBe('not_found')
    expect(await session.append({ id: 'm2', role: 'user', text: 'back?' })).toMatchObject({ added: 0 })
    expect(texts((await session.messages()).items)).toEqual(['1', '3'])
    expect(await codeOf(session.redact('nowhere'))).toBe('not_found')
  })

  test('each deletion is in the audit trail before it is answered, and the chain holds [AUD-5]', async () => {
    const { recollect } = await aWorld(backend)
    const session = await recollect.user('alice').session('s')
    await session.append({ id: 'a', role: 'user', text: '1' })
    const first = await session.redact('a')
    const second = await session.delete()
    expect([first.auditHead?.count, second.auditHead?.count]).toEqual([2, 4])
    expect(await recollect.audit.verify('default')).toMatchObject({ ok: true, checked: 4 })
  })

  test('the receipts of a deletion are sealed and name nobody in clear [ERA-6]', async () => {
    const { recollect } = await aWorld(backend)
    const session = await recollect.user('alice-canary').session('session-canary')
    const receipt = await session.delete()
    expect(receipt.mac).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(receipt)).not.toMatch(/canary/)
  })
})

test('after a delete no byte of the session is in any file [ERA-4]', async () => {
  const { recollect, dataDir } = await aWorld('sqlite', { seal: 'off' })
  const canary = 'canary-7f3a9b'
  const session = await recollect.user('alice').session('s', { title: canary })
  await session.append({ role: 'user', text: canary })
  await session.patchState({ note: canary })
  const everyByte = () =>
    readdirSync(dataDir)
      .map((name) => readFileSync(path.join(dataDir, name), 'latin1'))
      .join('')
  expect(everyByte()).toContain(canary)
  await session.delete()
  await recollect.close()
  expect(everyByte()).not.toContain(canary)
})

test('an owner is erased from every store, with a clean receipt, and may start anew [ERA-5]', async () => {
  for (const backend of backends) {
    const { recollect } = await aWorld(backend, { clock: systemClock }) // files are looked at again where a store needs a moment
    const [alice, bob] = [recollect.user('alice'), recollect.user('bob')]
    for (const user of [alice, bob]) await (await user.session('s')).append({ role: 'user', text: 'x' })
    const counted = await alice.erase({ dryRun: true })
    expect(counted).toMatchObject({ dryRun: true, clean: false })
    expect((await alice.sessions.list()).items).toHaveLength(1)
    const receipt = await alice.erase()
    expect(receipt).toMatchObject({ verb: 'erase', clean: true, dataKeys: 1 })
    expect(receipt.probes.every((probe) => probe.found === 0)).toBe(true)
    expect((await alice.sessions.list()).items).toEqual([])
    expect((await bob.sessions.list()).items).toHaveLength(1)
    await (await alice.session('s')).append({ role: 'user', text: 'anew' })
  }
})

test('an owner whom another process erased has no context here, and anew one under new keys [SEAL-16]', async () => {
  const { recollect, dataDir } = await aWorld('sqlite', { clock: systemClock })
  const other = await createRecollect({ dataDir, random: seededRandom(9), background: false, embedder: 'off' })
  onTestFinished(() => other.close())
  const session = await recollect.user('alice').session('s')
  await session.append({ role: 'user', text: 'a plan' })
  const before = await session.context()
  await other.user('alice').erase()
  expect(await codeOf(session.context())).toBe('not_found')
  await recollect.user('alice').session('s')
  await session.append({ role: 'user', text: 'a plan' })
  expect((await session.context()).cacheKey).not.toBe(before.cacheKey)
})

test('where a reader holds the write-ahead log, the receipt of an erasure says which process; without one it says nothing [SQL-10]', async () => {
  const { recollect, dataDir } = await aWorld('sqlite', { clock: systemClock }) // files are looked at again before a find is told
  const erased = async (ownerId: string) => {
    await (await recollect.user(ownerId).session('s')).append({ role: 'user', text: 'My locker code is heliotrope.' })
    return recollect.user(ownerId).erase()
  }
  expect((await erased('alice')).keptWhy).toEqual([])
  const program = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(${JSON.stringify(path.join(dataDir, 'recollect.db'))})
    d.exec('begin'); d.prepare('select count(*) from entry').get(); console.log('reading'); process.stdin.resume()`
  const reader = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'ignore'] })
  onTestFinished(() => void reader.kill())
  await once(reader.stdout, 'data')
  const who = process.platform === 'linux' ? `the reader in process ${reader.pid}` : 'a reader'
  expect((await erased('bob')).keptWhy).toEqual([{ what: 'sessions: write-ahead log', why: `${who} has it open; it is emptied once that ends` }])
})
