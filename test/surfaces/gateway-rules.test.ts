// Rules of the gateway that no single row shows: repeated requests, cursors, limits, health, CORS, the orderly end.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { routeTable } from '../../src/gateway/app.ts'
import { serveGateway } from '../../src/gateway/index.ts'
import { modelTable } from '../../src/gateway/openai/model-routes.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { says } from './scripted-upstream.ts'

const clock = manualClock(Date.now())
let world: GatewayWorld
beforeAll(async () => {
  world = await gatewayWorld({ clock }, { clock })
})
afterAll(() => world.close())

const json = async (response: Promise<Response>) => (await response).json() as Promise<any>
const keyOf = async (ownerId: string) =>
  (await world.recollect.credentials.create('default', { name: ownerId, ownerId, roles: ['owner'], userText: 'paste' })).secret

describe('pages', () => {
  const list = (cursor: string, path = '/api/v1/sessions?limit=1', headers = {}) =>
    world.call('GET', `${path}${cursor === '' ? '' : `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`}`, undefined, headers)

  test('each item comes once, in the order of its key, whatever is added meanwhile [GW-8]', async () => {
    for (const id of ['p1', 'p2', 'p3']) await world.call('POST', '/api/v1/sessions', { id })
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await json(list(cursor, '/api/v1/sessions?limit=2'))
      seen.push(...page.items.map(({ id }: { id: string }) => id))
      if (seen.length === 2) await world.call('POST', '/api/v1/sessions', { id: 'meanwhile' })
      cursor = page.nextCursor ?? ''
    } while (cursor !== '')
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining(['p1', 'p2', 'p3']))
  })

  test('a cursor opens for its scope, route and filter alone, untouched, within a day [GW-8]', async () => {
    const { nextCursor } = await json(list(''))
    expect((await list(nextCursor)).status).toBe(200)
    const flipped = `${nextCursor.slice(0, -2)}${nextCursor.at(-2) === 'A' ? 'B' : 'A'}${nextCursor.slice(-1)}`
    const wrong = [
      list(nextCursor, '/api/v1/memories?limit=1'),
      list(nextCursor, '/api/v1/sessions?limit=1&updatedAfter=5'),
      list(nextCursor, '/api/v1/sessions?limit=1', { authorization: `Bearer ${await keyOf('bob')}` }),
      list(flipped),
      list('abc'),
    ]
    for (const answer of await Promise.all(wrong))
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'invalid_input'])
    expect((await list(nextCursor, '/api/v1/sessions?limit=2')).status).toBe(200) // another size goes on
    expect((await list(nextCursor, '/api/v1/sessions?limit=2', { authorization: `Bearer ${await keyOf('alice')}` })).status).toBe(200)
  })

  test('a cursor of one session does not open for another, nor one that was sealed for another route or tenant [GW-8]', async () => {
    const receiptsOf = async (id: string) => {
      const session = await world.alice.session(id, { formation: 'off' })
      await session.append({ role: 'user', text: 'hello' })
      for (let n = 0; n < 2; n++) await session.context({ recall: false })
      await world.recollect.settled()
      return `/api/v1/sessions/${id}/receipts?limit=1`
    }
    const [one, other] = [await receiptsOf('one'), await receiptsOf('other')]
    const { nextCursor } = await json(list('', one))
    expect((await list(nextCursor, one)).status).toBe(200)
    expect((await list(nextCursor, other)).status).toBe(400)
    const { cursor } = await world.alice.sessions.list({ limit: 1 })
    const binding = { purpose: 'cursor', tenantId: 'default', ownerId: 'alice', route: 'GET /api/v1/sessions', filter: '[{},{}]' } as const
    const sealed = async (other: object) => (await list(await world.recollect.tokens.seal({ ...binding, ...other }, cursor as string, 1_000))).status
    expect(await sealed({})).toBe(200)
    for (const wrong of [{ route: 'GET /api/v1/memories' }, { tenantId: 'another' }, { ownerId: 'bob' }, { purpose: 'response-id' }])
      expect(await sealed(wrong)).toBe(400)
  })

  test('a cursor lives a day [GW-8]', async () => {
    const { nextCursor } = await json(list(''))
    clock.advance(limits.cursorMs - 1)
    expect((await list(nextCursor)).status).toBe(200)
    clock.advance(1)
    expect((await list(nextCursor)).status).toBe(400)
  })

  test('a page holds 50 where nothing else is asked, and 200 at most [GW-8]', async () => {
    const full = await gatewayWorld({ clock })
    for (let n = 0; n < 201; n++) await full.alice.session(`s${n}`)
    const sizeOf = async (query: string) => (await json(full.call('GET', `/api/v1/sessions${query}`))).items.length as number
    expect([await sizeOf(''), await sizeOf('?limit=200'), await sizeOf('?limit=1')]).toEqual([50, 200, 1])
    await full.close()
  })

  test.each([0, 201, -1, 1.5, 'x'])('a page of %s items is refused [GW-8]', async (limit) => {
    expect((await world.call('GET', `/api/v1/sessions?limit=${limit}`)).status).toBe(400)
  })
})

describe('limits', () => {
  test('an owner has so many writes a minute, and is told how long to wait; others go on [ACC-11]', async () => {
    const limited = await gatewayWorld({ clock: manualClock(Date.now()) })
    await limited.call('POST', '/api/v1/sessions', { id: 's' })
    const statuses: number[] = []
    for (let n = 0; n < limits.ownerWritesAMinute + 1; n++) statuses.push((await limited.call('PATCH', '/api/v1/sessions/s', { title: 't' })).status)
    expect(statuses.filter((status) => status === 429).length).toBe(2)
    const refused = await limited.call('PATCH', '/api/v1/sessions/s', { title: 't' })
    expect([refused.status, Number(refused.headers.get('retry-after')) >= 1]).toEqual([429, true])
    expect((await limited.call('GET', '/api/v1/sessions/s')).status).toBe(200)
    await limited.close()
  })

  test('over the requests in flight an owner is refused at once, without a queue [GW-11]', async () => {
    const goOn: (() => void)[] = []
    const steps = Array.from({ length: limits.ownerInFlight }, () => (response: any, body: any) => void goOn.push(() => says('late')(response, body)))
    world.upstream.next(...steps)
    const running = Array.from({ length: limits.ownerInFlight }, (_, n) =>
      world.chat(`flight-${n}`, { messages: [{ role: 'user', content: 'hello' }] }),
    )
    await expect.poll(() => goOn.length).toBe(limits.ownerInFlight)
    const refused = await world.call('GET', '/api/v1/sessions')
    expect([refused.status, await json(Promise.resolve(refused))]).toEqual([503, expect.objectContaining({ code: 'unavailable' })])
    for (const go of goOn) go()
    for (const answer of await Promise.all(running)) await answer.text()
    expect((await world.call('GET', '/api/v1/sessions')).status).toBe(200)
  })

  test('a body that does not end is held for no more requests than an owner has in flight [GW-11]', async () => {
    const open = (): [Promise<Response>, () => void] => {
      let end = () => {}
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void (end = () => controller.close()) })
      const headers = { authorization: `Bearer ${world.key}`, 'content-type': 'application/json', host: '127.0.0.1' }
      return [
        world.gateway.fetch(new Request('http://127.0.0.1/v1/chat/completions', { method: 'POST', headers, body, duplex: 'half' } as RequestInit)),
        () => end(),
      ]
    }
    const held = Array.from({ length: limits.ownerInFlight }, open)
    await expect.poll(() => world.gateway.inFlight).toBe(limits.ownerInFlight)
    expect((await open()[0]).status).toBe(503)
    for (const [, end] of held) end()
    for (const [reply] of held) expect((await reply).status).toBe(400)
    expect(world.gateway.inFlight).toBe(0)
  })

  test('a compressed body is read like a plain one, against the same bound; another encoding, and a broken one, are refused [GW-11, GW-10]', async () => {
    const send = (body: Uint8Array, encoding: string) => {
      const headers = { authorization: `Bearer ${world.key}`, 'content-type': 'application/json', host: '127.0.0.1', 'content-encoding': encoding }
      return world.gateway.fetch(new Request('http://127.0.0.1/api/v1/sessions', { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> }))
    }
    const body = (title: string) => Buffer.from(JSON.stringify({ id: 'packed', title }))
    for (const [encoding, pack] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['identity', (b: Buffer) => b],
    ] as const)
      expect(((await json(send(pack(body('packed')), encoding))) as { title: string }).title).toBe('packed')
    const bomb = gzipSync(body('small') + ' '.repeat(limits.bodyBytes))
    expect(bomb.length).toBeLessThan(limits.bodyBytes / 100)
    expect((await send(bomb, 'gzip')).status).toBe(413)
    const refusals = [send(body('plain'), 'gzip'), send(gzipSync(body('cut')).subarray(0, 20), 'gzip')]
    for (const answer of await Promise.all(refusals)) expect(answer.status).toBe(400)
    const unknown = await send(body('unknown'), 'zstd')
    expect([unknown.status, await json(Promise.resolve(unknown))]).toEqual([415, expect.objectContaining({ code: 'invalid_input' })])
  })

  test('a body is read where its content type says JSON, and where it says nothing not [ACC-12, GW-10]', async () => {
    const send = async (type: string | undefined) => {
      const headers = { authorization: `Bearer ${world.key}`, host: '127.0.0.1', ...(type === undefined ? {} : { 'content-type': type }) }
      const request = new Request('http://127.0.0.1/api/v1/sessions', { method: 'POST', headers, body: Buffer.from('{"id":"typed"}') })
      return (await world.gateway.fetch(request)).status
    }
    for (const type of [undefined, 'application/xml', 'application/json-seq', 'text/json', 'json']) expect(await send(type), type).toBe(415)
    expect((await world.call('GET', '/api/v1/sessions/typed')).status).toBe(404)
    for (const type of ['Application/JSON ; charset=utf-8', 'application/problem+json']) expect([200, 201]).toContain(await send(type))
  })

  test('a request that gives its length in two ways is refused, and nothing after it is taken for a second one [ACC-12]', async () => {
    const { hostname, port } = new URL(world.url)
    const head = `host: ${hostname}\r\nauthorization: Bearer ${world.key}\r\ncontent-type: application/json\r\n`
    const hidden = `POST /api/v1/sessions HTTP/1.1\r\n${head}content-length: 17\r\n\r\n{"id":"smuggled"}`
    const socket = connect(Number(port), hostname)
    socket.end(`POST /api/v1/sessions HTTP/1.1\r\n${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`)
    expect((await text(socket)).match(/^HTTP.*$/gm)).toEqual(['HTTP/1.1 400 Bad Request'])
    expect((await world.call('GET', '/api/v1/sessions/smuggled')).status).toBe(404)
  })

  test('a long URL is refused before anything is read [GW-11]', async () => {
    expect((await world.call('GET', `/api/v1/sessions?cursor=${'x'.repeat(limits.urlBytes)}`)).status).toBe(413)
  })
})

describe('headers', () => {
  test('no origin is allowed unless it is configured exactly, and none with credentials [GW-15]', async () => {
    const origin = { origin: 'https://app.example' }
    const off = await world.call('GET', '/healthz', undefined, origin)
    expect([...off.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    expect((await world.call('OPTIONS', '/api/v1/sessions', undefined, origin)).status).toBe(405)
    const open = await gatewayWorld({ corsOrigins: ['https://app.example'] })
    const from = async (name: string) => (await open.call('GET', '/healthz', undefined, { origin: name })).headers.get('access-control-allow-origin')
    expect([await from('https://app.example'), await from('https://app.example.evil'), await from('null')]).toEqual([
      'https://app.example',
      null,
      null,
    ])
    await open.close()
  })

  test('a page of a configured origin may ask first, call with a key, and read what came of it [GW-15]', async () => {
    const open = await gatewayWorld({ corsOrigins: ['https://app.example'] })
    const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' }
    const ask = (origin: string, path = '/api/v1/sessions', headers: Readonly<Record<string, string>> = asks) =>
      open.call('OPTIONS', path, undefined, { authorization: '', origin, ...headers })
    const answer = await ask('https://app.example')
    expect([answer.status, await answer.text()]).toEqual([204, ''])
    expect(Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('access-control')))).toEqual({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': 'POST, GET',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-expose-headers': '*',
      'access-control-max-age': String(limits.preflightMs / 1_000),
    })
    const others = [ask('https://app.example.evil'), ask('https://app.example', '/api/v1/sessions', {}), ask('https://app.example', '/nothing')]
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([405, 405, 404])
    const refused = await open.call('GET', '/api/v1/sessions', undefined, { authorization: '', origin: 'https://app.example' })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, 'https://app.example'])
    await open.close()
  })
})

test('at its end it is unready at once, what is in flight ends, and nothing acknowledged is lost [GW-14]', async () => {
  const ending = await gatewayWorld()
  const served = await serveGateway(ending.gateway, { host: '127.0.0.1', port: 0, clock: systemClock })
  let goOn = () => {}
  ending.upstream.next((response, body) => (goOn = () => says('the last answer')(response, body)))
  const chat = fetch(`${served.url}/s/last/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ending.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
  })
  await expect.poll(() => ending.upstream.bodies.length).toBe(1)
  const stopped = served.stop()
  expect((await ending.call('GET', '/readyz')).status).toBe(503)
  await expect(fetch(`${served.url}/healthz`)).rejects.toThrow()
  goOn()
  expect((await chat).status).toBe(200)
  expect(await stopped).toBe(true)
  expect(await ending.said('last')).toEqual(['user: hello', 'assistant: the last answer'])
  await ending.close()
})

test('what has not ended after 30 s is cut and stored as incomplete [GW-14, OAI-16]', async () => {
  const ending = await gatewayWorld()
  const hurry = manualClock(Date.now())
  const served = await serveGateway(ending.gateway, { host: '127.0.0.1', port: 0, clock: hurry })
  ending.upstream.next(() => {})
  const chat = fetch(`${served.url}/s/cut/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ending.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
  }).catch((error: unknown) => error)
  await expect.poll(() => ending.upstream.bodies.length).toBe(1)
  const stopped = served.stop()
  await expect.poll(() => hurry.sleeping).toBeGreaterThan(0)
  hurry.advance(limits.drainMs)
  expect(await stopped).toBe(false)
  expect(await chat).toBeInstanceOf(Error)
  expect(await ending.said('cut')).toEqual(['user: hello'])
  await ending.close()
})

test('the description of the API is OpenAPI 3.1 and names every row [GW-17]', async () => {
  const document = await json(world.call('GET', '/openapi.json'))
  expect(document.openapi).toBe('3.1.0')
  const named = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const native = routeTable({} as Parameters<typeof routeTable>[0])
  const rows = [...native, ...modelTable]
  expect(named.toSorted()).toEqual(rows.map(({ method, path }) => `${method} ${path}`).toSorted())
  const once = native.filter((row) => typeof row.retry === 'object').map(({ method, path }) => document.paths[path][method.toLowerCase()])
  const keyed = once.filter(
    ({ parameters, responses }) => parameters.some((one: any) => one.name === 'idempotency-key') && responses[409] !== undefined,
  )
  expect([once.length > 5, keyed.length]).toEqual([true, once.length])
  const operations = Object.values(document.paths).flatMap((path: any) => Object.values(path)) as { operationId: string; summary: string }[]
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  expect(operations.every(({ summary }) => summary.length > 5)).toBe(true)
})
