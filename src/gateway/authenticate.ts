// From a request to an actor and its credential: one answer for every credential that does not hold (ACC-1, ACC-7, GW-4).
import { RecollectError } from '../core/errors.ts'
import { checkId } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { namesOfActor, type Actor } from '../ports/policy.ts'
import type { CredentialInfo, Recollect, User } from '../recollect.ts'
import type { Rates } from './rates.ts'

export interface Caller {
  readonly actor: Actor
  readonly credential: CredentialInfo
  /** The owner whose data the request is about; undefined for credentials without one. */
  readonly ownerId?: string
}

/** What a handler gets of Recollect: all but the ways to a scope (ISO-2). */
export type UnscopedRecollect = Omit<Recollect, 'tenant' | 'user'>

export interface Doorkeeper {
  readonly recollect: Recollect
  readonly rates: Rates
  /** Where our key stands: `authorization`, or `recollect-key` where the client's own key goes upstream (OAI-20). */
  readonly keyHeader: 'authorization' | 'recollect-key'
}

const unauthenticated = (): RecollectError =>
  new RecollectError('unauthenticated', 'a valid API key is missing', 'Send `Authorization: Bearer rec_…`; make a key with `recollect keys create`.')

/**
 * A key that holds is let in, whatever others of its address sent: else any page in a browser here could shut everybody out.
 *
 * @throws `unauthenticated`, the same for missing, malformed, unknown, expired and revoked · `limit_exceeded` after 10 keys that do not hold, or
 * 60 requests without one, a minute from an address · `forbidden`
 */
export async function authenticate({ recollect, rates, keyHeader }: Doorkeeper, headers: Headers, address: string): Promise<Caller> {
  const given = headers.get(keyHeader)
  const found = await recollect.credentials.authenticate(secretOf(given, keyHeader))
  if (found === undefined) {
    if (given === null) rates.take('anonymous requests', address, limits.anonymousRequestsAMinute)
    else rates.take('failed sign-ins', address, limits.failuresAMinute)
    recollect.audit.note({ tenantId: '~system', action: 'authenticate', decision: 'deny', reason: 'unauthenticated' })
    throw unauthenticated()
  }
  const { actor, credential } = found
  const ownerId = ownerOf({ recollect, rates }, actor, headers.get('recollect-owner'))
  return { actor, credential, ...(ownerId === undefined ? {} : { ownerId }) }
}

/** The data of the owner that the request is about. Nothing else in the gateway makes a scope (ISO-2). @throws `invalid_input` without an owner */
export function userOf(recollect: Recollect, caller: Caller | undefined): User {
  if (caller?.ownerId === undefined) throw noOwner()
  return recollect.tenant(caller.actor.tenantId).user(caller.ownerId, caller.actor)
}

export const noOwner = (): RecollectError =>
  new RecollectError(
    'invalid_input',
    'this key belongs to no owner, and the request names none',
    "Name the owner in the header recollect-owner (the key needs the grant act-for-owner), or use an owner's key.",
  )

type Notes = Pick<Doorkeeper, 'recollect' | 'rates'>

/** Told once a minute for each credential, or address, and reason: nobody fills the trail by being refused (AUD-5). */
export function noteRefusal({ recollect, rates }: Notes, by: Actor | string, action: string, reason: string): void {
  const [who, named] = typeof by === 'string' ? [by, { tenantId: '~system' }] : [by.credentialId, { tenantId: by.tenantId, ...namesOfActor(by) }]
  if (!rates.has(`refusals: ${reason}`, who, 1)) return
  rates.take(`refusals: ${reason}`, who, 1)
  recollect.audit.note({ ...named, action, decision: 'deny', reason })
}

/** The credential's own owner; another only with the grant, inside its tenant. */
function ownerOf(notes: Notes, actor: Actor, named: string | null): string | undefined {
  if (named === null || named === actor.ownerId) return actor.ownerId
  if (actor.grants.includes('act-for-owner')) return checkId(named, 'recollect-owner')
  noteRefusal(notes, actor, 'act-for-owner', 'forbidden')
  throw new RecollectError(
    'forbidden',
    'this key may not act for another owner',
    'Leave out the header recollect-owner, or use a key with the grant act-for-owner.',
  )
}

const secretOf = (header: string | null, keyHeader: string): string => {
  if (header === null) return ''
  if (keyHeader === 'recollect-key') return header.trim()
  return /^Bearer ([^\s]+)$/i.exec(header)?.[1] ?? ''
}
