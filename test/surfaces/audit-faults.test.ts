// What befalls seals and keys is in the audit trail: a body that does not open, and a data key that is renewed.
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { refOf } from '../../src/core/log-ref.ts'
import { createKeyRing } from '../../src/security/keys/key-ring.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { mintAny } from '../../src/security/mint.ts'
import { sealedStore } from '../../src/security/sealing/sealed-store.ts'
import { manualClock, recordingTelemetry, seededRandom } from '../../src/testing/index.ts'
import { eventIn, withFuse, type TrailEvent } from './audit-trail.ts'
import { aWorld, codeOf, memoryStores, start } from './library-world.ts'

const dayMs = 86_400_000

/** Sealed memory stores under a Recollect, and the trail as the keys open it. */
async function aSealedHouse() {
  const clock = manualClock(start)
  const raw = memoryStores(clock)
  const keyProvider = memoryKeyProvider({ random: seededRandom(11) })
  const { store: sessions, fuse } = withFuse(raw.sessions)
  const { recollect } = await aWorld('memory', { clock, keyProvider, stores: { ...raw, sessions }, lives: { idleMs: 400 * dayMs } })
  const ring = createKeyRing({ store: raw.keys, provider: keyProvider, clock, random: seededRandom(12), mint: mintAny })
  const view = sealedStore(raw.sessions, ring, { seal: 'on', random: seededRandom(13), telemetry: recordingTelemetry() })
  const session = await recollect.user('alice').session('s')
  await session.append({ id: 'm1', role: 'user', text: 'canary' })
  return {
    raw,
    clock,
    fuse,
    recollect,
    session,
    async trail(tenantId: string): Promise<readonly TrailEvent[]> {
      const events: TrailEvent[] = []
      const scope = mintAny(tenantId, '~audit')
      for (const { logId } of (await view.list(scope, 'audit')).items)
        for (const { body } of await view.read(refOf(scope, 'audit', logId))) events.push(eventIn(body))
      return events
    },
    /** Until what was noted is written. */
    async written() {
      for (let i = 0; i < 20; i++) await turnOfTheLoop()
      clock.advance(limits.auditBatchMs)
      for (let i = 0; i < 20; i++) await turnOfTheLoop()
    },
  }
}
const alice = { tenantId: 'default', ownerId: 'alice', kind: 'session', logId: 's' } as const

describe('a body that does not open', () => {
  test('is told within 1 s, by the pseudonym of its owner and without a name [AUD-5]', async () => {
    const house = await aSealedHouse()
    const [old] = await house.raw.sessions.read(alice)
    const changed = Uint8Array.from(old?.body ?? [])
    changed[40] = (changed[40] as number) ^ 1
    await house.raw.sessions.rewrite(alice, [{ seq: 1, body: changed }])
    expect(await codeOf(house.session.messages())).toBe('integrity_failure')
    await house.written()
    const events = await house.trail('default')
    expect(events).toMatchObject([
      {
        action: 'integrity.failed',
        decision: 'failed',
        reason: 'integrity_failure',
        target: { kind: 'owner', pseudonym: await house.recollect.user('alice').pseudonym() },
      },
    ])
    expect(JSON.stringify(events)).not.toMatch(/alice|canary/)
  })

  test('beside lost keys is told without an owner, and no new keys are made for it [AUD-5, SEAL-2]', async () => {
    const house = await aSealedHouse()
    await house.raw.keys.delete({ tenantId: 'default', ownerId: '~keys', kind: 'key', logId: 'alice' })
    expect(await codeOf(house.session.messages())).toBe('integrity_failure')
    await house.written()
    expect((await house.trail('default')).map(({ action, target }) => [action, target])).toEqual([['integrity.failed', undefined]])
    expect((await house.raw.keys.list({ tenantId: 'default', ownerId: '~keys' }, 'key')).items.map(({ logId }) => logId)).not.toContain('alice')
  })

  test('of the trail itself is told in the trail of the deployment [AUD-5]', async () => {
    const house = await aSealedHouse()
    await house.session.delete()
    const owner = { tenantId: 'default', ownerId: '~audit' }
    const month = (await house.raw.sessions.list(owner, 'audit')).items[0]?.logId as string
    await house.raw.sessions.updateHead({ ...owner, kind: 'audit', logId: month }, 3, { body: new Uint8Array(60) })
    expect(await house.recollect.audit.verify('default')).toMatchObject({ ok: false })
    await house.written()
    expect(await house.trail('~system')).toMatchObject([{ action: 'integrity.failed', target: { kind: 'owner', pseudonym: '~audit' } }])
  })
})

describe('a data key that is due', () => {
  test('is told before its next version is made, once [AUD-5]', async () => {
    const house = await aSealedHouse()
    house.clock.advance(limits.dataKeyDays * dayMs)
    await Promise.all([1, 2, 3].map((n) => house.session.append({ role: 'user', text: `${n}` })))
    await house.written()
    const pseudonym = await house.recollect.user('alice').pseudonym()
    expect(await house.trail('default')).toMatchObject([
      { action: 'key.renew', decision: 'allow', counts: { version: 2 }, target: { kind: 'owner', pseudonym } },
    ])
  })

  test('is not renewed, and nothing is written, where that cannot be told [AUD-5]', async () => {
    const house = await aSealedHouse()
    house.clock.advance(limits.dataKeyDays * dayMs)
    house.fuse.left = 0
    expect(await codeOf(house.session.append({ role: 'user', text: 'late' }))).toBe('unavailable')
    expect((await house.raw.sessions.head(alice))?.version).toBe(1)
    expect((await house.raw.keys.head({ tenantId: 'default', ownerId: '~keys', kind: 'key', logId: 'alice' }))?.version).toBe(2)
    house.fuse.left = Number.POSITIVE_INFINITY
    expect((await house.session.append({ role: 'user', text: 'late' })).added).toBe(1)
  })

  test('of the trail is renewed too, and told in the trail of the deployment [AUD-5]', async () => {
    const house = await aSealedHouse()
    await house.session.redact('m1')
    house.clock.advance(limits.dataKeyDays * dayMs)
    await house.session.delete()
    await house.written()
    expect((await house.trail('~system')).map(({ action, target }) => [action, target?.pseudonym])).toContainEqual(['key.renew', '~audit'])
    expect(await house.recollect.audit.verify('default')).toMatchObject({ ok: true })
  })
})
