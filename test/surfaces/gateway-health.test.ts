// Alive and ready: asked of each part within a second, at most every two, and told by name and state (GW-16).
import { expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld } from './gateway-world.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
const names = ['sessions', 'memories', 'keys'] as const
const body = async (response: Response) => ({ status: response.status, ...((await response.json()) as any) })
const never = () => new Promise<never>(() => {})

/** A gateway whose parts answer as the test says, over a clock that stands still. */
async function aWorld() {
  const clock = manualClock(1_800_000_000_000)
  const says = new Map<string, () => Promise<never>>()
  const asked = new Map<string, number>()
  const ask = (name: string) => {
    asked.set(name, (asked.get(name) ?? 0) + 1)
    return says.get(name)?.()
  }
  const stores = Object.fromEntries(
    names.map((name): [string, LogStore] => {
      const store = memoryStore({ clock })
      return [name, { ...store, owners: (page) => ask(name) ?? store.owners(page) }]
    }),
  )
  const provider = memoryKeyProvider({ random })
  const keyProvider = {
    ...provider,
    wrap: (...given: Parameters<typeof provider.wrap>) => ask('wrap') ?? provider.wrap(...given),
    unwrap: (...given: Parameters<typeof provider.unwrap>) => ask('unwrap') ?? provider.unwrap(...given),
  }
  const world = await gatewayWorld({ clock }, { clock, stores, keyProvider, background: false })
  const ready = async () => body(await world.call('GET', '/readyz'))
  return { ...world, clock, says, asked, ready }
}

const failing = (checks: readonly { name: string; state: string }[]) => checks.filter(({ state }) => state === 'fail').map(({ name }) => name)

test('ready tells names and states only; details are for the operator [GW-16]', async () => {
  const { ready, call, recollect, close } = await aWorld()
  const told = await ready()
  expect([told.status, told.ready, Object.keys(told).toSorted()]).toEqual([200, true, ['checks', 'ready', 'status']])
  expect(told.checks.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining([...names, 'key-provider', 'job-lag', 'serving']))
  for (const check of told.checks) expect(Object.keys(check).toSorted()).toEqual(['name', 'state'])
  expect((await call('GET', '/api/v1/health')).status).toBe(403)
  const { secret } = await recollect.credentials.create('default', { name: 'op', roles: ['operator'], userText: 'paste' })
  const details = await body(await call('GET', '/api/v1/health', undefined, { authorization: `Bearer ${secret}` }))
  expect(details.details).toMatchObject({ sessions: 'memory', embedder: expect.any(String), seal: 'on' })
  await close()
})

test.each([
  ['sessions', 'sessions'],
  ['memories', 'memories'],
  ['keys', 'keys'],
  ['wrap', 'key-provider'],
  ['unwrap', 'key-provider'],
])('%s that fails makes it unready, and not dead, until it is well again [GW-16]', async (part, check) => {
  const { ready, says, clock, call, close } = await aWorld()
  says.set(part, () => Promise.reject(new Error('canary')))
  const told = await ready()
  expect([told.status, told.ready, failing(told.checks)]).toEqual([503, false, [check]])
  expect(JSON.stringify(told)).not.toContain('canary')
  expect((await call('GET', '/healthz')).status).toBe(200)
  says.delete(part)
  clock.advance(limits.healthCachedMs)
  expect((await ready()).status).toBe(200)
  await close()
})

test.each(['sessions', 'memories', 'keys', 'wrap', 'unwrap'])(
  '%s that hangs is waited for one second, and is not asked again while it hangs [GW-16]',
  async (part) => {
    const { ready, says, asked, clock, call, close } = await aWorld()
    says.set(part, never)
    asked.clear()
    for (let look = 0; look < 3; look++) {
      const told = ready()
      await expect.poll(() => clock.sleeping).toBe(1)
      clock.advance(limits.healthCheckMs - 1)
      expect(clock.sleeping).toBe(1)
      clock.advance(1)
      expect((await told).status).toBe(503)
      clock.advance(limits.healthCachedMs)
    }
    expect(asked.get(part)).toBe(1)
    expect((await call('GET', '/healthz')).status).toBe(200)
    await close()
  },
)

test('whoever asks within two seconds gets one look at the parts [GW-16]', async () => {
  const { ready, asked, clock, close } = await aWorld()
  await ready()
  asked.clear()
  clock.advance(limits.healthCachedMs - 1)
  await Promise.all([ready(), ready(), ready()])
  expect([...asked]).toEqual([])
  clock.advance(1)
  await Promise.all([ready(), ready(), ready()])
  expect(Object.fromEntries(asked)).toEqual({ sessions: 1, memories: 1, keys: 1, wrap: 1, unwrap: 1 })
  await close()
})

test('background work that is a minute late is a warning, and is gone when it is done [GW-16]', async () => {
  const { ready, alice, recollect, clock, close } = await aWorld()
  const lag = async () => (await ready()).checks.find(({ name }: { name: string }) => name === 'job-lag').state
  await (await alice.session('late')).append({ role: 'user', text: 'I live in Lisbon.' })
  clock.advance(limits.turnEndIdleMs + limits.jobLagMs)
  expect(await lag()).toBe('ok')
  clock.advance(limits.healthCachedMs)
  expect(await lag()).toBe('warn')
  await recollect.settled()
  clock.advance(limits.healthCachedMs)
  expect(await lag()).toBe('ok')
  await close()
})

test('at its end it is unready at once, whatever the parts say [GW-14, GW-16]', async () => {
  const { ready, says, gateway, close } = await aWorld()
  says.set('sessions', never)
  gateway.drain()
  expect(await ready()).toMatchObject({ status: 503, ready: false, checks: [{ name: 'serving', state: 'fail' }] })
  await close()
})
