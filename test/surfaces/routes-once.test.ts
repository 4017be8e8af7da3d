// Every POST under an Idempotency-Key: the first answer again, one effect, and no other body under the key (GW-6).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRecollect } from '../../src/create-recollect.ts'
import { limits } from '../../src/core/limits.ts'
import { RecollectError } from '../../src/core/errors.ts'
import { createGateway, routeTable } from '../../src/gateway/app.ts'
import type { Route } from '../../src/gateway/route.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { makeThings, type Things } from './route-cases.ts'

const rows = routeTable({} as Parameters<typeof routeTable>[0]).filter((row) => row.method === 'POST')
const nameOf = (row: Route) => `${row.method} ${row.path}`

interface Case {
  readonly path: string
  readonly body?: object
  /** Other requests under the same key: each is refused. */
  readonly others: readonly object[]
  readonly as?: 'admin' | 'operator' | 'victim'
}
const inSession = ({ session }: Things, rest: string) => `/api/v1/sessions/${session}${rest}`
const said = (...texts: readonly string[]) => ({ messages: texts.map((text) => ({ role: 'user', text })) })

/** By the table's names: a new POST row is in here, or in `looking`. */
const cases: Readonly<Record<string, (things: Things) => Case>> = {
  'POST /api/v1/sessions': () => ({
    path: '/api/v1/sessions',
    body: { title: 'Travel' },
    others: [{ title: 'Other' }, { title: 'Travel', formation: 'off' }, {}],
  }),
  'POST /api/v1/sessions/{sessionId}/fork': (things) => ({ path: inSession(things, '/fork'), body: { atSeq: 2 }, others: [{ atSeq: 1 }] }),
  'POST /api/v1/sessions/{sessionId}/rewind': (things) => ({ path: inSession(things, '/rewind'), body: { toSeq: 2 }, others: [{ toSeq: 1 }] }),
  'POST /api/v1/sessions/{sessionId}/turns': (things) => ({ path: inSession(things, '/turns'), body: { ttlMs: 5_000 }, others: [{ ttlMs: 6_000 }] }),
  'POST /api/v1/sessions/{sessionId}/messages': (things) => ({
    path: inSession(things, '/messages'),
    body: said('one', 'two'),
    others: [said('one'), said('one', 'two', 'three'), said('one', 'other'), said('two', 'one'), { ...said('one', 'two'), expectedVersion: 3 }],
  }),
  'POST /api/v1/sessions/{sessionId}/context': (things) => ({
    path: inSession(things, '/context'),
    body: { budgetTokens: 4_000, recall: false },
    others: [{ budgetTokens: 5_000, recall: false }],
  }),
  'POST /api/v1/sessions/{sessionId}/receipts/{receiptId}/usage': (things) => ({
    path: inSession(things, `/receipts/${things.receipt}/usage`),
    body: { inputTokens: 40, outputTokens: 4 },
    others: [{ inputTokens: 41, outputTokens: 4 }],
  }),
  'POST /api/v1/memories': () => ({
    path: '/api/v1/memories',
    body: { text: 'Alice lives in Lisbon.' },
    others: [{ text: 'Alice lives in Porto.' }, { text: 'Alice lives in Lisbon.', validUntil: 4_000_000_000_000 }],
  }),
  'POST /api/v1/erase': () => ({ path: '/api/v1/erase', body: { confirm: 'victim' }, others: [{ confirm: 'victim', dryRun: false }], as: 'victim' }),
  'POST /api/v1/keys': ({ session }) => ({
    path: '/api/v1/keys',
    body: { name: session, owner: 'alice', roles: ['owner'], userText: 'paste' },
    others: [{ name: session, owner: 'bob', roles: ['owner'], userText: 'paste' }],
    as: 'admin',
  }),
  'POST /api/v1/keys/{keyId}/rotate': ({ key }) => ({ path: `/api/v1/keys/${key}/rotate`, others: [], as: 'admin' }),
  'POST /api/v1/sweep': () => ({ path: '/api/v1/sweep', body: {}, others: [{ until: 5 }], as: 'operator' }),
}
const looking = ['POST /api/v1/memories/search']

const clock = manualClock(1_800_000_000_000)
const writing = ['append', 'updateHead', 'rewrite', 'saveSnapshot', 'delete', 'erase'] as const
let writes: string[] = [] // what changed a store since it was emptied
let failing: ((call: string, logId: string) => boolean) | undefined

/** A store in memory that tells what changes it, and that can refuse. */
function watched(): LogStore {
  const store = memoryStore({ clock })
  const told =
    (name: (typeof writing)[number]) =>
    async (ref: any, ...rest: readonly any[]) => {
      if (failing?.(name, String(ref.logId)) === true) throw new RecollectError('unavailable', 'the disk is full', 'Free some space.')
      writes.push(name)
      return (store[name] as any)(ref, ...rest)
    }
  return { ...store, ...(Object.fromEntries(writing.map((name) => [name, told(name)])) as Pick<LogStore, (typeof writing)[number]>) }
}

const stores = { sessions: watched(), memories: watched(), keys: watched() }
const keyProvider = memoryKeyProvider({ random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) })
let world: GatewayWorld
let things: Things
const secrets: Record<string, string> = {}
beforeAll(async () => {
  world = await gatewayWorld({ clock }, { clock, stores, keyProvider, background: false, receipts: 'durable' })
  const issue = async (name: string, request: object) =>
    void (secrets[name] = (await world.recollect.credentials.create('default', { name, userText: 'user-typed', ...request } as any)).secret)
  await issue('admin', { roles: ['tenant-admin'] })
  await issue('operator', { roles: ['operator'] })
  await issue('victim', { roles: ['owner'], ownerId: 'victim' })
})
afterAll(() => world.close())
beforeEach(async () => {
  clock.advance(60_000) // the rates of a minute
  things = await makeThings(world)
  await (await world.recollect.user('victim').session('theirs')).append({ role: 'user', text: 'something' })
  await world.recollect.settled()
})

let keys = 0
const newKey = () => `key-${++keys}`
const send = async ({ path, as }: Case, body: object | undefined, key: string, to = world.gateway) => {
  const response = await to.fetch(
    new Request(`http://127.0.0.1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${as === undefined ? world.key : secrets[as]}`, 'content-type': 'application/json', 'idempotency-key': key },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  return {
    status: response.status,
    replayed: response.headers.get('recollect-replayed'),
    etag: response.headers.get('etag'),
    body: (await response.json()) as any,
  }
}

test('every POST of the table says what the same request again gets, and has a case here [GW-6, GW-2]', () => {
  expect(rows.map(nameOf).toSorted()).toEqual([...Object.keys(cases), ...looking].toSorted())
  expect(rows.filter((row) => row.retry === 'again').map(nameOf)).toEqual(looking)
  expect(rows.filter((row) => row.retry === undefined)).toEqual([])
})

describe.each(Object.entries(cases))('%s', (_, caseOf) => {
  test('the same request again gets the first answer, without a secret, and writes nothing [GW-6]', async () => {
    const one = caseOf(things)
    const key = newKey()
    const first = await send(one, one.body, key)
    expect([first.status < 300, first.replayed]).toEqual([true, null])
    writes = []
    const again = await send(one, one.body, key)
    const { secret, ...shown } = first.body
    expect(again).toEqual({ ...first, replayed: 'true', body: secret === undefined ? first.body : shown })
    expect(JSON.stringify(again.body)).not.toContain('rec_')
    expect(writes).toEqual([])
  })

  test('another body under the key is refused, and changes nothing [GW-6]', async () => {
    const one = caseOf(things)
    const key = newKey()
    expect((await send(one, one.body, key)).status).toBeLessThan(300)
    writes = []
    for (const other of one.others) {
      const refused = await send(one, other, key)
      expect([refused.status, refused.body.code]).toEqual([400, 'invalid_input'])
    }
    expect(writes).toEqual([])
  })

  test('many at once have one effect: each is answered alike, or told to wait [GW-6]', async () => {
    const one = caseOf(things)
    const key = newKey()
    const all = await Promise.all(Array.from({ length: limits.ownerInFlight }, () => send(one, one.body, key)))
    const done = all.filter(({ status }) => status < 300)
    expect(done.filter(({ replayed }) => replayed === null).length).toBe(1)
    for (const { status, body } of all.filter((answer) => answer.status >= 300)) expect([status, body.code]).toEqual([409, 'conflict'])
  })

  test('a request that was refused leaves its key free [GW-6]', async () => {
    const one = caseOf(things)
    const key = newKey()
    failing = (call) => call !== 'delete'
    const refused = await send(one, one.body, key)
    failing = undefined
    expect(refused.status).toBeGreaterThanOrEqual(500)
    clock.advance(10_000) // a turn that was taken, and told to nobody, is over
    const done = await send(one, one.body, key)
    expect([done.status < 300, done.replayed]).toEqual([true, null])
  })
})

const effects: readonly (readonly [string, () => Promise<number>])[] = [
  ['POST /api/v1/sessions', async () => (await world.alice.sessions.list({ limit: 200 })).items.length],
  ['POST /api/v1/sessions/{sessionId}/fork', async () => (await world.alice.sessions.list({ limit: 200 })).items.length],
  ['POST /api/v1/sessions/{sessionId}/messages', async () => (await (await world.session(things.session)).messages({ limit: 200 })).items.length],
  ['POST /api/v1/memories', async () => (await world.alice.memories.list({}, { limit: 200 })).items.length],
]
test.each(effects)('%s whose answer could not be kept is done once all the same [GW-6]', async (name, count) => {
  const one = (cases[name] as (typeof cases)[string])(things)
  const key = newKey()
  const before = await count()
  failing = (call, logId) => call === 'append' && logId.startsWith('~request-')
  expect((await send(one, one.body, key)).status).toBe(503)
  failing = undefined
  const after = await count()
  expect(after).toBeGreaterThan(before)
  expect((await send(one, one.others[0], key)).status).toBe(400)
  expect((await send(one, one.body, key)).status).toBeLessThan(300)
  expect((await send(one, one.body, key)).replayed).toBe('true')
  expect(await count()).toBe(after)
})

const appending = () => (cases['POST /api/v1/sessions/{sessionId}/messages'] as (typeof cases)[string])(things)

test('a key is of its owner, its route and its session; after a day it is free again [GW-6]', async () => {
  const one = appending()
  const key = newKey()
  await send(one, one.body, key)
  const elsewhere = await world.alice.session('elsewhere')
  for (const other of [
    { ...one, path: `/api/v1/sessions/${elsewhere.id}/messages` },
    { path: '/api/v1/memories', others: [], body: { text: 'The same key on another route.' } },
  ])
    expect(await send(other, other.body, key)).toMatchObject({ status: 201, replayed: null })
  await world.recollect.user('victim').session(things.session)
  expect(await send({ ...one, as: 'victim' }, one.body, key)).toMatchObject({ status: 201, replayed: null })
  clock.advance(limits.idempotencyMs - 60_000)
  expect((await send(one, one.body, key)).replayed).toBe('true')
  clock.advance(60_000)
  expect(await send(one, one.body, key)).toMatchObject({ status: 201, replayed: null })
  clock.advance(limits.idempotencyMs)
  await world.recollect.sweep()
  for (const ownerId of ['alice', 'victim', '~requests'])
    expect((await stores.sessions.list({ tenantId: 'default', ownerId }, 'part')).items).toEqual([])
})

test('another revision under the key is another request [GW-6, GW-7]', async () => {
  const rewind = (ifMatch: string) =>
    world.call(
      'POST',
      inSession(things, '/rewind'),
      { toSeq: 2 },
      { 'idempotency-key': 'rewound', ...(ifMatch === '' ? {} : { 'if-match': ifMatch }) },
    )
  expect((await rewind('')).status).toBe(200)
  expect((await rewind('"3"')).status).toBe(400)
  expect((await rewind('')).headers.get('recollect-replayed')).toBe('true')
})

test('another node knows the key, and that it is busy [GW-6]', async () => {
  const node = await createRecollect({ clock, stores, keyProvider, background: false })
  const other = createGateway(node, {
    clock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    telemetry: { count() {}, observe() {}, gauge() {}, log() {} },
    version: '0.0.0',
    hosts: ['127.0.0.1'],
    metrics: () => '',
  })
  const one = appending()
  const key = newKey()
  const both = await Promise.all([send(one, one.body, key), send(one, one.body, key, other)])
  expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409])
  expect((await send(one, one.body, key, other)).replayed).toBe('true')
  expect(await world.said(things.session)).toEqual(expect.arrayContaining(['user: one', 'user: two']))
})

test('what was forgotten, deleted or erased comes back by no key [GW-6, ERA-3]', async () => {
  const memory = { path: '/api/v1/memories', others: [], body: { text: 'A canary that must go.' } }
  const key = newKey()
  const { body } = await send(memory, memory.body, key)
  await world.alice.memories.forget(body.id)
  expect((await send(memory, memory.body, key)).status).toBe(404)
  const session = { path: '/api/v1/sessions', others: [], body: { title: 'A canary title' } }
  const made = await send(session, session.body, key)
  await (await world.session(made.body.id)).delete()
  expect((await send(session, session.body, key)).status).toBe(404)
  const theirs = { ...memory, as: 'victim' } as const
  await send(theirs, theirs.body, key)
  await world.recollect.user('victim').erase()
  expect(await send(theirs, theirs.body, key)).toMatchObject({ status: 201, replayed: null })
})
