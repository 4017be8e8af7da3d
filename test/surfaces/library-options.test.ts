// Parts that a caller brings: one of the wrong shape is refused at the start by name, before anything is made on disk.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createRecollect, type RecollectOptions } from '../../src/index.ts'
import { memoryKeyProvider } from '../../src/security/index.ts'
import { silentTelemetry } from '../../src/telemetry/silent.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { aWorld, memoryStores, start } from './library-world.ts'
import { flakyEmbedder } from './memory-world.ts'

const clock = manualClock(start)
const { sessions } = memoryStores(clock)
const provider = memoryKeyProvider({ random: seededRandom(1) })
const embedder = flakyEmbedder()
const without = (whole: object, name: string): object => ({ ...whole, [name]: undefined })
const anyPlan = { name: 'mine', options: null, plan: () => ({ keepFrom: 1 }) }

const refusals: Readonly<Record<string, readonly [options: object, message: RegExp]>> = {
  'a store that is a list': [{ stores: { sessions: [] } }, /^stores\.sessions must be an object$/],
  'a store without calls': [{ stores: { sessions: {} } }, /^stores\.sessions must be a log store; it has no function open$/],
  'a store that lacks one': [{ stores: { memories: without(sessions, 'rewrite') } }, /^stores\.memories .*no function rewrite$/],
  'a store whose call is text': [{ stores: { keys: { ...sessions, erase: 'yes' } } }, /^stores\.keys .*no function erase$/],
  'a store without info': [{ stores: { sessions: without(sessions, 'info') } }, /^stores\.sessions .*its info\.name must be a string$/],
  'a store of unknown durability': [
    { stores: { sessions: { ...sessions, info: { name: 'x', shared: false } } } },
    /^stores\.sessions .*its info\.durable must be a boolean$/,
  ],
  'a placed store that is none': [{ stores: { sessions: { store: undefined } } }, /^stores\.sessions\.store must be a log store$/],
  'a place that is no text': [{ stores: { sessions: { store: sessions, place: 5 } } }, /^stores\.sessions\.place must be text$/],
  'files that are a list': [{ stores: { sessions: { store: sessions, files: [] } } }, /^stores\.sessions\.files must be a function/],
  'a key provider that cannot unwrap': [
    { keyProvider: without(provider, 'unwrap') },
    /^keyProvider must be a key provider; it has no function unwrap$/,
  ],
  'a key provider without info': [{ keyProvider: without(provider, 'info') }, /^keyProvider .*its info\.name must be a string$/],
  'an embedder that is a number': [{ embedder: 5 }, /^embedder must be an embedder$/],
  'an embedder that is nothing': [{ embedder: null }, /^embedder must be an embedder$/],
  'an embedder of an unknown name': [{ embedder: 'best' }, /embedder must be one of bundled, off$/],
  'an embedder that embeds nothing': [{ embedder: { info: embedder.info } }, /^embedder must be an embedder; it has no function embed$/],
  'an embedder of no dimensions': [
    { embedder: { ...embedder, info: { ...embedder.info, dimensions: '32' } } },
    /^embedder .*its info\.dimensions must be a number$/,
  ],
  'a clock that tells no time': [{ clock: { sleep: clock.sleep } }, /^clock must be a clock; it has no function now$/],
  'a clock that cannot wait': [{ clock: { now: Date.now } }, /^clock must be a clock; it has no function sleep$/],
  'a telemetry without a log': [{ telemetry: without(silentTelemetry, 'log') }, /^telemetry must be a telemetry; it has no function log$/],
  'a policy that does not decide': [{ policy: {} }, /^policy must be a policy; it has no function decide$/],
  'a random that is a number': [{ random: 4 }, /^random must be a function/],
  'a strategy that plans nothing': [
    { strategies: [anyPlan, without(anyPlan, 'plan')] },
    /^strategies\[1\] must be a strategy; it has no function plan$/,
  ],
  'a strategy without a name': [{ strategies: [without(anyPlan, 'name')] }, /^strategies\[0\] .*its name must be a string$/],
}

test.each(Object.entries(refusals))('%s is refused at the start, and nothing is made on disk [GW-12] [DESIGN-8.4]', async (_, [options, message]) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'recollect-options-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const dataDir = path.join(folder, 'data')
  await expect(createRecollect({ dataDir, ...(options as RecollectOptions) })).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(message),
    nextStep: expect.stringMatching(/^Give .*out\.$/),
  })
  expect([dataDir, `${dataDir}-keys`].filter((made) => existsSync(made))).toEqual([])
})

test('parts that are objects of classes fit: what counts is what they can do [GW-12] [DESIGN-8.4]', async () => {
  class Wrapped {
    readonly now = clock.now
    sleep(ms: number): Promise<void> {
      return clock.sleep(ms)
    }
  }
  const made = await createRecollect({ stores: memoryStores(clock), keyProvider: provider, embedder: 'off', background: false, clock: new Wrapped() })
  await made.close()
})

test('a telemetry of one`s own that fails, at once or later, fails nothing, and what it lost is counted [OBS-7]', async () => {
  for (const fail of [
    () => {
      throw new Error('the collector is down')
    },
    async () => {
      throw new Error('the collector is down')
    },
  ]) {
    const counted: unknown[] = []
    const count = (metric: string, by?: number, labels?: unknown) => {
      if (metric !== 'recollect_telemetry_dropped_total') return fail()
      counted.push(labels)
      return undefined
    }
    const { recollect } = await aWorld('memory', { telemetry: { count: count as () => void, observe: fail, gauge: fail, log: fail } })
    const user = recollect.user('alice')
    const session = await user.session('s')
    await session.append({ role: 'user', text: 'I live in Lisbon.' })
    await session.context()
    await user.memories.search('Lisbon')
    await recollect.settled()
    await recollect.sweep()
    expect((await user.erase()).clean).toBe(true)
    expect(counted).toContainEqual({ sink: 'metrics' })
  }
})

test('a random that gives too little, or a promise, is refused before an IV or a key of zeros is made [SEAL-4]', async () => {
  for (const random of [() => new Uint8Array(4), async (count: number) => new Uint8Array(count), () => [1, 2], () => undefined]) {
    const { recollect } = await aWorld('memory', { random: random as never })
    const failure: unknown = await recollect
      .user('alice')
      .session('s')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(/^random was asked for \d+ bytes/) })
  }
})

const throwing = async (): Promise<never> => {
  throw new Error('ECONNRESET heliotrope')
}

test('what a store or key provider of one`s own throws is unavailable, with its own words in the cause alone [LOG-8]', async () => {
  const given = memoryStores(clock)
  const broken = [
    { stores: { ...given, sessions: { ...given.sessions, open: throwing } } },
    { stores: memoryStores(clock), keyProvider: { ...provider, wrap: throwing } },
    { stores: memoryStores(clock), keyProvider: { ...provider, wrap: async () => undefined as never } },
  ]
  for (const options of broken) {
    const { recollect } = await aWorld('memory', options)
    const failure = (await recollect
      .user('alice')
      .session('s')
      .catch((error: unknown) => error)) as Error
    expect(failure).toMatchObject({ code: 'unavailable' })
    expect(failure.message).not.toContain('heliotrope')
  }
})

test('a store that does not close keeps no other from closing [LOG-29]', async () => {
  const { sessions: first, ...others } = memoryStores(clock)
  const closed: string[] = []
  const noting = (name: string, store: LogStore): LogStore => ({ ...store, close: async () => void closed.push(name) })
  const recollect = await createRecollect({
    clock,
    background: false,
    embedder: 'off',
    stores: { sessions: { ...first, close: throwing }, memories: noting('memories', others.memories), keys: noting('keys', others.keys) },
    keyProvider: { ...provider, close: async () => void closed.push('provider') },
  })
  await expect(recollect.close()).rejects.toMatchObject({ code: 'unavailable', cause: { message: 'ECONNRESET heliotrope' } })
  expect(closed).toEqual(['memories', 'keys', 'provider'])
})

test('a strategy whose options are no JSON is refused with its name [STR-4]', async () => {
  const { recollect } = await aWorld('memory')
  const session = await recollect.user('alice').session('s')
  for (const options of [undefined, 1n, () => 1]) {
    const asked = session.context({ strategy: { ...anyPlan, options } as never })
    await expect(asked).rejects.toMatchObject({ code: 'invalid_input', message: 'strategy mine has options that are no JSON' })
  }
})
