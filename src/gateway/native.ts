// A native row behind the door: schema, handler, answer.
import type { ZodError, ZodType } from 'zod'
import { RecollectError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import type { Actor } from '../ports/policy.ts'
import type { Recollect, User } from '../recollect.ts'
import { userOf, type Caller } from './authenticate.ts'
import type { Entered, Row } from './door.ts'
import { runKeyed } from './keyed.ts'
import type { Answer, Call, Route } from './route.ts'

/** A native row as the door and the router take it. */
export const nativeRow = (row: Route, recollect: Recollect): Row => ({
  method: row.method,
  path: row.path,
  access: row.access,
  scope: row.scope,
  ...(row.body === undefined ? {} : { reads: { bytes: limits.bodyBytes, stringBytes: limits.jsonStringBytes } }),
  async respond(entered) {
    try {
      return responseOf(row, await runKeyed(row, callOf(row, entered, recollect), entered.request.headers.get('idempotency-key')))
    } finally {
      entered.leave()
    }
  },
})

function responseOf(row: Route, answer: Answer): Response {
  const headers = new Headers(answer.headers)
  if (answer.revision !== undefined) headers.set('etag', `"${answer.revision}"`)
  if (answer.text !== undefined) {
    headers.set('content-type', answer.text.type)
    return new Response(answer.text.body, { status: answer.status, headers })
  }
  if (row.answers[answer.status] === 'nothing') return new Response(null, { status: answer.status, headers })
  headers.set('content-type', 'application/json')
  return new Response(JSON.stringify(answer.body), { status: answer.status, headers })
}

function callOf(row: Route, { request, params, caller, body }: Entered, recollect: Recollect): Call {
  const ownerId = caller?.ownerId
  const tenantId = caller?.actor.tenantId
  let user: User | undefined
  const ifMatch = row.ifMatch === true ? revisionOf(request.headers.get('if-match')) : undefined
  return {
    recollect,
    actor: caller?.actor as Actor,
    credential: caller?.credential as Caller['credential'],
    get user() {
      return (user ??= userOf(recollect, caller))
    },
    params,
    query: queryOf(row, request),
    body: row.body === undefined ? undefined : parsed(row.body, body, 'body'),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    signal: request.signal,
    page: pagesOf(recollect, row, tenantId, ownerId, params),
  }
}

function queryOf(row: Route, request: Request): unknown {
  const given = new URL(request.url).searchParams
  const values = Object.create(null) as Record<string, string>
  for (const [name, value] of given) {
    if (Object.hasOwn(values, name)) throw new RecollectError('invalid_input', 'a query parameter stands twice', 'Give each query parameter once.')
    values[name] = value
  }
  if (row.query !== undefined) return parsed(row.query, { ...values }, 'query')
  const unknown = Object.keys(values).length
  if (unknown > 0)
    throw new RecollectError('invalid_input', `this route takes no query parameters; got ${unknown}`, 'Leave the query out.', {
      limit: 0,
      given: unknown,
    })
  return undefined
}

/** Throws `invalid_input` with the places and reasons of a schema, and without what was given. */
function parsed<T>(schema: ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new RecollectError('invalid_input', `the ${where} does not fit: ${faultsOf(result.error)}`, 'See /openapi.json for what this route takes.')
}

const faultsOf = (error: ZodError): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : safeName(step))).join('.') || 'it'} ${reasonOf(issue)}`)
    .join('; ')

// Names of fields that the schema knows are ours; a name that a caller made up is content.
const safeName = (step: PropertyKey): string => (/^[a-zA-Z]{1,30}$/.test(String(step)) ? String(step) : '…')

function reasonOf(issue: ZodError['issues'][number]): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `has ${issue.keys.length} unknown ${issue.keys.length === 1 ? 'field' : 'fields'}`
    case 'invalid_type':
      return `must be of type ${issue.expected}`
    case 'too_big':
      return `is at most ${issue.maximum}`
    case 'too_small':
      return `is at least ${issue.minimum}`
    case 'invalid_value':
      return `is one of ${issue.values.map(String).join(', ')}`
    case 'custom':
      return issue.message
    default:
      return 'does not fit its schema'
  }
}

function revisionOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const revision = Number(/^"?(\d{1,15})"?$/.exec(header)?.[1])
  if (!Number.isInteger(revision))
    throw new RecollectError('invalid_input', 'If-Match is not a revision', 'Send the ETag of an earlier answer, as it came.')
  return revision
}

function pagesOf(recollect: Recollect, row: Route, tenantId = '~system', ownerId = '~none', params: Readonly<Record<string, string>>): Call['page'] {
  const binding = (filter: Json) => ({
    purpose: 'cursor' as const,
    tenantId,
    ownerId,
    route: `${row.method} ${row.path}`,
    filter: JSON.stringify([params, filter]),
  })
  return {
    async open(filter) {
      const cursor = (filter as { cursor?: string }).cursor
      if (cursor === undefined) return undefined
      const opened = await recollect.tokens.open(binding(withoutPage(filter)), cursor)
      if (typeof opened !== 'string')
        throw new RecollectError(
          'invalid_input',
          'the cursor does not open here',
          'Begin again without a cursor; a cursor lives 24 hours and belongs to one route and filter.',
        )
      return opened
    },
    seal: async (filter, cursor) => (cursor === undefined ? undefined : recollect.tokens.seal(binding(withoutPage(filter)), cursor, limits.cursorMs)),
  }
}

/** A cursor goes on with another page size, and not with another filter. The schema has put the fields in its own order. */
const withoutPage = (filter: Json): Json =>
  Object.fromEntries(Object.entries(filter as Record<string, Json>).filter(([name]) => name !== 'cursor' && name !== 'limit'))
