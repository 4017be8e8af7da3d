// The edge of the gateway: who is believed about the client, and what every answer carries (ACC-14).
import { request } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { networksOf } from '../../src/core/networks.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { createGateway, serveGateway } from '../../src/gateway/index.ts'
import { peerOf } from '../../src/gateway/peer.ts'
import { manualClock, recordingTelemetry } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'

const clock = manualClock(Date.now())
let world: GatewayWorld
beforeAll(async () => {
  world = await gatewayWorld({ clock })
})
afterAll(() => world.close())
beforeEach(() => clock.advance(60_000)) // the rates of a minute

describe('who the client is', () => {
  const proxies = networksOf(['10.0.0.0/8', '127.0.0.1', 'fd00::/8'])
  const seen = (address: string | undefined, headers: Record<string, string>, encrypted = false) =>
    peerOf({ address, encrypted }, new Headers(headers), proxies)
  const forwarded = (hops: string) => ({ 'x-forwarded-for': hops, 'x-forwarded-proto': 'https' })

  test.each([
    ['a peer that is not listed is itself, whatever it says', '203.0.113.9', '198.51.100.1', '203.0.113.9', false],
    ['a listed proxy names its client', '10.1.2.3', '198.51.100.1', '198.51.100.1', true],
    ['a client cannot put hops before its own address', '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1', true],
    ['a chain of listed proxies is followed to the first that is not', '127.0.0.1', '9.9.9.9, 198.51.100.1, 10.9.9.9', '198.51.100.1', true],
    ['an IPv4 peer on an IPv6 socket is the IPv4 address', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1', true],
    ['IPv6 proxies and clients, with a port or without', 'fd00::1', '[2001:db8::7]:443', '2001:db8::7', true],
    ['what is no address is not believed, nor anything before it', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3', true],
    ['an empty header names nobody', '10.1.2.3', '', '10.1.2.3', true],
  ])('%s [ACC-14]', (_, socket, hops, address, https) => {
    expect(seen(socket, forwarded(hops))).toEqual({ address, https })
  })

  test('a connection of our own with TLS is https; a proxy that took it in clear says so [ACC-14]', () => {
    expect(seen('203.0.113.9', {}, true).https).toBe(true)
    expect(seen('203.0.113.9', { 'x-forwarded-proto': 'https' }).https).toBe(false)
    expect(seen('10.1.2.3', { 'x-forwarded-proto': 'http' }, true).https).toBe(false)
    expect(seen(undefined, forwarded('1.1.1.1'))).toEqual({ address: 'unknown', https: false })
  })

  /** Over a real socket; our end of it is 127.0.0.1. */
  const behind = async (trustedProxy: readonly string[]) => {
    const served = await serveGateway(world.gateway, { host: '127.0.0.1', port: 0, clock: systemClock, trustedProxy })
    return {
      served,
      get: (path: string, headers: Record<string, string>) => fetch(`${served.url}${path}`, { headers }),
    }
  }

  test('failed sign-ins count by the client that a listed proxy names, and by the socket for everybody else [ACC-14, ACC-7]', async () => {
    for (const [trusted, more] of [
      [['127.0.0.1'], 401],
      [['10.0.0.0/8'], 429],
    ] as const) {
      const { served, get } = await behind(trusted)
      const fail = (client: string) => get('/api/v1/whoami', { authorization: 'Bearer nothing', 'x-forwarded-for': client })
      for (let n = 0; n < limits.failuresAMinute; n++) expect((await fail('198.51.100.1')).status).toBe(401)
      expect((await fail('198.51.100.1')).status).toBe(429)
      expect((await fail('198.51.100.2')).status).toBe(more)
      await served.stop()
      clock.advance(60_000)
    }
  })

  test('an address is told to wait after ten keys that do not hold, and sixty requests without one; a key that holds is let in all the same [ACC-7, ACC-11]', async () => {
    const whoami = async (authorization?: string) =>
      (await world.gateway.fetch(new Request('http://127.0.0.1/api/v1/whoami', authorization === undefined ? {} : { headers: { authorization } })))
        .status
    for (const [authorization, most] of [
      ['Bearer nothing', limits.failuresAMinute],
      [undefined, limits.anonymousRequestsAMinute],
    ] as const) {
      for (let n = 0; n < most; n++) expect(await whoami(authorization)).toBe(401)
      expect(await whoami(authorization)).toBe(429)
      expect(await whoami(`Bearer ${world.key}`)).toBe(200)
    }
  })

  test('whoever came by https is told to stay there, for a year, with subdomains; nobody else is [ACC-14]', async () => {
    const hsts = async (trusted: readonly string[], proto: string) => {
      const { served, get } = await behind(trusted)
      const { headers } = await get('/healthz', { 'x-forwarded-proto': proto })
      await served.stop()
      return headers.get('strict-transport-security')
    }
    expect(await hsts(['127.0.0.1'], 'https')).toBe('max-age=31536000; includeSubDomains')
    expect(await hsts(['127.0.0.1'], 'http')).toBeNull()
    expect(await hsts([], 'https')).toBeNull()
  })

  test('an address that anybody can reach is bound only behind a listed proxy [ACC-14]', async () => {
    const bind = (trustedProxy: readonly string[]) => serveGateway(world.gateway, { host: '0.0.0.0', port: 0, clock: systemClock, trustedProxy })
    await expect(bind([])).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(bind(['everybody'])).rejects.toMatchObject({ code: 'invalid_input' })
    await (await bind(['10.0.0.0/8'])).stop()
  })
})

test('the description of the API, which anybody may ask for, is made once [GW-17, ACC-11]', async () => {
  let made = 0
  const options = {
    clock,
    random: (bytes: number) => new Uint8Array(bytes),
    telemetry: recordingTelemetry(),
    hosts: ['127.0.0.1'],
    metrics: () => '',
    get version() {
      return String(++made)
    },
  }
  const gateway = createGateway(world.recollect, options)
  const described = async () => (await gateway.fetch(new Request('http://127.0.0.1/openapi.json'))).json()
  expect(await described()).toEqual(await described())
  expect(made).toBe(1)
})

test('a body that breaks off is the request of its sender, and no fault of ours [GW-10]', async () => {
  for (const length of [undefined, '100']) {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('{"text":')),
      pull: (controller) => controller.error(new Error('aborted')),
    })
    const headers = { authorization: `Bearer ${world.key}`, 'content-type': 'application/json', ...(length && { 'content-length': length }) }
    const request = new Request('http://127.0.0.1/api/v1/memories', { method: 'POST', headers, body, duplex: 'half' })
    const answer = await world.gateway.fetch(request)
    expect([answer.status, (await answer.json()) as object]).toEqual([400, expect.objectContaining({ code: 'invalid_input' })])
  }
})

test('a gateway is a fetch handler: what mounts it and what serves it give the same answers [GW-1]', async () => {
  await world.alice.session('alike')
  const asked = [
    ['GET', '/healthz'],
    ['GET', '/nowhere'],
    ['PUT', '/api/v1/sessions', '{}'],
    ['POST', '/api/v1/sessions', '{"id":"alike"}'],
    ['GET', '/api/v1/sessions/alike'],
    ['POST', '/api/v1/memories/search', '{"query":""}'],
    ['POST', '/s/alike/v1/chat/completions', '{"messages":[{"role":"user","content":"hello"}]}'],
  ] as const
  for (const [method, path, body] of asked) {
    const headers = { authorization: `Bearer ${world.key}`, 'content-type': 'application/json', 'x-request-id': 'same', 'recollect-mode': 'dry-run' }
    const init = { method, headers, ...(body === undefined ? {} : { body }) }
    const [inProcess, served] = [await world.gateway.fetch(new Request(`${world.url}${path}`, init)), await fetch(`${world.url}${path}`, init)]
    const own = (response: Response) =>
      Object.fromEntries(
        [...response.headers].filter(([name]) => !/^(?:connection|keep-alive|date|content-length|transfer-encoding|recollect-receipt)$/.test(name)),
      )
    expect([served.status, own(served)]).toEqual([inProcess.status, own(inProcess)])
    const plain = (text: string) => text.replaceAll(/"(?:rcp_|id":")[^"]*"/g, '""').replaceAll(/"(?:createdAt|at)":\d+/g, '')
    expect(plain(await served.text())).toBe(plain(await inProcess.text()))
  }
})

describe('every answer', () => {
  const always = {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
  }
  /** On the wire, where a server could add headers of its own. */
  const raw = (method: string, path: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
      request(`${world.url}${path}`, { method, headers: { authorization: `Bearer ${world.key}`, ...headers } }, (answer) => {
        let body = ''
        answer.on('data', (piece: Buffer) => (body += piece.toString()))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }))
      })
        .on('error', reject)
        .end()
    })

  test.each([
    ['a row without a key', 'GET', '/healthz', {}, 200],
    ['a row with one', 'GET', '/api/v1/whoami', {}, 200],
    ['a list of models', 'GET', '/v1/models', {}, 200],
    ['a wrong key', 'GET', '/api/v1/whoami', { authorization: 'Bearer nothing' }, 401],
    ['a path that is not there', 'GET', '/nowhere', {}, 404],
    ['a method that a path does not take', 'PUT', '/healthz', {}, 405],
    ['a method of no path', 'TRACE', '/healthz', {}, 405],
    ['a host name that is not ours', 'GET', '/healthz', { host: 'evil.example' }, 403],
    ['a host that is no name', 'GET', '/healthz', { host: 'localhost@evil.example' }, 400],
    ['a host that is no address', 'GET', '/healthz', { host: 'x127.0.0.1' }, 400],
    ['a URL that is too long', 'GET', `/healthz?${'x'.repeat(limits.urlBytes)}`, {}, 413],
  ])('%s: its headers forbid guessing, framing, caching and referring, and name no software [ACC-14]', async (_, method, path, headers, status) => {
    const answer = await raw(method, path, headers)
    expect([answer.status, answer.headers]).toEqual([status, expect.objectContaining(always)])
    expect(answer.headers['content-type']).toMatch(/^(?:application\/(?:problem\+)?json|text\/plain).*; charset=utf-8$/)
    expect(Object.keys(answer.headers).filter((name) => /^(?:server|x-powered-by|set-cookie)$/.test(name))).toEqual([])
    expect(answer.headers['x-request-id']).toMatch(/./)
  })

  test('a name of the host is compared whole, without its port [ACC-14]', async () => {
    for (const host of ['127.0.0.1', '127.0.0.1:1234', 'LOCALHOST']) expect((await raw('GET', '/healthz', { host })).status).toBe(200)
    for (const host of ['127.0.0.1.evil.example', 'evil.example:80', 'localhost.']) expect((await raw('GET', '/healthz', { host })).status).toBe(403)
  })

  test('a fault of ours says nothing of itself [ACC-14, GW-10]', async () => {
    const broken = await gatewayWorld({
      metrics: () => {
        throw new Error('canary at /home/canary.ts:1')
      },
    })
    const { secret } = await broken.recollect.credentials.create('default', { name: 'op', roles: ['operator'], userText: 'paste' })
    const answer = await broken.call('GET', '/metrics', undefined, { authorization: `Bearer ${secret}` })
    const text = await answer.text()
    expect([answer.status, (JSON.parse(text) as { code: string }).code, text.includes('canary')]).toEqual([500, 'internal', false])
    await broken.close()
  })
})
