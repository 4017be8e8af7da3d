// append: all or none, in order, without gaps, once an id.
import assert from 'node:assert/strict'
import { limits } from '../../core/limits.ts'
import type { LogKind } from '../../core/log-ref.ts'
import { bytes, entries, entry, range, refused, type Bench } from './bench.ts'
import { when } from './case.ts'

async function manyEntriesLater({ log, store }: Bench) {
  const one = await log()
  await one.append([...entries(3, 'old')])
  await one.redact(2)
  for (let i = 0; i < 10; i++) await one.append(entries(limits.appendEntries, `later ${i} `))
  return { one, store }
}

export const appending = [
  when('seqs run from 1 without a gap over many calls, and the head counts them', 'LOG-C7', async ({ log, takes }) => {
    const one = await log()
    let sent: Uint8Array[] = []
    for (let call = 0; call < 20; call++) {
      const list = entries(1 + (call % 7), `call ${call} `)
      const { seqs, added, head } = await one.append(list)
      assert.deepEqual(seqs, range(sent.length + 1, sent.length + list.length))
      sent = [...sent, ...list.map(({ body }) => body)]
      assert.deepEqual([added, head.version, head.entries, head.revision], [list.length, sent.length, sent.length, call + 2])
      assert.ok(
        takes(
          head.bytes,
          sent.map(({ length }) => length),
        ),
      )
      assert.deepEqual(await one.head(), head)
    }
    assert.deepEqual(await one.seqs(), range(1, sent.length))
  }),

  when('one bad entry among a hundred stores none', 'LOG-C8', async ({ log }) => {
    const one = await log()
    const before = await one.head()
    const list = entries(100)
    list[57] = { id: 'bad', body: new Uint8Array(0) }
    await refused('invalid_input', one.append(list))
    assert.deepEqual([await one.read(), await one.head()], [[], before])
  }),

  when('of known and new ids mixed, the new ones are added in their order', 'LOG-C9', async ({ log }) => {
    const one = await log()
    await one.append(entries(3))
    const { seqs, added, head } = await one.append([entry('a'), entry('m2'), entry('b'), entry('m1'), entry('c')])
    assert.deepEqual([seqs, added, head.version], [[4, 2, 5, 1, 6], 3, 6])
    assert.deepEqual(await one.ids(), ['m1', 'm2', 'm3', 'a', 'b', 'c'])
  }),

  when('of an id twice in one call the first stands', 'LOG-C10', async ({ log }) => {
    const one = await log()
    const { seqs, added, head } = await one.append([entry('a', 'first'), entry('b', 'other'), entry('a', 'second')])
    assert.deepEqual([seqs, added, head.version, head.entries], [[1, 2, 1], 2, 2, 2])
    assert.deepEqual(await one.texts(), ['first', 'other'])
  }),

  when(
    'a call of known ids alone succeeds with the old seqs, whatever its version, fence and patch, and changes nothing',
    'LOG-C11',
    async (bench) => {
      const one = await bench.log('log', { body: bytes('head') })
      const { fence } = await bench.lease()
      await one.append(entries(3))
      const before = await one.head()
      bench.clock.advance(5)
      const stale = { ...fence, number: fence.number - 1 }
      const patch = { body: bytes('patched'), expires: { inMs: 5 }, ifRevision: 77 }
      const again = await one.append([entry('m3'), entry('m1')], { expectedVersion: 99, fence: stale, head: patch })
      assert.deepEqual(again, { head: before, seqs: [3, 1], added: 0 })
      assert.deepEqual(await one.head(), before)
    },
  ),

  when('the same id with another body leaves the old body', 'LOG-C12', async ({ log }) => {
    const one = await log()
    await one.append([entry('m1', 'first')])
    await one.append([entry('m1', 'second')])
    assert.deepEqual(await one.texts(), ['first'])
  }),

  when('the same id in two logs, kinds, owners and tenants is four records', 'LOG-C13', async ({ at, name }) => {
    const kinds: LogKind[] = ['session', 'memory']
    const places = [`a ${name}`, `b ${name}`].flatMap((tenant) =>
      ['o1', 'o2'].flatMap((owner) => kinds.flatMap((kind) => ['l1', 'l2'].map((logId) => ({ tenant, owner, kind, logId })))),
    )
    for (const place of places) {
      await at(place).open()
      const { added, seqs } = await at(place).append([entry('m1', JSON.stringify(place))])
      assert.deepEqual([added, seqs], [1, [1]])
    }
    for (const place of places) assert.deepEqual(await at(place).texts(), [JSON.stringify(place)])
  }),

  when('an id is known after its redaction and 10,000 more entries', 'LOG-C14', async (bench) => {
    const { one } = await manyEntriesLater(bench)
    const { seqs, added, head } = await one.append([entry('old1'), entry('old2', 'back again'), entry('later 4 999')])
    assert.deepEqual([seqs, added, head.version], [[1, 2, 5_002], 0, 10_003])
    assert.equal((await one.read({ limit: 2 }))[1]?.body.length, 0)
  }),

  when(
    'an id is known after its redaction, 10,000 more entries and a restart',
    'LOG-C14',
    async (bench) => {
      const { one } = await manyEntriesLater(bench)
      await bench.restart()
      const { seqs, added } = await one.append([entry('old1'), entry('old2', 'back again'), entry('new')])
      assert.deepEqual([seqs, added], [[1, 2, 10_004], 1])
    },
    ['restart'],
  ),

  when('expectedVersion lets the right version in, 0 too, and refuses others', 'LOG-C15', async ({ log }) => {
    const one = await log()
    await one.append([entry('a')], { expectedVersion: 0 })
    await one.append([entry('b')], { expectedVersion: 1 })
    const before = await one.head()
    for (const expectedVersion of [0, 1, 3]) await refused('conflict', one.append([entry('c')], { expectedVersion }))
    assert.deepEqual([await one.ids(), await one.head()], [['a', 'b'], before])
    assert.deepEqual((await one.append([entry('c')], { expectedVersion: 2 })).seqs, [3]) // no gap after a conflict
  }),

  when('a retry of a success with the old expectedVersion is a success', 'LOG-C16', async ({ log }) => {
    const one = await log()
    await one.append([entry('a')])
    const first = await one.append([entry('b'), entry('c')], { expectedVersion: 1 })
    const again = await one.append([entry('b'), entry('c')], { expectedVersion: 1 })
    assert.deepEqual(again, { ...first, added: 0 })
  }),

  when('a head patch lands with the entries or not at all', 'LOG-C17', async ({ log, clock }) => {
    const one = await log('log', { body: bytes('v1') })
    clock.advance(10)
    const { head } = await one.append([entry('a')], { head: { body: bytes('v2'), expires: { inMs: 1_000 }, ifRevision: 1 } })
    assert.deepEqual([head.body, head.revision, head.version, head.expiresAt], [bytes('v2'), 2, 1, clock.now() + 1_000])

    await refused('conflict', one.append([entry('b')], { head: { body: bytes('v3'), ifRevision: 1 } }))
    await refused('conflict', one.append([entry('b')], { head: { expires: 'never', ifRevision: 3 } }))
    await refused('conflict', one.append([entry('b')], { expectedVersion: 0, head: { body: bytes('v3'), ifRevision: 2 } }))
    await refused('invalid_input', one.append([entry('b')], { head: { body: bytes('v3') } }))
    assert.deepEqual([await one.head(), await one.ids()], [head, ['a']])

    const kept = (await one.append([entry('c')], { head: { expires: { inMs: 5_000 } } })).head
    assert.deepEqual([kept.body, kept.expiresAt, kept.revision], [bytes('v2'), clock.now() + 5_000, 3])
  }),

  when('a call on no log is not_found and makes nothing', 'LOG-C18', async ({ at, store, scope, lease, pages }) => {
    const one = at()
    const { fence } = await lease()
    await refused('not_found', one.append([entry('a')]))
    await refused('not_found', one.read())
    await refused('not_found', store.updateHead(one.ref, 1, { expires: 'never' }))
    await refused('not_found', one.redact(1))
    await refused('not_found', store.saveSnapshot(one.ref, { name: 's', upTo: 0, chunks: [bytes('chunk')] }, { fence }))
    assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
    assert.equal(await one.head(), undefined)
    assert.deepEqual((await store.list(scope, 'session')).items, [])
    const owners = await pages((page) => store.owners(page))
    assert.ok(!owners.some((owner) => owner.tenantId === scope.tenantId))
  }),
]
