// Who asks. Made here, by authentication, and known again by identity: an object of the same shape is no actor (ACC-1).
import type { Actor } from '../ports/policy.ts'

const made = new WeakSet<object>()

/** For the code that has just checked a credential. */
export function actorOf(fields: Actor): Actor {
  const { tenantId, ownerId, roles, grants, credentialId, person } = fields
  const lists = { roles: Object.freeze([...roles]), grants: Object.freeze([...grants]) }
  const actor = Object.freeze({ tenantId, ...(ownerId === undefined ? {} : { ownerId }), ...lists, credentialId, person })
  made.add(actor)
  return actor
}

export const isActor = (value: unknown): value is Actor => typeof value === 'object' && value !== null && made.has(value)
