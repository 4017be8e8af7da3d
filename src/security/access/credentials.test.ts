import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { tampered, world } from '../../../test/attacks/seal-fixture.ts'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { actorOf } from '../audit/actor.ts'
import type { AuditInput, AuditTrail } from '../audit/audit-log.ts'
import { newApiKey, parseApiKey } from './api-key.ts'
import { createCredentials, type CredentialRequest } from './credentials.ts'
import { mintAny } from '../mint.ts'

const day = 86_400_000
const ask: CredentialRequest = { name: 'laptop', ownerId: 'alice', roles: ['owner'], userText: 'user-typed' }

function desk(fails = false) {
  const made = world()
  const told: AuditInput[] = []
  const audit: AuditTrail = {
    note: () => {},
    record: async (event) => {
      if (fails) throw new RecollectError('unavailable', 'no audit', 'Later.')
      told.push(event)
    },
    verify: async () => ({ ok: true, checked: 0 }),
  }
  const parts = { store: made.keys, ring: made.ring, audit, clock: made.clock, random: made.random, mint: mintAny, mode: 'live' as const }
  return { ...made, told, parts, credentials: createCredentials(parts) }
}

describe('API keys', () => {
  test('have the one shape, with a checksum, and are found by it [ACC-4]', async () => {
    const { credentials } = desk()
    const { secret, credential } = await credentials.create('acme', ask)
    const match = /^(rec_live_([a-z2-7]{16})_([a-z2-7]{52}))_([0-9a-f]{8})$/.exec(secret)!
    expect(match[2]).toBe(credential.id)
    expect(match[4]).toBe(crc32(match[1]!).toString(16).padStart(8, '0'))
    const found = (await credentials.authenticate(secret))!
    expect(found.actor).toEqual({ tenantId: 'acme', ownerId: 'alice', roles: ['owner'], grants: [], credentialId: credential.id, person: false })
    expect(found.credential.name).toBe('laptop')
  })

  test('are the random bytes in base32, ten and 32 of them [ACC-4]', () => {
    expect(newApiKey((bytes) => new Uint8Array(bytes).fill(0xff), 'live')).toMatchObject({ id: '7'.repeat(16), secret: `${'7'.repeat(51)}q` })
    const counted = newApiKey((bytes) => Uint8Array.from({ length: bytes }, (_, i) => i), 'live')
    expect([counted.id, counted.secret]).toEqual(['aaaqeayeaudaocaj', 'aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq'])
  })

  test('of a test deployment say so, and are keys like others [ACC-4]', async () => {
    const credentials = createCredentials({ ...desk().parts, mode: 'test' })
    const { secret } = await credentials.create('acme', ask)
    expect([secret.slice(0, 9), (await credentials.authenticate(secret))?.credential.name]).toEqual(['rec_test_', 'laptop'])
  })

  test('lie sealed in the key store, as a keyed hash: neither secret nor name stands in it [ACC-4]', async () => {
    const { credentials, keyStore } = desk()
    const { secret, credential } = await credentials.create('acme', ask)
    const rows = (await keyStore.list(mintAny('~system', '~api-keys'), 'key')).items
    expect(rows.map((row) => row.logId)).toEqual([credential.id])
    const raw = Buffer.concat(rows.map((row) => Buffer.from(row.body)))
    for (const canary of [secret, parseApiKey(secret)!.secret, 'laptop', 'alice']) expect(raw.includes(canary)).toBe(false)
    expect(JSON.stringify([credential, (await credentials.list('acme')).items])).not.toContain(parseApiKey(secret)!.secret)
    expect(Object.keys(credential)).not.toContain('mac')
  })

  test('missing, malformed, unknown, wrong, expired and revoked are one answer [ACC-7]', async () => {
    const { credentials, clock } = desk()
    const { secret } = await credentials.create('acme', ask)
    const other = await credentials.create('acme', { ...ask, name: 'other' })
    const good = parseApiKey(secret)!
    const spell = (body: string) => `${body}_${crc32(body).toString(16).padStart(8, '0')}`
    const wrong = [
      '',
      'x',
      undefined,
      null,
      7,
      {},
      `Bearer ${secret}`,
      secret.toUpperCase(),
      `${secret} `,
      `${secret}\n`,
      secret.slice(0, -1),
      secret.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
      spell(`rec_live_${'b'.repeat(16)}_${good.secret}`),
      spell(`rec_live_${good.id}_${'b'.repeat(52)}`),
      spell(`rec_live_${good.id}_${parseApiKey(other.secret)!.secret}`),
      'rec_'.repeat(1000),
    ]
    for (const one of wrong) expect(await credentials.authenticate(one as string), String(one).slice(0, 40)).toBeUndefined()
    await credentials.revoke('acme', other.credential.id)
    expect(await credentials.authenticate(other.secret)).toBeUndefined()
    clock.advance(limits.keyDays * day - 1)
    expect(await credentials.authenticate(secret)).toBeDefined()
    clock.advance(1)
    expect(await credentials.authenticate(secret)).toBeUndefined()
  })

  test('what does not parse, an unknown id and a wrong secret take the same steps: one look-up, one comparison [ACC-4]', async () => {
    const { parts } = desk()
    const asked: string[] = []
    const store = { ...parts.store, head: async (ref: Parameters<typeof parts.store.head>[0]) => (asked.push(ref.logId), parts.store.head(ref)) }
    const credentials = createCredentials({ ...parts, store })
    const good = parseApiKey((await credentials.create('acme', ask)).secret)!
    const spell = (body: string) => `${body}_${crc32(body).toString(16).padStart(8, '0')}`
    const steps = []
    for (const secret of ['not a key', spell(`rec_live_${'b'.repeat(16)}_${good.secret}`), spell(`rec_live_${good.id}_${'b'.repeat(52)}`)]) {
      asked.length = 0
      expect(await credentials.authenticate(secret)).toBeUndefined()
      steps.push(asked.length)
    }
    expect(steps).toEqual([1, 1, 1])
  })

  test('a key revoked elsewhere is refused at its next use [ACC-4]', async () => {
    const { credentials, parts, wrap, keyStore } = desk()
    const { secret, credential } = await credentials.create('acme', ask)
    const node2 = createCredentials({ ...parts, store: wrap(keyStore) })
    expect(await node2.authenticate(secret)).toBeDefined()
    await credentials.revoke('acme', credential.id)
    await credentials.revoke('acme', credential.id) // twice is fine
    expect(await node2.authenticate(secret)).toBeUndefined()
    expect((await node2.list('acme')).items[0]!.revokedAt).toBeDefined()
  })

  test('live 90 days by default, 365 at most [ACC-4]', async () => {
    const { credentials, clock } = desk()
    const now = clock.now()
    expect((await credentials.create('acme', ask)).credential.expiresAt).toBe(now + 90 * day)
    const longest = now + 365 * day
    expect((await credentials.create('acme', { ...ask, expiresAt: longest })).credential.expiresAt).toBe(longest)
    for (const expiresAt of [longest + 1, now, now - 1, Number.NaN, Infinity])
      await expect(credentials.create('acme', { ...ask, name: 'n', expiresAt })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('two live ones a name, for rotation; a revoked or expired one makes room [ACC-4]', async () => {
    const { credentials, clock } = desk()
    const first = await credentials.create('acme', ask)
    const second = await credentials.rotate('acme', first.credential.id)
    expect(second.credential).toMatchObject({ name: 'laptop', ownerId: 'alice', roles: ['owner'], userText: 'user-typed' })
    expect([await credentials.authenticate(first.secret), await credentials.authenticate(second.secret)].every(Boolean)).toBe(true)
    await expect(credentials.create('acme', ask)).rejects.toMatchObject({ code: 'limit_exceeded', limit: 2, given: 3 })
    await credentials.create('other', ask) // another tenant's names are its own
    await credentials.revoke('acme', first.credential.id)
    await expect(credentials.rotate('acme', first.credential.id)).rejects.toMatchObject({ code: 'not_found' })
    await credentials.create('acme', ask)
    clock.advance(90 * day)
    await credentials.create('acme', ask)
  })

  test('two that are issued at once cannot both be the second [ACC-4]', async () => {
    const { credentials } = desk()
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => credentials.create('acme', ask)))
    expect(results.filter((one) => one.status === 'fulfilled').length).toBeLessThanOrEqual(2)
    for (const one of results) if (one.status === 'rejected') expect((one.reason as RecollectError).retryable).toBe(true)
  })

  test('the last use is kept to the hour, by one write an hour [ACC-4]', async () => {
    const { credentials, keyStore, clock } = desk()
    const { secret } = await credentials.create('acme', ask)
    clock.advance(90 * 60_000)
    for (let i = 0; i < 5; i++) await credentials.authenticate(secret)
    const [row] = (await keyStore.list(mintAny('~system', '~api-keys'), 'key')).items
    expect(row!.revision).toBe(2)
    expect((await credentials.list('acme')).items[0]!.lastUsedAt).toBe(clock.now() - 30 * 60_000)
  })

  test('a store that cannot write the last use lets the key in all the same [ACC-4]', async () => {
    const { credentials, parts } = desk()
    const { secret } = await credentials.create('acme', ask)
    const full = tampered(parts.store, { updateHead: async () => Promise.reject(new RecollectError('unavailable', 'disk full', 'Free some.')) })
    expect(await createCredentials({ ...parts, store: full }).authenticate(secret)).toBeDefined()
  })

  test('issue and revocation are audited before the answer, and fail without it [ACC-4]', async () => {
    const { credentials, told } = desk()
    const { credential } = await credentials.create('acme', ask)
    await credentials.revoke('acme', credential.id)
    expect(told.map(({ action, tenantId, actor, target }) => [action, tenantId, actor, target!.pseudonym])).toEqual([
      ['credential.issue', 'acme', 'in-process', credential.id],
      ['credential.revoke', 'acme', 'in-process', credential.id],
    ])
    const deaf = desk(true)
    await expect(deaf.credentials.create('acme', ask)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await deaf.credentials.list('acme')).items).toEqual([])
  })

  test("another tenant's key is absent: not listed, not rotated, not revoked [ACC-4]", async () => {
    const { credentials } = desk()
    const { credential, secret } = await credentials.create('acme', ask)
    expect((await credentials.list('other')).items).toEqual([])
    for (const id of [credential.id, 'a'.repeat(16), 'x', '', '../..'])
      for (const call of [() => credentials.revoke('other', id), () => credentials.rotate('other', id)])
        await expect(call()).rejects.toMatchObject({ code: 'not_found' })
    expect(await credentials.authenticate(secret)).toBeDefined()
  })

  test('what is asked for is checked: names, roles, grants, the origin of user text [ACC-4]', async () => {
    const { credentials } = desk()
    const bad: Partial<Record<keyof CredentialRequest, unknown>>[] = [
      { name: '' },
      { name: '~x' },
      { name: undefined },
      { roles: [] },
      { roles: ['root'] },
      { roles: 'owner' },
      { grants: ['all'] },
      { userText: undefined },
      { userText: 'typed' },
      { ownerId: '~keys' },
      { ownerId: undefined },
      { role: ['owner'] } as object,
    ]
    for (const none of [undefined, null, 5, 'app', []])
      await expect(credentials.create('acme', none as never)).rejects.toMatchObject({ code: 'invalid_input' })
    for (const change of bad)
      await expect(credentials.create('acme', { ...ask, ...change } as CredentialRequest), JSON.stringify(change)).rejects.toMatchObject({
        code: 'invalid_input',
      })
    await expect(credentials.create('~audit', ask)).rejects.toMatchObject({ code: 'invalid_input' })
    await credentials.create('acme', { name: 'app', roles: ['owner'], grants: ['act-for-owner'], userText: 'paste' })
    await credentials.create('~system', { name: 'ops', roles: ['operator'], userText: 'paste' })
  })
})

describe('who may issue what', () => {
  const admin = actorOf({ tenantId: 'acme', roles: ['tenant-admin'], grants: [], credentialId: 'adm', person: false })

  test('operator and auditor stand alone in a key [ACC-3]', async () => {
    const { credentials } = desk()
    for (const roles of [
      ['operator', 'owner'],
      ['auditor', 'tenant-reader'],
      ['operator', 'auditor'],
    ] as const)
      await expect(credentials.create('acme', { ...ask, roles })).rejects.toMatchObject({ code: 'content_refused' })
  })

  test('nobody issues more than they have: roles, grants, tenants [ACC-3]', async () => {
    const { credentials, told } = desk()
    const owner = actorOf({ ...admin, roles: ['owner'], ownerId: 'alice' })
    const refused: [CredentialRequest, typeof admin, string][] = [
      [{ ...ask, roles: ['operator'] }, admin, 'acme'],
      [{ ...ask, grants: ['act-for-owner'] }, admin, 'acme'],
      [ask, admin, 'other'],
      [ask, owner, 'acme'],
      [ask, actorOf({ ...admin, roles: ['operator'] }), 'acme'],
      [ask, actorOf({ ...admin, roles: ['auditor'] }), 'acme'],
    ]
    for (const [request, issuer, tenant] of refused)
      await expect(credentials.create(tenant, request, issuer)).rejects.toMatchObject({ code: 'content_refused' })
    expect(told).toEqual([])
    await credentials.create('acme', ask, admin)
    await credentials.create('acme', { ...ask, grants: ['act-for-owner'] }, actorOf({ ...admin, grants: ['act-for-owner'] }))
    expect(told[0]!.actor).toBe('adm')
  })

  test('rotating is issuing: a key that holds more than the issuer may give is not rotated by them [ACC-3]', async () => {
    const { credentials } = desk()
    const { credential } = await credentials.create('acme', { ...ask, grants: ['act-for-owner'] })
    await expect(credentials.rotate('acme', credential.id, admin)).rejects.toMatchObject({ code: 'content_refused' })
  })
})
