// A model upstream on this machine that does what the test tells it, in the real protocol: answers, streams, breaks, keeps silent.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '../../src/core/json.ts'

export type Step = (response: ServerResponse, body: JsonObject) => void

export interface ScriptedUpstream {
  readonly url: string
  /** What it was asked, in order. */
  readonly bodies: JsonObject[]
  readonly headers: IncomingHttpHeaders[]
  /** How many requests were left by the gateway before their answer was whole. */
  readonly left: number
  /** What it does for the next requests; after that it answers with `says('ok')`. */
  next(...steps: readonly Step[]): void
  close(): Promise<void>
}

export async function scriptedUpstream(): Promise<ScriptedUpstream> {
  const bodies: JsonObject[] = []
  const headers: IncomingHttpHeaders[] = []
  const steps: Step[] = []
  let left = 0
  const server = createServer(async (request, response) => {
    headers.push(request.headers)
    response.on('close', () => void (response.writableFinished || left++))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = (chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'))) as JsonObject
    bodies.push(body)
    const step = steps.shift() ?? says('ok')
    step(response, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    bodies,
    headers,
    get left() {
      return left
    },
    next: (...more) => void steps.push(...more),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, prompt_tokens_details: { cached_tokens: 64 } }

const chunk = (body: JsonObject, data: object) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: body['model'], ...data })}\n\n`

/** The deltas of an answer that is streamed, before its end. */
export function begins(response: ServerResponse, body: JsonObject, deltas: readonly object[]): void {
  const first = response.headersSent ? {} : { role: 'assistant' }
  if (!response.headersSent) response.setHeader('content-type', 'text/event-stream')
  for (const delta of deltas.map((one, i) => (i === 0 ? { ...first, ...one } : one)))
    response.write(chunk(body, { choices: [{ index: 0, delta, finish_reason: null }] }))
}

/** A whole answer, streamed where that was asked for. */
export const answers =
  (message: { readonly content?: string; readonly tool_calls?: readonly ToolCall[] }, finish = 'stop'): Step =>
  (response, body) => {
    if (body['stream'] !== true) {
      response.setHeader('content-type', 'application/json')
      const choices = [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason: finish }]
      response.end(JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: body['model'], choices, usage }))
      return
    }
    const words = (message.content ?? '').split(/(?<= )/).map((content) => ({ content }))
    const calls = (message.tool_calls ?? []).flatMap((call, index) => piecesOf(call, index))
    begins(response, body, [...words, ...calls])
    response.write(chunk(body, { choices: [{ index: 0, delta: {}, finish_reason: finish }] }))
    response.write(chunk(body, { choices: [], usage }))
    response.end('data: [DONE]\n\n')
  }

export const says = (content: string): Step => answers({ content })

interface ToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/** A tool call as it streams: its name first, then its arguments in two pieces. */
function piecesOf({ id, function: { name, arguments: given } }: ToolCall, index: number): object[] {
  const half = Math.floor(given.length / 2)
  const piece = (part: object) => ({ tool_calls: [{ index, ...part }] })
  return [
    piece({ id, type: 'function', function: { name, arguments: '' } }),
    piece({ function: { arguments: given.slice(0, half) } }),
    piece({ function: { arguments: given.slice(half) } }),
  ]
}

/** A refusal of the upstream's own. */
export const refuses =
  (status: number, error: object, headers: Readonly<Record<string, string>> = {}): Step =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ error }))
  }
