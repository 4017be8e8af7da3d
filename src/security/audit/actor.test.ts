// Who acts, as the trail names it.
import { expect, test } from 'vitest'
import type { Actor } from '../../ports/policy.ts'
import { actorOf, auditActor } from './actor.ts'

const fields: Actor = { tenantId: 'default', roles: ['owner', 'auditor'], grants: [], credentialId: 'crd_1', person: false }

test('the trail names the credential and all its roles; the program itself where nobody asks [AUD-2]', () => {
  expect(auditActor('default', actorOf(fields))).toEqual({ actor: 'crd_1', role: 'owner/auditor' })
  expect(auditActor('default', actorOf({ ...fields, roles: [] }))).toEqual({ actor: 'crd_1' })
  expect(auditActor('default')).toEqual({ actor: 'in-process' })
})
