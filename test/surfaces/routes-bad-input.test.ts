// Bad input to every row of the route table: a code and a next step, nothing of what was sent, and nothing changed in any store.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { logKinds } from '../../src/core/log-ref.ts'
import { mintScope } from '../../src/core/scope.ts'
import { routeTable } from '../../src/gateway/app.ts'
import type { Route } from '../../src/gateway/route.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { goodRequests, makeThings, type Good, type Things } from './route-cases.ts'

const rows = routeTable({} as Parameters<typeof routeTable>[0]).filter((row) => row.access !== 'open')
const nameOf = (row: Route) => `${row.method} ${row.path}`
const goodOf = (row: Route, things: Things): Good => (goodRequests[nameOf(row)] as NonNullable<(typeof goodRequests)[string]>)(things)
const canary = 'heliotrope'

const clock = manualClock(Date.now())
let world: GatewayWorld
let things: Things
const keys: Record<string, string> = {}

beforeAll(async () => {
  world = await gatewayWorld({ clock })
  things = await makeThings(world)
  const made = async (name: string, roles: readonly ('tenant-admin' | 'operator')[]) =>
    (keys[name] = (await world.recollect.credentials.create('default', { name, roles, userText: 'paste' })).secret)
  await made('admin', ['tenant-admin'])
  await made('operator', ['operator'])
})
afterAll(() => world.close())
beforeEach(() => clock.advance(60_000)) // the rates of a minute

/** A key that may use the row. */
function keyFor({ access }: Route): string {
  if (access === 'credential.issue' || access === 'credential.revoke') return keys['admin'] as string
  return access === 'metrics.read' || access === 'sweep' ? (keys['operator'] as string) : world.key
}

/** The heads of every log in every store but those that record who asked: audit trails, and when a key was last used. */
async function heads(): Promise<string[]> {
  await world.recollect.settled()
  const all: string[] = []
  const logsOf = async (store: LogStore, tenantId: string, ownerId: string) => {
    for (const kind of logKinds)
      for (const { logId, version, revision } of (await store.list(mintScope(tenantId, ownerId), kind, { limit: 200 })).items)
        if (kind !== 'audit') all.push(`${tenantId}/${ownerId}/${kind}/${logId} ${version} ${revision}`)
  }
  for (const store of world.stores)
    for (const { tenantId, ownerId } of (await store.owners({ limit: 200 })).items)
      if (!ownerId.startsWith('~')) await logsOf(store, tenantId, ownerId)
  return all.toSorted()
}

interface Bad {
  readonly path?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly code: string
  readonly status: number
}

async function isRefused(row: Route, bad: Bad): Promise<void> {
  const before = await heads()
  const good = goodOf(row, things)
  const path = bad.path ?? good.path
  const body = bad.body ?? (good.body === undefined ? undefined : JSON.stringify(good.body))
  const response = await world.call(row.method, path, body, { authorization: `Bearer ${keyFor(row)}`, ...bad.headers })
  const text = await response.text()
  const problem = JSON.parse(text) as { code: string; nextStep: string; status: number }
  expect([response.status, problem.code], text).toEqual([bad.status, bad.code])
  expect(problem.nextStep.length).toBeGreaterThan(5)
  expect(text).not.toMatch(new RegExp(`${canary}|node_modules|    at |\\.ts:|/home/|/tmp/`))
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(await heads()).toEqual(before)
}

const deep = `${'['.repeat(limits.jsonDepth + 1)}${']'.repeat(limits.jsonDepth + 1)}`
const withBody = rows.filter((row) => row.body !== undefined)
const takesAnyJson = (row: Route) => row.path.endsWith('/state')

describe.each(withBody.map((row) => [nameOf(row), row] as const))('%s with a bad body', (_, row) => {
  test.each<[string, string, number, string]>([
    ['cut JSON', `{"a": "${canary}`, 400, 'invalid_input'],
    ['no JSON', canary, 400, 'invalid_input'],
    ['a key twice', `{"text":"${canary}","text":"b"}`, 400, 'invalid_input'],
    ['__proto__', `{"__proto__":{"${canary}":1}}`, 400, 'invalid_input'],
    ['a lone surrogate', '{"text":"\\ud800"}', 400, 'invalid_input'],
    ['a number that is none', '{"limit":1e999}', 400, 'invalid_input'],
    ['too deep', deep, 413, 'payload_too_large'],
    ['too large', `{"text":"${'x'.repeat(limits.bodyBytes)}"}`, 413, 'payload_too_large'],
  ])('%s [GW-10, GW-12]', (_name, body, status, code) => isRefused(row, { body, status, code }))

  test('another content type [GW-10]', () => isRefused(row, { headers: { 'content-type': 'text/plain' }, status: 415, code: 'invalid_input' }))

  if (takesAnyJson(row)) return

  test.each<[string, string]>([
    ['an unknown field', JSON.stringify({ [canary]: 1 })],
    ['a list', '[]'],
    ['a text', `"${canary}"`],
    ['null', 'null'],
  ])('%s [GW-12]', (_name, body) => isRefused(row, { body, status: 400, code: 'invalid_input' }))

  test('each of its fields with each wrong type [GW-10, GW-12]', async () => {
    const good = goodOf(row, things).body as Record<string, unknown>
    for (const field of Object.keys(good))
      for (const wrong of [null, [[canary]], { [canary]: 1 }, -1.5, ''].filter((value) => typeof value !== typeof good[field] || value === '')) {
        if (field === 'title' && (wrong === '' || wrong === null)) continue // an empty title is one; null takes it away
        await isRefused(row, { body: JSON.stringify({ ...good, [field]: wrong }), status: 400, code: 'invalid_input' })
      }
  })
})

describe.each(rows.map((row) => [nameOf(row), row] as const))('%s', (_, row) => {
  test('an unknown query parameter, and one that stands twice [GW-12]', async () => {
    const { path } = goodOf(row, things)
    const and = path.includes('?') ? '&' : '?'
    await isRefused(row, { path: `${path}${and}${canary}=1`, status: 400, code: 'invalid_input' })
    await isRefused(row, { path: `${path}${and}limit=1&limit=2`, status: 400, code: 'invalid_input' })
  })

  if (row.path.includes('{'))
    test('ids of nothing, ids that cannot be, ids of 64 KiB [GW-3, GW-10, ISO-6]', async () => {
      const { path } = goodOf(row, things)
      for (const thing of Object.values(things).filter((id) => path.includes(id))) {
        // The id of a turn is one of ours, whatever became of the turn.
        const none = thing === things.turn ? { status: 400, code: 'invalid_input' } : { status: 404, code: 'not_found' }
        await isRefused(row, { path: path.replace(thing, canary), ...none })
        for (const id of ['%zz', '%ff', 'a%']) await isRefused(row, { path: path.replace(thing, id), status: 400, code: 'invalid_input' })
        const [bare, query = ''] = path.split('?')
        for (const id of ['%00', '%E2%80%8B', '~x', 'e%CC%81']) {
          const response = await world.call(row.method, `${bare}${query === '' ? '' : `?${query}`}`.replace(thing, id), undefined, {
            authorization: `Bearer ${keyFor(row)}`,
          })
          expect([400, 404]).toContain(response.status)
        }
        await isRefused(row, { path: path.replace(thing, 'x'.repeat(limits.urlBytes)), status: 413, code: 'payload_too_large' })
      }
    })

  if (row.ifMatch === true)
    test('a revision that is stale or none changes nothing [GW-7]', async () => {
      await isRefused(row, { headers: { 'if-match': '"999999"' }, status: 409, code: 'conflict' })
      await isRefused(row, { headers: { 'if-match': canary }, status: 400, code: 'invalid_input' })
    })

  if (typeof row.retry === 'object')
    test('an Idempotency-Key that is too long or not plain [GW-6]', async () => {
      await isRefused(row, { headers: { 'idempotency-key': 'x'.repeat(limits.idempotencyKeyBytes + 1) }, status: 400, code: 'invalid_input' })
      await isRefused(row, { headers: { 'idempotency-key': 'a b' }, status: 400, code: 'invalid_input' })
    })
})

test('a stale version of an append changes nothing [GW-7, LOG-12]', async () => {
  const append = rows.find((row) => nameOf(row) === 'POST /api/v1/sessions/{sessionId}/messages') as Route
  const body = { messages: [{ role: 'user', text: 'late' }], expectedVersion: 1 }
  await isRefused(append, { body: JSON.stringify(body), status: 409, code: 'conflict' })
  await isRefused(append, { body: JSON.stringify({ ...body, expectedVersion: undefined, fence: 99 }), status: 409, code: 'conflict' })
})

test('a text of 64 KiB without a space is kept, found by nothing, and stops nobody [DEP-2]', async () => {
  const path = `/api/v1/sessions/${things.session}`
  const long = 'x'.repeat(64 * 1024)
  expect((await world.call('POST', `${path}/messages`, { messages: [{ role: 'user', text: long }] })).status).toBe(201)
  expect((await world.call('POST', `${path}/context`, { budgetTokens: 100_000 })).status).toBe(200)
  expect((await world.call('POST', '/api/v1/memories/search', { query: long })).status).toBeLessThan(500)
})
