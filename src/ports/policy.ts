// Who may do what. One call a request, before any store call (ACC-2).

export const actions = [
  'session.read',
  'session.append',
  'session.fork',
  'session.rewind',
  'session.delete',
  'model.call',
  'memory.read',
  'memory.write',
  'memory.forget',
  'receipt.read',
  'owner.erase',
  'credential.issue',
  'credential.revoke',
  'metrics.read',
  'sweep',
  'audit.read',
  'audit.verify',
] as const
export type Action = (typeof actions)[number]

export const roles = ['owner', 'tenant-reader', 'tenant-admin', 'operator', 'auditor'] as const
export type Role = (typeof roles)[number]

export const grants = ['act-for-owner'] as const
export type Grant = (typeof grants)[number]

/** Who asks; made only by authentication (ACC-1). */
export interface Actor {
  readonly tenantId: string
  readonly ownerId?: string
  readonly roles: readonly Role[]
  readonly grants: readonly Grant[]
  readonly credentialId: string
  readonly person: boolean
}

/** Who acts, as an audit trail names it (AUD-2). */
export const namesOfActor = ({ credentialId, roles: own }: Actor): { readonly actor: string; readonly role?: string } => ({
  actor: credentialId,
  ...(own.length === 0 ? {} : { role: own.join('/') }),
})

/** Whose data the action touches; without an owner: the tenant or the deployment as a whole. */
export interface Target {
  readonly tenantId: string
  readonly ownerId?: string
}
export interface Policy {
  /** A throw, a timeout (1 s) or an unknown action is a denial. `reason` is a code for the audit log: 1 to 128 letters, digits and `_.~:/-`. */
  decide(actor: Actor, action: Action, target: Target): Promise<{ readonly allow: boolean; readonly reason: string }>
}
