// Who came in, who was refused and who read what of others: in the audit trail within a second, by key and role.
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import type { CredentialRequest } from '../../src/recollect.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { manualClock } from '../../src/testing/index.ts'
import { trail, type TrailEvent } from './audit-trail.ts'
import { gatewayWorld } from './gateway-world.ts'

async function aGateway() {
  const clock = manualClock(Date.now() - (Date.now() % 3_600_000)) // the stores have the clock of the machine
  const world = await gatewayWorld({ clock }, { clock, seal: 'off', background: false })
  const { recollect, call } = world
  return {
    ...world,
    clock,
    async as(roles: CredentialRequest['roles'], more: Partial<CredentialRequest> = {}) {
      const { credential, secret } = await recollect.credentials.create('default', { name: `${roles}`, roles, userText: 'paste', ...more })
      return {
        id: credential.id,
        get: async (path: string, headers = {}) => (await call('GET', path, undefined, { authorization: `Bearer ${secret}`, ...headers })).status,
      }
    },
    /** What was told since the last look, but for the making of keys. */
    async told(tenantId?: string): Promise<readonly (readonly (string | undefined)[])[]> {
      clock.advance(limits.auditBatchMs)
      for (let i = 0; i < 20; i++) await turnOfTheLoop()
      const shown = ({ actor, role, action, decision, reason }: TrailEvent) => [actor, role, action, decision, reason]
      return (await trail(world.stores[0] as LogStore, tenantId))
        .filter(({ action, decision }) => action !== 'credential.issue' || decision === 'deny')
        .map(shown)
    },
  }
}

async function withGateway(check: (gateway: Awaited<ReturnType<typeof aGateway>>) => Promise<void>): Promise<void> {
  const gateway = await aGateway()
  try {
    await check(gateway)
  } finally {
    await gateway.close()
  }
}

describe('the trail of a gateway', () => {
  test('has each key that came in, once an hour [AUD-5]', async () =>
    withGateway(async ({ as, told, clock }) => {
      const alice = await as(['owner'], { ownerId: 'alice' })
      for (let i = 0; i < 3; i++) expect(await alice.get('/api/v1/sessions')).toBe(200)
      const came = [alice.id, 'owner', 'authenticate', 'allow', undefined]
      expect(await told()).toEqual([came])
      clock.advance(3_600_000)
      await alice.get('/api/v1/sessions')
      expect(await told()).toEqual([came, came])
    }))

  test('has who was not let in, without what they sent [AUD-5]', async () =>
    withGateway(async ({ call, told, stores }) => {
      expect((await call('GET', '/api/v1/sessions', undefined, { authorization: 'Bearer rec_live_canary' })).status).toBe(401)
      expect((await told('~system')).at(-1)).toEqual([undefined, undefined, 'authenticate', 'deny', 'unauthenticated'])
      expect(JSON.stringify(await trail(stores[0] as LogStore, '~system'))).not.toContain('canary')
    }))

  test('has what a role may not do, and what a reader read of others [AUD-5]', async () =>
    withGateway(async ({ as, told }) => {
      const [auditor, reader] = [await as(['auditor']), await as(['tenant-reader'], { grants: ['act-for-owner'] })]
      expect(await auditor.get('/api/v1/keys')).toBe(403)
      expect(await reader.get('/api/v1/sessions', { 'recollect-owner': 'alice' })).toBe(200)
      const events = await told()
      expect(events).toContainEqual([auditor.id, 'auditor', 'credential.issue', 'deny', expect.any(String)])
      expect(events).toContainEqual([reader.id, 'tenant-reader', 'session.read', 'allow', expect.any(String)])
    }))

  test('has who named an owner that is not theirs, once a minute [AUD-5]', async () =>
    withGateway(async ({ as, told, clock }) => {
      const mallory = await as(['owner'], { ownerId: 'mallory' })
      const tried = [mallory.id, 'owner', 'act-for-owner', 'deny', 'forbidden']
      for (let i = 0; i < 3; i++) expect(await mallory.get('/api/v1/sessions', { 'recollect-owner': 'alice' })).toBe(403)
      expect((await told()).filter(([, , action]) => action === 'act-for-owner')).toEqual([tried])
      clock.advance(60_000)
      await mallory.get('/api/v1/sessions', { 'recollect-owner': 'alice' })
      expect((await told()).filter(([, , action]) => action === 'act-for-owner')).toEqual([tried, tried])
    }))

  test('has each limit that was hit, once a minute for a key or an address [AUD-5]', async () =>
    withGateway(async ({ as, told, call }) => {
      const alice = await as(['owner'], { ownerId: 'alice' })
      let status = 200
      for (let i = 0; i <= limits.ownerReadsAMinute + 3; i++) status = await alice.get('/api/v1/whoami')
      expect(status).toBe(429)
      expect((await told()).filter(([, , , decision]) => decision === 'deny')).toEqual([
        [alice.id, 'owner', 'any-credential', 'deny', 'limit_exceeded'],
      ])
      for (let i = 0; i < limits.failuresAMinute + 3; i++) await call('GET', '/api/v1/whoami', undefined, { authorization: 'Bearer nothing' })
      expect((await told('~system')).filter(([, , , , reason]) => reason === 'limit_exceeded')).toEqual([
        [undefined, undefined, 'authenticate', 'deny', 'limit_exceeded'],
      ])
    }))
})
