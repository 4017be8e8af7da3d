// What the gateway adds to the first byte of a streamed answer (OAI-15): a warm session of 200 messages on sealed SQLite against the bare upstream,
// asked in turns. Upstream, gateway and client are processes of their own. Prints one JSON object, with the steps of a turn in the gateway
// and the CPU that its thread took for them, which other work on the machine hardly changes.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { createRecollect } from '../src/create-recollect.ts'
import { systemClock as clock } from '../src/create-recollect/system-clock.ts'
import { createGateway, serveGateway } from '../src/gateway/index.ts'
import type { Recollect, User } from '../src/recollect.ts'

const pairs = Number(process.env['BENCH_PAIRS'] ?? 1_000)
const pauseMs = Number(process.env['BENCH_PAUSE'] ?? 0) // between two turns: a person thinks, and the turn before is formed
const turnsASession = 25 // each adds two messages; then a fresh session of 200
const sessionsAnOwner = 10 // within an owner's writes a minute
const messages = 200

const [role = 'client', folder = '', upstreamUrl = ''] = process.argv.slice(2)
/** A scripted model: three pieces, at once. */
async function upstream(): Promise<void> {
  const piece = (data: object) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', ...data })}\n\n`
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    response.setHeader('content-type', 'text/event-stream')
    for (const content of ['An ', 'answer ', 'of three.']) response.write(piece({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }))
    response.write(piece({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` })
  process.on('disconnect', () => process.exit())
}

interface Turn {
  readonly steps: Record<string, number> // ms
  readonly cpuMs: number // of the gateway's thread, up to the answer's headers
}

/** Times the steps of one turn after the other, from the request to the answer's headers. */
function stepWatch() {
  const turns: Turn[] = []
  let steps: Turn['steps'] | undefined
  const timed =
    <A extends unknown[], R>(name: string, act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const began = performance.now()
      const given = await act(...args)
      if (steps !== undefined) steps[name] = performance.now() - began
      return given
    }
  const userOf = (user: User): User => ({
    ...user,
    session: timed('session', async (...args) => {
      const session = await user.session(...args)
      const { turn, align, append, context } = session
      return {
        ...session,
        turn: timed('turn', turn),
        align: timed('align', align),
        append: timed('append', append),
        context: timed('context', context),
      }
    }),
  })
  return {
    turns,
    timed,
    recollectOf: (recollect: Recollect): Recollect => ({
      ...recollect,
      tenant: (...args) => {
        const tenant = recollect.tenant(...args)
        return { ...tenant, user: (...whose) => userOf(tenant.user(...whose)) }
      },
    }),
    async turn(act: () => Promise<Response>): Promise<Response> {
      const [began, cpu] = [performance.now(), process.threadCpuUsage()]
      steps = {}
      const answer = await act()
      const { user, system } = process.threadCpuUsage(cpu)
      const rest = performance.now() - began - Object.values(steps).reduce((sum, ms) => sum + ms, 0)
      turns.push({ steps: { ...steps, rest }, cpuMs: (user + system) / 1_000 })
      steps = undefined
      return answer
    },
  }
}

async function gateway(): Promise<void> {
  const recollect = await createRecollect({ dataDir: folder, quotas: { ownerSessions: 10_000 } })
  const watch = stepWatch()
  const made = createGateway(watch.recollectOf(recollect), {
    clock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    telemetry: { count() {}, observe() {}, gauge() {}, log() {} },
    version: '0',
    hosts: ['127.0.0.1'],
    metrics: () => '',
    upstream: { name: 'scripted', baseUrl: upstreamUrl },
    fetch: watch.timed('upstream', fetch),
  })
  const watched = Object.assign(Object.create(made) as typeof made, {
    fetch: (...args: Parameters<typeof made.fetch>) => watch.turn(() => made.fetch(...args)),
  })
  const { url } = await serveGateway(watched, { host: '127.0.0.1', port: 0, clock })
  const keys: string[] = []
  const owners = Math.ceil(pairs / turnsASession / sessionsAnOwner)
  for (let n = 0; n < owners; n++) {
    const ownerId = `owner-${n}`
    keys.push((await recollect.credentials.create('default', { name: ownerId, ownerId, roles: ['owner'], userText: 'user-typed' })).secret)
    for (let s = 0; s < sessionsAnOwner; s++) {
      const session = await recollect.user(ownerId).session(`s-${s}`)
      for (let m = 0; m < messages / 50; m++) await session.append(Array.from({ length: 50 }, (_, i) => said(m * 50 + i)))
    }
  }
  await recollect.settled()
  process.send?.({ url, keys })
  process.on('message', () => process.send?.(watch.turns))
  process.on('disconnect', () => process.exit())
}

const words = 'the kitchen plan for the week holds bread soup and a long list of small things that somebody still has to buy before noon'.split(' ')
const said = (n: number) => ({
  role: n % 2 === 0 ? ('user' as const) : ('assistant' as const),
  text: `${n}: ${Array.from({ length: 34 }, (_, i) => words[(n * 7 + i * 3) % words.length]).join(' ')}`,
})

async function client(): Promise<void> {
  const place = mkdtempSync(path.join(tmpdir(), 'recollect-bench-'))
  const up = fork(import.meta.filename, ['upstream'])
  const { url: upUrl } = await told<{ url: string }>(up)
  const ours = fork(import.meta.filename, ['gateway', path.join(place, 'data'), upUrl])
  const { url, keys } = await told<{ url: string; keys: string[] }>(ours)
  const [bare, through]: [number[], number[]] = [[], []]
  for (let n = 0; n < pairs; n++) {
    const at = Math.floor(n / turnsASession)
    const key = keys[Math.floor(at / sessionsAnOwner)] as string
    const body = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: `Question ${n}: what do I still have to buy?` }] })
    bare.push(await firstByte(`${upUrl}/chat/completions`, body, ''))
    const ms = await firstByte(`${url}/s/s-${at % sessionsAnOwner}/v1/chat/completions`, body, key)
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    if (n % turnsASession > 0) through.push(ms) // the first turn of a session loads it: that is cold
  }
  ours.send('turns')
  const warm = (await told<Turn[]>(ours)).filter((_, n) => n % turnsASession > 0)
  up.disconnect()
  ours.disconnect()
  await new Promise((resolve) => ours.on('exit', resolve))
  rmSync(place, { recursive: true })
  const p = (times: number[], q: number) => times.toSorted((a, b) => a - b)[Math.floor(times.length * q)] as number
  const figures = Object.fromEntries([0.5, 0.95, 0.99].map((q) => [`p${q * 100}`, round(p(through, q) - p(bare, q))]))
  const both50and99 = (times: number[]) => `${round(p(times, 0.5))} / ${round(p(times, 0.99))}`
  const names = Object.keys(warm.at(-1)?.steps ?? {})
  const steps = Object.fromEntries(names.map((name) => [name, both50and99(warm.map((turn) => turn.steps[name] ?? 0))]))
  const inside = { steps, cpu: both50and99(warm.map(({ cpuMs }) => cpuMs)) }
  const both = { bare: round(p(bare, 0.5)), through: round(p(through, 0.5)), throughP99: round(p(through, 0.99)) }
  const machine = {
    machine: cpus()[0]?.model,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    load: round(loadavg()[0] as number),
  }
  console.log(
    JSON.stringify(
      { name: 'gateway', ...machine, unit: 'ms to the first byte', pairs, messages, added: figures, ...both, 'p50 / p99': inside },
      undefined,
      1,
    ),
  )
}

const round = (ms: number) => Math.round(ms * 100) / 100

const told = <T>(child: ReturnType<typeof fork>): Promise<T> => new Promise((resolve) => child.once('message', (message) => resolve(message as T)))

async function firstByte(url: string, body: string, key: string): Promise<number> {
  const began = performance.now()
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  const ms = performance.now() - began
  while (!(await reader.read()).done);
  return ms
}

await { client, upstream, gateway }[role as 'client' | 'upstream' | 'gateway']()
