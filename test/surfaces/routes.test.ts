// Every row of the route table with every credential, and each answer against the OpenAPI document (SUR-2).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { routeTable } from '../../src/gateway/app.ts'
import type { Route } from '../../src/gateway/route.ts'
import type { Grant, Role } from '../../src/ports/policy.ts'
import { roleTable } from '../../src/security/access/role-policy.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { goodRequests, makeThings, type Things } from './route-cases.ts'

const rows = routeTable({} as Parameters<typeof routeTable>[0])
const nameOf = (row: Route) => `${row.method} ${row.path}`

interface Who {
  readonly roles: readonly Role[]
  readonly owner?: string
  readonly grants?: readonly Grant[]
  readonly asOwner?: string // the header recollect-owner
}
const credentials: Readonly<Record<string, Who>> = {
  'the owner': { roles: ['owner'], owner: 'alice' },
  'a key that may act for owners': { roles: ['owner'], grants: ['act-for-owner'], asOwner: 'alice' },
  'a reader of the tenant': { roles: ['tenant-reader'], grants: ['act-for-owner'], asOwner: 'alice' },
  'an admin of the tenant': { roles: ['tenant-admin'], grants: ['act-for-owner'], asOwner: 'alice' },
  'an operator': { roles: ['operator'] },
  'an auditor': { roles: ['auditor'] },
}
const somebodyElse: Who = { roles: ['owner'], owner: 'bob' }

const clock = manualClock(Date.now())
let world: GatewayWorld
const secrets = new Map<string, string>()

beforeAll(async () => {
  world = await gatewayWorld({ clock })
  for (const [name, { roles, owner, grants }] of Object.entries({ ...credentials, bob: somebodyElse })) {
    const request = {
      name,
      roles,
      userText: 'user-typed',
      ...(owner === undefined ? {} : { ownerId: owner }),
      ...(grants === undefined ? {} : { grants }),
    } as const
    secrets.set(name, (await world.recollect.credentials.create('default', request)).secret)
  }
})
afterAll(() => world.close())
beforeEach(() => clock.advance(60_000)) // the rates of a minute

async function ask(row: Route, things: Things, headers: Readonly<Record<string, string>>, change: (path: string) => string = (path) => path) {
  const { path, body, status } = (goodRequests[nameOf(row)] as NonNullable<(typeof goodRequests)[string]>)(things)
  const response = await world.call(row.method, change(path), body, headers)
  const text = await response.text()
  return { response, text, good: status ?? 200 }
}

const headersOf = (name: string): Record<string, string> => {
  const { asOwner } = credentials[name] as Who
  return { authorization: `Bearer ${secrets.get(name)}`, ...(asOwner === undefined ? {} : { 'recollect-owner': asOwner }) }
}

/** What the table of roles says of a row, whatever the policy does (ACC-2). */
function mayUse({ access }: Route, { roles }: Who): boolean {
  if (access === 'open' || access === 'any credential') return true
  return roles.some((role) => roleTable[access][role] !== undefined)
}

test('each row has a good request here [GW-2]', () => {
  expect(rows.map(nameOf).toSorted()).toEqual(Object.keys(goodRequests).toSorted())
})

describe.each(rows.map((row) => [nameOf(row), row] as const))('%s', (_, row) => {
  test.each(Object.entries(credentials))(
    '%s: allowed or forbidden, as the roles say, in the shape of the document [ACC-2, ACC-3, GW-4, GW-17]',
    async (name, who) => {
      const { response, text, good } = await ask(row, await makeThings(world), headersOf(name))
      if (mayUse(row, who)) expect([response.status, text]).toEqual([good, text])
      else expect([response.status, JSON.parse(text).code]).toEqual([403, 'forbidden'])
      expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    },
  )

  test('without a key, and with one that is not ours, it is one answer or none is needed [ACC-1, ACC-7]', async () => {
    const things = await makeThings(world)
    for (const authorization of ['', 'Bearer rec_live_aaaaaaaaaaaaaaaa_b_00000000', `Basic ${secrets.get('the owner')}`]) {
      const { response, text, good } = await ask(row, things, { authorization })
      if (row.access === 'open') expect(response.status).toBe(good)
      else expect([response.status, JSON.parse(text).code]).toEqual([401, 'unauthenticated'])
    }
  })

  test("somebody else's things are not there [ACC-9, ISO-1]", async () => {
    const bob = secrets.get('bob')
    const things = await makeThings(world)
    const { response, text } = await ask(row, things, { authorization: `Bearer ${bob}` })
    if (row.scope === 'owner' && row.path.includes('{')) expect([response.status, JSON.parse(text).code]).toEqual([404, 'not_found'])
    expect(text).not.toMatch(/question of two|is remembered/)
    const acting = await ask(row, things, { authorization: `Bearer ${bob}`, 'recollect-owner': 'alice' })
    if (row.access !== 'open') expect([acting.response.status, JSON.parse(acting.text).code]).toEqual([403, 'forbidden'])
  })
})

test('a request id of the client is kept if it is plain, and replaced if not [GW-5]', async () => {
  const idOf = async (id: string) => (await world.call('GET', '/healthz', undefined, { 'x-request-id': id })).headers.get('x-request-id')
  expect(await idOf('abc-1._')).toBe('abc-1._')
  for (const bad of ['with space', 'x'.repeat(129), 'ä']) expect(await idOf(bad)).toMatch(/^req_/)
})

test('an id in a path is percent-encoded, and means the same session [GW-3]', async () => {
  const name = 'a/b ü%20'
  expect((await world.call('POST', '/api/v1/sessions', { id: name })).status).toBe(201)
  const found = await world.call('GET', `/api/v1/sessions/${encodeURIComponent(name)}`)
  expect([found.status, ((await found.json()) as { id: string }).id]).toEqual([200, name])
})

test('the owner is named where a key has none [GW-4]', async () => {
  const { secret } = await world.recollect.credentials.create('default', {
    name: 'none',
    roles: ['owner'],
    grants: ['act-for-owner'],
    userText: 'paste',
  })
  const refused = await world.call('GET', '/api/v1/sessions', undefined, { authorization: `Bearer ${secret}` })
  const { code, nextStep } = (await refused.json()) as { code: string; nextStep: string }
  expect([refused.status, code, nextStep]).toEqual([400, 'invalid_input', expect.stringContaining('recollect-owner')])
})
