// Settings: one value whichever way it comes, every fault at once, and no secret in sight (surfaces.md §9).
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { loadConfiguration, type Given } from '../../src/config/load.ts'
import { openRecollect } from '../../src/config/open.ts'
import { settingsSchema } from '../../src/config/json-schema.ts'
import { flagOf, settings, variableOf, type Setting, type SettingName } from '../../src/config/settings.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { silentTelemetry } from '../../src/telemetry/silent.ts'
import { isRecollectError } from '../../src/core/errors.ts'

/** A value of each setting other than its default: as a file holds it, and as a variable does. */
const others: Record<SettingName, readonly [unknown, string]> = {
  dataDir: ['elsewhere', 'elsewhere'],
  'stores.sessions': ['memory:', 'memory:'],
  'stores.memories': ['sqlite:m.db', 'sqlite:m.db'],
  'stores.keys': ['memory:', 'memory:'],
  seal: ['off', 'off'],
  embedder: ['off', 'off'],
  receipts: ['durable', 'durable'],
  'upstream.url': ['http://127.0.0.1:1/v1', 'http://127.0.0.1:1/v1'],
  'upstream.key': [{ env: 'CANARY' }, 'canary-9f2e'],
  'upstream.name': ['mine', 'mine'],
  'gateway.host': ['::1', '::1'],
  'gateway.port': [1234, '1234'],
  'gateway.hosts': [['a.test', 'b.test'], 'a.test, b.test'],
  'gateway.tls.certFile': ['cert.pem', 'cert.pem'],
  'gateway.tls.keyFile': ['key.pem', 'key.pem'],
  'gateway.trustedProxy': [['10.0.0.0/8', '::1'], '10.0.0.0/8, ::1'],
  'gateway.cors': [['https://a.test'], 'https://a.test'],
  'gateway.credentials': ['caller', 'caller'],
  'gateway.sessionHeaders': [['x-mine'], 'x-mine'],
  'gateway.withoutSession': ['refuse', 'refuse'],
  'gateway.onEdit': ['fork', 'fork'],
  'gateway.drainDelayMs': [10, '10'],
  'context.model': ['gpt-4o', 'gpt-4o'],
  'context.profiles': [[{ id: 'mine', match: ['llama'], windowTokens: 16_000 }], '[{"id":"mine","match":["llama"],"windowTokens":16000}]'],
  'context.budgetTokens': [9_000, '9000'],
  'context.reserveOutputTokens': [1_000, '1000'],
  'context.strategy': [{ name: 'summary', keepTurns: 3 }, '{"name":"summary","keepTurns":3}'],
  'context.minTurns': [4, '4'],
  'context.state': [false, 'false'],
  'context.timeoutMs': [5_000, '5000'],
  'formation.toolResults': ['short', 'short'],
  'recall.floor': [0.5, '0.5'],
  'recall.partitionCacheBytes': [1_000_000, '1000000'],
  'recall.mode': ['off', 'off'],
  'recall.maxItems': [3, '3'],
  'recall.maxTokens': [400, '400'],
  'recall.onFailure': ['fail', 'fail'],
  'expiry.idleMs': [60_000, '60000'],
  'expiry.absoluteMs': [120_000, '120000'],
  'limits.sessionEntries': [10, '10'],
  'limits.sessionBytes': [10_000, '10000'],
  'limits.ownerSessions': [3, '3'],
  'limits.ownerBytes': [20_000, '20000'],
  'limits.ownerRecords': [4, '4'],
  'log.level': ['silent', 'silent'],
}
const names = Object.keys(settings) as SettingName[]
const canary = 'canary-9f2e \u0007'
/** Wrong for every setting, as a file may hold them. */
const wrongInFile: readonly unknown[] = [null, {}, { a: 1 }, [[]], [7], [null], [''], '', canary]
/** Wrong for the settings of a kind: what JSON has instead, and what is near. */
const wrongFor: Readonly<Record<string, readonly unknown[]>> = {
  number: [true, false, [], [1], -1, 1.5, 1e20, '1', '', ' '],
  boolean: [0, 1, 'true', 'on', [], 'yes'],
  string: [true, false, 7, []],
  object: [true, 7, 'a', 'a,b', ['A B'], ['http://u:p@h'], ['a', 7]], // a list
}
const wrongText: readonly string[] = [canary, ' ', '5;canary', '1e3', '0x10', '５', 'x'.repeat(5_000)]
const merged = (a: any, b: any): any =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, key in a && key in b ? merged(a[key], b[key]) : (a[key] ?? b[key])]),
  )
const nested = (name: string, value: unknown): object => name.split('.').reduceRight((inner, key) => ({ [key]: inner }), value as object)

describe('settings', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-config-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const load = (given: Partial<Given>) => loadConfiguration({ flags: {}, environment: {}, file: path.join(folder, 'empty.json'), ...given })
  const fileOf = async (value: unknown, name = 'one.json') => {
    const file = path.join(folder, name)
    await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
    return file
  }
  const faultOf = (given: Partial<Given>): string => {
    try {
      load(given)
    } catch (error) {
      if (isRecollectError(error, 'invalid_input')) return error.message
      throw error
    }
    return 'no fault'
  }
  beforeAll(() => fileOf({}, 'empty.json'))

  test('without any setting every one has its default [CFG-5]', () => {
    const { values } = load({})
    for (const name of names) expect(values.get(name)).toEqual({ value: settings[name].fallback, source: 'default', from: 'default' })
  })

  test.each(names)('%s has one value by file, environment and flag, and says where from [CFG-2, CFG-7]', async (name) => {
    const [inFile, inVariable] = others[name]
    const secret = name === 'upstream.key'
    const wanted = secret ? inVariable : inFile
    expect(wanted).not.toEqual(settings[name].fallback)
    const file = await fileOf(nested(name, inFile))
    const byFile = load({ file, environment: { CANARY: 'canary-9f2e' } }).values.get(name)
    const byVariable = load({ environment: { [variableOf(name)]: inVariable } }).values.get(name)
    const byFlag = load({ flags: { [name]: inVariable } }).values.get(name)
    expect([byFile, byVariable, byFlag].map((one) => [one?.value, one?.source])).toEqual([
      [wanted, 'file'],
      [wanted, 'environment'],
      [wanted, 'flag'],
    ])
    expect([byFile?.from, byVariable?.from]).toEqual([file, variableOf(name)])
  })

  test('flags win over the environment, the environment over the file, the file over defaults [CFG-2]', async () => {
    const file = await fileOf({ gateway: { port: 1 } })
    const environment = { RECOLLECT_GATEWAY_PORT: '2' }
    expect(load({ file, environment, flags: { 'gateway.port': '3' } }).get('gateway.port')).toBe(3)
    expect(load({ file, environment }).get('gateway.port')).toBe(2)
    expect(load({ file }).get('gateway.port')).toBe(1)
  })

  test('an unknown key or variable names the nearest, and all faults come at once, each with its source [CFG-3]', async () => {
    const file = await fileOf({ gatway: { port: 1 }, seal: 'maybe', expiry: { idleMs: -1 } })
    const fault = faultOf({ file, environment: { RECOLLECT_GATEWAY_PRT: '1', RECOLLECT_EMBEDDER: 'best', RECOLLECT_PORT: '1', OTHER: 'x' } })
    for (const part of [
      'gatway.port is no setting; did you mean gateway.port?',
      'RECOLLECT_GATEWAY_PRT is no setting; did you mean RECOLLECT_GATEWAY_PORT?',
      'RECOLLECT_PORT is no setting; did you mean RECOLLECT_GATEWAY_PORT?',
      'seal must be one of on, off; given other text',
    ])
      expect(fault).toContain(part)
    expect(fault).toContain('6 faults')
    expect(fault).toContain(`${file}: expiry.idleMs`)
    expect(fault).toContain('RECOLLECT_EMBEDDER: embedder must be one of bundled, off; given other text')
  })

  test('settings of contexts and recall are what contexts are made by [CFG-5, CTX-6]', async () => {
    const open = async (flags: Given['flags']) => {
      const memory = {
        'stores.sessions': 'memory:',
        'stores.memories': 'memory:',
        'stores.keys': 'memory:',
        embedder: 'off',
        dataDir: path.join(folder, 'data'),
      }
      const recollect = await openRecollect(load({ flags: { ...memory, ...flags } }), { clock: systemClock, telemetry: silentTelemetry }, false)
      onTestFinished(() => recollect.close())
      const user = recollect.user('alice')
      for (const animal of ['bees', 'hens', 'goats', 'ducks']) await user.memories.remember(`I keep ${animal} in Sintra.`)
      const session = await user.session('s')
      await session.append([
        { role: 'user', text: 'Hello.' },
        { role: 'assistant', text: 'Hi.' },
        { role: 'user', text: 'What do I keep in Sintra?' },
      ])
      await session.patchState({ plan: 'CANARY' })
      return session.context({ preview: true })
    }
    const usual = await open({})
    expect(usual.receipt).toMatchObject({ strategy: { name: 'hybrid' }, model: { profile: 'generic' }, budget: { budget: 32_000, reserve: 4_096 } })
    expect(usual.receipt.recall.items.filter(({ outcome }) => outcome === 'injected')).toHaveLength(4)
    const set = await open({
      'context.model': 'mine-7b',
      'context.profiles': '[{"id":"mine","match":["mine"],"windowTokens":16000}]',
      'context.budgetTokens': '60000',
      'context.reserveOutputTokens': '9000',
      'context.strategy': 'summary',
      'context.state': 'false',
      'recall.maxItems': '1',
      'recall.maxTokens': '1',
    })
    expect(set.receipt).toMatchObject({ strategy: { name: 'summary' }, model: { profile: 'mine' }, budget: { budget: 8_000, reserve: 8_000 } }) // the window's halves
    expect(set.receipt.recall.items.filter(({ outcome }) => outcome === 'injected')).toHaveLength(1)
    expect([usual, set].map(({ messages }) => JSON.stringify(messages).includes('CANARY'))).toEqual([true, false])
    expect((await open({ 'recall.mode': 'off' })).receipt.recall.status).toBe('off')
  })

  test('settings of formation and recall are what memories form and are found by [CFG-5, FORM-4, ABS-2]', async () => {
    const hitsWith = async (flags: Given['flags']) => {
      const memory = { 'stores.sessions': 'memory:', 'stores.memories': 'memory:', 'stores.keys': 'memory:', dataDir: path.join(folder, 'data') }
      const recollect = await openRecollect(load({ flags: { ...memory, ...flags } }), { clock: systemClock, telemetry: silentTelemetry }, false)
      onTestFinished(() => recollect.close())
      const { memories, session } = recollect.user('alice')
      await (
        await session('s')
      ).append([
        { role: 'user', text: 'How warm is it in Sintra, where my goats are?' },
        { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', name: 'weather', arguments: '{}' }] },
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', content: 'Sintra has 21 degrees.' }] },
        { role: 'assistant', text: 'It is mild.' },
      ])
      await memories.settled()
      const found = (await memories.search('how many degrees has Sintra?')).hits.map(({ record }) => [record.text, record.authority, record.role])
      const next = await session('next')
      await next.append({ role: 'user', text: 'how many degrees has Sintra?' })
      const { items } = (await next.context({ preview: true })).receipt.recall
      return { found, placed: items.filter(({ outcome }) => outcome === 'injected').length }
    }
    const result = ['Sintra has 21 degrees.', 'untrusted', 'tool']
    expect((await hitsWith({})).found).not.toContainEqual(result)
    expect((await hitsWith({ 'formation.toolResults': 'short' })).found).toContainEqual(result)
    expect(await hitsWith({ 'formation.toolResults': 'short', 'recall.floor': '1' })).toEqual({ found: [], placed: 0 })
  })

  test('variables that are no settings but ours are known [CFG-3]', () => {
    expect(faultOf({ environment: { RECOLLECT_KEY: 'x', RECOLLECT_DEBUG: '1', RECOLLECT_NOT_COVERED: 'redis' } })).toBe('no fault')
  })

  test.each(names)(
    '%s takes no wrong value from any source, and the fault says where, what was expected and never the value [CFG-3]',
    async (name) => {
      const kindOf = typeof (name === 'upstream.key' ? {} : others[name][0])
      for (const wrong of [...wrongInFile, ...(wrongFor[kindOf] ?? [])]) {
        const file = await fileOf(nested(name, wrong))
        const fault = faultOf({ file })
        expect(fault, JSON.stringify(wrong)).toContain(`a fault: ${file}: ${name}`)
        expect(fault).toMatch(/ must be | is no setting/)
        expect(fault).not.toContain('canary')
      }
      // some of these texts are a name as well as any
      const free = /^(?:dataDir|upstream\.(?:name|key)|gateway\.(?:host|tls\.\w+)|context\.model)$/.test(name)
      for (const wrong of free ? [canary, ' ', 'x'.repeat(5_000)] : wrongText) {
        const lists = kindOf === 'object' && name !== 'upstream.key'
        const fits =
          (lists && /^(?:gateway\.(?:hosts|sessionHeaders))$/.test(name) && /^[0-9a-z]+$/.test(wrong)) ||
          (lists && wrong === ' ' && name !== 'gateway.hosts')
        if (fits) continue
        for (const [given, from] of [
          [{ environment: { [variableOf(name)]: wrong } }, variableOf(name)],
          [{ flags: { [name]: wrong } }, flagOf(name) ?? name],
        ] as const) {
          const fault = faultOf(given)
          expect(fault, JSON.stringify(wrong)).toContain(`a fault: ${from}: ${name} must be `)
          expect(fault).not.toContain(wrong.trim() || 'canary')
        }
      }
    },
  )

  test('a key or a password in a URL is refused, and not repeated [CFG-4]', () => {
    for (const url of ['http://me:canary-9f2e@h/v1', 'http://canary-9f2e@h/v1', 'https://h/v1?key=canary-9f2e', 'https://h/v1#canary-9f2e']) {
      const fault = faultOf({ environment: { RECOLLECT_UPSTREAM_URL: url } })
      expect(fault).toContain('upstream.url must be an http or https URL')
      expect(fault).not.toContain('canary')
    }
  })

  test('a pipe, a device, a folder and a file without end are refused as the file of settings and of a secret, and nothing hangs [CFG-3, CFG-4]', async () => {
    const pipe = path.join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const wrong: readonly (readonly [string, string])[] = [
      [pipe, 'is no regular file'],
      ['/dev/zero', 'is no regular file'],
      [folder, 'is a folder'],
      ['/nowhere', 'is not there'],
      ['a\u0000b', 'cannot be opened by this user'],
      [await fileOf(' '.repeat(1_100_000), 'long'), 'has over'],
    ]
    for (const [file, why] of wrong) {
      expect(faultOf({ file })).toContain(why)
      expect(faultOf({ file: await fileOf({ upstream: { key: { file } } }) })).toContain(`upstream.key names a file that ${why}`)
    }
    expect(faultOf({ file: await fileOf({ upstream: { key: { file: await fileOf(' \n', 'empty') } } }) })).toContain('is empty')
  })

  test('a file with very many faults tells the first twenty and how many there are [CFG-3]', async () => {
    const file = await fileOf(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${'x'.repeat(100)}${i}`, 1])))
    const fault = faultOf({ file })
    expect(fault).toContain('100 faults')
    expect(fault).toContain('and 80 more')
    expect(fault.length).toBeLessThan(4_000)
  })

  test.each([
    ['a file that is not there', { file: '/nowhere/recollect.json' }, /is not there/],
    ['a port over its range', { environment: { RECOLLECT_GATEWAY_PORT: '70000' } }, /gateway\.port/],
    ['a port that is no number', { environment: { RECOLLECT_GATEWAY_PORT: 'http' } }, /gateway\.port/],
    ['a store of another kind', { environment: { RECOLLECT_STORES_SESSIONS: 'mongo:x' } }, /stores\.sessions/],
    ['a URL of another scheme', { environment: { RECOLLECT_UPSTREAM_URL: 'file:///etc/passwd' } }, /upstream\.url/],
    ['a strategy that is not there', { environment: { RECOLLECT_CONTEXT_STRATEGY: 'best' } }, /RECOLLECT_CONTEXT_STRATEGY: context\.strategy/],
    ['an option that its strategy has not', { environment: { RECOLLECT_CONTEXT_STRATEGY: '{"name":"summary","last":9}' } }, /context\.strategy/],
    [
      'a model profile with a field that is none',
      { environment: { RECOLLECT_CONTEXT_PROFILES: '[{"id":"a","windowToken":9000}]' } },
      /context\.profiles/,
    ],
    ['a model profile with a small window', { environment: { RECOLLECT_CONTEXT_PROFILES: '[{"id":"a","windowTokens":9}]' } }, /context\.profiles/],
    ['profiles that are no JSON', { environment: { RECOLLECT_CONTEXT_PROFILES: '[{' } }, /context\.profiles/],
    ['a proxy that is trusted without an address', { environment: { RECOLLECT_GATEWAY_TRUSTED_PROXY: 'true' } }, /gateway\.trustedProxy/],
    ['a network wider than its addresses', { environment: { RECOLLECT_GATEWAY_TRUSTED_PROXY: '10.0.0.0/33' } }, /gateway\.trustedProxy/],
    ['a life over its bound', { environment: { RECOLLECT_EXPIRY_IDLE_MS: '1e15' } }, /expiry\.idleMs/],
  ])('%s is a fault [CFG-3]', (_, given, shape) => {
    expect(faultOf(given)).toMatch(shape)
  })

  test.each([
    ['cut JSON', '{"seal":', /./],
    ['a duplicate key', '{"seal":"on","seal":"off"}', /./],
    ['a list', '[1]', /./],
    ['a name of the prototype', '{"__proto__":{"seal":"off"}}', /./],
    ['a value of another type', '{"gateway":{"hosts":7}}', /gateway\.hosts/],
    ['a value where a group stands', '{"gateway":7}', /gateway is no setting/],
  ])('a file with %s is a fault that names the file [CFG-3]', async (_, text, shape) => {
    const file = await fileOf(text)
    const fault = faultOf({ file })
    expect(fault).toContain(file)
    expect(fault).toMatch(shape)
  })

  test('a secret comes by reference; as it is, or by a reference that leads nowhere, it is refused and not repeated [CFG-4]', async () => {
    const key = await fileOf('canary-9f2e\n', 'key')
    const secret = (value: unknown) => fileOf({ upstream: { key: value } })
    expect(load({ file: await secret({ file: key }) }).get('upstream.key')).toBe('canary-9f2e')
    const faults = [
      faultOf({ file: await secret('canary-9f2e') }),
      faultOf({ file: await secret({ value: 'canary-9f2e' }) }),
      faultOf({ file: await secret({ env: 'NOT_SET' }) }),
      faultOf({ file: await secret({ env: 'EMPTY' }), environment: { EMPTY: '' } }),
      faultOf({ file: await secret({ env: 'CANARY', file: key }), environment: { CANARY: 'canary-9f2e' } }),
      faultOf({ file: await secret(['canary-9f2e']) }),
      faultOf({ file: await secret({ file: '/nowhere' }) }),
    ]
    expect(faults.filter((fault) => fault === 'no fault' || fault.includes('canary'))).toEqual([])
  })

  test('every setting says why it is there; its variable and its flag are its own, and a secret has no flag [CFG-1, CFG-4]', () => {
    expect(names.filter((name) => settings[name].reason.length < 10)).toEqual([])
    expect(new Set(names.map(variableOf)).size).toBe(names.length)
    const flags = names.map(flagOf)
    expect(names.filter((_, i) => flags[i] === undefined)).toEqual(['upstream.key'])
    expect(new Set(flags).size).toBe(names.length)
  })

  test('a setting that takes one of some words names them, but for its default [CFG-1]', () => {
    const unnamed = names.flatMap((name) => {
      const { kind, fallback, reason } = settings[name] as Setting
      const words = kind.schema instanceof z.ZodEnum ? kind.schema.options.map(String) : []
      return words.filter((word) => word !== fallback && !new RegExp(`\\b${word}\\b`).test(reason)).map((word) => `${name}: ${word}`)
    })
    expect(unnamed).toEqual([])
  })

  test('the JSON Schema takes what the loader takes, and refuses what it refuses [CFG-1]', async () => {
    const schema: any = settingsSchema()
    const fits = new Ajv2020({ strict: false }).compile(schema)
    const said = names.map((name) => name.split('.').reduce((at, step) => at.properties[step], schema))
    expect(said.map(({ description, default: fallback }) => [description, fallback])).toEqual(
      names.map((name) => [settings[name].reason, settings[name].fallback]),
    )
    const whole = names.map((name) => nested(name, others[name][0])).reduce(merged, {})
    expect(load({ file: await fileOf(whole), environment: { CANARY: 'canary-9f2e' } }).get('seal')).toBe('off')
    expect([fits(whole), fits.errors]).toEqual([true, null])
    for (const bad of [{ gatway: {} }, { seal: 'maybe' }, { gateway: { port: 70_000 } }, { upstream: { key: 'canary-9f2e' } }, { expiry: 7 }]) {
      expect(fits(bad)).toBe(false)
      expect(faultOf({ file: await fileOf(bad) })).not.toBe('no fault')
    }
  })
})
