// The gateway with the official client on a real socket, and with bad input: a code, a next step, no content, nothing changed.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startUpstream, type Upstream } from '../../examples/openai-client/upstream.ts'
import { createRecollect } from '../../src/create-recollect.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { createGateway, serveGateway, type Gateway, type GatewayOptions, type Served } from '../../src/gateway/index.ts'
import type { Recollect } from '../../src/recollect.ts'
import { recordingTelemetry } from '../../src/testing/index.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'recollect-gateway-'))
let recollect: Recollect
let upstream: Upstream
let gateway: Gateway
let bare: Gateway // without an upstream
let served: Served
let key: string

beforeAll(async () => {
  recollect = await createRecollect({ dataDir: path.join(folder, 'data') })
  upstream = await startUpstream((prompt) => (prompt.includes('Lisbon') ? 'You live in Lisbon.' : 'I do not know yet.'))
  const options: GatewayOptions = {
    clock: systemClock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    telemetry: recordingTelemetry(),
    version: '0.0.0',
    hosts: ['127.0.0.1', 'localhost'],
    metrics: () => '',
  }
  bare = createGateway(recollect, options)
  gateway = createGateway(recollect, { ...options, upstream: { name: 'scripted', baseUrl: upstream.url } })
  served = await serveGateway(gateway, { host: '127.0.0.1', port: 0, clock: systemClock })
  key = (await recollect.credentials.create('default', { name: 'test', ownerId: 'alice', roles: ['owner'], userText: 'user-typed' })).secret
})

afterAll(async () => {
  await served.stop()
  await upstream.close()
  await recollect.close()
  rmSync(folder, { recursive: true, force: true })
})

const client = (session: string) => new OpenAI({ baseURL: `${served.url}/s/${session}/v1`, apiKey: key, maxRetries: 0 })
const call = (method: string, at: string, body?: string, headers: Record<string, string> = {}, to: Gateway = gateway) =>
  to.fetch(
    new Request(`http://127.0.0.1${at}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', host: '127.0.0.1', ...headers },
      ...(body === undefined ? {} : { body }),
    }),
  )

describe('the official client', () => {
  test('holds a conversation, streamed and not; the model gets the session [OAI-6]', async () => {
    const openai = client('travel')
    const first = await openai.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'I live in Lisbon.' }] })
    expect(first.choices[0]?.message.content).toBe('You live in Lisbon.')
    let text = ''
    const stream = await openai.chat.completions.create({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Where do I live?' }] })
    for await (const chunk of stream) {
      expect(chunk.choices.length).toBe(1) // the usage chunk was not asked for
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe('You live in Lisbon.')
    expect(upstream.asked.at(-1)?.messages.map((message) => message.role)).toEqual(['user', 'assistant', 'user'])
    const stored = await (await recollect.user('alice').sessions.get('travel')).messages()
    expect(stored.items.map(({ message }) => message.role)).toEqual(['user', 'assistant', 'user', 'assistant'])
  })

  test('a full history that is sent again stores each message once [OAI-8]', async () => {
    const openai = client('full')
    const history: { role: 'user' | 'assistant'; content: string }[] = []
    for (const content of ['one', 'two', 'three']) {
      history.push({ role: 'user', content })
      const answer = await openai.chat.completions.create({ model: 'm', messages: history })
      history.push({ role: 'assistant', content: answer.choices[0]?.message.content ?? '' })
    }
    expect((await (await recollect.user('alice').sessions.get('full')).messages()).items.length).toBe(6)
  })

  test('without a session name nothing is stored [OAI-3, OAI-4]', async () => {
    const before = (await recollect.user('alice').sessions.list()).items.length
    const openai = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: key, maxRetries: 0 })
    for (let i = 0; i < 5; i++) await openai.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'the same text' }] })
    expect((await recollect.user('alice').sessions.list()).items.length).toBe(before)
  })

  test('the local embedder answers by its name [EMB-1]', async () => {
    const made = await client('any').embeddings.create({ model: 'recollect-embedder', input: ['a text'] })
    expect(made.data[0]?.embedding.length).toBe(128)
  })

  test('our key goes upstream in no header and no body [OAI-20]', async () => {
    const before = upstream.headers.length
    await client('keys').chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hello' }] })
    expect(upstream.headers.length).toBe(before + 1)
    expect(JSON.stringify([upstream.asked, upstream.headers])).not.toContain('rec_')
  })

  test('without an upstream chat says so at once, and a dry run shows the context and stores nothing [OAI-23]', async () => {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello there' }] })
    const refused = await call('POST', '/s/dry/v1/chat/completions', body, {}, bare)
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([503, 'false'])
    const dry = await call('POST', '/s/dry/v1/chat/completions', body, { 'recollect-mode': 'dry-run' }, bare)
    expect(((await dry.json()) as { object: string }).object).toBe('recollect.context')
    expect((await call('GET', '/api/v1/sessions/dry')).status).toBe(404)
  })
})

describe('bad input', () => {
  const table: [string, string, string, string | undefined, number, string][] = [
    ['an empty search', 'POST', '/api/v1/memories/search', '{"query":""}', 400, 'invalid_input'],
    ['a memory that is too long', 'POST', '/api/v1/memories', JSON.stringify({ text: 'x'.repeat(64 * 1024) }), 413, 'payload_too_large'],
    ['an unknown path', 'GET', '/api/v1/nowhere', undefined, 404, 'not_found'],
    ['a cursor of nobody', 'GET', '/api/v1/sessions?cursor=abc', undefined, 400, 'invalid_input'],
    ['another owner', 'POST', '/api/v1/erase', '{"confirm":"bob"}', 400, 'invalid_input'],
  ]
  test.each(table)('%s gives its code, a next step and no content [GW-10, GW-12]', async (_, method, at, body, status, code) => {
    const answer = await call(method, at, body)
    const problem = (await answer.json()) as { code: string; nextStep: string; requestId: string }
    expect([answer.status, problem.code]).toEqual([status, code])
    expect(problem.nextStep.length).toBeGreaterThan(0)
    expect(JSON.stringify(problem)).not.toMatch(/canary|node_modules|at async|\.ts:/)
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  })

  test('missing, malformed and unknown keys are one answer [ACC-7]', async () => {
    const bodies = await Promise.all(
      ['', 'Bearer nonsense', 'Bearer rec_live_aaaaaaaaaaaaaaaa_b_00000000'].map(async (authorization) => {
        const answer = await call('GET', '/api/v1/whoami', undefined, { authorization, 'x-request-id': 'same' })
        return [answer.status, await answer.text()]
      }),
    )
    expect(new Set(bodies.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(bodies[0]?.[0]).toBe(401)
  })

  test('a session of another owner is as absent as one that never was, byte for byte [ACC-9]', async () => {
    await recollect.user('bob').session('secret')
    const [foreign, absent] = await Promise.all(
      ['secret', 'never-'].map(async (id) => (await call('GET', `/api/v1/sessions/${id}`, undefined, { 'x-request-id': 'same' })).text()),
    )
    expect(foreign).toBe(absent)
  })

  test('the same idempotency key has one effect, and another body is refused [GW-6]', async () => {
    await call('POST', '/api/v1/sessions', '{"id":"once"}')
    const send = (text: string) =>
      call('POST', '/api/v1/sessions/once/messages', JSON.stringify({ messages: [{ role: 'user', text }] }), { 'idempotency-key': 'k1' })
    const [first, again] = [await send('hello'), await send('hello')]
    expect([first.status, again.status, again.headers.get('recollect-replayed')]).toEqual([201, 201, 'true'])
    expect(await again.json()).toEqual(await first.json())
    expect((await send('other')).status).toBe(400)
    expect((await (await recollect.user('alice').sessions.get('once')).messages()).items.length).toBe(1)
  })

  test('another method on a path is 405 with what it takes; another host is refused [GW-10, ACC-14]', async () => {
    const answer = await call('PUT', '/api/v1/sessions', '{}')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET'])
    expect((await call('GET', '/healthz', undefined, { host: 'evil.example' })).status).toBe(403)
  })
})
