// Expiry: by the store's clock, to the millisecond, and final.
import assert from 'node:assert/strict'
import { bytes, entries, entry, range, refused } from './bench.ts'
import { when } from './case.ts'

const year = 365 * 24 * 3_600_000

export const expiry = [
  when('a log is there 1 ms before its expiry and gone at it, for all nine calls', 'LOG-C52', async ({ at, store, scope, clock, lease }) => {
    const one = at()
    const { fence } = await lease()
    await one.open({ expires: { inMs: 10_000 } })
    await one.append(entries(2))
    const save = () => store.saveSnapshot(one.ref, { name: 's', upTo: 2, chunks: [bytes('s')] }, { fence })
    clock.advance(9_999)
    const { birth } = (await one.head()) ?? assert.fail('it is there')
    assert.equal((await one.open()).birth, birth)
    assert.equal((await one.append([entry('m3')])).added, 1)
    assert.equal((await one.read()).length, 3)
    await store.updateHead(one.ref, 3, { body: bytes('head') })
    await one.redact(1)
    await save()
    assert.ok(await store.loadSnapshot(one.ref, 's'))
    assert.equal((await store.list(scope, 'session')).items.length, 1)

    clock.advance(1)
    assert.equal(await one.head(), undefined)
    await refused('not_found', one.append([entry('m4')]))
    await refused('not_found', one.append([entry('m3')]))
    await refused('not_found', one.append([entry('m4')], { head: { expires: 'never' } }))
    await refused('not_found', one.read())
    await refused('not_found', store.updateHead(one.ref, 5, { expires: 'never' }))
    await refused('not_found', one.redact(2))
    await refused('not_found', save())
    assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
    assert.deepEqual((await store.list(scope, 'session')).items, [])
    const made = await one.open()
    assert.ok(made.birth !== birth && made.version === 0)
  }),

  when("inMs counts from the store's clock, notAfter caps it, at stands, never ends", 'LOG-C53', async ({ log, store, clock }) => {
    const now = clock.now()
    const opened = async (logId: string, expires: NonNullable<Parameters<typeof log>[1]>['expires']) =>
      (await (await log(logId, expires === undefined ? {} : { expires })).head())?.expiresAt
    assert.equal(await opened('none', undefined), undefined)
    assert.equal(await opened('never', 'never'), undefined)
    assert.equal(await opened('at', { at: now + 5 }), now + 5)
    assert.equal(await opened('in', { inMs: 7 }), now + 7)
    assert.equal(await opened('capped', { inMs: 100, notAfter: now + 50 }), now + 50)
    assert.equal(await opened('not capped', { inMs: 100, notAfter: now + 500 }), now + 100)

    const one = await log('moving', { expires: { inMs: 1_000 } })
    clock.advance(600)
    assert.equal((await one.append([entry('a')], { head: { expires: { inMs: 1_000 } } })).head.expiresAt, now + 1_600)
    clock.advance(600)
    assert.equal((await store.updateHead(one.ref, 2, { expires: { inMs: 1_000, notAfter: now + 2_000 } })).expiresAt, now + 2_000)
    assert.equal((await one.append([entry('b')])).head.expiresAt, now + 2_000)
    for (const expires of [{ at: -1 }, { at: 0.5 }, { inMs: -1 }, { inMs: Number.NaN }, { inMs: Infinity }, { inMs: 5, notAfter: -1 }])
      await refused('invalid_input', store.updateHead(one.ref, 4, { expires }))
  }),

  when(
    'expired gives what ends at or before a time, soonest first, in pages, over all scopes',
    'LOG-C54',
    async ({ at, store, clock, pages, name }) => {
      const base = clock.now() + 5_000
      const places = range(1, 12).map((i) => ({
        tenant: `${name} t${i % 3}`,
        owner: `o${i % 2}`,
        kind: i % 2 === 0 ? ('session' as const) : ('memory' as const),
        logId: `log ${i}`,
      }))
      for (const [i, place] of places.entries()) await at(place).open({ expires: { at: base + ((i * 5) % 12) } })
      await at({ tenant: `${name} t0`, owner: 'o1', logId: 'for ever' }).open()
      const mine = async (time: number, limit?: number) =>
        (await pages((page) => store.expired(time, page), limit)).filter(({ ref }) => ref.tenantId.startsWith(name))
      const expected = places
        .map((place, i) => ({ logId: place.logId, tenantId: place.tenant, ownerId: place.owner, kind: place.kind, expiresAt: base + ((i * 5) % 12) }))
        .toSorted((a, b) => a.expiresAt - b.expiresAt)
      for (const limit of [1, 5, 200]) {
        const found = await mine(base + 100, limit)
        assert.deepEqual(
          found.map(({ ref, expiresAt }) => ({ logId: ref.logId, tenantId: ref.tenantId, ownerId: ref.ownerId, kind: ref.kind, expiresAt })),
          expected,
        )
      }
      assert.equal((await mine(base + 4)).length, 5) // the bound is in
      assert.equal((await mine(base - 1)).length, 0)

      const together = range(1, 3).map((i) => at({ tenant: `${name} t0`, owner: 'o1', logId: `together ${i}` })) // in one ms, of one owner
      for (const one of together) await one.open({ expires: { at: base + 200 } })
      const last = (await mine(base + 200, 1)).slice(12).map(({ ref }) => ref.logId)
      assert.deepEqual(last.toSorted(), ['together 1', 'together 2', 'together 3'])
      for (const { ref } of together) await store.delete(ref)

      const moved = at({ tenant: `${name} t0`, owner: 'o1', logId: 'moved' })
      await moved.open({ expires: { inMs: 4_000 } })
      const first = clock.now() + 4_000
      clock.advance(6)
      await moved.append(entries(1), { head: { expires: { inMs: 4_000 } } })
      const isDue = async (time: number) => (await mine(time)).some(({ ref }) => ref.logId === 'moved')
      assert.deepEqual([await isDue(first), await isDue(first + 5), await isDue(first + 6)], [false, false, true]) // put off
      await store.updateHead(moved.ref, 2, { expires: { inMs: 1_000 } })
      assert.deepEqual([await isDue(clock.now() + 999), await isDue(clock.now() + 1_000)], [false, true]) // brought forward
      await store.delete(moved.ref)
      clock.advance(5_000)
      const due = await mine(clock.now())
      assert.equal(due.length, 7)
      for (const { ref } of due) assert.equal(await store.delete(ref, { ifExpired: true }), true)
      assert.equal((await mine(base + 100)).length, 5)
    },
  ),

  when('deleting what is expired leaves a live log alone, and one made again', 'LOG-C55', async ({ log, store, clock }) => {
    const live = await log('live', { expires: { inMs: 5_000 } })
    await live.append(entries(2))
    assert.equal(await store.delete(live.ref, { ifExpired: true }), false)
    assert.deepEqual(await live.ids(), ['m1', 'm2'])

    clock.advance(5_000)
    await live.open()
    await live.append([entry('new')])
    assert.equal(await store.delete(live.ref, { ifExpired: true }), false)
    assert.deepEqual(await live.ids(), ['new'])

    const over = await log('over', { expires: { inMs: 1 } })
    clock.advance(1)
    assert.equal(await store.delete(over.ref, { ifExpired: true }), true)
    assert.equal(await store.delete(over.ref, { ifExpired: true }), false)
  }),

  when('with the clock set back a year, what was gone stays gone', 'LOG-C56', async ({ log, store, scope, clock }) => {
    const one = await log('log', { expires: { inMs: 1_000 } })
    await one.append(entries(2))
    clock.advance(1_000)
    const gone = clock.now()
    assert.equal(await one.head(), undefined)
    clock.set(gone - year)
    assert.equal(await one.head(), undefined)
    await refused('not_found', one.read())
    await refused('not_found', one.append([entry('m3')]))
    assert.deepEqual((await store.list(scope, 'session')).items, [])
    assert.equal((await one.open()).version, 0)
    assert.deepEqual(await one.read(), [])
    clock.set(gone)
  }),
]
