// What is not a call: each kind of bad input, each bound at its edge, and buffers that change hands.
import assert from 'node:assert/strict'
import { limits } from '../../core/limits.ts'
import type { Entry } from '../../ports/log-store.ts'
import { bytes, entries, entry, refused } from './bench.ts'
import { when } from './case.ts'

/** `count` entries, each of `size` bytes of one buffer. */
const sized = (count: number, size: number, name: string): Entry[] => {
  const body = new Uint8Array(size).fill(1)
  return Array.from({ length: count }, (_, i) => ({ id: `${name}${i}`, body }))
}

export const input = [
  when('no entries, an empty body, and an id that is empty, long or holds NUL or half a character are invalid_input', 'LOG-C19', async ({ log }) => {
    const one = await log()
    const before = await one.head()
    await refused('invalid_input', one.append([]))
    await refused('invalid_input', one.append([{ id: 'a', body: new Uint8Array(0) }]))
    for (const id of ['', 'x'.repeat(201), 'é'.repeat(101), 'a\0b', 'a\ud800b', '\udfff']) await refused('invalid_input', one.append([entry(id)]))
    await refused('invalid_input', one.append(entries(1), { expectedVersion: -1 }))
    await refused('invalid_input', one.append(entries(1), { expectedVersion: 0.5 }))
    assert.deepEqual([await one.read(), await one.head()], [[], before])
    assert.equal((await one.append([entry('x'.repeat(200)), entry('é'.repeat(100)), entry(' \t\u0001')])).added, 3)
  }),

  when('an entry, an append and a rewrite end at their bounds', 'LOG-C20', async ({ log, store, allowed }) => {
    const one = await log()
    await one.append([...sized(1, limits.entryBytes - 1, 'below'), ...sized(1, limits.entryBytes, 'at')])
    await refused('payload_too_large', one.append(sized(1, limits.entryBytes + allowed + 1, 'above')))

    await one.append(entries(limits.appendEntries - 1, 'below '))
    await one.append(entries(limits.appendEntries, 'at '))
    await refused('invalid_input', one.append(entries(limits.appendEntries + 1, 'above ')))

    const whole = limits.appendBytes / limits.entryBytes
    await one.append([...sized(whole - 1, limits.entryBytes, 'sum below '), ...sized(1, limits.entryBytes - 1, 'one below ')])
    const { seqs } = await one.append(sized(whole, limits.entryBytes, 'sum at '))
    await refused(
      'payload_too_large',
      one.append([...sized(whole, limits.entryBytes, 'sum above '), ...sized(1, 1 + allowed * (whole + 1), 'one above ')]),
    )

    const full = seqs.map((seq) => ({ seq, body: new Uint8Array(limits.entryBytes).fill(2) }))
    await store.rewrite(one.ref, full)
    await refused('payload_too_large', store.rewrite(one.ref, [{ seq: 1, body: new Uint8Array(limits.entryBytes + allowed + 1) }]))
    await refused('payload_too_large', store.rewrite(one.ref, [...full, { seq: 1, body: new Uint8Array(1 + allowed * (whole + 1)) }]))
    await refused('invalid_input', one.redact(...Array.from({ length: limits.appendEntries + 1 }, (_, i) => i + 1)))
    await one.redact(...Array.from({ length: limits.appendEntries }, (_, i) => i + 1))
    assert.equal((await one.head())?.entries, 2 + 2 * limits.appendEntries - 1 + 2 * whole - limits.appendEntries)
  }),

  when('a head body and a snapshot end at their bounds', 'LOG-C20', async ({ log, at, store, lease, allowed }) => {
    const over = new Uint8Array(limits.headBytes + allowed + 1)
    const one = await log('log', { body: new Uint8Array(limits.headBytes) })
    await refused('payload_too_large', at({ logId: 'other' }).open({ body: over }))
    await refused('payload_too_large', store.updateHead(one.ref, 1, { body: over }))
    await refused('payload_too_large', one.append(entries(1), { head: { body: over, ifRevision: 1 } }))
    await store.updateHead(one.ref, 1, { body: new Uint8Array(limits.headBytes - 1) })

    const { fence } = await lease()
    const save = (chunks: Uint8Array[]) => store.saveSnapshot(one.ref, { name: 's', upTo: 0, chunks }, { fence })
    const chunks = (count: number, size: number) => Array.from({ length: count }, () => new Uint8Array(size).fill(3))
    for (const count of [limits.snapshotChunks - 1, limits.snapshotChunks]) await save(chunks(count, 1))
    for (const size of [limits.snapshotChunkBytes - 1, limits.snapshotChunkBytes]) await save(chunks(1, size))
    await refused('invalid_input', save(chunks(limits.snapshotChunks + 1, 1)))
    await refused('payload_too_large', save(chunks(1, limits.snapshotChunkBytes + allowed + 1)))
    const [shared] = chunks(1, limits.snapshotChunkBytes) // refused before it is copied: 513 MiB are never held
    await refused('payload_too_large', save(Array.from({ length: limits.snapshotBytes / limits.snapshotChunkBytes + 1 }, () => shared as Uint8Array)))
    assert.equal((await store.loadSnapshot(one.ref, 's'))?.chunks[0]?.length, limits.snapshotChunkBytes)
  }),

  when('a read, a page and a lease end at their bounds', 'LOG-C20', async ({ log, store, scope, clock }) => {
    const one = await log()
    for (const limit of [1, limits.readEntriesMost - 1, limits.readEntriesMost]) await one.read({ limit })
    for (const limit of [0, -1, 1.5, limits.readEntriesMost + 1]) await refused('invalid_input', one.read({ limit }))
    await refused('invalid_input', one.read({ after: -1 }))
    for (const limit of [1, limits.pageItemsMost - 1, limits.pageItemsMost]) await store.list(scope, 'session', { limit })
    for (const limit of [0, limits.pageItemsMost + 1]) {
      await refused('invalid_input', store.list(scope, 'session', { limit }))
      await refused('invalid_input', store.expired(0, { limit }))
      await refused('invalid_input', store.owners({ limit }))
    }
    const name = { tenantId: scope.tenantId, ownerId: scope.ownerId, purpose: 'work' }
    for (const ttlMs of [limits.leaseMsLeast - 1, limits.leaseMsMost + 1]) await refused('invalid_input', store.lease(name, ttlMs))
    for (const ttlMs of [limits.leaseMsLeast, limits.leaseMsLeast + 1, limits.leaseMsMost - 1, limits.leaseMsMost]) {
      const lease = await store.lease(name, ttlMs)
      assert.equal(lease?.expiresAt, clock.now() + ttlMs)
      for (const wrong of [limits.leaseMsLeast - 1, limits.leaseMsMost + 1]) await refused('invalid_input', store.renew(lease.fence, wrong))
      await store.release(lease.fence)
    }
  }),

  when(
    'buffers that the caller changes after a call change nothing, and two reads share no memory',
    'LOG-C21',
    async ({ at, store, scope, lease }) => {
      const one = at()
      const buffer = () => bytes('as it was')
      const changed = async <T>(body: Uint8Array, call: Promise<T>): Promise<T> => {
        body.fill(0x21) // while the call runs
        return call
      }
      const [opened, appended, patched, chunk, rewritten] = [buffer(), buffer(), buffer(), buffer(), buffer()]
      await changed(opened, one.open({ body: opened }))
      assert.deepEqual((await one.head())?.body, buffer())
      const list = [{ id: 'm1', body: appended }]
      const sent = one.append(list)
      list[0] = { id: 'm2', body: buffer() }
      list.push({ id: 'm3', body: buffer() })
      await changed(appended, sent)
      await changed(patched, store.updateHead(one.ref, 2, { body: patched }))
      const { fence } = await lease()
      await changed(chunk, store.saveSnapshot(one.ref, { name: 's', upTo: 1, chunks: [chunk] }, { fence }))

      const everything = async () => {
        const snapshot = await store.loadSnapshot(one.ref, 's')
        const listed = await store.list(scope, 'session')
        return [
          (await one.head())?.body,
          ...(await one.read()).map(({ body }) => body),
          ...(snapshot?.chunks ?? []),
          ...listed.items.map(({ body }) => body),
        ]
      }
      for (let time = 0; time < 2; time++) {
        const out = await everything()
        assert.ok(out.length >= 3)
        for (const body of out) {
          assert.deepEqual(body, buffer())
          body.fill(0x3f)
        }
      }
      await changed(rewritten, store.rewrite(one.ref, [{ seq: 1, body: rewritten }]))
      assert.deepEqual(await one.texts(), ['as it was'])
      assert.deepEqual(await one.ids(), ['m1'])
    },
  ),
]
