// Every route on one page (GW-2). Router, policy, OpenAPI document and the tests read this table.
import { Hono } from 'hono'
import { madeId } from '../core/ids.ts'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { inTime } from '../ports/clock.ts'
import type { Recollect } from '../recollect.ts'
import { corsHeaders, isPreflight, preflightAnswer } from './cors.ts'
import { handleRow, type Desk, type Row } from './door.ts'
import { hostName, requestIdOf, securityHeaders, withHeaders } from './headers.ts'
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

export function createGateway(recollect: Recollect, options: GatewayOptions): Gateway {
  const app = new Hono<{ Bindings: { address: string } }>()
  const keyHeader = options.credentials === 'caller' ? 'recollect-key' : 'authorization'
  const desk: Desk = { recollect, rates: createRates(options.clock), inFlight: createInFlight(), keyHeader }
  let draining = false
  const native = routeTable({
    recollect,
    metrics: options.metrics,
    draining: () => draining,
    openapi: () => openapiDocument(native, options.version),
  })
  const rows = [...native.map((row) => nativeRow(checkedRow(row), recollect)), ...modelRows(recollect, options, keyHeader)]
  for (const row of rows)
    app.on(row.method, row.path.replace(/\{(\w+)\}/g, ':$1'), (c) => handleRow(row, c.req.raw, c.req.param(), c.env.address, desk))
  app.notFound((c) => {
    const allowed = methodsFor(c.req.path, rows)
    if (allowed.length > 0 && isPreflight(c.req.raw, options.corsOrigins)) return preflightAnswer(c.req.raw, allowed)
    if (allowed.length > 0)
      return refusal(c.req.raw, new RecollectError('invalid_input', `this path takes ${allowed.join(', ')}`, 'Use one of these methods.'), 405, {
        allow: allowed.join(', '),
      })
    return refusal(
      c.req.raw,
      new RecollectError(
        'not_found',
        'there is nothing at this path',
        'See /openapi.json for the routes; the OpenAI-compatible API here has /v1/chat/completions, /v1/models and /v1/embeddings.',
      ),
    )
  })
  app.onError((error, c) => refusal(c.req.raw, error))

  const passed = async (request: Request, address: string): Promise<Response> => {
    if (request.url.length > limits.urlBytes)
      throw new RecollectError('payload_too_large', `a URL has at most ${limits.urlBytes} bytes`, 'Send a shorter URL.', {
        limit: limits.urlBytes,
        given: request.url.length,
      })
    const host = hostName(request.headers.get('host') ?? new URL(request.url).host)
    if (!options.hosts.includes(host))
      throw new RecollectError('forbidden', 'this host name is not served here', 'Call the gateway by a name of its configuration (gateway.hosts).')
    return app.fetch(request, { address })
  }
  const answered = async (request: Request, requestId: string, address: string): Promise<Response> => {
    // No Request of ours can have these methods.
    if (['TRACE', 'TRACK', 'CONNECT'].includes(request.method))
      return refusal(request, new RecollectError('invalid_input', 'this method is not served', 'Use another method.'), 405)
    const tagged = withRequestId(request, requestId)
    return passed(tagged, address).catch((error: unknown) => refusal(tagged, error))
  }
  return {
    async fetch(request, peer = { address: 'in-process', https: false }) {
      const began = options.clock.now()
      const requestId = requestIdOf(request.headers, () => madeId('req', options.random))
      const response = await answered(request, requestId, peer.address)
      const answer = withHeaders(response, {
        ...securityHeaders,
        ...(peer.https ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
        ...corsHeaders(request, options.corsOrigins),
        'x-request-id': requestId,
      })
      const route = labelOf(request, rows)
      const method = route === 'other' ? 'other' : request.method // what no row takes may be anybody's word
      const seconds = (options.clock.now() - began) / 1000
      options.telemetry.count('recollect_http_requests_total', 1, { route, method, status: String(answer.status) })
      options.telemetry.observe('recollect_http_request_duration_seconds', seconds, { route })
      options.telemetry.gauge('recollect_http_in_flight', desk.inFlight.count)
      options.telemetry.log(answer.status >= 500 ? 'error' : 'info', 'request', {
        requestId,
        route,
        method,
        status: answer.status,
        durationMs: Math.round(seconds * 1000),
      })
      return answer
    },
    unreadable() {
      const requestId = madeId('req', options.random)
      const error = new RecollectError(
        'invalid_input',
        'the request line or its host cannot be read',
        'Send a plain path, and the name of this host.',
      )
      return withHeaders(problemResponse(error, { requestId, shape: 'native' }), { ...securityHeaders, 'x-request-id': requestId })
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

/** A copy with our id in its headers; made field by field, since a server's own request need not be the global one. */
function withRequestId(request: Request, id: string): Request {
  const headers = new Headers(request.headers)
  headers.set('x-request-id', id)
  const body = request.method === 'GET' || request.method === 'HEAD' ? {} : { body: request.body, duplex: 'half' as const }
  return new Request(request.url, { method: request.method, headers, signal: request.signal, ...body })
}

const isModelPath = (path: string): boolean => /^(?:\/s\/[^/]+)?\/v1(?:\/|$)/.test(path)

/** Any throw, in the shape of the API that was called. */
function refusal(request: Request, thrown: unknown, status?: HttpStatus, headers: Readonly<Record<string, string>> = {}): Response {
  const error = asError(thrown)
  const http = status ?? (error.details?.['http'] === 415 ? 415 : undefined)
  const retry = error.details?.['retryAfterSeconds']
  const response = problemResponse(error, {
    requestId: request.headers.get('x-request-id') ?? '',
    shape: isModelPath(new URL(request.url).pathname) ? 'openai' : 'native',
    ...(http === undefined ? {} : { status: http }),
    ...(typeof retry === 'number' ? { retryAfterSeconds: retry } : {}),
    ...(typeof error.details?.['param'] === 'string' ? { param: error.details['param'] } : {}),
  })
  return withHeaders(response, headers)
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)

const methodsFor = (path: string, rows: readonly Row[]): string[] => [
  ...new Set(rows.filter((row) => patternOf(row.path).test(path)).map((row) => row.method)),
]

/** The row's template, so that no id stands in a metric or log line (OBS-6). */
function labelOf(request: Request, rows: readonly Row[]): string {
  const path = new URL(request.url).pathname
  return rows.find((one) => one.method === request.method && patternOf(one.path).test(path))?.path ?? 'other'
}
