// What a key may be asked to be, and how it is shown (ACC-3, ACC-4). Pure.
import { checkFields, type Fields } from '../../core/check-fields.ts'
import { RecollectError } from '../../core/errors.ts'
import { checkId } from '../../core/ids.ts'
import { dayMs, limits } from '../../core/limits.ts'
import { grants as allGrants, roles as allRoles, type Actor, type Grant, type Role } from '../../ports/policy.ts'
import { reserved } from '../reserved.ts'
import { lonelyRoles, mayIssue } from './role-policy.ts'

/** A credential as it is shown: never its secret. Times in ms since 1970. */
export interface CredentialInfo {
  readonly id: string
  readonly name: string
  readonly tenantId: string
  readonly ownerId?: string
  readonly roles: readonly Role[]
  readonly grants: readonly Grant[]
  readonly userText: 'user-typed' | 'paste'
  readonly person: boolean
  readonly createdAt: number
  readonly expiresAt: number
  /** to the hour */
  readonly lastUsedAt?: number
  readonly revokedAt?: number
}
export interface CredentialRequest {
  /** at most two live keys have one */
  name: string
  /** none: for roles of the tenant, and keys that act for owners */
  ownerId?: string
  roles: readonly Role[]
  grants?: readonly Grant[]
  /** stated at issue, without a default (POI-1) */
  userText: 'user-typed' | 'paste'
  /** ms; default 90 days from now, at most 365 */
  expiresAt?: number
}

const requestFields: Fields = {
  name: 'text',
  ownerId: 'text',
  roles: 'texts',
  grants: 'texts',
  userText: 'any', // refused below, in the words of what has no default
  expiresAt: 'number',
}

const invalid = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)

/** @throws `invalid_input` · `content_refused` (ACC-3) */
export function checkRequest(
  tenantId: string,
  request: CredentialRequest,
  now: number,
  issuer: Actor | undefined,
): { expiresAt: number; grants: readonly Grant[] } {
  checkFields(request ?? null, requestFields, 'the key')
  checkId(request.name, 'name')
  if (tenantId !== reserved.system) checkId(tenantId, 'tenantId')
  if (request.ownerId !== undefined) checkId(request.ownerId, 'ownerId')
  const { roles, grants = [], userText } = request
  if (!Array.isArray(roles) || roles.length === 0 || !roles.every((role) => allRoles.includes(role)))
    throw invalid('a key needs known roles', `Use any of: ${allRoles.join(', ')}.`)
  if (!Array.isArray(grants) || !grants.every((grant) => allGrants.includes(grant)))
    throw invalid('unknown grant', `Use any of: ${allGrants.join(', ')}.`)
  if (userText !== 'user-typed' && userText !== 'paste')
    throw invalid('userText has no default', "Say 'user-typed' if people type into this client, else 'paste'.")
  if (new Set(roles).size > 1 && roles.some((role) => lonelyRoles.includes(role)))
    throw new RecollectError('content_refused', `${lonelyRoles.join(' and ')} stand alone in a key`, 'Issue two keys.')
  if (roles.includes('owner') && request.ownerId === undefined && !grants.includes('act-for-owner'))
    throw invalid('the role owner needs an ownerId or the grant act-for-owner', 'Give one of them.')
  const expiresAt = request.expiresAt ?? now + limits.keyDays * dayMs
  const most = now + limits.keyDaysMost * dayMs
  if (!Number.isSafeInteger(expiresAt) || expiresAt <= now || expiresAt > most)
    throw invalid(`a key lives at most ${limits.keyDaysMost} days, and ends in the future`, 'Give a time within them; expiresAt is in ms since 1970.')
  if (issuer !== undefined && !mayIssue(issuer, tenantId, roles, grants))
    throw new RecollectError(
      'content_refused',
      'a key cannot have more than its issuer may give',
      'Ask for fewer roles or grants, or make the key where the data lies, with `recollect keys create`.',
    )
  return { expiresAt, grants }
}
