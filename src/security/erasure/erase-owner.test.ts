import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { entry, head, start, tampered, textOf, world } from '../../../test/attacks/seal-fixture.ts'
import { RecollectError } from '../../core/errors.ts'
import { logKinds, refOf } from '../../core/log-ref.ts'
import type { Owner, Scope } from '../../core/scope.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { manualClock, recordingTelemetry, seededRandom } from '../../testing/index.ts'
import { createAuditLog } from '../audit/audit-log.ts'
import { createErasure, type ErasureParts } from './erase-owner.ts'
import { createKeyRing } from '../keys/key-ring.ts'
import { memoryKeyProvider } from '../keys/memory-key-provider.ts'
import { mint, mintAny } from '../mint.ts'
import { ownerPseudonym, sessionPseudonym } from '../keys/pseudonyms.ts'
import { createReceipts } from './receipts.ts'
import { sealedStore } from '../sealing/sealed-store.ts'

const us = { actor: 'in-process' }
/** What an erasure needs beside stores, keys and the world. */
const plainParts: Pick<ErasureParts, 'caches' | 'snapshotNames' | 'exclusively' | 'countRecords' | 'quiet'> = {
  caches: [],
  snapshotNames: ['n'],
  exclusively: (_, run) => run(), // the lease itself: test/surfaces/memory-races.test.ts
  countRecords: async () => 4,
  quiet: async () => {},
}

/** Two data stores, keys, audit trail and erasure over them. `change` replaces parts. */
function house(change: Partial<ErasureParts> = {}, raw: { sessions?: LogStore; memories?: LogStore } = {}) {
  const made = world(raw.sessions === undefined ? {} : { data: raw.sessions })
  const memoriesRaw = raw.memories ?? memoryStore({ clock: made.clock })
  const sessions = made.store
  const memories = made.wrap(memoriesRaw)
  const { ring, clock, random, telemetry } = made
  const audit = createAuditLog({ store: sessions, ring, clock, random, mint: mintAny, node: 'n1', telemetry })
  const stores = [
    { name: 'sessions', store: sessions, raw: made.data },
    { name: 'memories', store: memories, raw: memoriesRaw },
  ]
  const parts: ErasureParts = { ...plainParts, stores, ring, audit, clock, random, telemetry, ...change }
  return { ...made, memories, memoriesRaw, audit, parts, erasure: createErasure(parts), receipts: createReceipts(ring) }
}
type House = ReturnType<typeof house>

async function fill({ store, memories }: Pick<House, 'store' | 'memories'>, owner: Scope) {
  for (const [i, kind] of logKinds.entries()) {
    const ref = refOf(owner, kind, `${kind}-${owner.ownerId}`)
    const where = i % 2 === 0 ? store : memories
    await where.open(ref, head(`head canary-${owner.ownerId}`))
    await where.append(ref, [entry('m1', `canary-${owner.ownerId}`), entry('m2', 'more')])
    const { fence } = (await where.lease({ tenantId: owner.tenantId, ownerId: owner.ownerId, purpose: `p${i}` }, 5000))!
    await where.saveSnapshot(ref, { name: 'n', upTo: 1, chunks: [head('chunk').body] }, { fence })
  }
}
const rows = async (house: House, owner: Scope) => {
  let count = 0
  for (const store of [house.data, house.memoriesRaw]) for (const kind of logKinds) count += (await store.list(owner, kind)).items.length
  return count
}

describe('erasing an owner', () => {
  test('removes every log of every kind in every store, and leaves the neighbours as they are [ERA-5]', async () => {
    const it = house()
    const [bob, twin] = [mint('acme', 'bob'), mint('other', 'alice')]
    for (const owner of [it.alice, bob, twin]) await fill(it, owner)
    const receipt = await it.erasure.eraseOwner(it.alice, us)
    expect(receipt).toMatchObject({ verb: 'erase', clean: true, dryRun: false, dataKeys: 1 })
    expect(receipt.removed.map(({ store, logs, entries, snapshots }) => [store, logs, entries, snapshots])).toEqual([
      ['sessions', 3, 6, 3],
      ['memories', 3, 6, 3],
    ])
    expect(receipt.removed.every((one) => one.bytes > 0)).toBe(true)
    expect([await rows(it, it.alice), await rows(it, bob), await rows(it, twin)]).toEqual([0, 6, 6])
    expect(textOf((await it.store.read(refOf(bob, 'session', 'session-bob')))[0]!.body)).toBe('canary-bob')
    expect((await it.keyStore.list(mintAny('acme', '~keys'), 'key')).items.map((one) => one.logId).toSorted()).toEqual(['bob', '~audit'])
  })

  test('closes the key log before anything goes: nobody gets keys meanwhile, and the name may start anew after [ERA-5]', async () => {
    const seen: string[] = []
    const it = house({
      quiet: async () =>
        void seen.push(
          await it.ring.ownerKeys(it.alice).then(
            () => 'keys',
            (error: RecollectError) => error.code,
          ),
        ),
    })
    await fill(it, it.alice)
    const before = (await it.ring.ownerKeys(it.alice)).tag('id', ['x'])
    await it.erasure.eraseOwner(it.alice, us)
    expect(seen).toEqual(['not_found'])
    expect(await it.store.head(it.session('session-alice'))).toBeUndefined()
    await it.store.open(it.session('new'), head('anew'))
    expect(textOf((await it.store.head(it.session('new')))!.body)).toBe('anew')
    expect((await it.ring.ownerKeys(it.alice)).tag('id', ['x'])).not.toBe(before)
  })

  test('a write that slipped in between lies under a dead key and goes in the second pass [ERA-5]', async () => {
    const it = house({
      quiet: async () => {
        // A request that had its keys before the closing, and its write after the first pass.
        await it.data.open(it.session('late'), head('late'))
        await it.data.append(it.session('late'), [entry('m1', 'late')])
      },
    })
    await fill(it, it.alice)
    const receipt = await it.erasure.eraseOwner(it.alice, us)
    expect(receipt.clean).toBe(true)
    expect(receipt.removed[0]!.logs).toBe(4)
    expect(await rows(it, it.alice)).toBe(0)
  })

  for (const step of ['audit', 'close', 'first pass', 'destroy', 'quiet', 'second pass', 'done', 'remove'] as const)
    test(`killed at "${step}" it goes on when called again, and is clean [ERA-5]`, async () => {
      const it = house()
      await fill(it, it.alice)
      const pseudonym = ownerPseudonym(await it.ring.ownerKeys(it.alice), 'alice')
      let killed = false
      let erasures = 0
      const die =
        <T>(at: typeof step, after: () => Promise<T>) =>
        async (): Promise<T> => {
          if (at !== step || killed) return after()
          killed = true
          if (['close', 'first pass', 'destroy'].includes(at)) await after() // done, and then dead before anybody heard
          throw new RecollectError('unavailable', 'killed', 'Again.')
        }
      const { parts } = it
      const erase = (store: LogStore): LogStore =>
        tampered(store, { erase: (scope) => die(++erasures <= 2 ? 'first pass' : 'second pass', () => store.erase(scope))() })
      const dying: ErasureParts = {
        ...parts,
        stores: parts.stores.map((one) => ({ ...one, store: erase(one.store) })),
        ring: {
          ...parts.ring,
          close: (...args) => die('close', () => parts.ring.close(...args))(),
          destroy: (owner) => die('destroy', () => parts.ring.destroy(owner))(),
          remove: (owner) => die('remove', () => parts.ring.remove(owner))(),
        },
        audit: { ...parts.audit, record: (event) => die(event.action === 'erase.done' ? 'done' : 'audit', () => parts.audit.record(event))() },
        quiet: die('quiet', async () => {}),
      }
      await expect(createErasure(dying).eraseOwner(it.alice, us)).rejects.toMatchObject({ code: 'unavailable' })
      // Another process, with caches of its own.
      const ring = createKeyRing({ store: it.keyStore, provider: it.provider, clock: it.clock, random: seededRandom(8), mint: mintAny })
      const receipt = await createErasure({ ...parts, ring }).eraseOwner(it.alice, us)
      expect(receipt).toMatchObject({ clean: true, dataKeys: 1, target: pseudonym })
      expect(receipt.resumed).toBe(step === 'audit' ? undefined : true) // so a reader knows that `removed` is what the first call had left
      expect(await rows(it, it.alice)).toBe(0)
      expect(await ring.look(it.alice)).toBeUndefined()
      expect(await it.audit.verify('acme')).toMatchObject({ ok: true })
    })

  test('twice is fine, and an owner who never was is erased too [ERA-5]', async () => {
    const it = house()
    await fill(it, it.alice)
    await it.erasure.eraseOwner(it.alice, us)
    const again = await it.erasure.eraseOwner(it.alice, us)
    expect(again).toMatchObject({ clean: true, dataKeys: 0 })
    expect(again.removed.every(({ logs }) => logs === 0)).toBe(true)
    expect(await it.erasure.eraseOwner(mint('acme', 'nobody'), us)).toMatchObject({ clean: true })
    expect(await it.ring.look({ tenantId: 'acme', ownerId: 'nobody' })).toBeUndefined()
  })

  test('without the audit log nothing is erased [ERA-5]', async () => {
    const it = house()
    await fill(it, it.alice)
    const deaf = createErasure({
      ...it.parts,
      audit: { ...it.audit, record: async () => Promise.reject(new RecollectError('unavailable', 'no audit', 'Later.')) },
    })
    await expect(deaf.eraseOwner(it.alice, us)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await rows(it, it.alice)).toBe(6)
    expect(textOf((await it.store.read(it.session('session-alice')))[0]!.body)).toBe('canary-alice')
  })

  test('two at once both end clean [ERA-5]', async () => {
    const it = house()
    await fill(it, it.alice)
    const both = await Promise.all([it.erasure.eraseOwner(it.alice, us), it.erasure.eraseOwner(it.alice, us)])
    expect(both.map((one) => one.clean)).toEqual([true, true])
    expect(await rows(it, it.alice)).toBe(0)
  })

  test('only a minted scope is erased [ERA-5]', async () => {
    const it = house()
    await expect(it.erasure.eraseOwner({ tenantId: 'acme', ownerId: 'alice' } as never, us)).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('a dry run counts the same and removes nothing [ERA-6]', async () => {
    const it = house()
    await fill(it, it.alice)
    const dry = await it.erasure.eraseOwner(it.alice, us, { dryRun: true })
    expect(dry).toMatchObject({ dryRun: true, dataKeys: 1 })
    expect(await rows(it, it.alice)).toBe(6)
    expect(await it.audit.verify('acme')).toMatchObject({ checked: 0 })
    const real = await it.erasure.eraseOwner(it.alice, us)
    const counts = (removed: typeof real.removed) =>
      removed.map(({ store, logs, entries, snapshots, bytes }) => [store, logs, entries, snapshots, bytes > 0])
    expect(counts(dry.removed)).toEqual(counts(real.removed))
    expect(dry.target).toBe(real.target)
  })
})

describe('the receipt', () => {
  test('holds no clear name and no content, and names the owner as the audit trail does [ERA-6]', async () => {
    const it = house()
    await fill(it, it.alice)
    const receipt = await it.erasure.eraseOwner(it.alice, { actor: 'key1', role: 'tenant-admin' })
    expect(JSON.stringify(receipt)).not.toMatch(/alice|acme|canary/)
    expect(receipt.records).toBe(4)
    const month = refOf(mintAny('acme', '~audit'), 'audit', '2100-01')
    const events = (await it.store.read(month)).map(
      (one) => JSON.parse(textOf(one.body).split('\n')[0]!) as { action: string; actor: string; role: string; target: { pseudonym: string } },
    )
    expect(events.map((one) => [one.action, one.actor, one.role, one.target.pseudonym])).toEqual([
      ['erase.begun', 'key1', 'tenant-admin', receipt.target],
      ['erase.done', 'key1', 'tenant-admin', receipt.target],
    ])
    expect(receipt.auditHead).toEqual(await it.audit.head('acme'))
    expect(receipt.notProbed.map((one) => one.place)).toEqual(['backups', 'models'])
    expect(receipt.notProbed[0]!.goneBy).toBe(receipt.completedAt + 7 * 86_400_000)
  })

  test('can be checked later, and not with one field changed or in another tenant [ERA-6]', async () => {
    const it = house()
    await fill(it, it.alice)
    const receipt = await it.erasure.eraseOwner(it.alice, us)
    const travelled = JSON.parse(JSON.stringify(receipt)) as typeof receipt
    expect(await it.receipts.check('acme', travelled)).toBe(true)
    expect(await it.receipts.check('other', travelled)).toBe(false)
    for (const field of Object.keys(travelled) as (keyof typeof travelled)[])
      expect(await it.receipts.check('acme', { ...travelled, [field]: 'changed' } as never), field).toBe(false)
  })

  test('the audit chain survives an erasure, and pseudonyms mean nothing after it [ERA-9]', async () => {
    const it = house()
    await fill(it, it.alice)
    const keys = await it.ring.ownerKeys(it.alice)
    const [owner, session] = [ownerPseudonym(keys, 'alice'), sessionPseudonym(keys, 's1')]
    expect(owner).not.toBe(session)
    await it.audit.record({ tenantId: 'acme', action: 'session.delete', target: { kind: 'session', pseudonym: session }, decision: 'done' })
    await it.erasure.eraseOwner(it.alice, us)
    expect(await it.audit.verify('acme')).toMatchObject({ ok: true, checked: 3 })
    const anew = await it.ring.ownerKeys(it.alice)
    expect([ownerPseudonym(anew, 'alice'), sessionPseudonym(anew, 's1')]).not.toContain(owner)
    expect(sessionPseudonym(anew, 's1')).not.toBe(session)
  })
})

const fileOf = (bytes: Uint8Array) => ({
  read: async (buffer: Uint8Array, at: number) => {
    const piece = bytes.subarray(at, at + buffer.length)
    buffer.set(piece)
    return piece.length
  },
})

describe('residue', () => {
  /** A driver that leaves something behind when it erases. */
  const leaving = (what: (inner: LogStore, scope: { tenantId: string; ownerId: string }) => Promise<void>) => {
    const inner = memoryStore({ clock: manualClock(start) })
    return tampered(inner, {
      erase: async (scope) => {
        const count = await inner.erase(scope)
        await what(inner, scope)
        return count
      },
    })
  }

  test('a driver built to leave a row behind gives clean: false, an audit event and a count [ERA-8]', async () => {
    const left = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'session-alice' } as const
    for (const [place, what] of [
      ['sessions: list', async (inner: LogStore) => void (await inner.open({ ...left, logId: 'under another name' }, head('x')))],
      ['sessions: head', async (inner: LogStore) => void (await inner.open(left, head('x')))],
    ] as const) {
      const it = house({}, { sessions: leaving(what) })
      await fill(it, it.alice)
      const receipt = await it.erasure.eraseOwner(it.alice, us)
      expect(receipt.clean).toBe(false)
      expect(receipt.probes.find((probe) => probe.place === place)!.found).toBeGreaterThan(0)
      expect(it.telemetry.counted('recollect_erase_residue_total')).toBeGreaterThan(0)
      const month = refOf(mintAny('acme', '~audit'), 'audit', '2100-01')
      const events = (await it.store.read(month)).map(
        (one) => JSON.parse(textOf(one.body).split('\n')[0]!) as { action: string; decision: string; reason?: string },
      )
      expect(events.map(({ action, decision, reason }) => [action, decision, reason])).toEqual([
        ['erase.begun', 'allow', undefined],
        ['erase.done', 'failed', 'residue'],
        ['erase.done', 'done', undefined],
      ])
    }
  })

  test('a cache that still holds something of the owner is a find, however often it was told to drop it [ERA-7]', async () => {
    const cache = { place: 'cache: sessions', drop: () => {}, holds: () => 2 }
    const it = house({ caches: [cache] })
    await fill(it, it.alice)
    const receipt = await it.erasure.eraseOwner(it.alice, us)
    expect(receipt.probes).toContainEqual({ place: 'cache: sessions', lookedFor: 1, found: 2 })
    expect(receipt.clean).toBe(false)
  })

  test('what is asked while the owner goes is no find, and is in no cache afterwards [ERA-5, ERA-7]', async () => {
    const held = new Map<string, number>()
    const asks = () => void held.set('alice', 1) // a search that came after its keys were closed leaves the vector of its question
    const cache = { place: 'cache', drop: ({ ownerId }: Owner) => void held.delete(ownerId), holds: ({ ownerId }: Owner) => held.get(ownerId) ?? 0 }
    const it = house({ caches: [cache] })
    await fill(it, it.alice)
    const ring = { ...it.ring, look: (owner: Owner) => (asks(), it.ring.look(owner)), remove: (owner: Owner) => (asks(), it.ring.remove(owner)) }
    const memories = { ...it.memoriesRaw, list: (...call: Parameters<LogStore['list']>) => (asks(), it.memoriesRaw.list(...call)) }
    const stores = it.parts.stores.map((store) => (store.name === 'memories' ? { ...store, raw: memories } : store))
    const receipt = await createErasure({ ...it.parts, stores, ring }).eraseOwner(it.alice, us)
    expect([receipt.clean, held.size]).toEqual([true, 0])
  })

  test('keys that stay behind are a find [ERA-7]', async () => {
    const it = house()
    await fill(it, it.alice)
    const receipt = await createErasure({ ...it.parts, ring: { ...it.ring, destroy: async () => {} } }).eraseOwner(it.alice, us)
    expect(receipt.probes).toContainEqual({ place: 'keys: wraps', lookedFor: 2, found: 2 })
    expect(receipt.clean).toBe(false)
  })

  test('in SQLite no byte of an erased owner is left in any file, and a store whose files keep bytes is found out [ERA-7]', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'recollect-erase-'))
    const clock = { now: () => start, sleep: (_: number) => new Promise<void>((resolve) => setTimeout(resolve, 250)) }
    const random = seededRandom(5)
    const telemetry = recordingTelemetry()
    const [data, keyStore] = [
      await sqliteStore({ path: join(folder, 'd', 'data.db'), clock }),
      await sqliteStore({ path: join(folder, 'k', 'keys.db'), clock }),
    ]
    try {
      const ring = createKeyRing({ store: keyStore, provider: memoryKeyProvider({ random }), clock, random, mint: mintAny })
      const store = sealedStore(data, ring, { seal: 'on', random, telemetry })
      const audit = createAuditLog({ store, ring, clock, random, mint: mintAny, node: 'n', telemetry })
      const [alice, bob] = [mint('acme', 'alice'), mint('acme', 'bob')]
      for (const owner of [alice, bob]) await fill({ store, memories: store }, owner)
      const stores = ['sessions', 'memories'].map((name) => ({ name, store, raw: data, files: () => data.files() }))
      const parts: ErasureParts = { ...plainParts, stores, keyDisk: keyStore, ring, audit, clock, random, telemetry }
      const receipt = await createErasure(parts).eraseOwner(alice, us)
      expect(receipt.probes.filter((probe) => probe.found > 0)).toEqual([])
      expect(receipt.clean).toBe(true)
      expect(receipt.removed.map((one) => [one.store, one.logs])).toEqual([['sessions', 6]]) // two roles, one store
      expect(receipt.probes.find((probe) => probe.place === 'sessions: files')!.lookedFor).toBeGreaterThanOrEqual(6 + 12 + 6)
      expect(receipt.probes.find((probe) => probe.place === 'keys: files')!.lookedFor).toBe(2)
      expect(textOf((await store.read(refOf(bob, 'session', 'session-bob')))[0]!.body)).toBe('canary-bob')
      // Bytes of Bob's, kept in a file that the store calls its own.
      const bobs = (await data.read(refOf(bob, 'session', 'session-bob')))[1]!.body
      let looks = 0
      const files = async () => {
        looks++
        return [...(await data.files()), fileOf(bobs)]
      }
      const leaky = { name: 'sessions', store, raw: data, files }
      const second = await createErasure({ ...parts, stores: [leaky], clock: { ...clock, sleep: async () => {} } }).eraseOwner(bob, us)
      expect(looks).toBe(9) // the file is read again before a find is reported; how often the key store's files are read is its own matter
      expect(second.probes.find((probe) => probe.place === 'sessions: files')!.found).toBeGreaterThanOrEqual(1)
      expect(second.clean).toBe(false)
    } finally {
      await Promise.all([data.close(), keyStore.close()])
      await rm(folder, { recursive: true })
    }
  })
})
