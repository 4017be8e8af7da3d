// The one model upstream: what goes there, and what comes back as it came (OAI-13, OAI-20 to OAI-22).
import { isRecollectError, RecollectError } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { Clock } from '../../ports/clock.ts'
import { createDeadlines } from '../../ports/deadlines.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { faultError, within, type Patience } from './upstream-reply.ts'

export interface UpstreamOptions {
  readonly name: string // for labels and health
  readonly baseUrl: string // ends before /chat/completions
  readonly apiKey?: string
  readonly forwardHeaders?: readonly string[]
  readonly silenceMs?: number // default 120 s without a byte
  readonly cacheKey?: boolean // takes `prompt_cache_key`; default: api.openai.com only
}

export interface Upstream {
  readonly name: string
  readonly takesCacheKey: boolean
  /** For one call that begins now. */
  patience(): Patience
  post(path: string, body: Json, from: Headers, signal: AbortSignal): Promise<Response>
  get(path: string, from: Headers, signal: AbortSignal): Promise<Response>
}

const forwarded = ['openai-organization', 'openai-project', 'openai-beta', 'traceparent']
const passedBack = ['content-type', 'retry-after', 'retry-after-ms', 'x-should-retry']

/** No upstream, said at once; the official client is told not to try again (OAI-23). */
export const noUpstream = (): RecollectError =>
  new RecollectError(
    'unavailable',
    'No model upstream is configured',
    'Set RECOLLECT_UPSTREAM_URL and RECOLLECT_UPSTREAM_KEY, or send `recollect-mode: dry-run` to see the context.',
    { details: { noRetry: 'true' } },
  )

/** Bounds how long a call takes, and counts it. */
export interface Watch {
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export function createUpstream(
  options: UpstreamOptions,
  keyHeader: 'authorization' | 'recollect-key',
  send: typeof fetch,
  { clock, telemetry }: Watch,
): Upstream {
  const base = options.baseUrl.replace(/\/+$/, '')
  const deadlines = createDeadlines(clock)
  const headersFor = (from: Headers): Record<string, string> => {
    const headers: Record<string, string> = { accept: from.get('accept') ?? 'application/json' }
    for (const name of [...forwarded, ...(options.forwardHeaders ?? [])]) {
      const value = from.get(name)
      if (value !== null) headers[name.toLowerCase()] = value
    }
    // Our key never leaves: the client's own goes upstream only where ours stands in another header (OAI-20).
    const own = keyHeader === 'recollect-key' ? from.get('authorization') : options.apiKey === undefined ? null : `Bearer ${options.apiKey}`
    if (own !== null) headers['authorization'] = own
    return headers
  }
  const patience = (): Patience => ({
    clock,
    deadlines,
    silenceMs: options.silenceMs ?? limits.upstreamSilenceMs,
    until: clock.now() + limits.upstreamMs,
  })
  const measured = (began: number, outcome: 'ok' | 'refused' | 'failed') =>
    telemetry.observe('recollect_upstream_duration_seconds', (clock.now() - began) / 1_000, { outcome })
  const call = async (path: string, client: AbortSignal, init: RequestInit): Promise<Response> => {
    const stop = new AbortController()
    const began = clock.now()
    try {
      const response = await within(patience(), send(base + path, { ...init, signal: AbortSignal.any([client, stop.signal]), redirect: 'error' }))
      if (response === 'silent') {
        stop.abort()
        throw faultError('silent')
      }
      if (response.status > 599) throw faultError('broken') // no status of HTTP: it cannot be passed on
      measured(began, response.ok ? 'ok' : 'refused')
      return response
    } catch (cause) {
      measured(began, 'failed')
      if (isRecollectError(cause)) throw cause
      if (client.aborted)
        throw new RecollectError('unavailable', 'the client went away before the model answered', 'Send the request again.', { cause })
      throw new RecollectError(
        'unavailable',
        'the model upstream cannot be reached',
        'Check that the upstream runs and that upstream.url names it; then try again.',
        { cause },
      )
    }
  }
  return {
    name: options.name,
    patience,
    takesCacheKey: options.cacheKey ?? new URL(base).hostname === 'api.openai.com',
    post: (path, body, from, signal) =>
      call(path, signal, { method: 'POST', headers: { ...headersFor(from), 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    get: (path, from, signal) => call(path, signal, { headers: headersFor(from) }),
  }
}

// Statuses of HTTP that carry no body.
const bodiless = [204, 205, 304]

export const isEventStream = (response: Response): boolean => /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')

/** The upstream's own status, body and headers, unchanged (OAI-22). */
export function passThrough(
  response: Response,
  extra: Readonly<Record<string, string>> = {},
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null = response.body,
): Response {
  const headers = new Headers()
  for (const [name, value] of response.headers) if (passedBack.includes(name) || name.startsWith('x-ratelimit-')) headers.set(name, value)
  if (!response.ok) headers.set('recollect-error-source', 'upstream')
  const upstreamId = response.headers.get('x-request-id')
  if (upstreamId !== null) headers.set('recollect-upstream-id', upstreamId)
  for (const [name, value] of Object.entries(extra)) headers.set(name, value)
  return new Response(bodiless.includes(response.status) ? null : body, { status: response.status, headers })
}

// Of who asks, of the model, of the time or the rate: the same messages may pass later.
const notOfMessages = [401, 402, 404, 405, 408, 409, 425, 429]

/** Whether a status refuses what was sent, so that it would be refused again. 403 does: moderation answers so. */
export const refusesMessages = (status: number): boolean => status >= 400 && status < 500 && !notOfMessages.includes(status)

const lengthWords = /context[_ ]length|maximum context|too many tokens|context window|prompt is too long/i

/** What a refusal for length says of it, where it says it in numbers. */
export interface ToldLengths {
  readonly limitTokens?: number
  readonly actualTokens?: number
}

/** The one error that is planned again, smaller, and sent once more (OAI-22); undefined for any other. */
export function toldLengths(status: number, body: string): ToldLengths | undefined {
  if ((status !== 400 && status !== 413) || !lengthWords.test(body)) return undefined
  const limit = /maximum context length is (\d{1,8}) tokens/i.exec(body)?.[1]
  const actual = /(?:resulted in|requested|have) (\d{1,8}) tokens/i.exec(body)?.[1]
  return { ...(limit === undefined ? {} : { limitTokens: Number(limit) }), ...(actual === undefined ? {} : { actualTokens: Number(actual) }) }
}

/** Fields that are Recollect's, or name a session: they do not go upstream (OAI-13). */
const ours = ['previous_response_id', 'conversation', 'session_id', 'litellm_session_id']

export function upstreamBody(body: JsonObject, messages: readonly Json[], cacheKey: string | undefined): JsonObject {
  const out: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [name, value] of Object.entries(body)) if (!ours.includes(name) && !name.startsWith('recollect')) out[name] = value
  out['messages'] = messages
  out['store'] = false
  if (body['stream'] === true) out['stream_options'] = { ...(body['stream_options'] as JsonObject | undefined), include_usage: true }
  if (cacheKey !== undefined && body['prompt_cache_key'] === undefined) out['prompt_cache_key'] = cacheKey
  return out
}
