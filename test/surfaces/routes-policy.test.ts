// What each row asks of the policy, and what happens when it says no, nothing, or breaks (ACC-2); and rows that may not be there (GW-2).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from '@hono/zod-openapi'
import { limits } from '../../src/core/limits.ts'
import { routeTable } from '../../src/gateway/app.ts'
import { checkedRow, type Route } from '../../src/gateway/route.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import type { Policy } from '../../src/ports/policy.ts'
import { decideByRole } from '../../src/security/access/role-policy.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { goodRequests, makeThings, type Good, type Things } from './route-cases.ts'

const nameOf = (row: Pick<Route, 'method' | 'path'>) => `${row.method} ${row.path}`
const native = routeTable({} as Parameters<typeof routeTable>[0]).filter(({ access }) => access !== 'open' && access !== 'any credential')
const message = { model: 'm', messages: [{ role: 'user', content: 'hello' }] }
const model: readonly [string, string, Good][] = [
  ['POST', 'model.call', { path: '/v1/chat/completions', body: message }],
  ['POST', 'model.call', { path: '/s/theirs/v1/chat/completions', body: message }],
  ['POST', 'model.call', { path: '/v1/embeddings', body: { model: 'recollect-embedder', input: 'text' } }],
  ['GET', 'model.call', { path: '/v1/models' }],
]

const clock = manualClock(1_800_000_000_000)
let asked: { readonly action: string; readonly target: unknown; readonly calls: number }[] = []
let says: Policy['decide'] = async () => ({ allow: true, reason: 'test' })
let calls = 0 // of data stores
let world: GatewayWorld
let things: Things
const secrets: Record<string, string> = {}

function counted(): LogStore {
  const store = memoryStore({ clock })
  const count = (name: string, method: unknown) =>
    typeof method !== 'function' || name === 'close'
      ? method
      : (...given: readonly unknown[]) => {
          if ((given[0] as { ownerId?: string } | undefined)?.ownerId?.startsWith('~') !== true) calls++ // not the audit trail's own
          return (method as (...all: readonly unknown[]) => unknown)(...given)
        }
  return Object.fromEntries(Object.entries(store).map(([name, method]) => [name, count(name, method)])) as unknown as LogStore
}

beforeAll(async () => {
  const policy: Policy = {
    decide(actor, action, target) {
      asked.push({ action, target, calls })
      return says(actor, action, target)
    },
  }
  const stores = { sessions: counted(), memories: counted(), keys: memoryStore({ clock }) }
  world = await gatewayWorld({ clock }, { clock, stores, policy, background: false })
  things = await makeThings(world)
  await world.recollect.settled()
  const issue = async (name: string, request: object) =>
    void (secrets[name] = (await world.recollect.credentials.create('default', { name, userText: 'user-typed', ...request } as any)).secret)
  await issue('admin', { roles: ['tenant-admin'] })
  await issue('operator', { roles: ['operator'] })
  await issue('acting', { roles: ['owner'], grants: ['act-for-owner'] })
})
afterAll(() => world.close())
beforeEach(() => {
  clock.advance(60_000)
  asked = []
  says = async () => ({ allow: true, reason: 'test' })
})

const keyFor = ({ scope, access }: Route) =>
  scope === 'owner' ? world.key : secrets[access === 'sweep' || access === 'metrics.read' ? 'operator' : 'admin']
const goodOf = (row: Route): Good => (goodRequests[nameOf(row)] as (things: Things) => Good)(things)
const rows: readonly [string, string, string, () => Good, () => string][] = [
  ...native.map((row): (typeof rows)[number] => [nameOf(row), row.method, row.access, () => goodOf(row), () => keyFor(row) as string]),
  ...model.map(([method, action, good]): (typeof rows)[number] => [`${method} ${good.path}`, method, action, () => good, () => world.key]),
]

describe.each(rows)('%s', (name, method, action, good, key) => {
  const send = async () => {
    const { path, body } = good()
    const response = await world.call(method, path, body, { authorization: `Bearer ${key()}` })
    return { status: response.status, text: await response.text() }
  }
  const tenantWide = native.some((row) => nameOf(row) === name && row.scope !== 'owner')
  const target = tenantWide ? { tenantId: 'default' } : { tenantId: 'default', ownerId: 'alice' }

  test('the policy is asked once, with the action of the row and whose data it is [ACC-2, GW-2]', async () => {
    await send()
    await world.recollect.settled()
    expect(asked.map((one) => ({ action: one.action, target: one.target }))).toEqual([{ action, target }])
  })

  test.each<[string, Policy['decide']]>([
    ['no', async () => ({ allow: false, reason: 'test' })],
    ['what is no yes', async () => ({ allow: 1, reason: 'test' }) as never],
    ['nothing', () => new Promise<never>(() => {})],
    ['a rejection', async () => Promise.reject(new Error('canary'))],
    [
      'a throw',
      () => {
        throw new Error('canary')
      },
    ],
  ])('where it says %s the row is forbidden, before any data is touched [ACC-2]', async (said, decide) => {
    await world.recollect.settled()
    says = decide
    const before = calls
    const sent = send()
    if (said === 'nothing') {
      await expect.poll(() => asked.length).toBe(1)
      clock.advance(limits.policyMs)
    }
    const { status, text } = await sent
    expect([status, text.includes('forbidden'), text.includes('canary')]).toEqual([403, true, false])
    expect(asked.map((one) => one.calls)).toEqual([before])
    expect(calls).toBe(before)
  })
})

test('a body that names an owner is read before the policy is asked, and it is asked about that owner [ACC-2, OAI-1]', async () => {
  const headers = { authorization: `Bearer ${secrets['acting']}` }
  await world.call('POST', '/v1/chat/completions', { ...message, user: 'carol' }, { ...headers, 'recollect-mode': 'dry-run' })
  await world.call('GET', '/api/v1/sessions', undefined, { ...headers, 'recollect-owner': 'dave' })
  expect(asked.map((one) => one.target)).toEqual([
    { tenantId: 'default', ownerId: 'carol' },
    { tenantId: 'default', ownerId: 'dave' },
  ])
})

test('who may not call a row gets no work done with the body [ACC-2]', async () => {
  says = async (actor, action, target) => decideByRole(actor, action, target)
  const answer = await world.call('POST', '/api/v1/memories', '{"cut', { authorization: `Bearer ${secrets['operator']}` })
  expect(answer.status).toBe(403)
})

describe('a row that does not start', () => {
  const good: Route = {
    method: 'POST',
    path: '/api/v1/things',
    access: 'memory.write',
    scope: 'owner',
    summary: 'A thing',
    answers: { 200: z.object({}) },
    retry: {},
    handle: async () => ({ status: 200 }),
  }
  test('a whole one does [GW-2]', () => expect(checkedRow(good)).toBe(good))
  test.each<[string, Partial<Record<keyof Route, unknown>>]>([
    ['no action', { access: undefined }],
    ['an action that the policy does not know', { access: 'memory.guess' }],
    ['an open row that is not listed', { access: 'open' }],
    ['a row for any credential that is not listed', { access: 'any credential' }],
    ['another method on an open path', { access: 'open', path: '/healthz' }],
    ['no schema of an answer', { answers: {} }],
    ['no schema of a body that it must have', { method: 'PUT' }],
    ['no word on what a retry gets', { retry: undefined }],
  ])('%s [GW-2]', (_, more) => expect(() => checkedRow({ ...good, ...more } as Route)).toThrow(/^the route \w+ \S+ (?:has no|does not say)/))
})
