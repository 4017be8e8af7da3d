// A scripted model that speaks the real protocol: it answers with what it was told, streamed or whole. No network, no weights.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
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
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked
    asked.push(body)
    const text = answer(JSON.stringify(body.messages))
    const base = { id: 'chatcmpl-1', created: 1, model: body.model }
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, prompt_tokens_details: { cached_tokens: 0 } }
    if (body.stream !== true) {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          ...base,
          object: 'chat.completion',
          choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
          usage,
        }),
      )
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (data: object) => response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...data })}\n\n`)
    for (const word of text.split(/(?<= )/)) send({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] })
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    send({ choices: [], usage })
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    headers,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
