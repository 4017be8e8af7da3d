import { describe, expect, test } from 'vitest'
import { manualClock } from '../../testing/index.ts'
import { actions, roles, type Action, type Actor, type Policy, type Role } from '../../ports/policy.ts'
import { actorOf, isActor } from '../audit/actor.ts'
import { decideByRole, mayIssue, rolePolicy, strictPolicy } from './role-policy.ts'

const as = (role: Role, more: Partial<Actor> = {}) =>
  actorOf({ tenantId: 'acme', ownerId: 'alice', roles: [role], grants: [], credentialId: 'c', person: false, ...more })
const own = { tenantId: 'acme', ownerId: 'alice' }
const colleague = { tenantId: 'acme', ownerId: 'bob' }
const tenant = { tenantId: 'acme' }
const foreign = { tenantId: 'other', ownerId: 'alice' }
const allowed = (actor: Actor, action: Action) =>
  [own, colleague, tenant, foreign].map((target) => (decideByRole(actor, action, target).allow ? 1 : 0)).join('')

// Written out again by hand from the rule, and not read from the table: own, colleague, tenant, foreign.
const expected: Record<Role, Partial<Record<Action, string>>> = {
  owner: Object.fromEntries(
    (
      [
        'session.read',
        'memory.read',
        'receipt.read',
        'session.append',
        'session.fork',
        'session.rewind',
        'session.delete',
        'model.call',
        'memory.write',
        'memory.forget',
        'owner.erase',
      ] as const
    ).map((action) => [action, '1000']),
  ),
  'tenant-reader': { 'session.read': '1110', 'memory.read': '1110', 'receipt.read': '1110' },
  'tenant-admin': { 'owner.erase': '1110', 'credential.issue': '1110', 'credential.revoke': '1110' },
  operator: { 'metrics.read': '1111', sweep: '1111' },
  auditor: { 'audit.read': '1110', 'audit.verify': '1110' },
}

describe('the default roles', () => {
  for (const role of roles)
    test(`${role}: what it may do, on whose data, and nothing else [ACC-2]`, () => {
      for (const action of actions) expect(allowed(as(role), action), action).toBe(expected[role][action] ?? '0000')
    })

  test('an operator has no content action at all [ACC-3]', () => {
    for (const action of actions.filter((one) => /^(session|memory|receipt|model|owner)/.test(one)))
      expect(allowed(as('operator'), action)).toBe('0000')
  })

  test('a tenant-admin issues every role but the operator, in its tenant; no other role issues any [ACC-3]', () => {
    for (const held of roles)
      for (const asked of roles)
        for (const tenantId of ['acme', 'other'])
          expect(mayIssue(as(held), tenantId, [asked], []), `${held} issues ${asked}`).toBe(
            held === 'tenant-admin' && asked !== 'operator' && tenantId === 'acme',
          )
  })

  test('act-for-owner reaches the owners of its tenant, and no other tenant [ACC-1]', () => {
    const { ownerId: _, ...nobody } = as('owner', { grants: ['act-for-owner'] })
    expect(allowed(actorOf(nobody), 'session.append')).toBe('1100')
    const { ownerId: __, ...idle } = as('owner')
    expect(allowed(actorOf(idle), 'session.append')).toBe('0000')
  })

  test('an actor is known by identity: a copy, a cast or JSON is none [ACC-1]', async () => {
    const actor = as('owner')
    expect(isActor(actor) && Object.isFrozen(actor) && Object.isFrozen(actor.roles)).toBe(true)
    for (const fake of [
      { ...actor },
      structuredClone(actor),
      JSON.parse(JSON.stringify(actor)) as Actor,
      Object.create(actor) as Actor,
      new Proxy(actor, {}),
    ])
      expect(await rolePolicy().decide(fake, 'session.read', own)).toEqual({ allow: false, reason: 'no-actor' })
  })

  test('an unknown action and an unknown role are denied [ACC-2]', () => {
    expect(decideByRole(as('owner'), 'session.own' as Action, own)).toEqual({ allow: false, reason: 'unknown-action' })
    expect(decideByRole(as('owner'), 'toString' as Action, own).allow).toBe(false)
    expect(decideByRole(as('root' as Role), 'session.read', own)).toEqual({ allow: false, reason: 'role' })
  })
})

describe('a policy of the application', () => {
  const clock = manualClock(0)
  const strict = (decide: Policy['decide']) => strictPolicy({ decide }, clock)

  test('that throws, now or later, is a denial [ACC-2]', async () => {
    for (const decide of [
      async () => Promise.reject(new Error('x')),
      () => {
        throw new Error('x')
      },
    ] as Policy['decide'][])
      expect(await strict(decide).decide(as('owner'), 'session.read', own)).toEqual({ allow: false, reason: 'policy-failed' })
  })

  test('that is silent for 1 s is a denial [ACC-2]', async () => {
    const answer = strict(() => new Promise(() => {})).decide(as('owner'), 'session.read', own)
    clock.advance(999)
    expect(clock.sleeping).toBe(1)
    clock.advance(1)
    expect(await answer).toEqual({ allow: false, reason: 'policy-timeout' })
  })

  test('is not asked about an unknown action or somebody who is no actor, and only true is a yes [ACC-2]', async () => {
    let asked = 0
    const yes = strict(async () => (asked++, { allow: true, reason: 'fine' }))
    expect((await yes.decide(as('owner'), 'x' as Action, own)).allow).toBe(false)
    expect((await yes.decide({ ...as('owner') }, 'session.read', own)).allow).toBe(false)
    expect(asked).toBe(0)
    expect(await yes.decide(as('owner'), 'session.read', own)).toEqual({ allow: true, reason: 'fine' })
    expect((await strict(async () => ({ allow: 'yes' as never, reason: '' })).decide(as('owner'), 'session.read', own)).allow).toBe(false)
    expect(clock.sleeping).toBe(0)
  })
})
