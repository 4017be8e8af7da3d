import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { entry, head, start, tampered, textOf, world } from '../../../test/attacks/seal-fixture.ts'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { KeyProvider } from '../../ports/key-provider.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { manualClock, seededRandom } from '../../testing/index.ts'
import { foldKeyLog } from './key-log.ts'
import { createKeyRing } from './key-ring.ts'
import { keyShelf, unwrapped, type LoadedKeys } from './loaded-keys.ts'
import { checkKeyStore, holdsData } from './key-store-check.ts'
import { memoryKeyProvider } from './memory-key-provider.ts'
import { mint, mintAny } from '../mint.ts'
import { collectResidue } from '../erasure/residue.ts'

const owner = { tenantId: 'acme', ownerId: 'alice' }
const keyRef = refOf(mintAny('acme', '~keys'), 'key', 'alice')
const broken = { code: 'integrity_failure' }
const versionOf = (body: Uint8Array) => Buffer.from(body).readUInt32BE(4)
const mark = { id: 'era_1', requestedAt: 1, target: 'own-x', dataKeys: 1 }

/** A provider that can be made to fail, and counts. */
function shaky(inner: KeyProvider) {
  const seen = { unwraps: 0, wraps: 0, down: undefined as RecollectError | undefined }
  const provider: KeyProvider = {
    ...inner,
    wrap: async (key, context) => (seen.wraps++, seen.down === undefined ? inner.wrap(key, context) : Promise.reject(seen.down)),
    unwrap: async (wrapped, context) => (seen.unwraps++, seen.down === undefined ? inner.unwrap(wrapped, context) : Promise.reject(seen.down)),
  }
  return { provider, seen }
}

describe('keys of an owner', () => {
  test('lie in the key store under ~keys, wrapped, one log an owner [SEAL-17]', async () => {
    const { ring, keyStore } = world()
    await ring.ownerKeys(owner)
    await ring.ownerKeys({ tenantId: 'acme', ownerId: 'bob' })
    expect((await keyStore.owners()).items).toEqual([{ tenantId: 'acme', ownerId: '~keys' }])
    expect((await keyStore.list(mintAny('acme', '~keys'), 'key')).items.map((one) => one.logId).toSorted()).toEqual(['alice', 'bob'])
    const entries = (await keyStore.read(keyRef)).map((one) => ({
      id: one.id,
      ...(JSON.parse(textOf(one.body)) as { purpose: string; version: number }),
    }))
    expect(entries.map(({ id, purpose, version }) => [id, purpose, version])).toEqual([
      ['subject', 'subject-key', 1],
      ['data-1', 'data-key', 1],
    ])
  })

  test('differ by owner, tenant and purpose, and stay the same over a restart and a new data key [SEAL-3]', async () => {
    const { ring, keyStore, provider, clock, random } = world()
    const tag = async (r: typeof ring, one = owner, purpose: 'id' | 'pseudonym' = 'id') => (await r.ownerKeys(one)).tag(purpose, ['x'])
    const first = await tag(ring)
    expect(first).toHaveLength(22)
    expect(await tag(ring, { ...owner, ownerId: 'bob' })).not.toBe(first)
    expect(await tag(ring, { ...owner, tenantId: 'other' })).not.toBe(first)
    expect(await tag(ring, owner, 'pseudonym')).not.toBe(first)
    clock.advance(limits.dataKeyDays * 86_400_000)
    await ring.sealKeys(owner, 'write')
    expect(await tag(createKeyRing({ store: keyStore, provider, clock, random, mint: mintAny }))).toBe(first)
  })

  test('come from two random keys of 32 bytes by HKDF, each purpose by its label, and an audit log by its id [SEAL-3, AUD-3]', async () => {
    const { ring, keyStore, provider } = world()
    const keys = await ring.sealKeys(owner, 'make')
    const { subject, data } = foldKeyLog(await keyStore.read(keyRef))
    const [subjectKey, dataKey] = [await unwrapped(provider, owner, subject!), await unwrapped(provider, owner, data[0]!)]
    expect([subjectKey.symmetricKeySize, dataKey.symmetricKeySize, dataKey.equals(subjectKey)]).toEqual([32, 32, false])
    const from = (key: KeyObject, info: string | Uint8Array) => createSecretKey(Buffer.from(hkdfSync('sha256', key, '', info, 32)))
    const prefixed = (...fields: string[]) => Buffer.concat(fields.flatMap((field) => [Buffer.from([0, 0, 0, field.length]), Buffer.from(field)]))
    expect(keys.current().key.equals(from(dataKey, 'recollect/v1/seal'))).toBe(true)
    expect((await ring.auditKey(owner, '2100-01'))?.key.equals(from(dataKey, prefixed('recollect/v1/audit', '2100-01')))).toBe(true)
    for (const purpose of ['token', 'api-key', 'receipt'] as const)
      expect((await ring.subjectKey(owner, purpose)).equals(from(subjectKey, `recollect/v1/${purpose}`)), purpose).toBe(true)
    for (const purpose of ['id', 'evidence', 'suppress', 'pseudonym'] as const) {
      const mac = createHmac('sha256', from(subjectKey, `recollect/v1/${purpose}`))
        .update(prefixed('a', 'bc'))
        .digest()
      expect(Buffer.compare((await ring.ownerKeys(owner)).mac(purpose, ['a', 'bc']), mac), purpose).toBe(0)
    }
  })

  test('of reserved owners are their own [SEAL-3]', async () => {
    const { ring } = world()
    const reserved = ['~audit', '~api-keys', '~system'].map((ownerId) => ({ tenantId: '~system', ownerId }))
    const keys = await Promise.all([owner, ...reserved].map(async (one) => (await ring.subjectKey(one, 'token')).export().toString('hex')))
    expect(new Set(keys).size).toBe(4)
  })

  test('are made once by fifty callers in two processes [SEAL-17]', async () => {
    const { ring, keyStore, provider, clock } = world()
    const other = createKeyRing({ store: keyStore, provider, clock, random: seededRandom(55), mint: mintAny })
    const tags = await Promise.all(Array.from({ length: 50 }, async (_, i) => (await (i % 2 === 0 ? ring : other).ownerKeys(owner)).tag('id', ['x'])))
    expect(new Set(tags).size).toBe(1)
    expect((await keyStore.head(keyRef))!.version).toBe(2)
  })

  test('the loser of a race reads the keys of the winner [SEAL-17]', async () => {
    const clock = manualClock(start)
    const keyStore = memoryStore({ clock })
    const provider = memoryKeyProvider({ random: seededRandom(3) })
    const winner = createKeyRing({ store: keyStore, provider, clock, random: seededRandom(4), mint: mintAny })
    const late = tampered(keyStore, {
      append: async (...args) => {
        await winner.ownerKeys(owner) // between the loser's look and its append
        return keyStore.append(...args)
      },
    })
    const loser = createKeyRing({ store: late, provider, clock, random: seededRandom(5), mint: mintAny })
    expect((await loser.ownerKeys(owner)).tag('id', ['x'])).toBe((await winner.ownerKeys(owner)).tag('id', ['x']))
    expect((await keyStore.head(keyRef))!.version).toBe(2)
  })

  test('reading never makes a key [SEAL-17]', async () => {
    const { ring, keyStore, store, session } = world()
    expect(await ring.sealKeys(owner, 'read')).toBeUndefined()
    expect(await ring.sealKeys(owner, 'write')).toBeUndefined()
    expect(await store.head(session())).toBeUndefined()
    await expect(store.read(session())).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.append(session(), [entry('m1', 'x')])).rejects.toMatchObject({ code: 'not_found' })
    expect((await keyStore.owners()).items).toEqual([])
  })

  test('key logs are not sealed by the wrapper; everything else in the key store is [SEAL-17]', async () => {
    const { keys, keyStore, ring } = world()
    await ring.ownerKeys(owner)
    expect((await keys.read(keyRef)).length).toBe(2)
    const apiKeys = refOf(mintAny('~system', '~api-keys'), 'key', 'k1')
    await keys.open(apiKeys, head('record'))
    expect(
      Buffer.from((await keyStore.head(apiKeys))!.body)
        .subarray(0, 2)
        .toString('hex'),
    ).toBe('5243')
    expect(textOf((await keys.head(apiKeys))!.body)).toBe('record')
  })
})

describe('data-key versions', () => {
  test('one is retired after so many seals of one process; what it sealed stays readable [SEAL-10]', async () => {
    const { store, data, session, ring } = world({ ring: { sealsPerKey: 100 } })
    await store.open(session(), head('h'))
    for (let i = 0; i < 250; i++) await store.append(session(), [entry(`m${i}`, `text ${i}`)])
    const versions = (await data.read(session())).map((one) => versionOf(one.body))
    expect(Math.max(...versions)).toBe(3)
    for (const version of [1, 2]) expect(versions.filter((one) => one === version).length).toBeLessThanOrEqual(100)
    expect(versions.toSorted((a, b) => a - b)).toEqual(versions)
    expect((await store.read(session())).map((one) => textOf(one.body))).toEqual(Array.from({ length: 250 }, (_, i) => `text ${i}`))
    expect((await ring.look(owner))!.data.map((key) => key.version)).toEqual([1, 2, 3])
  })

  test('the count goes on when the cached keys are fetched again [SEAL-10]', async () => {
    const { store, data, session, clock } = world({ ring: { sealsPerKey: 10 } })
    await store.open(session(), head('h'))
    for (let i = 0; i < 15; i++) {
      clock.advance(limits.keyCachedMs)
      await store.append(session(), [entry(`m${i}`, 'x')])
    }
    expect(Math.max(...(await data.read(session())).map((one) => versionOf(one.body)))).toBe(2)
  })

  test('one is retired after 90 days [SEAL-10]', async () => {
    const { store, data, session, clock } = world()
    await store.open(session(), head('h'))
    clock.advance(limits.dataKeyDays * 86_400_000 - 1)
    await store.append(session(), [entry('m1', 'x')])
    clock.advance(1)
    await store.append(session(), [entry('m2', 'y')])
    expect((await data.read(session())).map((one) => versionOf(one.body))).toEqual([1, 2])
    expect((await store.read(session())).map((one) => textOf(one.body))).toEqual(['x', 'y'])
  })

  test('two processes that retire at once make one new version [SEAL-10]', async () => {
    const { ring, keyStore, provider, clock } = world()
    const other = createKeyRing({ store: keyStore, provider, clock, random: seededRandom(9), mint: mintAny })
    await ring.ownerKeys(owner)
    clock.advance(limits.dataKeyDays * 86_400_000)
    const all = await Promise.all([ring.sealKeys(owner, 'write'), other.sealKeys(owner, 'write'), ring.sealKeys(owner, 'write')])
    expect(all.map((keys) => keys!.current().version)).toEqual([2, 2, 2])
    expect((await ring.look(owner))!.data.length).toBe(2)
    expect(new Set(all.map((keys) => keys!.key(2)!.export().toString('hex'))).size).toBe(1)
  })
})

describe('the key cache', () => {
  test('keys are unwrapped once, the key log is looked at once a call, and 5 minutes later they are fetched again [SEAL-16]', async () => {
    let heads = 0
    const clock = manualClock(start)
    const inner = memoryStore({ clock })
    const { provider, seen } = shaky(memoryKeyProvider({ random: seededRandom(1) }))
    const counting: LogStore = tampered(inner, { head: async (ref) => (heads++, inner.head(ref)) })
    const ring = createKeyRing({ store: counting, provider, clock, random: seededRandom(2), mint: mintAny })
    await ring.ownerKeys(owner)
    expect(seen.unwraps).toBe(2)
    heads = 0
    for (let i = 0; i < 20; i++) await ring.sealKeys(owner, 'read')
    expect([seen.unwraps, heads]).toEqual([2, 20])
    clock.advance(limits.keyCachedMs - 1)
    await ring.sealKeys(owner, 'read')
    expect(seen.unwraps).toBe(2)
    clock.advance(1)
    await ring.sealKeys(owner, 'read')
    expect(seen.unwraps).toBe(4)
  })

  test('cached ones hold for one key log at one revision, in a bounded number, for five minutes at most [SEAL-16]', async () => {
    const { provider, seen } = shaky(memoryKeyProvider({ random: seededRandom(1) }))
    const { ring, keyStore, clock } = world({ ring: { provider } })
    await ring.sealKeys(owner, 'make')
    const other = createKeyRing({ store: keyStore, provider, clock, random: seededRandom(9), mint: mintAny })
    clock.advance(limits.dataKeyDays * 86_400_000 - 1)
    await other.sealKeys(owner, 'write')
    clock.advance(1)
    await ring.sealKeys(owner, 'read')
    await other.sealKeys(owner, 'write') // a new version, and with it a new revision
    expect((await ring.sealKeys(owner, 'read'))?.key(2)).toBeDefined()
    // The log is deleted and made anew: at the revision that is cached, by another birth.
    const before = await ring.ownerKeys(owner)
    await keyStore.delete(keyRef)
    const { revision } =
      (await keyStore.open(keyRef, { body: new Uint8Array(0) })) && (await other.sealKeys(owner, 'make'), (await keyStore.head(keyRef))!)
    for (let at = revision; at < 3; at++) await keyStore.updateHead(keyRef, at, { body: new Uint8Array(0) })
    expect((await ring.ownerKeys(owner)).tag('id', ['x'])).not.toBe(before.tag('id', ['x']))
    const shelf = keyShelf({ store: keyStore, provider, clock, random: seededRandom(9), mint: mintAny })
    for (let i = 0; i <= limits.keysCached; i++) shelf.cache.set(`${i}`, {} as LoadedKeys)
    expect([shelf.cache.size, limits.keysCached, limits.keyCachedMs]).toEqual([10_000, 10_000, 300_000])
    expect(seen.wraps).toBeGreaterThan(0)
  })

  test('leave no copy in the buffers that they passed through [SEAL-16]', async () => {
    const buffers: Uint8Array[] = []
    const inner = memoryKeyProvider({ random: seededRandom(1) })
    const provider: KeyProvider = {
      ...inner,
      wrap: async (key, context) => (buffers.push(key), inner.wrap(key, context)),
      unwrap: async (wrapped, context) => {
        const key = await inner.unwrap(wrapped, context)
        buffers.push(key)
        return key
      },
    }
    await world({ ring: { provider } }).ring.ownerKeys(owner)
    expect(buffers).toHaveLength(4)
    for (const buffer of buffers) expect([...buffer].every((byte) => byte === 0)).toBe(true)
  })

  test('during an outage of the provider cached keys work until they expire, then it is unavailable and nothing is made [SEAL-16]', async () => {
    const { provider, seen } = shaky(memoryKeyProvider({ random: seededRandom(1) }))
    const { store, session, clock, keyStore, data } = world({ ring: { provider } })
    await store.open(session(), head('h'))
    await store.append(session(), [entry('m1', 'x')])
    seen.down = new RecollectError('unavailable', 'the key service does not answer', 'Try again.')
    clock.advance(limits.keyCachedMs - 1)
    expect(textOf((await store.read(session()))[0]!.body)).toBe('x')
    clock.advance(1)
    const before = [await keyStore.head(keyRef), await data.head(session())]
    for (const call of [
      () => store.read(session()),
      () => store.head(session()),
      () => store.append(session(), [entry('m2', 'y')]),
      () => store.open(session('new'), head()),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'unavailable' })
    expect([await keyStore.head(keyRef), await data.head(session())]).toEqual(before)
    seen.down = undefined
    expect(textOf((await store.read(session()))[0]!.body)).toBe('x')
  })

  test('a provider with another key, and one that answers garbage, are integrity failures, never an empty answer [TST-11]', async () => {
    const first = world()
    await first.store.open(first.session(), head('h'))
    await first.store.append(first.session(), [entry('m1', 'x')])
    const before = await first.keyStore.head(keyRef)
    const wrong = memoryKeyProvider({ random: seededRandom(77) })
    const garbage: KeyProvider = { ...wrong, unwrap: async () => new Uint8Array(5) }
    for (const provider of [wrong, garbage]) {
      const other = world({ data: first.data, ring: { store: first.keyStore, provider } })
      for (const call of [
        () => other.store.read(first.session()),
        () => other.store.head(first.session()),
        () => other.store.open(first.session(), head()),
        () => other.ring.ownerKeys(owner),
      ])
        await expect(call()).rejects.toMatchObject(broken)
    }
    expect(await first.keyStore.head(keyRef)).toEqual(before)
  })

  test('a key log that lost a key, or holds what cannot be read, is an integrity failure [TST-11]', async () => {
    for (const seq of [1, 2]) {
      const { ring, keyStore } = world()
      await ring.ownerKeys(owner)
      await keyStore.rewrite(keyRef, [{ seq }])
      await expect(ring.ownerKeys(owner)).rejects.toMatchObject(broken)
    }
    for (const text of ['no json', 'null', '{}', JSON.stringify({ purpose: 'data-key', version: 9, createdAt: 1, keyId: 'k', key: 'AAAA' })]) {
      const { ring, keyStore } = world()
      await ring.ownerKeys(owner)
      await keyStore.append(keyRef, [entry('data-2', text)])
      await expect(ring.ownerKeys(owner)).rejects.toMatchObject(broken)
    }
  })
})

test('a key store whose pages never end is an integrity failure, not a process without memory [TST-11]', async () => {
  const first = world()
  await first.ring.ownerKeys(owner)
  const page = await first.keyStore.read(keyRef)
  const endless = tampered(first.keyStore, { read: async () => page })
  const ring = createKeyRing({ store: endless, provider: first.provider, clock: first.clock, random: first.random, mint: mintAny })
  await expect(ring.ownerKeys(owner)).rejects.toMatchObject(broken)
  const listing = { items: [], cursor: 'again' }
  await expect(collectResidue(tampered(first.data, { list: async () => listing }), owner, [], true)).rejects.toMatchObject(broken)
})

describe('closing', () => {
  test('a closed owner gets not_found from every key check, in other processes too, until the key log is gone [SEAL-16]', async () => {
    const { ring, keyStore, provider, clock, store, session } = world()
    const other = createKeyRing({ store: keyStore, provider, clock, random: seededRandom(9), mint: mintAny })
    await store.open(session(), head('h'))
    await other.ownerKeys(owner)
    expect(await ring.close(owner, () => mark)).toEqual(mark)
    for (const call of [
      () => other.ownerKeys(owner),
      () => ring.ownerKeys(owner),
      () => ring.sealKeys(owner, 'read'),
      () => store.head(session()),
      () => store.open(session('s2'), head()),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'not_found' })
    expect(await other.close(owner, () => ({ ...mark, id: 'era_2' }))).toEqual(mark) // the first one stands
    await ring.destroy(owner)
    await expect(ring.ownerKeys(owner)).rejects.toMatchObject({ code: 'not_found' })
    expect((await keyStore.read(keyRef)).map((one) => [one.id, one.body.length > 0])).toEqual([
      ['subject', false],
      ['data-1', false],
      ['closed', true],
    ])
    await ring.remove(owner)
    expect((await ring.ownerKeys(owner)).tag('id', ['x'])).toHaveLength(22)
  })

  test('with sealing off the same holds for writes [SEAL-17]', async () => {
    const { ring, store, session } = world({ seal: 'off' })
    await store.open(session(), head('h'))
    await ring.ownerKeys(owner)
    await ring.close(owner, () => mark)
    await expect(store.append(session(), [entry('m1', 'x')])).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.open(session('s2'), head())).rejects.toMatchObject({ code: 'not_found' })
  })
})

test('a durable data store refuses keys that are not durable, or lie in its own place, unless that is allowed [SEAL-17]', async () => {
  const memory = memoryStore({ clock: manualClock(start) })
  const durable = tampered(memory, { info: { name: 'sqlite', durable: true, shared: true } })
  const other = tampered(memory, { info: { name: 'sqlite', durable: true, shared: true } })
  const refused = expect.objectContaining({ code: 'invalid_input' })
  expect(() => checkKeyStore({ store: memory }, [{ store: durable, place: 'a.db' }], false)).toThrow(refused)
  expect(() => checkKeyStore({ store: durable, place: 'a.db' }, [{ store: durable, place: 'a.db' }], false)).toThrow(refused)
  expect(() => checkKeyStore({ store: other, place: 'a.db' }, [{ store: durable, place: 'a.db' }], false)).toThrow(refused)
  expect(checkKeyStore({ store: other, place: 'a.db' }, [{ store: durable, place: 'a.db' }], true)).toEqual({ shared: true })
  expect(checkKeyStore({ store: other, place: 'k.db' }, [{ store: durable, place: 'a.db' }], false)).toEqual({ shared: false })
  expect(checkKeyStore({ store: memory }, [{ store: memory }], false)).toEqual({ shared: true })
  expect(await holdsData([memory])).toBe(false)
  await memory.open(refOf(mint('acme', 'alice'), 'session', 's1'), head())
  expect(await holdsData([memory])).toBe(true)
})
