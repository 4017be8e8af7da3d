// A gateway on a real socket over stores in memory, with a scripted model behind it, for tests of what passes through.
import OpenAI from 'openai'
import { createRecollect, type RecollectOptions } from '../../src/create-recollect.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { createGateway, serveGateway, type Gateway, type GatewayOptions } from '../../src/gateway/index.ts'
import type { Json } from '../../src/core/json.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import type { Recollect, Session, User } from '../../src/recollect.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { recordingTelemetry } from '../../src/testing/index.ts'
import { wrongIn } from './answer-check.ts'
import { scriptedUpstream, type ScriptedUpstream } from './scripted-upstream.ts'

/** A chat body of one message. */
export const user = (content: Json) => ({ messages: [{ role: 'user', content }] })

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

export interface GatewayWorld {
  readonly recollect: Recollect
  readonly upstream: ScriptedUpstream
  readonly stores: readonly LogStore[]
  readonly gateway: Gateway
  readonly url: string
  readonly key: string // of alice
  readonly alice: User
  openai(session: string): OpenAI
  /** A request in process, with alice's key; its answer is checked against the OpenAPI document (GW-17). */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>
  chat(session: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Response>
  session(name: string): Promise<Session>
  /** The name of a session that no test had before. */
  fresh(): string
  /** role: text of the current path; what is incomplete says why. */
  said(name: string): Promise<readonly string[]>
  /** True if a turn can be taken at once. */
  isFree(name: string): Promise<boolean>
  close(): Promise<void>
}

export async function gatewayWorld(options: Partial<GatewayOptions> = {}, library: RecollectOptions = {}): Promise<GatewayWorld> {
  const [sessions, memories, keys] = [0, 1, 2].map(() => memoryStore({ clock: systemClock })) as [LogStore, LogStore, LogStore]
  const recollect = await createRecollect({
    stores: { sessions, memories, keys },
    keyProvider: memoryKeyProvider({ random }),
    ...library,
  })
  const upstream = await scriptedUpstream()
  const gateway = createGateway(recollect, {
    clock: systemClock,
    random,
    telemetry: recordingTelemetry(),
    version: '0.0.0',
    hosts: ['127.0.0.1', 'localhost'],
    metrics: () => '',
    upstream: { name: 'scripted', baseUrl: upstream.url },
    ...options,
  })
  const served = await serveGateway(gateway, { host: '127.0.0.1', port: 0, clock: systemClock })
  const { secret: key } = await recollect.credentials.create('default', { name: 'test', ownerId: 'alice', roles: ['owner'], userText: 'user-typed' })
  const alice = recollect.user('alice')
  const replies: Response[] = []
  let named = 0
  const call: GatewayWorld['call'] = async (method, path, body, headers = {}) => {
    const reply = await gateway.fetch(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', host: '127.0.0.1', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
    replies.push(reply)
    const wrong = await wrongIn(method, path, reply)
    if (wrong.length > 0) throw new Error(`${method} ${path} is answered with what its description has not: ${wrong.join('; ')}`)
    return reply
  }
  return {
    recollect,
    upstream,
    stores: [sessions, memories, keys],
    gateway,
    url: served.url,
    key,
    alice,
    openai: (session) => new OpenAI({ baseURL: `${served.url}/s/${encodeURIComponent(session)}/v1`, apiKey: key, maxRetries: 0 }),
    call,
    chat: (session, body, headers) => call('POST', `/s/${encodeURIComponent(session)}/v1/chat/completions`, { model: 'm', ...body }, headers),
    session: (name) => alice.sessions.get(name),
    fresh: () => `session-${++named}`,
    async said(name) {
      const { items } = await (await alice.sessions.get(name)).messages({ limit: 200 })
      return items.map(({ message }) => {
        const text = message.parts.map((part) => (part.type === 'text' ? part.text : part.type)).join('|')
        return `${message.role}: ${text}${message.incomplete === undefined ? '' : ` (${message.incomplete})`}`
      })
    },
    async isFree(name) {
      const turn = await (await alice.sessions.get(name)).turn({ whenBusy: 'refuse' })
      await turn.end()
      return true
    },
    async close() {
      for (const reply of replies) if (!reply.bodyUsed) await reply.body?.cancel() // the gateway would wait for what a test did not read
      await served.stop()
      await upstream.close()
      await recollect.close()
    },
  }
}
