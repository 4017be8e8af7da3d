// The OpenAPI 3.1 document, built from the route table (GW-17).
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { errorCodes, type ErrorCode } from '../core/errors.ts'
import { modelTable, type ModelRoute } from './openai/model-routes.ts'
import type { Route } from './route.ts'
import { openaiProblem, problem } from './schemas.ts'

/** Any row may answer these (GW-10); 413 where a URL or a body is too large. */
const everywhere = [
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'limit_exceeded',
  'payload_too_large',
  'integrity_failure',
  'internal',
  'unavailable',
  'timeout',
] as const satisfies readonly ErrorCode[]
const open = everywhere.filter((code) => code !== 'unauthenticated') // a host name that is not served is forbidden there too

/** The document of both APIs, as `/openapi.json` gives it. */
export function openapiDocument(rows: readonly Route[], version: string): object {
  const app = new OpenAPIHono()
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer', description: 'An API key: rec_…' })
  const paths = [...rows.map(pathOf), ...modelTable.map(modelPathOf)]
  for (const one of paths) app.openAPIRegistry.registerPath(one as Parameters<typeof app.openAPIRegistry.registerPath>[0])
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Recollect',
      version,
      description: 'Session memory for LLM applications. Errors are problem details (RFC 9457); under /v1 they have the form of OpenAI.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This gateway' }],
  })
}

function pathOf(row: Route): object {
  const headers = {
    ...(row.scope === 'owner'
      ? { 'recollect-owner': z.string().optional().openapi({ description: 'The owner, for keys with the grant act-for-owner.' }) }
      : {}),
    ...(row.ifMatch === true
      ? { 'if-match': z.string().optional().openapi({ description: 'The ETag of an earlier answer; another revision is `conflict`.' }) }
      : {}),
    ...(typeof row.retry === 'object'
      ? { 'idempotency-key': z.string().optional().openapi({ description: 'The same key again has one effect.' }) }
      : {}),
  }
  return {
    method: row.method.toLowerCase(),
    path: row.path,
    operationId: operationId(row),
    summary: row.summary,
    tags: [row.path.split('/')[3] ?? 'service'],
    security: row.access === 'open' ? [] : [{ key: [] }],
    request: {
      ...paramsOf(row.path),
      ...(row.query === undefined ? {} : { query: row.query }),
      ...(Object.keys(headers).length === 0 ? {} : { headers: z.object(headers) }),
      ...(row.body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: row.body } } } }),
    },
    responses: { ...answers(row), ...errors(row) },
  }
}

/** A row of the OpenAI-compatible API: its bodies are the upstream's, and so is whatever else it answers. */
function modelPathOf(row: ModelRoute): object {
  const json = { 'application/json': { schema: z.looseObject({}) } }
  return {
    method: row.method.toLowerCase(),
    path: row.path,
    operationId: operationId(row),
    summary: row.summary,
    tags: ['openai'],
    security: [{ key: [] }],
    request: { ...paramsOf(row.path), ...(row.method === 'GET' ? {} : { body: { required: true, content: json } }) },
    responses: {
      200: { description: row.summary, content: { ...json, ...(row.streams ? { 'text/event-stream': { schema: z.string() } } : {}) } },
      ...byStatus([...everywhere, 'not_found', 'conflict', 'content_refused'], { 'application/json': { schema: openaiProblem } }),
      default: { description: "The upstream's own answer, as it came; the header recollect-error-source tells errors of ours from its own" },
    },
  }
}

function paramsOf(path: string): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] as string)
  if (names.length === 0) return {}
  return { params: z.object(Object.fromEntries(names.map((name) => [name, z.string().openapi({ param: { name, in: 'path' } })]))) }
}

const operationId = (row: Pick<Route, 'method' | 'path'>): string =>
  row.method.toLowerCase() + row.path.replace('/api/v1', '').replace(/[/{}.]+(\w?)/g, (_, letter: string) => letter.toUpperCase())

function answers(row: Route): Record<string, object> {
  return Object.fromEntries(
    Object.entries(row.answers).map(([status, schema]) => {
      const description = status === '503' ? 'Not ready' : row.summary
      if (schema === 'nothing') return [status, { description }]
      return [status, { description, content: schema === 'text' ? { 'text/plain': { schema: z.string() } } : { 'application/json': { schema } } }]
    }),
  )
}

function errors(row: Route): Record<string, object> {
  const named: readonly ErrorCode[] = row.path.includes('{') ? ['not_found'] : []
  const again: readonly ErrorCode[] = typeof row.retry === 'object' ? ['conflict'] : [] // while the same key is under way (GW-6)
  const codes = row.access === 'open' ? open : [...everywhere, ...named, ...again, ...(row.errors ?? [])]
  const all = Object.entries(byStatus(codes, { 'application/problem+json': { schema: problem } }))
  const unread = row.body === undefined ? {} : { 415: { description: 'invalid_input', content: { 'application/problem+json': { schema: problem } } } }
  return { ...Object.fromEntries(all.filter(([status]) => row.answers[Number(status)] === undefined)), ...unread }
}

/** Statuses only from the one table (GW-10). */
function byStatus(codes: readonly ErrorCode[], content: object): Record<string, object> {
  const names = Map.groupBy(new Set(codes), (code) => errorCodes[code].status)
  return Object.fromEntries([...names].map(([status, of]) => [String(status), { description: of.join(', '), content }]))
}
