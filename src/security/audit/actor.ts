// Who asks. Made here, by authentication, and known again by identity: an object of the same shape is no actor (ACC-1).
import { RecollectError } from '../../core/errors.ts'
import { namesOfActor, type Actor } from '../../ports/policy.ts'

const made = new WeakSet<object>()

/** For the code that has just checked a credential. */
export function actorOf(fields: Actor): Actor {
  const { tenantId, ownerId, roles, grants, credentialId, person } = fields
  const lists = { roles: Object.freeze([...roles]), grants: Object.freeze([...grants]) }
  const actor = Object.freeze({ tenantId, ...(ownerId === undefined ? {} : { ownerId }), ...lists, credentialId, person })
  made.add(actor)
  return actor
}

/** Who acts, as the audit trail names it (AUD-2). */
export interface AuditActor {
  readonly actor: string
  readonly role?: string
}

/** Without an actor it is the program itself that acts. @throws `forbidden` on one that was not made here, or is of another tenant */
export function auditActor(tenantId: string, actor?: Actor): AuditActor {
  if (actor === undefined) return { actor: 'in-process' }
  if (!isActor(actor) || actor.tenantId !== tenantId)
    throw new RecollectError('forbidden', 'this is no actor of the tenant', 'Pass the actor that credentials.authenticate gave, or none.')
  return namesOfActor(actor)
}

export const isActor = (value: unknown): value is Actor => typeof value === 'object' && value !== null && made.has(value)
