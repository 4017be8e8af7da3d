import { expect, test } from 'vitest'
import { world } from '../../../test/attacks/seal-fixture.ts'
import { seededRandom } from '../../testing/index.ts'
import { createSealedTokens, type TokenBinding } from './sealed-token.ts'

const binding: TokenBinding = { purpose: 'cursor', tenantId: 'acme', ownerId: 'alice', route: '/v1/sessions', filter: 'updatedAfter=5' }

test('a token opens for what it was made for, until its end [SEAL-22]', async () => {
  const { ring, clock, random } = world()
  const tokens = createSealedTokens({ ring, clock, random })
  const token = await tokens.seal(binding, { after: ['x', 7] }, 1000)
  expect(token).toMatch(/^[\w-]+$/)
  expect(Buffer.from(token, 'base64url').includes('after')).toBe(false)
  expect(await tokens.open(binding, token)).toEqual({ after: ['x', 7] })
  clock.advance(999)
  expect(await tokens.open(binding, token)).toEqual({ after: ['x', 7] })
  clock.advance(1)
  expect(await tokens.open(binding, token)).toBeUndefined()
})

test('one of another purpose, tenant, owner, route or filter does not open [SEAL-22]', async () => {
  const { ring, clock, random } = world()
  const tokens = createSealedTokens({ ring, clock, random })
  const token = await tokens.seal(binding, 1, 1000)
  const others: Partial<TokenBinding>[] = [
    { purpose: 'response-id' },
    { tenantId: 'acm' },
    { ownerId: 'ealice' },
    { route: '/v1/session' },
    { filter: '' },
  ]
  for (const other of others) expect(await tokens.open({ ...binding, ...other }, token)).toBeUndefined()
  // A character moved over the border of two fields.
  expect(await tokens.open({ ...binding, tenantId: 'acmea', ownerId: 'lice' }, token)).toBeUndefined()
})

test('one that was changed in any bit, respelled, cut or made up does not open, and nothing throws [SEAL-22]', async () => {
  const { ring, clock, random } = world()
  const tokens = createSealedTokens({ ring, clock, random })
  const token = await tokens.seal(binding, 'payload', 1000)
  const bytes = Buffer.from(token, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    expect(await tokens.open(binding, changed.toString('base64url'))).toBeUndefined()
  }
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const sameBytes = [...alphabet].map((last) => token.slice(0, -1) + last).filter((text) => text !== token)
  const made = [
    ...sameBytes,
    '',
    'x',
    token.slice(0, -2),
    `${token}=`,
    ` ${token}`,
    token.repeat(2),
    'A'.repeat(60),
    'é',
    'x'.repeat(100_000),
    undefined,
    null,
    7,
    {},
  ]
  for (const other of made) expect(await tokens.open(binding, other as string)).toBeUndefined()
})

test('random bytes of every length do not open [SEAL-22]', async () => {
  const { ring, clock, random } = world()
  const tokens = createSealedTokens({ ring, clock, random })
  const noise = seededRandom(5)
  for (let length = 0; length < 200; length++)
    for (let i = 0; i < 5; i++) expect(await tokens.open(binding, Buffer.from(noise(length)).toString('base64url'))).toBeUndefined()
})

test('tokens of another deployment do not open [SEAL-22]', async () => {
  const [a, b] = [world({ seed: 1 }), world({ seed: 2 })]
  const token = await createSealedTokens({ ring: a.ring, clock: a.clock, random: a.random }).seal(binding, 1, 1000)
  expect(await createSealedTokens({ ring: b.ring, clock: b.clock, random: b.random }).open(binding, token)).toBeUndefined()
})
