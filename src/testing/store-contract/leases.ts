// Leases: one holder, numbers that only grow, and fences that shut out the late.
import assert from 'node:assert/strict'
import { limits } from '../../core/limits.ts'
import { bytes, entries, entry, range, refused, type Bench } from './bench.ts'
import { when } from './case.ts'

const year = 365 * 24 * 3_600_000

const nameIn = ({ scope }: Pick<Bench, 'scope'>, purpose = 'work') => ({ tenantId: scope.tenantId, ownerId: scope.ownerId, purpose })

async function growing({ store, clock, scope }: Bench, restart: () => Promise<LogStoreLike>) {
  let numbers: number[] = []
  const name = nameIn({ scope })
  let current: LogStoreLike = store
  const take = async () => {
    const lease = (await current.lease(name, 1_000)) ?? assert.fail('the lease is free')
    assert.ok(Number.isSafeInteger(lease.fence.number))
    numbers = [...numbers, lease.fence.number]
    return lease
  }
  for (let i = 0; i < 3; i++) await current.release((await take()).fence) // three in one ms
  await take()
  clock.advance(1_000)
  await take()
  current = await restart()
  clock.advance(1_000)
  await current.release((await take()).fence)
  clock.advance(limits.leaseRowKeptMs + 1_000)
  for (const i of range(1, 3)) await current.lease({ ...name, purpose: `other ${i}` }, 1_000) // rows that ended a day ago may now be taken away
  await take()
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].toSorted((a, b) => a - b),
  )
  assert.ok((numbers.at(-1) ?? 0) >= clock.now())
}
type LogStoreLike = Pick<Bench['store'], 'lease' | 'release'>

export const leases = [
  when('of a hundred who ask at once for a lease one gets it', 'LOG-C57', async (bench) => {
    const { store, clock } = bench
    const taken = (await Promise.all(range(1, 100).map(() => store.lease(nameIn(bench), 5_000)))).filter((lease) => lease !== undefined)
    assert.equal(taken.length, 1)
    assert.equal(taken[0]?.expiresAt, clock.now() + 5_000)
    assert.deepEqual(taken[0]?.fence.name, nameIn(bench))
    const others = [
      nameIn(bench, 'turn/log'),
      { ...nameIn(bench), ownerId: `${bench.name} other` },
      { ...nameIn(bench), tenantId: `${bench.name} other` },
    ]
    for (const name of others) assert.ok(await store.lease(name, 5_000))
  }),

  when('numbers grow over release, end and reclaimed rows', 'LOG-C58', (bench) => growing(bench, async () => bench.store)),

  when(
    'numbers grow over release, end, restart and reclaimed rows',
    'LOG-C58',
    (bench) =>
      growing(bench, async () => {
        await bench.restart()
        return bench.store
      }),
    ['restart'],
  ),

  when("renew lengthens what is held, is false for what is lost, and a former holder's release does nothing", 'LOG-C59', async (bench) => {
    const { store, clock } = bench
    const first = await bench.lease('work', 5_000)
    clock.advance(4_000)
    assert.equal(await store.renew(first.fence, 5_000), true)
    clock.advance(4_000)
    assert.equal(await store.lease(nameIn(bench), 5_000), undefined)
    clock.advance(1_000)
    assert.equal(await store.renew(first.fence, 5_000), false) // it has ended
    const second = await bench.lease('work', 5_000)
    assert.equal(await store.renew(first.fence, 5_000), false)
    await store.release(first.fence)
    assert.equal(await store.lease(nameIn(bench), 5_000), undefined)
    assert.equal(await store.renew(JSON.parse(JSON.stringify(second.fence)), 5_000), true) // plain data, also from another process
    await store.release(second.fence)
    assert.equal(await store.renew(second.fence, 5_000), false)
    await store.release(second.fence)
    assert.ok(await store.lease(nameIn(bench), 5_000))
    assert.equal(await store.renew({ name: nameIn(bench, 'never taken'), number: 1 }, 5_000), false)
    await store.release({ name: nameIn(bench, 'never taken'), number: 1 })
  }),

  when('a stale, an unknown and a foreign fence are conflicts, and nothing is written', 'LOG-C60', async (bench) => {
    const { store, log, clock, lease, name, at } = bench
    const one = await log('log', { body: bytes('head') })
    const ended = await lease('work', 1_000)
    clock.advance(limits.leaseRowKeptMs - 1_000)
    for (const i of range(1, 3)) await store.lease(nameIn(bench, `other ${i}`), 1_000) // its row is kept for a day
    await one.append([entry('late but alone')], { fence: ended.fence }) // ended, and nobody took it over
    const { fence } = await lease('work')
    const other = at({ tenant: name, owner: `${name} other` })
    await other.open()
    const foreign = (await store.lease({ tenantId: other.ref.tenantId, ownerId: other.ref.ownerId, purpose: 'work' }, 60_000))?.fence
    assert.ok(foreign)
    const released = await lease('turn/x')
    await store.release(released.fence)

    const before = await one.head()
    const fences = [
      ended.fence,
      released.fence,
      foreign,
      { ...fence, number: fence.number + 1 },
      { name: nameIn(bench, 'never taken'), number: fence.number },
      { name: { ...fence.name, ownerId: `${name} other` }, number: fence.number },
    ]
    for (const stale of fences) {
      await refused('conflict', one.append([entry('late')], { fence: stale, head: { expires: { inMs: 5_000 } } }))
      await refused('conflict', store.saveSnapshot(one.ref, { name: 's', upTo: 1, chunks: [bytes('late')] }, { fence: stale }))
    }
    assert.deepEqual([await one.head(), await store.loadSnapshot(one.ref, 's')], [before, undefined])
    assert.equal((await one.append([entry('in time')], { fence })).added, 1)
  }),

  when("a lease ends by the store's clock, whatever the time of the node", 'LOG-C61', async (bench) => {
    const { store, clock } = bench
    assert.ok(Math.abs(clock.now() - Date.now()) > year, 'the clock by hand stands far from the time of this node')
    const first = await bench.lease('work', 10_000)
    assert.equal(first.expiresAt, clock.now() + 10_000)
    clock.advance(9_999)
    assert.equal(await store.lease(nameIn(bench), 10_000), undefined)
    clock.advance(1)
    const second = await store.lease(nameIn(bench), 10_000)
    assert.ok(second && second.fence.number > first.fence.number)
    const one = await bench.log()
    await refused('conflict', one.append(entries(1), { fence: first.fence }))
  }),
]
