// The way of every request to a row: door, limits, policy, schema, handler, answer. The order is the rule; each step is its own function.
import type { ZodError, ZodType } from 'zod'
import { RecollectError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { readJson } from '../core/strict-json.ts'
import type { Action, Actor } from '../ports/policy.ts'
import type { Recollect, User } from '../recollect.ts'
import { authenticate, type Caller, type Doorkeeper } from './authenticate.ts'
import type { InFlight } from './rates.ts'
import type { Answer, Call, Route } from './route.ts'

export interface Desk extends Doorkeeper {
  readonly inFlight: InFlight
  readonly address: string
}

/** Runs a native row for a request. Throws RecollectErrors; the caller gives them their shape. */
export async function handleRoute(row: Route, request: Request, params: Readonly<Record<string, string>>, desk: Desk): Promise<Answer> {
  if (row.access === 'open') return row.handle(await callOf(row, request, params, desk, undefined))
  const caller = await authenticate(desk, request.headers, desk.address)
  takeRate(desk, caller, row.method !== 'GET')
  const leave = desk.inFlight.enter(`${caller.actor.tenantId} ${caller.ownerId ?? caller.actor.credentialId}`)
  try {
    if (row.access !== 'any credential') await allow(desk.recollect, caller, row.access, row.scope === 'owner')
    return await row.handle(await callOf(row, request, params, desk, caller))
  } finally {
    leave()
  }
}

/** One decision a request, before any store call; a throw or a delay is a denial (ACC-2). */
export async function allow(recollect: Recollect, caller: Caller, action: Action, ofOwner: boolean): Promise<void> {
  const { actor } = caller
  const target = { tenantId: actor.tenantId, ...(ofOwner && caller.ownerId !== undefined ? { ownerId: caller.ownerId } : {}) }
  const decision = await Promise.race([
    recollect.policy.decide(actor, action, target).catch(() => ({ allow: false, reason: 'policy failed' })),
    new Promise<{ allow: boolean; reason: string }>((resolve) =>
      setTimeout(() => resolve({ allow: false, reason: 'policy timed out' }), limits.policyMs).unref(),
    ),
  ])
  const reads = action.endsWith('.read') && actor.roles.includes('tenant-reader')
  if (!decision.allow || reads)
    recollect.audit.note({
      tenantId: actor.tenantId,
      actor: actor.credentialId,
      action,
      decision: decision.allow ? 'allow' : 'deny',
      reason: decision.reason,
    })
  if (decision.allow) return
  if (ofOwner && caller.ownerId === undefined && actor.grants.includes('act-for-owner')) throw noOwner()
  throw new RecollectError('forbidden', `this key may not do ${action}`, 'Use a key whose role allows it.')
}

export function takeRate({ rates }: Pick<Desk, 'rates'>, { actor, ownerId }: Caller, writes: boolean): void {
  const kind = writes ? 'writes' : 'reads'
  rates.take(
    `${kind} of an owner`,
    `${actor.tenantId} ${ownerId ?? actor.credentialId}`,
    writes ? limits.ownerWritesAMinute : limits.ownerReadsAMinute,
  )
  rates.take(`${kind} of a tenant`, actor.tenantId, writes ? limits.tenantWritesAMinute : limits.tenantReadsAMinute)
}

async function callOf(row: Route, request: Request, params: Readonly<Record<string, string>>, desk: Desk, caller: Caller | undefined): Promise<Call> {
  const { recollect } = desk
  const ownerId = caller?.ownerId
  const tenantId = caller?.actor.tenantId
  let user: User | undefined
  const ifMatch = row.ifMatch === true ? revisionOf(request.headers.get('if-match')) : undefined
  const idempotencyKey = row.idempotent === true ? keyOf(request.headers.get('idempotency-key')) : undefined
  return {
    recollect,
    actor: caller?.actor as Actor,
    credential: caller?.credential as Caller['credential'],
    get user() {
      if (ownerId === undefined || tenantId === undefined) throw noOwner()
      return (user ??= recollect.tenant(tenantId).user(ownerId))
    },
    params,
    query: queryOf(row, request),
    body: row.body === undefined ? undefined : parsed(row.body, await readBody(request, row.bodyBytes ?? limits.bodyBytes), 'body'),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    signal: request.signal,
    page: pagesOf(recollect, row, tenantId, ownerId, params),
  }
}

export const noOwner = (): RecollectError =>
  new RecollectError(
    'invalid_input',
    'this key belongs to no owner, and the request names none',
    "Name the owner in the header recollect-owner (the key needs the grant act-for-owner), or use an owner's key.",
  )

/** The strict JSON of a body within its bound; no body reads as an empty object. */
export async function readBody(request: Request, most: number, stringBytes: number = limits.jsonStringBytes): Promise<Json> {
  const type = request.headers.get('content-type')
  const bytes = await bytesOf(request, most)
  if (bytes.length === 0) return {}
  if (type !== null && !/^application\/(?:[a-z.+-]+\+)?json\s*(?:;|$)/i.test(type)) throw wrongType()
  return readJson(bytes, { depth: limits.jsonDepth, keys: limits.jsonKeys, stringBytes })
}

/** Marks the one `invalid_input` that HTTP answers with 415 (GW-10). */
export const wrongType = (): RecollectError =>
  new RecollectError('invalid_input', 'the body is not JSON by its content type', 'Send `Content-Type: application/json`.', {
    details: { http: 415 },
  })

async function bytesOf(request: Request, most: number): Promise<Uint8Array> {
  const tooLarge = (given: number) =>
    new RecollectError('payload_too_large', `a body here has at most ${most} bytes; got ${given} or more`, 'Send less at once.', {
      limit: most,
      given,
    })
  const told = Number(request.headers.get('content-length') ?? 0)
  if (told > most) throw tooLarge(told)
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += (chunk as Uint8Array).length
    if (size > most) throw tooLarge(size)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks)
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
export function parsed<T>(schema: ZodType<T>, value: unknown, where: string): T {
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
      return `must be ${issue.expected}`
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

function keyOf(header: string | null): string | undefined {
  if (header === null) return undefined
  if (!/^[\x21-\x7e]+$/.test(header) || header.length > limits.idempotencyKeyBytes)
    throw new RecollectError(
      'invalid_input',
      `an Idempotency-Key has 1 to ${limits.idempotencyKeyBytes} visible ASCII characters`,
      'Send a shorter, plain key.',
      { limit: limits.idempotencyKeyBytes, given: header.length },
    )
  return header
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

/** A cursor goes on with another page size, and not with another filter. */
const withoutPage = (filter: Json): Json =>
  Object.fromEntries(
    Object.entries(filter as Record<string, Json>)
      .filter(([name]) => name !== 'cursor' && name !== 'limit')
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
