// A scripted model that speaks the real protocol: it answers with what it was told, streamed or whole. No network, no weights.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Asked {
  messages: { role: string; content: unknown }[]
  stream?: boolean
  model: string
}

export interface Upstream {
  url: string
  /** Every request body it was sent, in order. */
  asked: Asked[]
  /** The headers of every request, in order. */
  headers: IncomingHttpHeaders[]
  close(): Promise<void>
}

/** `answer` makes the text from the whole prompt, as a model would. */
export async function startUpstream(answer: (prompt: string) => string): Promise<Upstream> {
  const asked: Asked[] = []
  const headers: IncomingHttpHeaders[] = []
  const server: Server = createServer(async (request, response) => {
    headers.push(request.headers)
    const json = (status: number, body: object) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.method === 'GET') return json(200, { object: 'list', data: [{ id: 'scripted', object: 'model', created: 1, owned_by: 'examples' }] })
    const body = await bodyOf(request)
    if (body === undefined) return json(400, { error: { message: 'the body is no chat', type: 'invalid_request_error' } })
    asked.push(body)
    const text = answer(JSON.stringify(body.messages))
    const base = { id: 'chatcmpl-1', created: 1, model: body.model }
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, prompt_tokens_details: { cached_tokens: 0 } }
    if (body.stream !== true) {
      const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }]
      return json(200, { ...base, object: 'chat.completion', choices, usage })
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (data: object) => response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...data })}\n\n`)
    for (const word of text.split(/(?<= )/)) send({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] })
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    send({ choices: [], usage })
    return response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    headers,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Undefined for what is not a chat: it must not end the process that others talk to. */
async function bodyOf(request: IncomingMessage): Promise<Asked | undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  try {
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked
    return Array.isArray(body.messages) ? body : undefined
  } catch {
    return undefined
  }
}
