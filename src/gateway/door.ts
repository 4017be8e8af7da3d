// The one door of both APIs: who calls, rate, room, body, policy. The order is the rule; each step is its own function.
import { RecollectError, isRecollectError, type ErrorCode } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { namesOfActor } from '../ports/policy.ts'
import type { Recollect } from '../recollect.ts'
import { authenticate, noOwner, noteRefusal, type Caller, type Doorkeeper } from './authenticate.ts'
import type { InFlight } from './rates.ts'
import { readBody, type BodyBounds } from './read-body.ts'
import type { Access, Method } from './route.ts'

export interface Desk extends Doorkeeper {
  readonly inFlight: InFlight
}

/** What router, door and labels read of a row, of either API. */
export interface Row {
  readonly method: Method
  readonly path: string // `/api/v1/sessions/{sessionId}`
  readonly access: Access
  readonly scope: 'owner' | 'tenant' | 'none'
  /** Undefined: the row reads no body. */
  readonly reads?: BodyBounds
  /** The owner that a body names: then it is read before the policy is asked (OAI-1). */
  ownerOf?(caller: Caller, body: Json): string | undefined
  respond(entered: Entered): Promise<Response>
}

/** A request that has passed the door. */
export interface Entered {
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  readonly caller: Caller | undefined // of open rows
  readonly body: Json
  /** Gives the room back: when the answer has ended, which a stream does after its response is made. Twice is fine. */
  leave(): void
}

/** A request from its first byte to its line in the log: what is known of it beside what stands in it. */
export interface Passage {
  readonly address: string // of who sent it
  readonly requestId: string // the client's, or ours (GW-5)
  /** Why it was refused. */
  code?: ErrorCode
  /** Called when it has left the room that it was let into, which a stream does after the head of its answer; undefined while nobody waits. */
  left?: () => void
  inside?: boolean
}

/** Runs a row for a request. Throws RecollectErrors; the caller gives them their shape. */
export async function handleRow(
  row: Row,
  request: Request,
  params: Readonly<Record<string, string>>,
  passage: Passage,
  desk: Desk,
): Promise<Response> {
  if (row.access === 'open') return row.respond({ request, params, caller: undefined, body: {}, leave: () => {} })
  const { address } = passage
  const caller = await authenticate(desk, request.headers, address).catch((error: unknown) => {
    if (isRecollectError(error, 'limit_exceeded')) noteRefusal(desk, address, 'authenticate', error.code)
    throw error
  })
  let leave = () => {}
  try {
    takeRate(desk, caller, row.method !== 'GET')
    // Before the body, which may be large: a bound that is met later would hold any number of them.
    const freed = desk.inFlight.enter(`${caller.actor.tenantId} ${caller.ownerId ?? caller.actor.credentialId}`)
    passage.inside = true
    leave = () => {
      if (passage.inside !== true) return
      passage.inside = false
      freed()
      passage.left?.()
    }
    return await row.respond({ request, params, leave, ...(await admitted(row, request, caller, desk.recollect)) })
  } catch (error) {
    leave()
    if (isRecollectError(error, 'limit_exceeded')) noteRefusal(desk, caller.actor, row.access.replace(' ', '-'), error.code)
    throw error
  }
}

/** The policy is asked before the body is read, unless the body says whose data it is about. */
async function admitted(row: Row, request: Request, caller: Caller, recollect: Recollect): Promise<Pick<Entered, 'caller' | 'body'>> {
  const body = async () => (row.reads === undefined ? {} : readBody(request, row.reads))
  if (row.ownerOf === undefined) {
    await allow(recollect, caller, row)
    return { caller, body: await body() }
  }
  const read = await body()
  const ownerId = row.ownerOf(caller, read)
  const named = { actor: caller.actor, credential: caller.credential, ...(ownerId === undefined ? {} : { ownerId }) }
  await allow(recollect, named, row)
  return { caller: named, body: read }
}

/** One decision a request, before any store call of the row (ACC-2). */
async function allow(recollect: Recollect, { actor, ownerId }: Caller, { access: action, scope }: Row): Promise<void> {
  if (action === 'open' || action === 'any credential') return
  const target = { tenantId: actor.tenantId, ...(scope === 'owner' && ownerId !== undefined ? { ownerId } : {}) }
  const decision = await recollect.policy.decide(actor, action, target)
  const reads = action.endsWith('.read') && actor.roles.includes('tenant-reader')
  if (!decision.allow || reads)
    recollect.audit.note({
      tenantId: actor.tenantId,
      ...namesOfActor(actor),
      action,
      decision: decision.allow ? 'allow' : 'deny',
      reason: decision.reason,
    })
  if (decision.allow) return
  if (scope === 'owner' && ownerId === undefined && actor.grants.includes('act-for-owner')) throw noOwner()
  throw new RecollectError('forbidden', `this key may not do ${action}`, 'Use a key whose role allows it; docs/reference/http.md has them by action.')
}

function takeRate({ rates }: Desk, { actor, ownerId }: Caller, writes: boolean): void {
  const kind = writes ? 'writes' : 'reads'
  rates.take(
    `${kind} of an owner`,
    `${actor.tenantId} ${ownerId ?? actor.credentialId}`,
    writes ? limits.ownerWritesAMinute : limits.ownerReadsAMinute,
  )
  rates.take(`${kind} of a tenant`, actor.tenantId, writes ? limits.tenantWritesAMinute : limits.tenantReadsAMinute)
}
