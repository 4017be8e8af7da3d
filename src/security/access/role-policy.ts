// The default roles: who may do what, as one table (ACC-2, ACC-3). What is not listed is denied.
import { actions, type Action, type Actor, type Grant, type Policy, type Role, type Target } from '../../ports/policy.ts'
import { inTime, late, type Clock } from '../../ports/clock.ts'
import { limits } from '../../core/limits.ts'
import { isActor } from '../audit/actor.ts'

/** `own`: the actor's owner, or one it may act for. `tenant`: all of its tenant. `all`: the deployment. */
export type Reach = 'own' | 'tenant' | 'all'

export const roleTable: Readonly<Record<Action, Readonly<Partial<Record<Role, Reach>>>>> = {
  'session.read': { owner: 'own', 'tenant-reader': 'tenant' },
  'memory.read': { owner: 'own', 'tenant-reader': 'tenant' },
  'receipt.read': { owner: 'own', 'tenant-reader': 'tenant' },
  'session.append': { owner: 'own' },
  'session.fork': { owner: 'own' },
  'session.rewind': { owner: 'own' },
  'session.delete': { owner: 'own' },
  'model.call': { owner: 'own' },
  'memory.write': { owner: 'own' },
  'memory.forget': { owner: 'own' },
  'owner.erase': { owner: 'own', 'tenant-admin': 'tenant' },
  'credential.issue': { 'tenant-admin': 'tenant' },
  'credential.revoke': { 'tenant-admin': 'tenant' },
  'metrics.read': { operator: 'all' },
  sweep: { operator: 'all' },
  'audit.read': { auditor: 'tenant' },
  'audit.verify': { auditor: 'tenant' },
}

/** Roles that stand alone in a credential (ACC-3). */
export const lonelyRoles: readonly Role[] = ['operator', 'auditor']

/** What the holder of a role may issue to others; nobody issues `operator` through a credential (ACC-3). */
export const issuable: Readonly<Record<Role, readonly Role[]>> = {
  owner: [],
  'tenant-reader': [],
  'tenant-admin': ['owner', 'tenant-reader', 'tenant-admin', 'auditor'],
  operator: [],
  auditor: [],
}

/** True if nothing asked for is more than the issuer has to give (ACC-3). */
export const mayIssue = (issuer: Actor, tenantId: string, roles: readonly Role[], grants: readonly Grant[]): boolean =>
  issuer.tenantId === tenantId &&
  roles.every((role) => issuer.roles.some((held) => issuable[held].includes(role))) &&
  grants.every((grant) => issuer.grants.includes(grant))

function reaches(reach: Reach, actor: Actor, target: Target): boolean {
  if (reach === 'all') return true
  if (actor.tenantId !== target.tenantId) return false
  if (reach === 'tenant') return true
  if (target.ownerId === undefined) return false
  return actor.ownerId === target.ownerId || actor.grants.includes('act-for-owner')
}

/** The decision itself, pure. The reason is a code for the audit log. */
export function decideByRole(actor: Actor, action: Action, target: Target): { allow: boolean; reason: string } {
  if (!isActor(actor)) return { allow: false, reason: 'no-actor' }
  if (!actions.includes(action)) return { allow: false, reason: 'unknown-action' }
  const held = actor.roles.filter((role) => roleTable[action][role] !== undefined)
  if (held.length === 0) return { allow: false, reason: 'role' }
  const role = held.find((role) => reaches(roleTable[action][role]!, actor, target))
  return role === undefined ? { allow: false, reason: 'scope' } : { allow: true, reason: role }
}

export const rolePolicy = (): Policy => ({ decide: async (actor, action, target) => decideByRole(actor, action, target) })

/** A policy of the application's, held to the rule: a throw, a silence of 1 s and an unknown action are denials (ACC-2). */
export function strictPolicy(policy: Policy, clock: Clock): Policy {
  return {
    async decide(actor, action, target) {
      if (!isActor(actor)) return { allow: false, reason: 'no-actor' }
      if (!actions.includes(action)) return { allow: false, reason: 'unknown-action' }
      try {
        const decision = await inTime(clock, limits.policyMs, policy.decide(actor, action, target))
        return decision === late ? { allow: false, reason: 'policy-timeout' } : { allow: decision.allow === true, reason: decision.reason }
      } catch {
        return { allow: false, reason: 'policy-failed' }
      }
    },
  }
}
