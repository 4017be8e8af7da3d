// delete, erase, owners: all of it goes, and nothing beside it.
import assert from 'node:assert/strict'
import { logKinds } from '../../core/log-ref.ts'
import { isRecollectError } from '../../core/errors.ts'
import { bytes, entries, entry, range, refused, type Bench } from './bench.ts'
import { when } from './case.ts'

async function deletion({ at, log, store, clock, name }: Bench, gone: (marker: string) => Promise<boolean>) {
  const one = await log(`gone ${name}`)
  const beside = [
    at({ logId: `gone ${name} ` }),
    at({ logId: `gone ${name}`, kind: 'memory' }),
    at({ logId: `gone ${name}`, owner: `${name} other` }),
  ]
  for (const each of [one, ...beside]) {
    await each.open()
    await each.append([entry(`id-${each.ref.kind}`), entry(`mark-${each === one ? 'gone' : 'kept'}-${name}`)])
    await each.snapshot('s')
  }
  assert.equal(await store.delete(one.ref), true)
  assert.equal(await store.delete(one.ref), false)
  assert.equal(await one.head(), undefined)
  assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
  for (const each of beside) {
    assert.equal((await each.read()).length, 2)
    assert.ok(await store.loadSnapshot(each.ref, 's'))
  }
  assert.equal(await store.delete(at({ logId: 'never made' }).ref), false)
  const expired = await log('expired', { expires: { inMs: 1 } })
  clock.advance(1)
  assert.equal(await store.delete(expired.ref), false)
  assert.equal(await store.delete(expired.ref, { ifExpired: true }), false)
  assert.ok(await gone(`mark-gone-${name}`))
}

/** Calls that may lose a race against a removal. */
const lostOrDone = (call: Promise<unknown>) =>
  call.catch((error: unknown) => assert.ok(isRecollectError(error, 'not_found') || isRecollectError(error, 'conflict'), String(error)))

export const removal = [
  when('delete is true, then false; neighbours are untouched, and an expired log goes too', 'LOG-C62', (bench) => deletion(bench, async () => true)),

  when('after delete nothing is left in any raw row', 'LOG-C62', (bench) => deletion(bench, async (marker) => !(await bench.lies(marker))), ['raw']),

  when(
    'erase takes all six kinds and counts them, then finds nothing; the same owner of another tenant stays, and another owner of the same',
    'LOG-C63',
    async (bench) => {
      const { at, store, scope, clock, lease, takes, name } = bench
      const others = [at({ tenant: `${name} other`, owner: scope.ownerId }), at({ owner: `${name} other` })] // older than what is erased
      for (const one of others) {
        await one.open()
        await one.append(entries(2))
      }
      for (const kind of logKinds) {
        for (const logId of ['a', 'b']) {
          const one = at({ kind, logId })
          await one.open({ expires: { inMs: logId === 'a' ? 60_000 : 1 } })
          await one.append(entries(5))
          await one.snapshot('s1')
          await one.snapshot('s2')
        }
      }
      const { fence } = await lease()
      const neighbours = others.map(({ ref: { tenantId, ownerId } }) => ({ tenantId, ownerId, purpose: 'work' }))
      const held = await Promise.all(neighbours.map((one) => store.lease(one, 60_000)))
      clock.advance(1) // half of the logs have expired, and go as well

      const { bytes: size, ...count } = await store.erase(scope)
      assert.deepEqual(count, { logs: 12, entries: 60, snapshots: 24 })
      assert.ok(
        takes(
          size,
          range(1, 60).map(() => 'body of m1'.length),
        ),
      )
      assert.deepEqual(await store.erase(scope), { logs: 0, entries: 0, snapshots: 0, bytes: 0 })
      for (const kind of logKinds) {
        assert.equal(await at({ kind, logId: 'a' }).head(), undefined)
        assert.deepEqual(await store.list(scope, kind), { items: [] })
      }
      for (const one of others) assert.deepEqual(await one.ids(), ['m1', 'm2'])
      for (const one of held) assert.equal(one && (await store.renew(one.fence, 60_000)), true)

      clock.advance(1)
      assert.equal(await store.renew(fence, 60_000), false)
      const one = at()
      await one.open()
      await refused('conflict', one.append(entries(1), { fence })) // a late worker
      assert.ok((await lease()).fence.number > fence.number)
    },
  ),

  when(
    'append, open and saveSnapshot that race delete and erase leave nothing raw behind',
    'LOG-C64',
    async (bench) => {
      const { at, store, scope, lease, lies, name } = bench
      for (const round of range(1, 30)) {
        const one = at({ logId: `raced-${round}-${name}` })
        const { fence } = await lease()
        await one.open()
        await one.append(entries(3))
        const remove = round % 2 === 0 ? store.delete(one.ref) : store.erase(scope)
        await Promise.all([
          lostOrDone(one.append([entry(`mark-${round}-${name}`)])),
          lostOrDone(store.saveSnapshot(one.ref, { name: `mark-${round}-${name}`, upTo: 0, chunks: [bytes(`mark-${round}-${name}`)] }, { fence })),
          remove,
          lostOrDone(one.append([entry(`late-mark-${round}-${name}`)])),
          round % 3 === 0 ? one.open() : undefined,
          lostOrDone(store.updateHead(one.ref, 2, { body: bytes(`mark-${round}-${name}`) })),
        ])
        if ((await one.head()) !== undefined) await store.delete(one.ref)
        await store.release(fence)
        assert.ok(!(await lies(`mark-${round}-${name}`)), `round ${round}`)
        assert.ok(!(await lies(`raced-${round}-`)), `round ${round}`)
      }
    },
    ['raw'],
  ),

  when('owners gives each owner once, in pages, and no more after an erase', 'LOG-C65', async ({ at, store, scopeOf, pages, name }) => {
    const places = range(1, 9).map((i) => ({ tenant: `${name} t${i % 3}`, owner: `o${i}` }))
    for (const place of places) for (const logId of ['a', 'b']) await at({ ...place, logId }).open()
    const mine = async (limit: number) =>
      (await pages((page) => store.owners(page), limit))
        .filter(({ tenantId }) => tenantId.startsWith(name))
        .map(({ tenantId, ownerId }) => `${tenantId}/${ownerId}`)
        .toSorted()
    const expected = places.map(({ tenant, owner }) => `${tenant}/${owner}`).toSorted()
    for (const limit of [1, 4, 200]) assert.deepEqual(await mine(limit), expected)
    await store.erase(scopeOf(places[0]?.tenant ?? '', places[0]?.owner ?? ''))
    assert.deepEqual(
      await mine(4),
      expected.filter((each) => !each.endsWith('/o1')),
    )
  }),
]
