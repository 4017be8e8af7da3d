// updateHead: swaps by revision, of which none is lost; and stored data that lost a row.
import assert from 'node:assert/strict'
import { isRecollectError } from '../../core/errors.ts'
import { bytes, entries, range, refused, text } from './bench.ts'
import { when } from './case.ts'

export const heads = [
  when('updateHead adds 1 to the revision and moves updatedAt; birth and createdAt stay', 'LOG-C31', async ({ log, store, clock }) => {
    const one = await log('log', { body: bytes('v1') })
    const { head: before } = await one.append(entries(2))
    clock.advance(25)
    const after = await store.updateHead(one.ref, before.revision, { body: bytes('v2') })
    assert.deepEqual(after, { ...before, revision: before.revision + 1, updatedAt: before.updatedAt + 25, body: bytes('v2') })
    assert.deepEqual(await one.head(), after)
  }),

  when('another revision is a conflict and changes nothing', 'LOG-C32', async ({ log, store }) => {
    const one = await log('log', { body: bytes('v1') })
    const before = await store.updateHead(one.ref, 1, { body: bytes('v2') })
    for (const revision of [1, 3, 1_000]) await refused('conflict', store.updateHead(one.ref, revision, { body: bytes('v3'), expires: { inMs: 1 } }))
    assert.deepEqual(await one.head(), before)
  }),

  when('a hundred swaps of a counter at once count to a hundred', 'LOG-C33', async ({ log, store }) => {
    const one = await log('log', { body: bytes('0') })
    const addOne = async () => {
      for (let tries = 0; tries < 1_000; tries++) {
        const head = await one.head()
        assert.ok(head)
        try {
          return await store.updateHead(one.ref, head.revision, { body: bytes(String(Number(text(head.body)) + 1)) })
        } catch (error) {
          if (!isRecollectError(error, 'conflict')) throw error
        }
      }
      return assert.fail('a swap lost a thousand times to a hundred writers')
    }
    await Promise.all(range(1, 100).map(addOne))
    const head = await one.head()
    assert.deepEqual([text(head?.body ?? bytes('')), head?.revision], ['100', 101])
  }),

  when('a patch of one field leaves the other', 'LOG-C34', async ({ log, store, clock }) => {
    const one = await log('log', { body: bytes('v1'), expires: { inMs: 1_000 } })
    const expiresAt = clock.now() + 1_000
    const body = await store.updateHead(one.ref, 1, { body: bytes('v2') })
    assert.deepEqual([body.body, body.expiresAt], [bytes('v2'), expiresAt])
    const expires = await store.updateHead(one.ref, 2, { expires: { at: expiresAt + 5 } })
    assert.deepEqual([expires.body, expires.expiresAt], [bytes('v2'), expiresAt + 5])
    const never = await store.updateHead(one.ref, 3, { expires: 'never' })
    assert.deepEqual([never.body, 'expiresAt' in never, never.revision], [bytes('v2'), false, 4])
  }),

  when(
    'a row taken away underneath is integrity_failure, not a shorter log',
    'LOG-C35',
    async ({ log, store, hook }) => {
      for (const seq of [1, 3, 5]) {
        const one = await log(`log ${seq}`)
        await one.append(entries(5))
        await hook('takeAway')(store, { ref: one.ref, seq })
        await refused('integrity_failure', one.read())
        await refused('integrity_failure', one.read({ after: seq - 1 }))
        if (seq > 1) assert.deepEqual(await one.seqs({ upTo: seq - 1 }), range(1, seq - 1))
      }
    },
    ['takeAway'],
  ),
]
