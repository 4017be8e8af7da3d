// Every route on one page (GW-2). Router, policy, OpenAPI document and the tests read this table.
import { Hono } from 'hono'
import { madeId } from '../core/ids.ts'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { inTime } from '../ports/clock.ts'
import { harmless } from '../ports/telemetry.ts'
import type { Recollect } from '../recollect.ts'
import { corsHeaders, isPreflight, preflightAnswer } from './cors.ts'
import { handleRow, type Desk, type Passage, type Row } from './door.ts'
import { hostOf, httpsHeaders, requestIdOf, securityHeaders, setHeaders } from './headers.ts'
import { modelRows } from './openai/model-routes.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { nativeRow } from './native.ts'
import type { Peer } from './peer.ts'
import { openapiDocument } from './openapi.ts'
import { problemResponse, asError, type HttpStatus } from './problem.ts'
import { createInFlight, createRates } from './rates.ts'
import { checkedRow, type Route } from './route.ts'
import { contextRoutes } from './routes/contexts.ts'
import { healthRoutes } from './routes/health.ts'
import { memoryRoutes } from './routes/memories.ts'
import { ownerRoutes } from './routes/owner.ts'
import { sessionRoutes } from './routes/sessions.ts'

/** A request handler and its end. The server that takes a request passes in who sent it. */
export interface Gateway {
  fetch(request: Request, peer?: Peer): Promise<Response>
  /** The answer where a server could make no request of what came: a bad host or URL. */
  unreadable(): Response
  /** Readiness turns to 503; requests in flight go on (GW-14). */
  drain(): void
  readonly inFlight: number
  /** Waits for what was cut to store what had come of it; the stores are closed after this. */
  close(): Promise<void>
}

/** The native rows; the OpenAI-compatible ones stand in `openai/model-routes.ts`, since their bodies are the upstream's. */
export const routeTable = (health: Parameters<typeof healthRoutes>[0]): readonly Route[] => [
  ...sessionRoutes,
  ...contextRoutes,
  ...memoryRoutes,
  ...ownerRoutes,
  ...healthRoutes(health),
]

/** Every route of the OpenAI-compatible API and of the native one. Owns nothing: close the gateway, then Recollect. */
export function createGateway(recollect: Recollect, given: GatewayOptions): Gateway {
  const options = { ...given, telemetry: harmless(given.telemetry) }
  const app = new Hono<{ Bindings: Passage }>()
  const keyHeader = options.credentials === 'caller' ? 'recollect-key' : 'authorization'
  const desk: Desk = { recollect, rates: createRates(options.clock), inFlight: createInFlight(), keyHeader }
  let draining = false
  let document: object | undefined
  const native = routeTable({
    recollect,
    metrics: options.metrics,
    draining: () => draining,
    ...(options.certificateEnds === undefined ? {} : { certificateEnds: options.certificateEnds }),
    openapi: () => (document ??= openapiDocument(native, options.version)), // once: anybody may ask, and making it takes the loop tens of ms
  })
  const rows = [...native.map((row) => nativeRow(checkedRow(row), recollect)), ...modelRows(recollect, options, keyHeader)]
  for (const row of rows) app.on(row.method, row.path.replace(/\{(\w+)\}/g, ':$1'), (c) => handleRow(row, c.req.raw, c.req.param(), c.env, desk))
  const labels = rows.map(({ method, path }) => ({ method, path, pattern: patternOf(path) }))
  app.notFound((c) => {
    const allowed = [...new Set(labels.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method))]
    if (allowed.length > 0 && isPreflight(c.req.raw, options.corsOrigins)) return preflightAnswer(c.req.raw, allowed)
    if (allowed.length > 0)
      return refusal(c.req.raw, c.env, new RecollectError('invalid_input', `this path takes ${allowed.join(', ')}`, 'Use one of these methods.'), {
        status: 405,
        headers: { allow: allowed.join(', ') },
      })
    return refusal(
      c.req.raw,
      c.env,
      new RecollectError(
        'not_found',
        'there is nothing at this path',
        'See /openapi.json for the routes; the OpenAI-compatible API here has /v1/chat/completions, /v1/models and /v1/embeddings.',
      ),
    )
  })
  app.onError((error, c) => refusal(c.req.raw, c.env, error))

  const passed = async (request: Request, passage: Passage): Promise<Response> => {
    if (request.url.length > limits.urlBytes)
      throw new RecollectError('payload_too_large', `a URL has at most ${limits.urlBytes} bytes`, 'Send a shorter URL.', {
        limit: limits.urlBytes,
        given: request.url.length,
      })
    if (!options.hosts.includes(hostOf(request)))
      throw new RecollectError('forbidden', 'this host name is not served here', 'Call the gateway by a name of its configuration (gateway.hosts).')
    requirePercentEncoding(request.url)
    return app.fetch(request, passage)
  }
  return {
    async fetch(request, peer = { address: 'in-process', https: false }) {
      const began = options.clock.now()
      const requestId = requestIdOf(request.headers, () => madeId('req', options.random))
      const passage: Passage = { address: peer.address, requestId }
      const answer = setHeaders(await passed(request, passage).catch((error: unknown) => refusal(request, passage, error)), {
        ...securityHeaders,
        ...httpsHeaders(request, peer.https),
        ...corsHeaders(request, options.corsOrigins),
        'x-request-id': requestId,
      })
      const route = labelOf(request, labels)
      const method = route === 'other' ? 'other' : request.method // what no row takes may be anybody's word
      const seconds = (options.clock.now() - began) / 1000
      options.telemetry.count('recollect_http_requests_total', 1, { route, method, status: String(answer.status) })
      options.telemetry.observe('recollect_http_request_duration_seconds', seconds, { route })
      options.telemetry.gauge('recollect_http_in_flight', desk.inFlight.count)
      const ended = () =>
        options.telemetry.log(answer.status >= 500 ? 'error' : 'info', 'request', {
          requestId,
          route,
          method,
          status: answer.status,
          code: passage.code ?? (answer.status >= 500 ? 'unavailable' : undefined), // an upstream's own answer, and what is not ready
          durationMs: Math.round(options.clock.now() - began),
        })
      if (passage.inside === true) passage.left = ended
      else ended()
      return answer
    },
    unreadable() {
      const requestId = madeId('req', options.random)
      const error = new RecollectError(
        'invalid_input',
        'the request line or its host cannot be read',
        'Send a plain path, and the name of this host.',
      )
      return setHeaders(problemResponse(error, { requestId, shape: 'native' }), { ...securityHeaders, 'x-request-id': requestId })
    },
    drain() {
      draining = true
    },
    get inFlight() {
      return desk.inFlight.count
    },
    async close() {
      draining = true
      await inTime(options.clock, limits.cutMs, desk.inFlight.empty())
    },
  }
}

/** What does not decode would be an id to the letter, and another client's session under the same name (GW-3). */
function requirePercentEncoding(url: string): void {
  if (!url.includes('%')) return
  try {
    decodeURIComponent(new URL(url).pathname)
  } catch {
    throw new RecollectError('invalid_input', 'the path is not percent-encoded UTF-8', 'Encode each id of the path, as encodeURIComponent does.')
  }
}

const isModelPath = (path: string): boolean => /^(?:\/s\/[^/]+)?\/v1(?:\/|$)/.test(path)

/** Any throw, in the shape of the API that was called. */
function refusal(
  request: Request,
  passage: Passage,
  thrown: unknown,
  { status, headers = {} }: { readonly status?: HttpStatus; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const error = asError(thrown)
  passage.code = error.code
  const http = status ?? (error.details?.['http'] === 415 ? 415 : undefined)
  const retry = error.details?.['retryAfterSeconds']
  const response = problemResponse(error, {
    requestId: passage.requestId,
    shape: isModelPath(new URL(request.url).pathname) ? 'openai' : 'native',
    ...(http === undefined ? {} : { status: http }),
    ...(typeof retry === 'number' ? { retryAfterSeconds: retry } : {}),
    ...(typeof error.details?.['param'] === 'string' ? { param: error.details['param'] } : {}),
  })
  return setHeaders(response, headers)
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)

interface Label extends Pick<Row, 'method' | 'path'> {
  readonly pattern: RegExp
}

/** The row's template, so that no id stands in a metric or log line (OBS-6). */
function labelOf(request: Request, labels: readonly Label[]): string {
  const path = new URL(request.url).pathname
  return labels.find(({ method, pattern }) => method === request.method && pattern.test(path))?.path ?? 'other'
}
