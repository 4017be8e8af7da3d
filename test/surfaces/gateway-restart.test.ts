// The orderly end: two nodes over one file, restarted one after the other under load, and what a stop has to cut (GW-14).
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { createRecollect } from '../../src/create-recollect.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { createGateway, serveGateway, type Gateway, type Served } from '../../src/gateway/index.ts'
import type { Recollect } from '../../src/recollect.ts'
import { manualClock, recordingTelemetry, type ManualClock } from '../../src/testing/index.ts'
import { gatewayWorld } from './gateway-world.ts'
import { begins, says, scriptedUpstream, type ScriptedUpstream } from './scripted-upstream.ts'

const drainDelayMs = 1_000
let dataDir: string
let upstream: ScriptedUpstream
beforeEach(async () => {
  dataDir = path.join(await mkdtemp(path.join(os.tmpdir(), 'recollect-restart-')), 'data')
  upstream = await scriptedUpstream()
})
afterEach(async () => {
  await upstream.close()
  await rm(path.dirname(dataDir), { recursive: true, force: true })
})

interface Node {
  readonly served: Served
  readonly recollect: Recollect
  readonly gateway: Gateway
  /** Of the orderly end alone: it stands still until the test moves it. */
  readonly ending: ManualClock
  /** As `recollect serve` ends on a signal. */
  end(): Promise<boolean>
}

async function startNode(): Promise<Node> {
  const recollect = await createRecollect({ dataDir })
  const gateway = createGateway(recollect, {
    clock: systemClock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    telemetry: recordingTelemetry(),
    version: '0.0.0',
    hosts: ['127.0.0.1'],
    metrics: () => '',
    upstream: { name: 'scripted', baseUrl: upstream.url },
  })
  const ending = manualClock(0)
  const served = await serveGateway(gateway, { host: '127.0.0.1', port: 0, clock: ending, drainDelayMs })
  return {
    served,
    recollect,
    gateway,
    ending,
    async end() {
      const all = await served.stop()
      await recollect.close()
      return all
    },
  }
}

const keyFor = async ({ recollect }: Node) =>
  (await recollect.credentials.create('default', { name: 'load', ownerId: 'alice', roles: ['owner'], userText: 'user-typed' })).secret

const post = (node: Node, key: string, at: string, body: object) =>
  fetch(`${node.served.url}${at}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const textsOf = async (recollect: Recollect, session: string): Promise<string[]> => {
  const texts: string[] = []
  let after = 0
  for (;;) {
    const { items, next } = await (await recollect.user('alice').sessions.get(session)).messages({ after, limit: 200 })
    texts.push(...items.map(({ message }) => message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')))
    if (next === undefined) return texts
    after = next
  }
}

test('two nodes restarted in turn under load: no request is dropped, no acknowledged message lost, no stream cut [GW-14, NODE-2]', async () => {
  const nodes = [await startNode(), await startNode()] as [Node, Node]
  const key = await keyFor(nodes[0])
  const rotation = new Set<Node>(nodes)
  await nodes[0].recollect.user('alice').session('load')
  const acknowledged: string[] = []
  const dropped: unknown[] = []
  let sent = 0
  const one = async () => {
    const node = [...rotation][sent % rotation.size] as Node
    const text = `message ${sent++}`
    const answer = await post(node, key, '/api/v1/sessions/load/messages', { messages: [{ role: 'user', text }] }).catch((error: unknown) => error)
    const said = answer instanceof Response ? await answer.text() : answer
    if (answer instanceof Response && answer.status === 201) acknowledged.push(text)
    else dropped.push(said)
  }
  /** Four clients, each with its next request as soon as its last is answered. */
  const load = async () => {
    await Promise.all([0, 1, 2, 3].map(async () => [await one(), await one(), await one(), await one()]))
  }

  await load()
  for (const which of [0, 1] as const) {
    const node = nodes[which]
    let goOn = () => {}
    upstream.next((response, body) => {
      begins(response, body, [{ content: 'half ' }])
      goOn = () => says('of it and the rest.')(response, body)
    })
    const chat = await post(node, key, `/s/stream-${which}/v1/chat/completions`, {
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: 'Go on.' }],
    })
    const before = load()
    const ended = node.end()
    await expect.poll(async () => (await fetch(`${node.served.url}/readyz`)).status).toBe(503)
    await load() // whoever has not looked yet still gets an answer
    rotation.delete(node)
    await before
    const during = load()
    node.ending.advance(drainDelayMs)
    await during
    goOn()
    const streamed = await chat.text()
    expect(streamed).toContain('rest.')
    expect(streamed.trimEnd().endsWith('data: [DONE]')).toBe(true)
    expect(await ended).toBe(true)
    expect(node.gateway.inFlight).toBe(0)
    await expect(fetch(`${node.served.url}/healthz`)).rejects.toThrow()
    nodes[which] = await startNode()
    rotation.add(nodes[which])
    await load()
  }

  expect(dropped).toEqual([])
  const [{ recollect }] = nodes
  expect((await textsOf(recollect, 'load')).toSorted()).toEqual(acknowledged.toSorted())
  for (const which of [0, 1]) expect(await textsOf(recollect, `stream-${which}`)).toEqual(['Go on.', 'half of it and the rest.'])
  for (const node of nodes) {
    const ended = node.end()
    await expect.poll(() => node.ending.sleeping).toBe(1)
    node.ending.advance(drainDelayMs)
    await ended
  }
})

test('a stream that is not done after 30 s is cut, and what had come of it is stored before the stores close [GW-14, OAI-16]', async () => {
  const node = await startNode()
  const key = await keyFor(node)
  upstream.next((response, body) => begins(response, body, [{ content: 'As far as it ' }, { content: 'came' }]))
  const chat = await post(node, key, '/s/cut/v1/chat/completions', { model: 'm', stream: true, messages: [{ role: 'user', content: 'Go on.' }] })
  const reader = (chat.body as ReadableStream<Uint8Array>).getReader()
  let seen = ''
  while (!seen.includes('came')) seen += Buffer.from((await reader.read()).value ?? []).toString()
  const ended = node.end()
  await expect.poll(() => node.ending.sleeping).toBe(1)
  node.ending.advance(drainDelayMs)
  await expect.poll(() => node.ending.sleeping).toBe(1)
  node.ending.advance(limits.drainMs - 1)
  expect(node.ending.sleeping).toBe(1)
  node.ending.advance(1)
  await expect(reader.read().then(({ done }) => (done ? Promise.reject(new Error('ended')) : 'more'))).rejects.toThrow()
  expect(await ended).toBe(false)
  expect(node.gateway.inFlight).toBe(0)
  const again = await createRecollect({ dataDir })
  const { items } = await (await again.user('alice').sessions.get('cut')).messages()
  expect(items.map(({ message }) => [message.role, message.incomplete])).toEqual([
    ['user', undefined],
    ['assistant', 'aborted'],
  ])
  expect((await textsOf(again, 'cut'))[1]).toBe('As far as it came')
  await again.close()
})

test('the end waits for what is in flight, and not for ever [GW-14]', async () => {
  const clock = manualClock(1_800_000_000_000)
  const world = await gatewayWorld({ clock })
  const open = () => {
    let end = () => {}
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (end = () => controller.close()) })
    const init = { method: 'POST', headers: { authorization: `Bearer ${world.key}` }, body, duplex: 'half' as const }
    void world.gateway.fetch(new Request('http://127.0.0.1/v1/chat/completions', init))
    return end
  }
  const closing = async () => {
    let done = false
    const closed = world.gateway.close().then(() => (done = true))
    for (let turn = 0; turn < 5; turn++) await world.call('GET', '/healthz')
    return { closed, done: () => done }
  }
  const end = open()
  await expect.poll(() => world.gateway.inFlight).toBe(1)
  const first = await closing()
  expect(first.done()).toBe(false)
  end()
  await first.closed
  const endLast = open()
  await expect.poll(() => world.gateway.inFlight).toBe(1)
  const second = await closing()
  clock.advance(limits.cutMs - 1)
  await world.call('GET', '/healthz')
  expect(second.done()).toBe(false)
  clock.advance(1)
  await second.closed
  endLast()
  await world.close()
})
