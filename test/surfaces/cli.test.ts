// The command line from outside: what each command prints, where, and how it ends (surfaces.md §6).
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tooOldNode } from '../older-node.ts'
import { says, scriptedUpstream } from './scripted-upstream.ts'
import { outputs } from '../../src/cli/outputs.ts'
import { aPlace, bin, built, type Place } from './cli-runs.ts'

const problemOf = (err: string) => JSON.parse(err) as { code: string; detail: string; nextStep: string; type: string; retryable: boolean }

describe.skipIf(!built)('commands in process', { timeout: 120_000 }, () => {
  let place: Place
  let memory: string
  beforeAll(async () => {
    place = await aPlace()
    memory = (JSON.parse((await place.run(['remember', 'I moved to Lisbon in May.', '--json'])).out) as { id: string }).id
    await place.run(['chat', '--session', 'talk'], { input: 'Where did I move to?\n' })
  })
  afterAll(() => place.remove())

  test.each([
    ['search', ['search', 'moved to Lisbon'], /I moved to Lisbon in May\./],
    ['search, explained', ['search', 'moved to Lisbon', '--explain', '--limit', '3', '--kinds', 'episodic'], /"relevance"/],
    ['memories', ['memories'], /^\S+ {2}episodic {2}\d{4}-\d\d-\d\d {2}typed {2}I moved to Lisbon in May\.$/m],
    ['sessions list', ['sessions', 'list'], /^talk {2}\d{4}-/],
    ['sessions show', ['sessions', 'show', 'talk'], /"id": "talk"/],
    ['receipts of a session', ['receipt', '--session', 'talk'], /^rcp_\S+ {2}\S+Z {2}\d+ tokens, \d memor\w+ put in$/m],
    ['context', ['context', 'talk', '--budget-tokens', '4000', '--format', 'openai-chat'], /user: [^]*Where did I move to\?/],
    ['stats', ['stats'], /memory size {5}1 session, 1 message\n/],
    ['stats of a session', ['stats', '--session', 'talk', '--since', '2026-01-01'], /token/],
    ['sweep', ['sweep', '--dry-run', '--until', '2099-01-01'], /would look at/],
    ['erase, dry', ['erase', '--dry-run'], /nothing was erased/],
    ['keys list', ['keys', 'list'], /^$/],
    ['doctor', ['doctor'], /ok {4}sessions write/],
  ])('%s prints its result as text, and one JSON document under --json [CLI-3]', async (_, args, shape) => {
    const [text, json] = [await place.run(args), await place.run([...args, '--json'])]
    expect(text).toMatchObject({ code: 0, out: expect.stringMatching(shape) as string, err: '' })
    expect(json).toMatchObject({ code: 0, err: '' })
    expect(json.out.trimEnd().split('\n').length).toBe(1)
    const schema = outputs[Object.keys(outputs).find((command) => args.join(' ').startsWith(command)) as string]
    expect(schema?.safeParse(JSON.parse(json.out)).error).toBeUndefined()
  })

  test('every command but those that talk has a schema of what it prints [CLI-3]', async () => {
    const named = (await readFile(path.join(import.meta.dirname, '../../docs/reference/cli.md'), 'utf8')).matchAll(/^## ([a-z]+(?: [a-z]+)?)$/gm)
    const commands = [...named].map((match) => match[1] as string)
    expect(commands.filter((command) => !['serve', 'chat'].includes(command)).toSorted()).toEqual(Object.keys(outputs).toSorted())
  })

  test('an id that begins with a hyphen is an id [CLI-6]', async () => {
    const found = await place.run(['forget', '-aaaaaaaaaaaaaaaaaaaaa', '--sources'])
    expect(found).toMatchObject({ code: 4, err: expect.stringMatching(/no such memory/) as string })
    expect(await place.run(['forget', '--nonsense'])).toMatchObject({ code: 2 })
    expect((await place.run(['--owner', '-aaaaaaaaaaaaaaaaaaaaa', 'remember', 'I keep bees.'])).code).toBe(0)
    expect((await place.run(['--owner=-aaaaaaaaaaaaaaaaaaaaa', 'search', 'bees'])).out).toContain('I keep bees.')
  })

  test('two ids keep their order, whichever begins with a hyphen [CLI-6]', async () => {
    const asked: string[] = []
    const gateway = createHttpServer((request, response) => {
      asked.push(String(request.url))
      response.end('{}')
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
    const [odd, even] = ['-aaaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbb']
    for (const [a, b] of [
      [odd, even],
      [even, odd],
    ] as const)
      await place.run(['receipt', a, b, '--session', odd, '--url', url], { env: { RECOLLECT_KEY: 'rec_none' } })
    gateway.close()
    const path = `/api/v1/sessions/${odd}/receipts`
    expect(asked).toEqual([`${path}/${odd}/diff/${even}`, `${path}/${even}/diff/${odd}`])
  })

  test('the help of a command says where its other flags are; that of serve has every command and setting [CLI-2]', async () => {
    expect((await place.run(['search', '--help'])).out).toContain('recollect --help')
    const serve = await place.run(['serve', '--help'])
    for (const part of ['--gateway-trusted-proxy', '--port', 'forget', 'doctor']) expect(serve.out).toContain(part)
  })

  test('a group without its command says what it has, and under --json gives the problem object [CLI-3, CLI-6]', async () => {
    expect(await place.run(['keys'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('revoke <id>') as string })
    const json = await place.run(['keys', '--json'])
    expect({ code: json.code, out: json.out, problem: problemOf(json.err).code }).toEqual({ code: 2, out: '', problem: 'invalid_input' })
  })

  test('remember and forget say what they did, as text and as one JSON document [CLI-3]', async () => {
    const text = await place.run(['--owner', 'writer', 'remember', 'My cat is grey.'])
    const json = await place.run(['--owner', 'writer', 'remember', 'My dog is brown.', '--json'])
    expect(text).toMatchObject({ code: 0, out: expect.stringMatching(/^\S+ {2}episodic {2}typed\n$/) as string, err: '' })
    const ids = [text.out.split(' ')[0] as string, (JSON.parse(json.out) as { id: string }).id] as const
    expect(await place.run(['--owner', 'writer', 'forget', ids[0]])).toMatchObject({
      code: 0,
      out: expect.stringContaining('forgotten: 1 memory;') as string,
    })
    const forgotten = await place.run(['--owner', 'writer', 'forget', ids[1], '--json'])
    expect(JSON.parse(forgotten.out)).toMatchObject({ verb: 'forget', records: 1 })
    expect((JSON.parse((await place.run(['--owner', 'writer', 'search', 'cat dog', '--json'])).out) as { hits: unknown[] }).hits).toEqual([])
  })

  test('nothing is coloured where there is no terminal [CLI-5]', async () => {
    for (const args of [['doctor'], ['search', 'Lisbon'], ['--help'], ['nonsense']]) {
      const { out, err } = await place.run(args)
      expect(out + err).not.toContain('\u001b')
    }
  })

  test('control characters in memory are made visible, as text and as JSON [CLI-3]', async () => {
    await place.run(['--owner', 'odd', 'remember', 'the bell \u0007 rings, \u009b2J clears, \u202e turns'])
    const text = await place.run(['--owner', 'odd', 'search', 'bell rings'])
    const json = await place.run(['--owner', 'odd', 'search', 'bell rings', '--json'])
    expect(text.out).toContain('the bell \\u{7} rings, \\u{9b}2J clears, \\u{202e} turns')
    expect(/[\u0007\u009b\u202e]/.test(text.out + json.out)).toBe(false)
    expect((JSON.parse(json.out) as { hits: { record: { text: string } }[] }).hits[0]?.record.text).toContain('\u009b2J')
  })

  test('a receipt is shown, and the difference of two [CLI-3]', async () => {
    await place.run(['chat', '--session', 'talk'], { input: 'And when?\n/why\n' })
    const said = (await place.run(['chat', '--session', 'talk'], { input: 'Why?\n/why\n' })).out
    const id = /"id": "([^"]+)"/.exec(said)?.[1] as string
    const shown = await place.run(['receipt', id, '--session', 'talk', '--json'])
    expect(shown).toMatchObject({ code: 0 })
    expect((JSON.parse(shown.out) as { receipt: { id: string } }).receipt.id).toBe(id)
    expect((await place.run(['receipt', id, id, '--session', 'talk', '--json'])).code).toBe(0)
  })

  test('chat without an upstream shows the context, its commands answer, and the end of input ends it [CLI-7]', async () => {
    const { code, out, err } = await place.run(['chat', '--session', 'piped'], { input: 'I moved to Lisbon?\n/memories\n/context\n/nonsense\n' })
    expect({ code, out: out.includes('"role":"user"') && out.includes(memory) }).toEqual({ code: 0, out: true })
    expect(err).toContain('No upstream is set')
    expect(err).toContain('/why, /context, /memories, /quit')
  })

  test.each([
    ['an unknown command', ['serch', 'x'], 2, /did you mean search/i],
    ['an unknown flag', ['search', 'x', '--limt', '3'], 2, /did you mean --limit/i],
    ['a missing argument', ['search'], 2, /missing required argument/],
    ['a choice that is none', ['context', 'talk', '--format', 'xml'], 2, /neutral, openai-chat/],
    ['a number that is none', ['search', 'x', '--limit', 'many'], 2, /--limit is no whole number/],
    ['a number out of its range', ['search', 'x', '--limit', '5000000'], 2, /./],
    ['a date that is none', ['stats', '--since', 'yesterday'], 2, /--since is no date/],
    ['an empty query', ['search', ''], 2, /./],
    ['an owner that is no name', ['--owner', '~system', 'stats'], 2, /./],
    ['a foreign kind', ['search', 'x', '--kinds', 'dreams'], 2, /./],
    ['an unknown session', ['sessions', 'show', 'none'], 4, /no such session/],
    ['the context of an unknown session', ['context', 'none'], 4, /no such session/],
    ['a list of nothing', ['search', 'x', '--kinds', ','], 2, /--kinds names nothing/],
    ['an unknown memory', ['forget', 'none'], 4, /no such memory/],
    ['an unknown receipt', ['receipt', 'none', '--session', 'talk'], 4, /./],
    ['another session', ['receipt', 'none', '--session', 'none'], 4, /./],
    ['an unknown key', ['keys', 'rotate', 'none', '--yes'], 4, /./],
    ['a role that is none', ['keys', 'create', '--name', 'a', '--user-text', 'user-typed', '--roles', 'god'], 2, /known roles/],
    ['no data', ['eval', 'retrieval'], 2, /not run/],
    ['data that is not there', ['eval', 'retrieval', '--data', '/nowhere'], 2, /./],
    ['no key for a gateway', ['--url', 'http://127.0.0.1:9', 'stats'], 3, /RECOLLECT_KEY/],
  ])('%s ends by its code, with a next step, as text and as the problem object [CLI-6, CLI-7]', async (_, args, code, shape) => {
    const [text, json] = [await place.run(args), await place.run([...args, '--json'])]
    expect(text).toMatchObject({ code, out: '', err: expect.stringMatching(shape) as string })
    expect(text.err.trimEnd().split('\n').length).toBe(2)
    expect(text.err).not.toMatch(/\n {4}at /)
    expect(json).toMatchObject({ code, out: '' })
    const problem = problemOf(json.err)
    expect(problem.type).toBe(`urn:recollect:error:${problem.code}`)
    expect(problem.nextStep.length).toBeGreaterThan(3)
  })

  test('a gateway that is not there is 9, and a time out of range 2 [CLI-7]', async () => {
    const env = { RECOLLECT_KEY: 'rec_none' }
    expect((await place.run(['--url', 'http://127.0.0.1:9', 'stats'], { env })).code).toBe(9)
    expect((await place.run(['--url', 'http://127.0.0.1:9', '--timeout-ms', '0', 'stats'], { env })).code).toBe(2)
    expect((await place.run(['--url', 'http://127.0.0.1:9', '--key-file', '/nowhere', 'stats'])).code).toBe(2)
    for (const url of ['nonsense', 'ftp://127.0.0.1/', '']) expect((await place.run(['--url', url, 'stats'], { env })).code).toBe(2)
    const foreign = await place.run(['--url', 'http://127.0.0.1:9', '--owner', '日本', 'stats'], { env })
    expect(foreign).toMatchObject({ code: 2, err: expect.stringContaining('--owner') as string })
    for (const key of ['rec_no\nne', 'rec_日本']) {
      const run = await place.run(['--url', 'http://127.0.0.1:9', 'stats'], { env: { RECOLLECT_KEY: key } })
      expect(run).toMatchObject({ code: 3, out: '' })
      expect(run.err).not.toContain('rec_')
    }
  })

  test('a gateway that is silent is a timeout, and its time is said [CLI-7]', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const run = await place.run(['--url', url, '--timeout-ms', '50', 'stats', '--json'], { env: { RECOLLECT_KEY: 'rec_none' } })
    silent.close()
    expect({ code: run.code, problem: problemOf(run.err) }).toMatchObject({ code: 9, problem: { code: 'timeout', retryable: true } })
    expect(problemOf(run.err).detail).toContain('50 ms')
  })

  test.skipIf(!existsSync('/dev/full'))(
    'a result that cannot be written is 9 and no crash; a reader that went away is nothing [CLI-6, CLI-7]',
    async () => {
      const shell = async (line: string) =>
        new Promise<readonly [number, string]>((resolve) =>
          execFile('sh', ['-c', line, process.execPath, bin], { cwd: place.folder, env: place.env }, (error, _, err) =>
            resolve([error === null ? 0 : Number(error.code), err]),
          ),
        )
      const [code, said] = await shell('"$0" "$1" sessions list > /dev/full')
      expect([code, said.split('\n')[0], said.includes(' at ')]).toEqual([9, 'recollect: the result cannot be written (unavailable)', false])
      expect(await shell('{ "$0" "$1" doctor; echo "ended with $?" >&2; } | true')).toEqual([0, 'ended with 0\n'])
    },
  )

  test('a stack is shown only with RECOLLECT_DEBUG=1 [CLI-6]', async () => {
    expect((await place.run(['forget', 'none'], { env: { RECOLLECT_DEBUG: '1' } })).err).toMatch(/\n {4}at /)
  })

  test('what destroys asks, and without a terminal it needs --yes; nothing goes before [CLI-8]', async () => {
    await place.run(['--owner', 'gone', 'chat', '--session', 'old'], { input: 'a secret of mine\n' })
    const key = JSON.parse((await place.run(['keys', 'create', '--name', 'k', '--user-text', 'paste', '--json'])).out) as { key: { id: string } }
    for (const args of [['erase'], ['sessions', 'delete', 'old'], ['keys', 'revoke', key.key.id]])
      expect(await place.run(['--owner', 'gone', ...args])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--yes') as string })
    expect((await place.run(['--owner', 'gone', 'sessions', 'show', 'old'])).code).toBe(0)
    expect((await place.run(['keys', 'list'])).out).not.toContain('revoked')

    expect((await place.run(['--owner', 'gone', '--yes', 'sessions', 'delete', 'old'])).out).toContain('deleted')
    expect((await place.run(['--owner', 'gone', 'sessions', 'show', 'old'])).code).toBe(4)
    expect((await place.run(['--yes', 'keys', 'revoke', key.key.id])).code).toBe(0)
    expect((await place.run(['keys', 'list'])).out).toContain('revoked')
    const erased = await place.run(['--owner', 'gone', '--yes', 'erase', '--json'])
    expect(erased.code).toBe(0)
    expect((JSON.parse(erased.out) as { clean: boolean }).clean).toBe(true)
  })

  test('a key is made, rotated and its secret shown once [ACC-4]', async () => {
    const inThirtyDays = new Date(Date.now() + 30 * 86_400_000).toISOString()
    const made = await place.run(['keys', 'create', '--name', 'app', '--user-text', 'user-typed', '--for', 'alice', '--expires', inThirtyDays])
    expect(made.out).toMatch(/^rec_live_[a-z2-7]{16}_[a-z2-7]{52}_[0-9a-f]{8}\n$/)
    const id = /key (\S+);/.exec(made.err)?.[1] as string
    const rotated = await place.run(['keys', 'rotate', id])
    expect(rotated.out).toMatch(/^rec_live_/)
    const listed = await place.run(['keys', 'list', '--json'])
    const secrets = [made.out, rotated.out].map((one) => one.split('_')[3] as string)
    expect(secrets.some((secret) => listed.out.includes(secret))).toBe(false)
  })

  test('--quiet leaves the notes out, and the result as it is [CLI-4]', async () => {
    const { out, err } = await place.run(['--quiet', 'keys', 'create', '--name', 'quiet', '--user-text', 'paste'])
    expect({ out: out.startsWith('rec_'), err }).toEqual({ out: true, err: '' })
  })
})

describe.skipIf(!built)('serve', { timeout: 120_000 }, () => {
  let place: Place
  beforeAll(async () => {
    place = await aPlace()
  })
  afterAll(() => place.remove())

  test('the first start shows one key and what to do next, the second none; SIGTERM ends both with 0 [RUN-7, GW-14]', async () => {
    const first = await place.serve()
    expect(first.key).toMatch(/^rec_live_/)
    for (const part of [
      `${first.url}/s/SESSION/v1`,
      '/openapi.json',
      'SQLite in',
      'bundled',
      'RECOLLECT_UPSTREAM_URL',
      'recollect-mode: dry-run',
      'curl',
    ])
      expect(first.out).toContain(part)
    expect(await first.end()).toMatchObject({ code: 0, err: '' })
    const second = await place.serve()
    expect(second.key).toBeUndefined()
    expect(second.out).toContain('keys create')
    expect(await second.end('SIGINT')).toMatchObject({ code: 0 })
    expect((await readdir(place.folder)).toSorted()).toEqual(['data', 'data-keys'])
  })

  test('one Ctrl-C reaches the gateway several times, and what is in flight still ends [GW-14]', async () => {
    const upstream = await scriptedUpstream()
    let answer = () => {}
    upstream.next((response, body) => (answer = () => says('the last answer')(response, body)))
    const other = await aPlace()
    const served = await other.serve({ env: { RECOLLECT_UPSTREAM_URL: upstream.url } })
    const chat = fetch(`${served.url}/s/last/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${served.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
    })
    await expect.poll(() => upstream.bodies.length).toBe(1)
    const ended = served.end('SIGINT', 'SIGTERM', 'SIGINT') // by the terminal, by npm, by its shell
    await expect
      .poll(() =>
        fetch(`${served.url}/readyz`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .not.toBe(200)
    answer()
    expect((await chat).status).toBe(200)
    expect(await ended).toMatchObject({ code: 0 })
    await upstream.close()
    await other.remove()
  })

  test('a command prints the same on a gateway as in process [CLI-1]', async () => {
    const key = (await place.run(['keys', 'create', '--name', 'remote', '--user-text', 'user-typed', '--quiet'])).out.trim()
    const served = await place.serve()
    const env = { RECOLLECT_KEY: key }
    const there = (args: readonly string[]) => place.run(['--url', served.url, ...args], { env })
    const record = JSON.parse((await there(['remember', 'My bicycle is green.', '--json'])).out) as { id: string; authority: string }
    expect(record.authority).toBe('typed')
    for (const args of [
      ['search', 'green bicycle'],
      ['erase', '--dry-run'],
    ]) {
      const [remote, local] = [await there(args), await place.run(args)]
      expect(remote).toEqual(local)
      expect(remote.code).toBe(0)
    }
    await writeFile(path.join(place.folder, 'key'), key)
    expect((await place.run(['--url', served.url, '--key-file', 'key', 'sessions', 'list'])).code).toBe(0)
    const absent = await there(['forget', 'none'])
    expect(absent).toMatchObject({ code: 4, err: expect.stringMatching(/\(not_found, request \S+\)/) as string })
    expect((await place.run(['--url', served.url, 'stats'], { env: { RECOLLECT_KEY: `${key.slice(0, -1)}x` } })).code).toBe(3)
    expect((await there(['sweep'])).code).toBe(3)
    expect((await there(['forget', record.id])).code).toBe(0)
    await served.end()
  })

  test('metrics are for an operator key alone [ACC-4]', async () => {
    const keyFor = async (roles: string) =>
      (await place.run(['keys', 'create', '--name', roles, '--user-text', 'paste', '--roles', roles, '--quiet'])).out.trim()
    const served = await place.serve()
    const statusOf = async (key?: string) =>
      (await fetch(`${served.url}/metrics`, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })).status
    const found = [await statusOf(), await statusOf(await keyFor('owner')), await statusOf(await keyFor('operator'))]
    await served.end()
    expect(found).toEqual([401, 403, 200])
  })

  test('a port in use is 9 and names the flag [CLI-7]', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const run = await place.run(['serve', '--port', String((taken.address() as AddressInfo).port)])
    taken.close()
    expect(run).toMatchObject({ code: 9, err: expect.stringContaining('--port') as string })
  })

  test('a bind that anybody reaches is refused without a proxy in front [ACC-14]', async () => {
    for (const host of ['0.0.0.0', '::'])
      expect(await place.run(['serve', '--host', host])).toMatchObject({ code: 2, err: expect.stringContaining('trustedProxy') as string })
  })

  test('a key file that others can read, and one that is gone, stop the start; no new key is made [SEAL-2]', async () => {
    const file = path.join(`${place.dataDir}-keys`, 'key.json')
    await chmod(file, 0o644)
    const open = await place.run(['stats'])
    expect(open).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`chmod 600 ${file}`) as string })
    await chmod(file, 0o600)
    const kept = await readFile(file)
    await rm(file)
    const gone = await place.run(['serve'])
    expect(gone).toMatchObject({ code: 8, out: '' })
    expect(gone.err).toContain(file)
    expect(await readdir(path.dirname(file))).not.toContain('key.json')
    const folder = path.dirname(file)
    await rename(folder, `${folder}-away`)
    expect(await place.run(['serve'])).toMatchObject({ code: 8, out: '' })
    expect(await readdir(place.folder)).not.toContain(path.basename(folder)) // a start that refuses makes nothing
    await rename(`${folder}-away`, folder)
    await writeFile(file, kept, { mode: 0o600 })
    await rename(path.join(folder, 'keys.db'), path.join(folder, 'away.db'))
    expect(await place.run(['stats'])).toMatchObject({ code: 8, err: expect.stringMatching(/keys\.db is missing/) as string })
    expect(await readdir(folder)).not.toContain('keys.db')
    await rename(path.join(folder, 'away.db'), path.join(folder, 'keys.db'))
    expect((await place.run(['stats'])).code).toBe(0)
  })
})

const oldNode = await tooOldNode()

test.skipIf(oldNode === undefined)(
  `a Node that is too old is told what is wanted, with exit code 2${oldNode === undefined ? ' (not covered: old-node)' : ''} [RUN-13]`,
  async () => {
    const place = await aPlace()
    const run = await place.run(['serve'], { node: oldNode as string })
    await place.remove()
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toMatch(/^recollect needs Node 22\.13 or newer; this is Node \d+\.\d+\.\d+\./)
  },
)
