// A marked word goes into every field, header, query and path of every row, and comes from the upstream; it is looked for in what is logged, counted and refused (ACC-15).
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Telemetry } from '../../src/ports/telemetry.ts'
import { routeTable } from '../../src/gateway/app.ts'
import type { Route } from '../../src/gateway/route.ts'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'
import { manualClock } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from '../surfaces/gateway-world.ts'
import { goodRequests, makeThings, type Good, type Things } from '../surfaces/route-cases.ts'
import { refuses, says } from '../surfaces/scripted-upstream.ts'

const canary = 'heliotrope7f3a' // and its letters alone: a name could pass for one of a schema's
const rows = routeTable({} as Parameters<typeof routeTable>[0])
const clock = manualClock(1_800_000_000_000)
const lines: string[] = []
const given: unknown[] = []
const written = createTelemetry({ clock, level: 'debug', write: (line) => void lines.push(line), version: '0.0.0' })
/** Keeps what is told before any sink has left something out. */
const telemetry = Object.fromEntries(
  (['count', 'observe', 'gauge', 'log'] as const).map((name) => [
    name,
    (...all: readonly unknown[]) => {
      given.push([name, ...all])
      ;(written[name] as (...all: readonly unknown[]) => void)(...all)
    },
  ]),
) as unknown as Telemetry

let world: GatewayWorld
let things: Things
const secrets: Record<string, string> = {}
beforeAll(async () => {
  world = await gatewayWorld({ clock, telemetry, metrics: () => written.scrape() }, { telemetry })
  const issue = async (name: string, roles: readonly string[]) =>
    void (secrets[name] = (await world.recollect.credentials.create('default', { name, roles, userText: 'paste' } as any)).secret)
  await issue('admin', ['tenant-admin'])
  await issue('operator', ['operator'])
})
afterAll(() => world.close())
beforeEach(async () => {
  clock.advance(60_000)
  things = await makeThings(world)
  lines.length = given.length = 0
})

/** Everything that left sideways since the test began. */
async function told(): Promise<string> {
  await world.recollect.settled()
  return [JSON.stringify(given), ...lines, written.scrape()].join('\n')
}

const marked = (value: unknown): unknown => {
  if (typeof value === 'string') return canary
  if (Array.isArray(value)) return value.map(marked)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, marked(inner)]))
  return value
}
const keyFor = ({ scope, access }: Route) =>
  scope === 'owner' ? world.key : (secrets[access === 'sweep' || access === 'metrics.read' ? 'operator' : 'admin'] ?? '')

test.each(rows.map((row) => [`${row.method} ${row.path}`, row] as const))(
  '%s: no log line, metric or error holds what a caller sent [ACC-15, GW-10]',
  async (name, row) => {
    const { path, body } = (goodRequests[name] as (things: Things) => Good)(things)
    const plain = path.split('?')[0] as string
    const object = typeof body === 'object' ? body : {}
    const headers = { authorization: `Bearer ${keyFor(row)}`, 'user-agent': canary, 'x-request-id': `${canary} ${canary}` }
    const send = (at: string, sent?: unknown, more: Readonly<Record<string, string>> = {}) =>
      world.call(row.method, at, row.method === 'GET' ? undefined : sent, { ...headers, ...more })
    const answers = [
      await send(`${plain}?${canary}=${canary}`, body),
      await send(plain.replaceAll(/\/(?:thing-\d+|(?:msg|rcp|mem|key|trn)_[^/?]+|[a-z0-9]{16,})(?=\/|$)/g, `/${canary}`), body),
      await send(`${plain}/${canary}`, body),
      await send(plain, marked(object)),
      await send(plain, { ...object, [canary]: canary }),
      await send(plain, `{"${canary}`),
      await send(plain, { ...object, metadata: { [canary.slice(0, 10)]: [{ deep: undefined, [canary]: 7 }] }, filter: { heliotrope: {} } }),
      await send(plain, body, { authorization: `Bearer ${canary}` }),
      await send(plain, body, { 'recollect-owner': canary }),
      await send(plain, body, { 'if-match': canary, 'idempotency-key': `${canary} ${canary}` }),
      await send(plain, body, { host: `${canary}.example` }),
      await send(plain, body, { 'content-type': canary, 'content-encoding': canary }),
    ]
    for (const answer of answers) {
      const text = await answer.text()
      if (answer.status >= 400) expect(text).not.toContain(canary.slice(0, 10))
    }
    const out = await told()
    expect(out.length).toBeGreaterThan(500)
    expect(out).not.toContain(canary)
  },
)

/** An error of ours holds nothing of the request; one of the upstream passes as it came. */
async function expectOwn(answer: Response): Promise<void> {
  const text = await answer.text()
  if (answer.headers.get('recollect-error-source') === 'recollect') expect(text).not.toContain(canary)
}

test('a chat turn, its session, its answer and a refusal of the upstream stand in no log line or metric [ACC-15]', async () => {
  const body = { model: canary, user: canary, metadata: { [canary]: canary }, messages: [{ role: 'user', content: `I live in ${canary}.` }] }
  world.upstream.next(
    says(canary),
    refuses(400, { message: canary, code: canary }),
    (response) => response.destroy(),
    (response) => response.end(canary),
  )
  for (const headers of [{}, {}, {}, {}, { 'recollect-mode': canary }, { 'recollect-session': `${canary}%` }, { 'x-session-id': `~${canary}` }])
    await expectOwn(await world.chat(canary, body, headers))
  await expectOwn(await world.call('POST', '/v1/embeddings', { model: canary, input: canary }))
  await expectOwn(await world.call('GET', `/v1/models/${canary}`))
  await expectOwn(await world.call('GET', `/v1/${canary}`))
  const out = await told()
  expect(out).toContain('/s/{sessionId}/v1/chat/completions')
  expect(out).not.toContain(canary)
})

test('a method that is nobody’s is logged by no name [ACC-15, OBS-6]', async () => {
  await world.gateway.fetch(new Request('http://127.0.0.1/healthz', { method: canary.toUpperCase() }))
  const out = await told()
  expect(out).toContain('"other"')
  expect(out.toLowerCase()).not.toContain(canary)
})
