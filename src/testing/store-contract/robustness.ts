// What goes wrong around a store: lost replies, restarts, a second process, hostile names, large numbers, the end.
import assert from 'node:assert/strict'
import { errorCodes, RecollectError } from '../../core/errors.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { bytes, entries, entry, range, refused, text, type Bench } from './bench.ts'
import { when } from './case.ts'

// LOG-8
const listed = ['invalid_input', 'payload_too_large', 'not_found', 'conflict', 'unavailable', 'timeout', 'integrity_failure']

/** 500 names that are made to be taken for another, or for code. */
function hostileNames(): string[] {
  const pieces = ["'", '"', ' ', '{', '}', ':', '%', '*', '_', '..', '/', '\\', '😀', '日', 'é', '-', '#', '?', '[', ']', '|', ';', '0', 'A', 'a']
  const names = pieces.flatMap((a) => pieces.map((b) => (b === ' ' && a === ' ' ? 'two' : a + b)))
  const long = [
    'x'.repeat(200),
    `${'x'.repeat(199)}y`,
    '😀'.repeat(50),
    '__proto__',
    'constructor',
    'undefined',
    "'; drop table log; --",
    '{tag}',
    '%00',
    '..%2f',
  ]
  return [...new Set([...long, ...names])].slice(0, 500)
}

async function failures({ at, log, store, scope, lease, clock, allowed }: Bench, marker: string): Promise<unknown[]> {
  const one = await log(`log ${marker}`)
  await one.append([entry(`id ${marker}`, `body ${marker}`)])
  const missing = at({ logId: `missing ${marker}` })
  const { fence } = await lease()
  const calls: (() => Promise<unknown>)[] = [
    () => missing.read(),
    () => missing.append([entry(marker)]),
    () => one.append([entry(`new ${marker}`)], { expectedVersion: 7 }),
    () => one.append([entry(`new ${marker}`)], { fence: { ...fence, number: 1 } }),
    () => one.append([entry(`${marker}\0`)]),
    () => one.append([entry(marker.repeat(50))]),
    () => one.append([{ id: marker, body: bytes(marker.repeat((2 * 1024 * 1024 + allowed) / marker.length)) }]),
    () => one.append([{ id: marker, body: marker as unknown as Uint8Array }]),
    () => one.append([null as unknown as { id: string; body: Uint8Array }]),
    () => store.updateHead(one.ref, 99, { body: bytes(marker) }),
    () => store.rewrite(one.ref, [{ seq: 9, body: bytes(marker) }]),
    () => store.saveSnapshot(one.ref, { name: marker, upTo: 9, chunks: [bytes(marker)] }, { fence }),
    () => store.list(scope, 'session', { cursor: marker }),
    () => store.owners({ cursor: marker }),
    () => store.expired(-clock.now()),
    () => store.lease({ ...fence.name, purpose: '' }, 1_000),
    () => at({ logId: `new ${marker}` }).open({ createdAt: clock.now() + 1_000 }),
  ]
  const outcomes = await Promise.allSettled(calls.map((call) => call()))
  assert.deepEqual(
    outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : [])),
    [],
    'each of these calls fails',
  )
  return outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason)
}

export const robustness = [
  when('a retried append, redact and delete whose reply was lost have one effect', 'LOG-C66', async (bench) => {
    const { log, withoutReply } = bench
    const one = await log()
    const options = { expectedVersion: 0 }
    await withoutReply((store) => store.append(one.ref, entries(3), options))
    const again = await one.append(entries(3), options)
    assert.deepEqual([again.seqs, again.head.version, again.head.revision], [[1, 2, 3], 3, 2])

    await withoutReply((store) => store.rewrite(one.ref, [{ seq: 2 }]))
    await one.redact(2)
    const head = await one.head()
    assert.deepEqual([head?.entries, head?.rewrites, head?.revision], [2, 1, 3])
    assert.deepEqual(await one.texts(), ['body of m1', '', 'body of m3'])

    await withoutReply((store) => store.delete(one.ref))
    assert.equal(await bench.store.delete(one.ref), false)
    assert.equal(await one.head(), undefined)
  }),

  when(
    'a restart keeps logs, ids, snapshots and the numbers of leases',
    'LOG-C67',
    async (bench) => {
      const { log, lease, clock } = bench
      const one = await log('log', { body: bytes('head'), expires: { inMs: 1_000_000 } })
      await one.append(entries(5))
      await one.redact(3)
      await one.snapshot('s', 'chunk', 5)
      const held = await lease('turn/log', 600_000)
      const before = [await one.head(), await one.read(), await bench.store.loadSnapshot(one.ref, 's')]
      clock.advance(1)
      await bench.restart()
      assert.deepEqual([await one.head(), await one.read(), await bench.store.loadSnapshot(one.ref, 's')], before)
      assert.deepEqual((await one.append([entry('m3'), entry('m6')])).seqs, [3, 6])
      assert.equal(await bench.store.lease(held.fence.name, 1_000), undefined)
      await one.append([entry('m7')], { fence: held.fence })
      assert.equal(await bench.store.renew(held.fence, 1_000), true)
      await bench.store.release(held.fence)
      assert.ok((await lease('turn/log')).fence.number > held.fence.number)
    },
    ['restart'],
  ),

  when(
    "over 1,000 hand-overs between two processes each sees the other's last write",
    'LOG-C68',
    async ({ log, store, hook }) => {
      const one = await log('log', { body: bytes('0') })
      const other = await hook('secondProcess')(store)
      try {
        for (const turn of range(0, 999)) {
          const mine = turn % 2 === 0 ? store : other
          const head = (await mine.head(one.ref)) ?? assert.fail('both see the log')
          assert.equal(text(head.body), String(turn))
          const last = await mine.read(one.ref, { after: Math.max(0, turn - 1) })
          assert.deepEqual(
            last.map(({ id }) => id),
            turn === 0 ? [] : [`m${turn}`],
          )
          if (turn % 10 === 9) assert.equal((await mine.append(one.ref, [entry(`m${turn}`)])).added, 0) // an id that the other wrote
          await mine.append(one.ref, [entry(`m${turn + 1}`)], { head: { body: bytes(String(turn + 1)), ifRevision: head.revision } })
        }
        await other.delete(one.ref)
        assert.equal(await one.head(), undefined)
      } finally {
        await other.close()
      }
    },
    ['secondProcess'],
  ),

  when('errors have the listed codes, and no id, bytes or driver text in their messages', 'LOG-C69', async (bench) => {
    const marker = 'SECRETNAME'
    for (const error of await failures(bench, marker)) {
      assert.ok(error instanceof RecollectError, String(error))
      assert.ok(listed.includes(error.code) && error.code in errorCodes, error.code)
      const said = `${error.message} ${error.nextStep}`
      assert.ok(!said.includes(marker) && !said.includes(bench.name), said)
      assert.doesNotMatch(said, /sqlite|constraint|postgres|redis|syntax error|undefined|TypeError/i)
      assert.ok(error.message.length > 0 && error.nextStep.length > 0)
    }
  }),

  when('close waits for what runs; after it every call is unavailable, and a second close is fine', 'LOG-C70', async (bench) => {
    const { store, log } = bench
    const one = await log()
    const running = range(1, 20).map((i) => one.append([entry(`m${i}`)]))
    const reading = one.read()
    const done: unknown[] = []
    const outcomes = [...running, reading].map((call) => call.then((value) => done.push(value)))
    const settled = Promise.allSettled(outcomes)
    await store.close()
    assert.equal(done.length, 21)
    assert.ok((await settled).every(({ status }) => status === 'fulfilled'))
    assert.deepEqual(
      (await Promise.all(running)).map(({ seqs }) => seqs[0]).toSorted((x = 0, y = 0) => x - y),
      range(1, 20),
    )
    for (const call of everyCall(bench, one.ref)) await refused('unavailable', call(store))
    await store.close()
    await refused('unavailable', one.head())
  }),

  when('500 hostile names stay distinct', 'LOG-C71', async ({ at, store, scope, pages, name }) => {
    const names = hostileNames()
    assert.equal(names.length, 500)
    for (const [i, logId] of names.entries()) {
      const one = at({ logId })
      await one.open({ body: bytes(`head ${i}`) })
      await one.append([entry(logId, `body ${i}`)])
    }
    for (const [i, logId] of names.entries()) {
      const one = at({ logId })
      assert.deepEqual([text((await one.head())?.body ?? bytes('')), await one.ids(), await one.texts()], [`head ${i}`, [logId], [`body ${i}`]])
    }
    const listed = await pages((page) => store.list(scope, 'session', page), 200)
    assert.deepEqual(listed.map(({ logId }) => logId).toSorted(), names.toSorted())
    await store.delete(at({ logId: names[3] as string }).ref)
    assert.equal((await pages((page) => store.list(scope, 'session', page), 200)).length, 499)

    const few = names.slice(0, 40).filter((each) => !each.includes(name))
    for (const each of few) await at({ tenant: each, owner: each, logId: each }).open({ body: bytes(each) })
    for (const each of few) assert.equal(text((await at({ tenant: each, owner: each, logId: each }).head())?.body ?? bytes('')), each)
  }),

  when('times in the year 2300, revisions and fences over 2³¹ are exact', 'LOG-C72', async ({ log, store, clock, lease }) => {
    const inYear2300 = Date.UTC(2300, 0, 1) + 123
    clock.set(inYear2300)
    const one = await log('log', { expires: { at: inYear2300 + 456 }, revision: 2 ** 40 + 1 })
    const { head } = await one.append(entries(1))
    assert.deepEqual([head.createdAt, head.updatedAt, head.expiresAt, head.revision], [inYear2300, inYear2300, inYear2300 + 456, 2 ** 40 + 2])
    assert.equal((await store.updateHead(one.ref, 2 ** 40 + 2, { expires: { inMs: 2 ** 40 } })).expiresAt, inYear2300 + 2 ** 40)
    const { fence, expiresAt } = await lease('work', 1_000)
    assert.deepEqual([fence.number >= inYear2300, expiresAt], [true, inYear2300 + 1_000])
    assert.equal((await one.append([entry('m2')], { fence })).added, 1)
  }),

  when(
    'a seq and bytes over 2³¹ are exact',
    'LOG-C72',
    async ({ log, store, hook, takes }) => {
      const [version, size] = [2 ** 31 + 5, 2 ** 33 + 7]
      const one = await log()
      await hook('raise')(store, one.ref, { version, bytes: size })
      const { seqs, head } = await one.append(entries(3), { expectedVersion: version })
      assert.deepEqual([seqs, head.version], [range(version + 1, version + 3), version + 3])
      assert.ok(takes(head.bytes - size, [10, 10, 10]))
      assert.deepEqual(await one.seqs({ after: version + 1 }), [version + 2, version + 3])
      assert.deepEqual((await one.append([entry('m2')])).seqs, [version + 2])
      await one.redact(version + 1)
      assert.deepEqual(await one.texts({ after: version, limit: 2 }), ['', 'body of m2'])
    },
    ['raise'],
  ),
]

/** One call of each kind, each of which would succeed or be not_found in an open store. */
function everyCall({ scope }: Bench, ref: Parameters<LogStore['head']>[0]): ((store: LogStore) => Promise<unknown>)[] {
  const fence = { name: { tenantId: scope.tenantId, ownerId: scope.ownerId, purpose: 'work' }, number: 1 }
  return [
    (store) => store.open(ref, { body: bytes('head') }),
    (store) => store.head(ref),
    (store) => store.append(ref, entries(1)),
    (store) => store.read(ref),
    (store) => store.updateHead(ref, 1, { body: bytes('head') }),
    (store) => store.rewrite(ref, [{ seq: 1 }]),
    (store) => store.saveSnapshot(ref, { name: 's', upTo: 0, chunks: [bytes('s')] }, { fence }),
    (store) => store.loadSnapshot(ref, 's'),
    (store) => store.list(scope, 'session'),
    (store) => store.expired(0),
    (store) => store.owners(),
    (store) => store.lease(fence.name, 1_000),
    (store) => store.renew(fence, 1_000),
    (store) => store.release(fence),
    (store) => store.delete(ref),
    (store) => store.erase(scope),
  ]
}
