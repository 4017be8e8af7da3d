// The OpenAPI 3.1 document, built from the route table (GW-17).
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { errorCodes } from '../core/errors.ts'
import type { Route } from './route.ts'
import { problem } from './schemas.ts'

const everywhere = ['invalid_input', 'unauthenticated', 'forbidden', 'limit_exceeded', 'unavailable', 'timeout'] as const

/** The OpenAPI 3.1 document of the native rows, as `/openapi.json` gives it. */
export function openapiDocument(rows: readonly Route[], version: string): object {
  const app = new OpenAPIHono()
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer', description: 'An API key: rec_…' })
  for (const row of rows) app.openAPIRegistry.registerPath(pathOf(row) as Parameters<typeof app.openAPIRegistry.registerPath>[0])
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Recollect',
      version,
      description: 'Session memory for LLM applications. Errors are problem details (RFC 9457).',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This gateway' }],
  })
}

function pathOf(row: Route): object {
  const names = [...row.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] as string)
  const headers = {
    ...(row.scope === 'owner'
      ? { 'recollect-owner': z.string().optional().openapi({ description: 'The owner, for keys with the grant act-for-owner.' }) }
      : {}),
    ...(row.ifMatch === true
      ? { 'if-match': z.string().optional().openapi({ description: 'The ETag of an earlier answer; another revision is `conflict`.' }) }
      : {}),
    ...(typeof row.once === 'object'
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
      ...(names.length === 0
        ? {}
        : { params: z.object(Object.fromEntries(names.map((name) => [name, z.string().openapi({ param: { name, in: 'path' } })]))) }),
      ...(row.query === undefined ? {} : { query: row.query }),
      ...(Object.keys(headers).length === 0 ? {} : { headers: z.object(headers) }),
      ...(row.body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: row.body } } } }),
    },
    responses: { ...answers(row), ...errors(row) },
  }
}

const operationId = (row: Route): string =>
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

/** Every row may also answer these; statuses only from the one table (GW-10). */
function errors(row: Route): Record<string, object> {
  const codes =
    row.access === 'open'
      ? (['invalid_input', 'limit_exceeded'] as const)
      : [...everywhere, ...(row.path.includes('{') ? (['not_found'] as const) : []), ...(row.errors ?? [])]
  const byStatus = new Map<number, string[]>()
  for (const code of codes) byStatus.set(errorCodes[code].status, [...(byStatus.get(errorCodes[code].status) ?? []), code])
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => row.answers[status] === undefined)
      .map(([status, names]) => [String(status), { description: names.join(', '), content: { 'application/problem+json': { schema: problem } } }]),
  )
}
