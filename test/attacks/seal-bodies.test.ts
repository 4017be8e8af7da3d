// Attacks on one sealed body: changed, cut, moved, replaced by a plain one (SEAL-4 to SEAL-9, TST-2, TST-3).
import { createCipheriv, createSecretKey, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRecollectError } from '../../src/core/errors.ts'
import { refOf, type LogKind, type LogRef } from '../../src/core/log-ref.ts'
import { mint } from '../../src/security/mint.ts'
import { openBody, sealAad, sealBody, type SealedPart } from '../../src/security/sealing/seal.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { entry, head, logIn, tampered, textOf, world } from './seal-fixture.ts'

const random = seededRandom(7)
const key = createSecretKey(random(32))
const sealKey = { version: 1, key }
const keyOf = (version: number) => (version === 1 ? key : undefined)
const ref = logIn('acme', 'alice', 'session', 's1')
const m1: SealedPart = { part: 'entry', name: 'm1' }
const plain = new Uint8Array(64).map((_, i) => i)
const sealed = () => sealBody(sealKey, ref, m1, 0, plain, random)
const fails = (body: Uint8Array, at: LogRef = ref, part: SealedPart = m1) => {
  try {
    openBody(keyOf, at, part, body)
    return false
  } catch (error) {
    return isRecollectError(error, 'integrity_failure')
  }
}

describe('one body', () => {
  test('has twelve random bytes as its IV, drawn anew for each seal [SEAL-4]', () => {
    const drawn: number[] = []
    const counted = (bytes: number) => (drawn.push(bytes), new Uint8Array(bytes).fill(drawn.length))
    const bodies = [1, 2].map(() => sealBody(sealKey, ref, m1, 0, plain, counted))
    expect(drawn).toEqual([12, 12])
    expect(bodies.map((body) => [...body.subarray(16, 28)])).toEqual([Array.from({ length: 12 }, () => 1), Array.from({ length: 12 }, () => 2)])
  })

  test('what was sealed opens to the same bytes and the same at [SEAL-4]', () => {
    const { at, plain: opened } = openBody(keyOf, ref, m1, sealBody(sealKey, ref, m1, 41, plain, random))
    expect([at, [...opened]]).toEqual([41, [...plain]])
  })

  test('the header lies as the table says, and node:crypto alone makes the same bytes [SEAL-5]', () => {
    const body = sealBody({ version: 0x01020304, key }, ref, m1, 0x0a0b, plain, random)
    expect(Buffer.from(body.subarray(0, 16)).toString('hex')).toBe('52430101010203040000000000000a0b')
    const cipher = createCipheriv('aes-256-gcm', key, body.subarray(16, 28), { authTagLength: 16 })
    const field = (bytes: Uint8Array | string) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(Buffer.byteLength(bytes as string))
      return Buffer.concat([length, Buffer.from(bytes as string)])
    }
    cipher.setAAD(Buffer.concat([body.subarray(0, 28), 'acme', 'alice', 'session', 's1', 'entry', 'm1'].map((one) => field(one as string))))
    const expected = Buffer.concat([body.subarray(0, 28), cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    expect(Buffer.from(body).equals(expected)).toBe(true)
    expect(body.length).toBe(plain.length + 44)
  })

  test('each of the 864 flipped bits of a 64-byte record is an integrity failure [TST-2]', () => {
    const body = sealed()
    let failed = 0
    for (let bit = 0; bit < body.length * 8; bit++) {
      const changed = body.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      if (fails(changed)) failed++
    }
    expect(failed).toBe(864)
  })

  test('every truncation, and tags of 4 to 15 bytes, are integrity failures [TST-2]', () => {
    const body = sealed()
    for (let length = 0; length < body.length; length++) expect(fails(body.subarray(0, length)), `cut to ${length}`).toBe(true)
    for (const tag of [4, 8, 12, 13, 14, 15]) {
      // The lengths that GCM allows: each would pass, were the length not fixed when opening.
      const cipher = createCipheriv('aes-256-gcm', key, body.subarray(16, 28), { authTagLength: tag })
      cipher.setAAD(sealAad(body.subarray(0, 28), ref, m1))
      const short = Buffer.concat([body.subarray(0, 28), cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      expect(fails(short), `tag of ${tag}`).toBe(true)
    }
  })

  test('an unknown format, algorithm or key version is refused before any key is tried [SEAL-7]', () => {
    for (const [at, value] of [
      [0, 0x53],
      [1, 0x44],
      [2, 2],
      [3, 2],
      [7, 9],
    ] as const) {
      const body = sealed()
      body[at] = value
      let tried = 0
      const counting = (version: number) => (version === 1 ? (tried++, key) : undefined)
      expect(() => openBody(counting, ref, m1, body)).toThrow(expect.objectContaining({ code: 'integrity_failure' }))
      expect(tried, `byte ${at}`).toBe(0)
    }
  })

  test('the address is bound in: tenant, owner, kind, log, part, name, and each number of a chunk [SEAL-6]', () => {
    const chunk = { part: 'snapshot', name: 'n', upTo: 5, index: 1, count: 3 } as const
    const places: [LogRef, SealedPart][] = [
      [ref, m1],
      [logIn('acme2', 'alice', 'session', 's1'), m1],
      [logIn('acme', 'alicf', 'session', 's1'), m1],
      [logIn('acme', 'alice', 'memory', 's1'), m1],
      [logIn('acme', 'alice', 'session', 's2'), m1],
      [ref, { part: 'entry', name: 'm2' }],
      [ref, { part: 'head' }],
      [ref, chunk],
      ...([{ name: 'o' }, { upTo: 6 }, { index: 2 }, { count: 4 }].map((change) => [ref, { ...chunk, ...change }]) as [LogRef, SealedPart][]),
    ]
    for (const [i, [atRef, part]] of places.entries()) {
      const body = sealBody(sealKey, atRef, part, 0, plain, random)
      for (const [j, [otherRef, otherPart]] of places.entries()) expect(fails(body, otherRef, otherPart), `${i} read as ${j}`).toBe(i !== j)
    }
  })

  test('distinct addresses give distinct authenticated bytes [SEAL-6]', () => {
    const header = new Uint8Array(28)
    const name = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', '/', ':', '.', '\u00e9', '4') })
    const place = fc.tuple(name, name, fc.constantFrom<LogKind>('session', 'memory'), name, name)
    const aadOf = ([tenant, owner, kind, log, part]: [string, string, LogKind, string, string]) =>
      Buffer.from(sealAad(header, refOf(mint(tenant, owner), kind, log), { part: 'entry', name: part })).toString('hex')
    fc.assert(
      fc.property(place, place, (a, b) => (aadOf(a) === aadOf(b)) === (JSON.stringify(a) === JSON.stringify(b))),
      { numRuns: 3000 },
    )
  })
})

describe('through the store', () => {
  test('a body moved between owners, tenants, kinds, logs and ids is an integrity failure, and nothing is written [TST-3]', async () => {
    const { store, data, session, alice } = world()
    const from = session('s1')
    await store.open(from, head('h'))
    await store.append(from, [entry('m1', 'secret')])
    const [raw] = await data.read(from)
    const rawHead = (await data.head(from))!.body
    const targets = [logIn('acme', 'bob', 'session', 's1'), logIn('other', 'alice', 'session', 's1'), refOf(alice, 'memory', 's1'), session('s2')]
    for (const to of targets) {
      await store.open(to, head())
      await data.append(to, [{ id: 'm1', body: raw!.body }])
      const before = await data.head(to)
      await expect(store.read(to)).rejects.toMatchObject({ code: 'integrity_failure' })
      expect(await data.head(to)).toEqual(before)
      await data.updateHead(to, before!.revision, { body: rawHead })
      await expect(store.head(to)).rejects.toMatchObject({ code: 'integrity_failure' })
      await expect(store.list(mint(to.tenantId, to.ownerId), to.kind)).rejects.toMatchObject({ code: 'integrity_failure' })
    }
    await data.append(from, [
      { id: 'm2', body: raw!.body },
      { id: 'm3', body: rawHead },
    ])
    await expect(store.read(from)).rejects.toMatchObject({ code: 'integrity_failure', details: { seq: 2 } })
    await expect(store.read(from, { after: 2 })).rejects.toMatchObject({ code: 'integrity_failure', details: { seq: 3 } })
    expect((await store.read(from, { upTo: 1 })).map((one) => textOf(one.body))).toEqual(['secret'])
  })

  test('a plain row in a sealed store is an integrity failure: nothing is taken as it is [SEAL-8]', async () => {
    const { store, data, session } = world()
    await store.open(session(), head('h'))
    await data.append(session(), [entry('m1', 'a plain row that is long enough to hold a whole seal, were it one')])
    await expect(store.read(session())).rejects.toMatchObject({ code: 'integrity_failure' })
    await data.updateHead(session(), 2, head('a plain head that is long enough to hold a whole seal, were it one'))
    await expect(store.head(session())).rejects.toMatchObject({ code: 'integrity_failure' })
  })

  test('a store is sealed or not for its whole life [SEAL-1]', async () => {
    const { wrap, data, session, store } = world()
    await store.open(session(), head('h'))
    await store.append(session(), [entry('m1', 'x')])
    const off = wrap(data, { seal: 'off' })
    const next = expect.stringContaining('with sealing on') as string
    await expect(off.head(session())).rejects.toMatchObject({ code: 'integrity_failure', nextStep: next })
    await expect(off.read(session())).rejects.toMatchObject({ code: 'integrity_failure' })
    await expect(off.list(world().alice, 'session')).rejects.toMatchObject({ code: 'integrity_failure' })
    await expect(off.open(session('s2'), { body: Uint8Array.of(0x52, 0x43, 1) })).rejects.toMatchObject({ code: 'invalid_input' })
    await off.open(session('s3'), head('clear'))
    await expect(off.append(session('s3'), [{ id: 'm1', body: Uint8Array.of(0x52, 0x43) }])).rejects.toMatchObject({ code: 'invalid_input' })
    expect(textOf((await data.head(session('s3')))!.body)).toBe('clear')
  })

  test('no unsealed body may begin as a seal does, by whichever call; one that is found is never given out [SEAL-1]', async () => {
    const { store, data, session } = world({ seal: 'off' })
    const seal = Uint8Array.of(0x52, 0x43, 1)
    await store.open(session(), head('h'))
    await store.append(session(), [entry('m1', 'x'), { id: 'm2', body: Uint8Array.of(0x52, 0x44) }]) // one byte alone is no mark
    const { fence } = (await store.lease({ tenantId: 'acme', ownerId: 'alice', purpose: 'work' }, 5000))!
    for (const call of [
      () => store.updateHead(session(), 2, { body: seal }),
      () => store.append(session(), [entry('m3', 'x')], { head: { body: seal, ifRevision: 2 } }),
      () => store.rewrite(session(), [{ seq: 1, body: seal }]),
      () => store.saveSnapshot(session(), { name: 'n', upTo: 1, chunks: [head('a').body, seal] }, { fence }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'invalid_input' })
    expect((await data.head(session()))?.revision).toBe(2)
    expect(await data.loadSnapshot(session(), 'n')).toBeUndefined()
    await data.saveSnapshot(session(), { name: 'n', upTo: 1, chunks: [head('a').body, seal] }, { fence })
    expect(await store.loadSnapshot(session(), 'n')).toBeUndefined()
    await data.rewrite(session(), [{ seq: 1, body: seal }])
    await expect(store.read(session())).rejects.toMatchObject({ code: 'integrity_failure', details: { seq: 1 } })
  })

  test('every body in the store below is sealed: entries, heads, snapshot chunks [SEAL-1]', async () => {
    const { store, data, session } = world()
    await store.open(session(), head('canary'))
    await store.append(session(), [entry('m1', 'canary')])
    const fence = (await store.lease({ tenantId: 'acme', ownerId: 'alice', purpose: 'work' }, 5000))!.fence
    await store.saveSnapshot(session(), { name: 'n', upTo: 1, chunks: [head('canary').body, head('canary').body] }, { fence })
    const bodies = [
      (await data.head(session()))!.body,
      ...(await data.read(session())).map((one) => one.body),
      ...(await data.loadSnapshot(session(), 'n'))!.chunks,
    ]
    expect(bodies).toHaveLength(4)
    for (const body of bodies) expect([body[0], body[1], Buffer.from(body).includes('canary')]).toEqual([0x52, 0x43, false])
    expect((await store.loadSnapshot(session(), 'n'))?.chunks.map(textOf)).toEqual(['canary', 'canary'])
  })

  test('a wrong key is never an empty answer, and changes nothing [SEAL-9]', async () => {
    const first = world()
    await first.store.open(first.session(), head('h'))
    await first.store.append(first.session(), [entry('m1', 'x')])
    const before = await first.data.head(first.session())
    // Another key store, with another owner key of the same version.
    const other = world({ seed: 2, data: first.data })
    await other.ring.ownerKeys(other.alice)
    for (const call of [
      () => other.store.head(first.session()),
      () => other.store.read(first.session()),
      () => other.store.list(first.alice, 'session'),
      () => other.store.open(first.session(), head('new')),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'integrity_failure',
        details: { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 's1' },
      })
    }
    // A key store without any key for the owner.
    const none = world({ seed: 3, data: first.data })
    await expect(none.store.read(first.session())).rejects.toMatchObject({ code: 'integrity_failure' })
    await expect(none.store.append(first.session(), [entry('m2', 'y')])).rejects.toMatchObject({ code: 'integrity_failure' })
    expect(await first.data.head(first.session())).toEqual(before)
  })

  test('the message of a failure holds no id and no content [SEAL-9]', async () => {
    const { store, data, session } = world()
    await store.open(session('log-canary'), head('h'))
    await data.append(session('log-canary'), [entry('entry-canary', 'text-canary, long enough to be as long as a seal must be')])
    const error = await store.read(session('log-canary')).catch((thrown: unknown) => thrown)
    expect(String(error)).not.toMatch(/canary|alice|acme/)
  })

  test('a snapshot that fails is dropped, counted and told; the log stays as it is [SEAL-13]', async () => {
    const dropped: string[] = []
    const { store, data, session, telemetry } = world({ store: { onFault: (_, fault) => dropped.push(fault) } })
    await store.open(session(), head())
    await store.append(session(), [entry('m1', 'x')])
    const fence = (await store.lease({ tenantId: 'acme', ownerId: 'alice', purpose: 'work' }, 5000))!.fence
    await store.saveSnapshot(session(), { name: 'n', upTo: 1, chunks: [head('a').body, head('b').body] }, { fence })
    const { chunks } = (await data.loadSnapshot(session(), 'n'))!
    const attempts = [
      [chunks[1]!, chunks[0]!], // swapped
      [chunks[0]!], // fewer
      [chunks[0]!, chunks[1]!, chunks[1]!], // more
      [head('plain text as long as a seal must at least be, and longer').body, chunks[1]!],
    ]
    for (const changed of attempts) {
      await data.saveSnapshot(session(), { name: 'n', upTo: 1, chunks: changed }, { fence })
      expect(await store.loadSnapshot(session(), 'n')).toBeUndefined()
    }
    await data.saveSnapshot(session(), { name: 'n', upTo: 0, chunks }, { fence }) // another upTo
    expect(await store.loadSnapshot(session(), 'n')).toBeUndefined()
    expect(dropped).toHaveLength(5)
    expect(telemetry.counted('recollect_snapshots_dropped_total')).toBe(5)
    expect((await store.read(session())).map((one) => textOf(one.body))).toEqual(['x'])
  })

  test('a body that is sealed anew keeps its id, seq and at [SEAL-6]', async () => {
    const { store, data, session } = world()
    await store.open(session(), head())
    await store.append(session(), [entry('m1', 'one')])
    await store.append(session(), [entry('m2', 'two')])
    const before = (await data.read(session()))[1]!
    await store.rewrite(session(), [{ seq: 2, body: entry('', 'two').body }])
    const after = (await data.read(session()))[1]!
    expect([after.id, after.seq]).toEqual(['m2', 2])
    expect(Buffer.from(after.body.subarray(8, 16))).toEqual(Buffer.from(before.body.subarray(8, 16))) // at
    expect(Buffer.compare(after.body, before.body)).not.toBe(0)
    expect(textOf((await store.read(session()))[1]!.body)).toBe('two')
  })

  test('a hot head is opened once, and a body changed underneath is seen all the same [SEAL-12]', async () => {
    const { data, session, wrap } = world()
    const inner = tampered(data, {})
    const store = wrap(inner)
    await store.open(session(), head('one'))
    const first = (await store.head(session()))!
    first.body.fill(0) // what a caller does to its copy stays with it
    expect(textOf((await store.head(session()))!.body)).toBe('one')
    const raw = (await data.head(session()))!
    const forged = { ...raw, body: raw.body.slice() }
    forged.body[40]! ^= 1
    inner.head = async () => ({ ...forged, body: Uint8Array.from([...raw.body.slice(0, -1), raw.body.at(-1)! ^ 1]) })
    await expect(store.head(session())).rejects.toMatchObject({ code: 'integrity_failure' })
  })
})

test('each purpose has a key of its own, derived by HKDF [SEAL-3]', async () => {
  const { derivedKey } = await import('../../src/security/keys/derive.ts')
  const source = random(32)
  const purposes = ['seal', 'audit', 'id', 'evidence', 'suppress', 'pseudonym', 'token', 'api-key', 'receipt'] as const
  const keys = purposes.map((purpose) => derivedKey(source, purpose).export().toString('hex'))
  expect(new Set(keys).size).toBe(purposes.length)
  expect(keys[0]).toBe(Buffer.from(hkdfSync('sha256', source, '', 'recollect/v1/seal', 32)).toString('hex'))
})
