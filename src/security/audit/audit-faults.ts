// What of the keys and seals belongs in the audit trail: bodies that did not open, snapshots that were dropped, keys that were renewed (AUD-5).
import type { Owner } from '../../core/scope.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { auditActor } from './actor.ts'
import type { AuditInput, AuditLog } from './audit-log.ts'
import type { OwnerKeyRing } from '../keys/key-ring.ts'
import { ownerPseudonym } from '../keys/pseudonyms.ts'
import { isReserved, reserved } from '../reserved.ts'

export type Fault = 'snapshot.dropped' | 'integrity.failed'

interface Trail {
  readonly ring: OwnerKeyRing
  readonly audit: AuditLog
  readonly telemetry: Telemetry
}

/** Told within 1 s; the call that met the fault does not wait. Where the owner's keys are what is broken, nobody is named. */
export async function noteFault({ ring, audit, telemetry }: Trail, owner: Owner, fault: Fault): Promise<void> {
  if (owner.tenantId === reserved.system && owner.ownerId === reserved.audit) return telemetry.count('recollect_audit_dropped_total') // the trail cannot tell of itself
  const target = await targetOf(ring, owner).catch(() => undefined)
  audit.note({ ...placeOf(owner, fault), ...(target === undefined ? {} : { target }), decision: 'failed', reason: 'integrity_failure' })
}

/** Before a data key is renewed. The trail does not wait for itself: its own keys are told of afterwards. @throws `unavailable` */
export async function tellRenewal({ audit }: Pick<Trail, 'audit'>, owner: Owner, pseudonym: string, version: number): Promise<void> {
  const event: AuditInput = {
    ...placeOf(owner, 'key.renew'),
    target: { kind: 'owner', pseudonym: isReserved(owner) ? owner.ownerId : pseudonym },
    decision: 'allow',
    counts: { version },
  }
  if (owner.ownerId === reserved.audit) audit.note(event)
  else await audit.record(event)
}

/** What befalls a tenant's own audit log is told in the log of the deployment. */
const placeOf = ({ tenantId, ownerId }: Owner, action: string) => ({
  tenantId: ownerId === reserved.audit ? reserved.system : tenantId,
  ...auditActor(tenantId),
  action,
})

/** Looks, and makes no keys: beside data whose keys are lost there must be no new ones (SEAL-2). */
async function targetOf(ring: OwnerKeyRing, owner: Owner): Promise<AuditInput['target']> {
  if (isReserved(owner)) return { kind: 'owner', pseudonym: owner.ownerId }
  if ((await ring.sealKeys(owner, 'read')) === undefined) return undefined
  return { kind: 'owner', pseudonym: ownerPseudonym(await ring.ownerKeys(owner), owner.ownerId) }
}
