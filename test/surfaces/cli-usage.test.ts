// What a slip of the hand is told: the name of a flag at most, never what was typed; and files that are none (surfaces.md §6).
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes, foundFault, signals } from '../../src/cli/exit-codes.ts'
import { loadDataSet } from '../../src/eval/load-data.ts'
import { aPlace, built, type Place } from './cli-runs.ts'

test('each error code has its exit code [CLI-7]', () => {
  expect(exitCodes).toEqual({
    invalid_input: 2,
    unauthenticated: 3,
    forbidden: 3,
    not_found: 4,
    conflict: 5,
    content_refused: 6,
    payload_too_large: 6,
    limit_exceeded: 7,
    integrity_failure: 8,
    internal: 1,
    unavailable: 9,
    timeout: 9,
  })
  expect([foundFault, signals]).toEqual([1, { SIGINT: 130, SIGTERM: 143 }])
})

test('a pipe or a device is no data set, alone or in a folder, and is not waited for [EVAL-1]', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-pipes-'))
  execFileSync('mkfifo', [path.join(folder, 'Chat_1.json')])
  for (const place of [folder, path.join(folder, 'Chat_1.json'), '/dev/zero'])
    await expect(loadDataSet(place)).rejects.toMatchObject({ code: 'invalid_input' })
  await rm(folder, { recursive: true })
})

describe.skipIf(!built)('a command line that is none', { timeout: 120_000 }, () => {
  let place: Place
  let pipe: string
  beforeAll(async () => {
    place = await aPlace()
    pipe = path.join(place.folder, 'pipe')
    execFileSync('mkfifo', [pipe])
  })
  afterAll(() => place.remove())

  test.each([
    ['a command', ['canary'], 'there is no such command', 'recollect --help'],
    ['a command of a group', ['sessions', 'canary'], 'there is no such command', 'recollect sessions --help'],
    ['a command without its group', ['rotate', 'canary'], 'did you mean keys rotate?', 'recollect --help'],
    ['the nearest of two groups', ['--owner', 'sessions', 'keys', 'lists', 'canary'], 'did you mean keys list?', 'recollect keys --help'],
    ['a flag that is asked for', ['keys', 'create', '--name', 'canary'], "option '--user-text", 'recollect keys create --help'],
    ["another command's flag", ['context', '--session', 'canary'], 'this command has no flag --session', 'recollect context --help'],
    ['the value of an unknown flag', ['search', 'x', '--limt=canary'], 'there is no flag --limt; did you mean --limit?', 'after --'],
    ['a short flag', ['search', 'x', '-canary'], 'there is no such flag', 'after --'],
    ['words without quotes', ['search', 'canary', 'canary'], 'search takes 1 argument; given 2', 'in quotes'],
    ['an argument too many', ['doctor', 'canary'], 'doctor takes 0 arguments; given 1', 'recollect doctor --help'],
    ['a choice', ['context', 'x', '--format', "canary' is invalid"], '--format must be one of neutral, openai-chat', 'recollect context --help'],
    ['a setting', ['doctor', '--port', 'canary'], '--port: gateway.port must be a whole number from 0 to 65535; given other text', 'config.md'],
  ])('%s is not repeated, and the next step is said [CLI-6]', async (_, args, what, next) => {
    const run = await place.run(args)
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toContain(what)
    expect(run.err).toContain(next)
    expect(run.err).not.toContain('canary')
  })

  test('help and figures fit 80 columns, and each command in it is one that `npm start --` knows from its flags [CLI-5, RUN-7]', async () => {
    const { out } = await place.run(['--help'])
    const shown = [out, (await place.run(['keys', 'create', '--help'])).out, (await place.run(['stats'])).out]
    expect(shown.flatMap((text) => text.split('\n')).filter((line) => line.length > 80)).toEqual([])
    const script = await readFile(path.join(import.meta.dirname, '../../scripts/run.mjs'), 'utf8')
    const known = [...(/const asks = \[([^\]]*)\]/.exec(script)?.[1] ?? '').matchAll(/'([^']+)'/g)].map((match) => match[1])
    const commands = [...(/\nCommands:\n([^]*)$/.exec(out)?.[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1])
    expect(commands).toContain('memories')
    expect(commands.filter((command) => !known.includes(command))).toEqual([])
  })

  test('a pipe as the file of settings, of a key or of a result is refused, and not waited for [CFG-3, CLI-7]', async () => {
    for (const args of [
      ['--config', pipe, 'doctor'],
      ['--url', 'http://127.0.0.1:9', '--key-file', pipe, 'stats'],
      ['--stores-sessions', `sqlite:${pipe}`, 'stats'],
      ['--data-dir', pipe, 'stats'],
    ])
      expect(await place.run(args)).toMatchObject({ code: 2, out: '' })
    const data = path.join(place.folder, 'one.jsonl')
    await writeFile(data, '')
    const run = await place.run(['eval', 'retrieval', '--data', data, '--out', pipe])
    expect(run).toMatchObject({ code: 2, out: '' })
  })

  test('recollect.json of the working folder is read, a variable wins over it, and a flag over both; without any the data lie in .recollect [CFG-2, CFG-5]', async () => {
    const other = await aPlace()
    const valueOf = async (env: Record<string, string>, args: readonly string[] = []) => {
      const { out } = await other.run([...args, 'doctor', '--json'], { env: { RECOLLECT_DATA_DIR: '', RECOLLECT_GATEWAY_PORT: '', ...env } })
      const { configuration } = JSON.parse(out) as { configuration: { name: string; value: unknown; source: string }[] }
      const found = configuration.find(({ name }) => name === 'upstream.name')
      return [found?.value, found?.source]
    }
    expect((await other.run(['remember', 'I keep bees.'], { env: { RECOLLECT_DATA_DIR: '' } })).code).toBe(0)
    expect((await readdir(other.folder)).toSorted()).toEqual(['.recollect', '.recollect-keys'])
    expect(await valueOf({})).toEqual(['upstream', 'default'])
    await writeFile(path.join(other.folder, 'recollect.json'), '{"upstream":{"name":"by-file"}}')
    expect(await valueOf({})).toEqual(['by-file', 'file'])
    expect(await valueOf({ RECOLLECT_UPSTREAM_NAME: 'by-variable' })).toEqual(['by-variable', 'environment'])
    expect(await valueOf({ RECOLLECT_UPSTREAM_NAME: 'by-variable' }, ['--upstream-name', 'by-flag'])).toEqual(['by-flag', 'flag'])
    const strategy = '{"name":"summary","keepTurns":3}'
    expect((await other.run(['doctor', '--context-strategy', strategy], { env: { RECOLLECT_DATA_DIR: '' } })).out).toContain(`${strategy}  (flag)`)
    await rm(path.join(other.folder, 'recollect.json'))
    await mkdir(path.join(other.folder, 'recollect.json'))
    const unread = await other.run(['stats'])
    expect([unread.code, unread.out]).toEqual([2, ''])
    expect(unread.err).toContain('recollect.json is a folder')
    await other.remove()
  })

  test('an error of a gateway is told with its code and request id, in text and as JSON, and with no stack [CLI-6, CLI-7]', async () => {
    const problem = { code: 'limit_exceeded', detail: 'too many reads', nextStep: 'Wait a moment.', requestId: 'req_42' }
    const gateway = createServer((_, response) => response.writeHead(429).end(JSON.stringify(problem)))
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const stats = ['stats', '--url', `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`]
    const env = { RECOLLECT_KEY: 'rec_test' }
    expect(await place.run(stats, { env })).toEqual({
      code: 7,
      out: '',
      err: 'recollect: too many reads (limit_exceeded, request req_42)\nWait a moment.\n',
    })
    const run = await place.run([...stats, '--json'], { env })
    expect([run.code, run.out, JSON.parse(run.err)]).toEqual([
      7,
      '',
      {
        type: 'urn:recollect:error:limit_exceeded',
        code: 'limit_exceeded',
        detail: 'too many reads',
        nextStep: 'Wait a moment.',
        retryable: true,
        requestId: 'req_42',
      },
    ])
    gateway.close()
  })

  test('every command takes the global flags, before it and behind it [CLI-2]', async () => {
    await writeFile(path.join(place.folder, 'settings.json'), '{}')
    const dataDir = path.join(place.folder, 'flags')
    const named = ['--config', 'settings.json', '--data-dir', dataDir, '--tenant', 'acme', '--owner', 'bob', '--timeout-ms', '9000']
    const flags = [...named, '--json', '--quiet', '--no-color', '--yes']
    await place.run([...flags, 'remember', 'My boat is blue.'])
    for (const args of [
      [...flags, 'search', 'boat'],
      ['search', 'boat', ...flags],
    ]) {
      const { code, out, err } = await place.run(args)
      expect([code, err, (JSON.parse(out) as { hits: unknown[] }).hits.length]).toEqual([0, '', 1])
    }
    const other = (await place.run(['--data-dir', dataDir, 'search', 'boat', '--json'])).out // of another tenant and owner
    expect((JSON.parse(other) as { hits: unknown[] }).hits).toEqual([])
    expect(await place.run(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string })
  })

  test('a listing goes on over pages, up to its limit, and not further [CLI-3]', async () => {
    const asked: string[] = []
    const record = (id: string) => ({ id, kind: 'episodic', text: `said ${id}`, saidAt: 0, authority: 'typed' })
    const pages = new Map([
      [null, { items: [record('a'), record('b')], nextCursor: 'two' }],
      ['two', { items: [record('c'), record('d')], nextCursor: 'three' }],
    ])
    const gateway = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://gateway')
      asked.push(url.search)
      response.end(JSON.stringify(pages.get(url.searchParams.get('cursor'))))
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
    const { code, out } = await place.run(['memories', '--limit', '3', '--url', url], { env: { RECOLLECT_KEY: 'rec_test' } })
    gateway.close()
    expect({ code, said: out.match(/said ./g), asked }).toEqual({
      code: 0,
      said: ['said a', 'said b', 'said c'],
      asked: ['?limit=3', '?limit=3&cursor=two'],
    })
  })
})
