// open and head: one log an address, and one answer for every log that is not there.
import assert from 'node:assert/strict'
import { limits } from '../../core/limits.ts'
import { bytes, entries, entry, refused } from './bench.ts'
import { when } from './case.ts'

export const opening = [
  when('a new log is at version 0 and revision 1, empty, with both times of the clock', 'LOG-C1', async ({ log, clock }) => {
    const head = await (await log('log', { body: bytes('a head') })).head()
    assert.ok(head)
    const { birth, body, ...rest } = head
    const now = clock.now()
    assert.deepEqual(rest, { version: 0, revision: 1, rewrites: 0, createdAt: now, updatedAt: now, entries: 0, bytes: 0 })
    assert.deepEqual(body, bytes('a head'))
    assert.ok(Number.isSafeInteger(birth) && birth >= 0 && birth < 2 ** 48)
  }),

  when('opening again gives an equal head, ignores init and writes nothing', 'LOG-C2', async ({ at, clock }) => {
    const log = at()
    const first = await log.open({ body: bytes('first'), expires: { inMs: 60_000 } })
    clock.advance(1)
    assert.deepEqual(await log.open({ body: bytes('second'), expires: 'never', revision: 9 }), first)
    assert.deepEqual(await log.head(), first)
  }),

  when('fifty opens at once make one log with one birth', 'LOG-C3', async ({ at, store, scope }) => {
    const heads = await Promise.all(Array.from({ length: 50 }, () => at().open()))
    assert.equal(new Set(heads.map((head) => head.birth)).size, 1)
    assert.equal((await store.list(scope, 'session')).items.length, 1)
  }),

  when('the head of a log never made, deleted or expired is the same answer', 'LOG-C4', async ({ at, log, store, clock }) => {
    const deleted = await log('deleted')
    const expired = await log('expired', { expires: { inMs: 1 } })
    await store.delete(deleted.ref)
    clock.advance(1)
    assert.deepEqual(await Promise.all([at({ logId: 'never' }).head(), deleted.head(), expired.head()]), [undefined, undefined, undefined])
  }),

  when('a head body of no bytes, of 64 KiB, of all values and of broken UTF-8 comes back equal', 'LOG-C5', async ({ log }) => {
    const bodies = [
      new Uint8Array(0),
      new Uint8Array(limits.headBytes).fill(7),
      Uint8Array.from({ length: 256 }, (_, i) => 255 - i),
      Uint8Array.of(0xc0, 0x80, 0xff, 0xfe, 0xed, 0xa0, 0x80),
    ]
    for (const [i, body] of bodies.entries()) assert.deepEqual((await (await log(`log ${i}`, { body })).head())?.body, body)
  }),

  when(
    'a log made again after delete or expiry has a new birth and no entry, id or snapshot of the old one',
    'LOG-C6',
    async ({ log, store, clock, at }) => {
      for (const how of ['delete', 'expiry'] as const) {
        const old = await log(how, { body: bytes('old'), expires: { inMs: 1_000 } })
        const { birth } = (await old.append(entries(3))).head
        await old.snapshot('s', 'old', 3)
        if (how === 'delete') await store.delete(old.ref)
        else clock.advance(1_000)
        await refused('not_found', old.read())

        const made = await at({ logId: how }).open({ body: bytes('new') })
        assert.notEqual(made.birth, birth)
        assert.deepEqual([made.version, made.revision, made.entries, made.bytes, made.rewrites], [0, 1, 0, 0, 0])
        assert.deepEqual(made.body, bytes('new'))
        assert.equal(made.expiresAt, undefined)
        assert.deepEqual(await old.read(), [])
        assert.equal(await store.loadSnapshot(old.ref, 's'), undefined)
        const again = await old.append([entry('m2', 'new text')])
        assert.deepEqual([again.added, again.seqs], [1, [1]])
        assert.deepEqual(await old.texts(), ['new text'])
      }
    },
  ),
]
