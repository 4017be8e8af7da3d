// rewrite: redaction for good, and the same text sealed anew.
import assert from 'node:assert/strict'
import { bytes, entries, entry, range, refused } from './bench.ts'
import { when } from './case.ts'

export const rewriting = [
  when('a redacted body is empty; seq, id, neighbours and version stay, and the head counts it', 'LOG-C36', async ({ log, clock, takes }) => {
    const one = await log('log', { body: bytes('head') })
    const { head: before } = await one.append(entries(5))
    clock.advance(7)
    await one.redact(4, 2)
    const left = [1, 3, 5].map((i) => `body of m${i}`)
    assert.deepEqual(await one.ids(), ['m1', 'm2', 'm3', 'm4', 'm5'])
    assert.deepEqual(await one.texts(), ['body of m1', '', 'body of m3', '', 'body of m5'])
    const { bytes: size, ...after } = (await one.head()) ?? assert.fail()
    const { bytes: _, ...same } = before
    assert.deepEqual(after, { ...same, revision: before.revision + 1, rewrites: 2, entries: 3, updatedAt: before.updatedAt + 7 })
    assert.ok(
      takes(
        size,
        left.map(({ length }) => length),
      ),
    )
  }),

  when('a second redaction changes nothing; seq 0 and above the version are invalid_input', 'LOG-C37', async ({ log, store }) => {
    const one = await log()
    await one.append(entries(3))
    await one.redact(2)
    const before = await one.head()
    await one.redact(2)
    assert.deepEqual(await one.head(), before)
    await refused('invalid_input', one.redact(0))
    await refused('invalid_input', one.redact(1, 4))
    await refused('invalid_input', store.rewrite(one.ref, []))
    assert.deepEqual([await one.head(), (await one.texts())[0]], [before, 'body of m1'])
  }),

  when('a redaction drops every snapshot of its log, and none of another', 'LOG-C38', async ({ log, store }) => {
    const [one, other] = [await log('one'), await log('other')]
    for (const each of [one, other]) {
      await each.append(entries(3))
      await each.snapshot('s1')
      await each.snapshot('s2')
    }
    await one.redact(1)
    for (const name of ['s1', 's2']) {
      assert.equal(await store.loadSnapshot(one.ref, name), undefined)
      assert.ok(await store.loadSnapshot(other.ref, name))
    }
  }),

  when('a replacement changes bodies alone, and what is redacted does not come back', 'LOG-C39', async ({ log, store, takes }) => {
    const one = await log()
    await one.append(entries(4))
    await one.redact(3)
    const before = await one.head()
    await store.rewrite(one.ref, [
      { seq: 4, body: bytes('four') },
      { seq: 1, body: bytes('one, which is longer now') },
    ])
    assert.deepEqual(await one.texts(), ['one, which is longer now', 'body of m2', '', 'four'])
    assert.deepEqual(await one.ids(), ['m1', 'm2', 'm3', 'm4'])
    const after = await one.head()
    assert.ok(before && after && takes(after.bytes, [24, 10, 4]))
    assert.deepEqual([after.entries, after.rewrites, after.revision, after.version], [3, 3, before.revision + 1, 4])

    const both = [
      { seq: 2, body: bytes('two') },
      { seq: 3, body: bytes('three') },
    ]
    await refused('conflict', store.rewrite(one.ref, both))
    await refused('invalid_input', store.rewrite(one.ref, [{ seq: 1, body: new Uint8Array(0) }]))
    assert.deepEqual([await one.texts(), await one.head()], [['one, which is longer now', 'body of m2', '', 'four'], after])
  }),

  when('after a redaction that raced appends, reads and a snapshot no call gives the body', 'LOG-C40', async ({ log, store, lease }) => {
    for (const round of range(1, 30)) {
      const one = await log(`log ${round}`)
      await one.append([entry('secret', 'the canary'), entry('other')])
      const { fence } = await lease()
      const save = () =>
        store.saveSnapshot(one.ref, { name: 's', upTo: 1, chunks: [bytes('the canary')] }, { fence }).catch((error: { code?: string }) => {
          assert.equal(error.code, 'conflict')
        })
      // Whoever redacts has taken the lease of those who save: a late save is then refused.
      const redact = async () => {
        await store.release(fence)
        await one.redact(1)
      }
      const reads = async () => {
        for (let i = 0; i < 3; i++) assert.ok(['the canary', ''].includes((await one.texts({ limit: 1 }))[0] ?? 'nothing'))
      }
      await Promise.all([reads(), save(), one.append(entries(3, 'more ')), redact(), save(), reads()])
      const again = await one.append([entry('secret', 'the canary')])
      assert.equal(again.added, 0)
      assert.deepEqual((await one.texts())[0], '')
      assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
    }
  }),

  when(
    'after redact, delete and erase the bytes are in no raw row',
    'LOG-C41',
    async ({ log, store, scope, lies, name, plain }) => {
      const id = (what: string) => `id-${what}-${name}`
      const body = (what: string) => `canary-${what}-${name}`
      const whats = ['redact', 'delete', 'erase']
      for (const what of whats) {
        const one = await log(what)
        await one.append([entry(id(what), body(what)), entry('kept', 'kept')])
        await one.snapshot('s', body(what))
        assert.ok(await lies(id(what)), 'raw shows what is there')
        if (plain) assert.ok(await lies(body(what)))
      }
      await (await log('redact')).redact(1)
      assert.ok(!(await lies(body('redact'))))
      await store.delete((await log('delete')).ref)
      assert.ok(!(await lies(body('delete'))) && !(await lies(id('delete'))))
      await store.erase(scope)
      assert.ok(!(await lies(body('erase'))) && !(await lies(id('erase'))) && !(await lies(id('redact'))))
      assert.ok(!(await lies(name)), 'nothing names the owner')
    },
    ['raw'],
  ),
]
