// `recollect doctor` on set-ups that are whole and on ones that are broken; and a canary secret that no output shows (CFG-6, CFG-7).
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aPlace, built, type Place } from './cli-runs.ts'

interface Report {
  configuration: { name: string; value: unknown; source: string }[]
  checks: { name: string; state: 'ok' | 'warn' | 'fail'; said: string; next?: string }[]
}
const canary = 'sk-canary-51c7'

describe.skipIf(!built)('doctor', { timeout: 120_000 }, () => {
  let place: Place
  let keyFile: string
  beforeAll(async () => {
    place = await aPlace()
    keyFile = path.join(`${place.dataDir}-keys`, 'key.json')
    await place.run(['remember', 'something'])
  })
  afterAll(() => place.remove())
  const doctor = async (env: Record<string, string> = {}, args: readonly string[] = []) => {
    const run = await place.run(['doctor', '--json', ...args], { env })
    const report = (run.out === '' ? { configuration: [], checks: [] } : JSON.parse(run.out)) as Report
    return { ...run, report, states: (state: string) => report.checks.filter((check) => check.state === state) }
  }
  /** It failed, says which check, and what to do about each. */
  const expectFault = (found: Awaited<ReturnType<typeof doctor>>, name: string) => {
    expect(found.code).toBe(1)
    expect(found.states('fail').map((check) => check.name)).toContain(name)
    expect(found.states('fail').filter((check) => (check.next ?? '').length < 5)).toEqual([])
  }

  test('a whole set-up has no fault; each value is shown with its source [CFG-6]', async () => {
    const { code, report, states } = await doctor({ RECOLLECT_UPSTREAM_KEY: canary })
    expect({ code, fails: states('fail') }).toEqual({ code: 0, fails: [] })
    const shown = Object.fromEntries(report.configuration.map(({ name, value, source }) => [name, [value, source]]))
    expect(shown).toMatchObject({
      dataDir: [place.dataDir, 'environment'],
      seal: ['on', 'default'],
      'upstream.key': ['set (RECOLLECT_UPSTREAM_KEY)', 'environment'],
    })
    for (const name of ['node', 'data folder', 'key file', 'disk', 'port', 'sessions write', 'memories write', 'keys write', 'embedder', 'upstream'])
      expect(report.checks.map((check) => check.name)).toContain(name)
  })

  test('with --url it says that it looks at this machine alone [CFG-6]', async () => {
    const { code, out, err } = await doctor({}, ['--url', 'http://127.0.0.1:1'])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(JSON.parse(err)).toMatchObject({ code: 'invalid_input', detail: 'doctor looks at this machine' })
  })

  test('a setting may be given by its flag, before the command or behind it [CFG-1, CFG-2]', async () => {
    const before = await place.run([
      '--seal',
      'off',
      '--gateway-trusted-proxy',
      '10.0.0.0/8, ::1',
      'doctor',
      '--json',
      '--port',
      '0',
      '--limits-owner-records',
      '7',
    ])
    const { configuration } = JSON.parse(before.out) as Report
    const shown = Object.fromEntries(configuration.map(({ name, value, source }) => [name, [value, source]]))
    expect(shown).toMatchObject({
      seal: ['off', 'flag'],
      'gateway.trustedProxy': [['10.0.0.0/8', '::1'], 'flag'],
      'gateway.port': [0, 'flag'],
      'limits.ownerRecords': [7, 'flag'],
    })
    const bad = await place.run(['stats', '--port', 'http'])
    expect([bad.code, bad.err.includes('gateway.port')]).toEqual([2, true])
  })

  test('a limit of the configuration holds [CFG-5, LIFE-11]', async () => {
    const small = await aPlace()
    const remember = (text: string) => small.run(['remember', text, '--limits-owner-records', '1'])
    expect((await remember('The first thing.')).code).toBe(0)
    expect(await remember('The second thing.')).toMatchObject({ code: 7, err: expect.stringMatching(/limit_exceeded/) as string })
    await small.remove()
  })

  test('it makes nothing where nothing is yet [CFG-6]', async () => {
    const empty = path.join(place.folder, 'not-yet')
    await mkdir(empty)
    for (const dir of [empty, path.join(place.folder, 'never', 'deep', 'down')])
      expect(await doctor({ RECOLLECT_DATA_DIR: dir })).toMatchObject({ code: 0, err: '' })
    expect(await readdir(empty)).toEqual([])
    expect((await readdir(place.folder)).toSorted()).toEqual(['data', 'data-keys', 'not-yet'])
  })

  test('a key file that others can read is a fault, and so is one behind a link [CFG-6]', async () => {
    await chmod(keyFile, 0o644)
    expectFault(await doctor(), 'key file')
    await chmod(keyFile, 0o600)
    const kept = await readFile(keyFile)
    const elsewhere = path.join(place.folder, 'elsewhere.json')
    await writeFile(elsewhere, kept, { mode: 0o600 })
    await rm(keyFile)
    await symlink(elsewhere, keyFile)
    expectFault(await doctor(), 'stores')
    await rm(keyFile)
    await rm(elsewhere)
    expectFault(await doctor(), 'stores') // sealed data, and no key
    await writeFile(keyFile, '{"format":', { mode: 0o600 })
    expectFault(await doctor(), 'stores')
    await writeFile(keyFile, kept, { mode: 0o600 })
    expect((await doctor()).code).toBe(0)
  })

  test('data without its keys folder is a fault, not a first start, and no folder is made [CFG-6]', async () => {
    const keysDir = path.dirname(keyFile)
    await rename(keysDir, `${keysDir}-kept`)
    const found = await doctor()
    const folders = await readdir(place.folder)
    await rename(`${keysDir}-kept`, keysDir)
    expectFault(found, 'stores')
    expect(folders).not.toContain(path.basename(keysDir))
    expect((await doctor()).code).toBe(0)
  })

  test('keys without their data are a warning to look for it before a start makes it anew [CFG-6]', async () => {
    await rename(place.dataDir, `${place.dataDir}-kept`)
    const found = await doctor()
    await rename(`${place.dataDir}-kept`, place.dataDir)
    expect(found.code).toBe(0)
    expect(found.states('warn').find(({ name }) => name === 'stores')).toMatchObject({
      said: expect.stringMatching(/the keys of an earlier start are$/) as string,
      next: expect.stringMatching(/look for its disk/) as string,
    })
  })

  test('a file that is no database is a fault, and stays as it is [CFG-6]', async () => {
    const file = path.join(place.folder, 'notes.txt')
    await writeFile(file, 'these are my notes, and no database at all\n'.repeat(100))
    expectFault(await doctor({ RECOLLECT_STORES_SESSIONS: `sqlite:${file}` }), 'stores')
    expect((await readFile(file, 'utf8')).startsWith('these are my notes')).toBe(true)
    await rm(file)
  })

  test('a data folder that is a file is a fault [CFG-6]', async () => {
    const file = path.join(place.folder, 'a-file')
    await writeFile(file, '')
    const found = await doctor({ RECOLLECT_DATA_DIR: file })
    await rm(file)
    expectFault(found, 'data folder')
  })

  test('a store in memory is a warning: nothing outlives the process [CFG-6]', async () => {
    const { code, states } = await doctor({ RECOLLECT_STORES_SESSIONS: 'memory:' })
    expect({ code, said: states('warn').find((check) => check.name === 'sessions durability')?.said }).toEqual({
      code: 0,
      said: 'in memory: nothing outlives the process',
    })
  })

  test('sealing off, no embedder and a port in use are warnings with a next step [CFG-6]', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { states } = await doctor({
      RECOLLECT_DATA_DIR: path.join(place.folder, 'never'),
      RECOLLECT_GATEWAY_PORT: String((taken.address() as AddressInfo).port),
    })
    taken.close()
    expect(states('warn').find((check) => check.name === 'port')?.next).toContain('--port')
    expect((await doctor({ RECOLLECT_EMBEDDER: 'off' })).states('warn').map((check) => check.name)).toContain('one vector')
  })

  test('an upstream that does not answer, and one that refuses the key, are faults [CFG-6]', async () => {
    const refusing = createHttpServer((_, answer) => answer.writeHead(401).end())
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}/v1`
    expectFault(await doctor({ RECOLLECT_UPSTREAM_URL: url, RECOLLECT_UPSTREAM_KEY: canary }), 'upstream')
    refusing.close()
    expectFault(await doctor({ RECOLLECT_UPSTREAM_URL: 'http://127.0.0.1:9/v1' }), 'upstream')
  })

  test('a configuration with faults is told before any check [CFG-6]', async () => {
    expect(await doctor({ RECOLLECT_GATEWAY_PRT: '1' })).toMatchObject({ code: 2, out: '' })
  })

  test('a secret shows in no output, log, error or crash [CFG-7]', async () => {
    const env = {
      RECOLLECT_UPSTREAM_KEY: canary,
      RECOLLECT_UPSTREAM_URL: 'http://127.0.0.1:9/v1',
      RECOLLECT_LOG_LEVEL: 'debug',
      RECOLLECT_DEBUG: '1',
    }
    const file = path.join(place.folder, 'settings.json')
    await writeFile(file, JSON.stringify({ upstream: { key: canary } }))
    const served = await place.serve({ env })
    const call = (body: object) =>
      fetch(`${served.url}/s/one/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${served.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((answer) => answer.text())
    const answers = [
      await call({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
      await call({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
    ]
    const runs = [
      await served.end(),
      await place.run(['doctor'], { env }),
      await place.run(['doctor', '--json'], { env }),
      await place.run(['chat'], { env, input: 'hello\n' }),
      await place.run(['--config', file, 'stats'], { env: { RECOLLECT_DEBUG: '1' } }),
      await place.run(['stats'], { env: { ...env, RECOLLECT_SEAL: 'maybe' } }),
    ]
    expect([...answers, ...runs.flatMap(({ out, err }) => [out, err])].filter((text) => text.includes(canary))).toEqual([])
    expect(runs.map(({ code }) => code)).toEqual([0, 1, 1, 9, 2, 2])
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  })
})
