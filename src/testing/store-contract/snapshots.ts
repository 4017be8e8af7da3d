// Snapshots: whole or not at all, by a fence, and never part of the head.
import assert from 'node:assert/strict'
import { limits } from '../../core/limits.ts'
import { seededRandom } from '../seeded-random.ts'
import { bytes, entries, range, refused } from './bench.ts'
import { when } from './case.ts'

export const snapshots = [
  when('chunks come back equal and in order: 1 byte to 1 MiB, 1 to 1,024 of them', 'LOG-C42', async ({ log, store, lease }) => {
    const random = seededRandom(42)
    const one = await log()
    await one.append(entries(3))
    const { fence } = await lease()
    const shapes = [[1], [limits.snapshotChunkBytes], range(1, limits.snapshotChunks).map((i) => i), [7, limits.snapshotChunkBytes, 1, 65_536]]
    for (const [i, sizes] of shapes.entries()) {
      const snapshot = { name: `s${i % 2}`, upTo: i, chunks: sizes.map((size) => random(size)) }
      await store.saveSnapshot(one.ref, snapshot, { fence })
      assert.deepEqual(await store.loadSnapshot(one.ref, snapshot.name), snapshot)
    }
    assert.equal((await store.loadSnapshot(one.ref, 's0'))?.upTo, 2)
    assert.equal(await store.loadSnapshot(one.ref, 'unknown'), undefined)
  }),

  when('a load during a save gives the old or the new, whole', 'LOG-C43', async ({ log, store, lease }) => {
    const one = await log()
    const { fence } = await lease()
    const chunksOf = (letter: string, count: number, length: number) => range(1, count).map(() => bytes(letter.repeat(length)))
    const saved = { a: chunksOf('a', 8, 20_000), b: chunksOf('b', 9, limits.snapshotChunkBytes) } // b is more than one append may hold
    const save = (name: keyof typeof saved, ref = one.ref) => store.saveSnapshot(ref, { name: 's', upTo: 0, chunks: saved[name] }, { fence })
    const isWhole = (chunks: readonly Uint8Array[], name: keyof typeof saved) =>
      chunks.length === saved[name].length && saved[name].every((chunk, i) => Buffer.compare(chunk, chunks[i] as Uint8Array) === 0)
    await save('a')
    const saving = { done: false }
    const saver = async () => {
      for (let i = 0; i < 6; i++) await save(i % 2 === 0 ? 'b' : 'a')
      saving.done = true
    }
    const loader = async () => {
      while (!saving.done) {
        const chunks = (await store.loadSnapshot(one.ref, 's'))?.chunks ?? assert.fail('a snapshot is there all the time')
        assert.ok(isWhole(chunks, 'a') || isWhole(chunks, 'b'))
        await new Promise(setImmediate)
      }
    }
    await Promise.all([saver(), loader(), loader()])

    const first = await log('first')
    const made = { done: false }
    const making = save('b', first.ref).finally(() => (made.done = true))
    while (!made.done) {
      const found = await store.loadSnapshot(first.ref, 's')
      assert.ok(found === undefined || isWhole(found.chunks, 'b'), 'none, or the whole of it')
      await new Promise(setImmediate)
    }
    await making
    assert.ok(isWhole((await store.loadSnapshot(first.ref, 's'))?.chunks ?? [], 'b'))
  }),

  when('a stale fence, none, or upTo above the version is refused, and the old snapshot stays', 'LOG-C44', async ({ log, store, lease }) => {
    const one = await log()
    await one.append(entries(2))
    await one.snapshot('s', 'old', 2)
    const late = await lease()
    await store.release(late.fence)
    const { fence } = await lease()
    const save = (upTo: number, by: typeof fence) => store.saveSnapshot(one.ref, { name: 's', upTo, chunks: [bytes('new')] }, { fence: by })
    await refused('conflict', save(2, late.fence))
    await refused('conflict', save(2, undefined as unknown as typeof fence))
    await refused('invalid_input', save(3, fence))
    await refused('invalid_input', store.saveSnapshot(one.ref, { name: 's', upTo: 0, chunks: [] }, { fence }))
    assert.deepEqual(await store.loadSnapshot(one.ref, 's'), { name: 's', upTo: 2, chunks: [bytes('old')] })
    await save(2, fence)
    assert.deepEqual((await store.loadSnapshot(one.ref, 's'))?.chunks, [bytes('new')])
  }),

  when(
    'a snapshot that lost a chunk underneath is none',
    'LOG-C45',
    async ({ log, store, lease, hook }) => {
      const { fence } = await lease()
      for (const chunk of [0, 1, 2]) {
        const one = await log(`log ${chunk}`)
        for (const name of ['s', 'whole']) await store.saveSnapshot(one.ref, { name, upTo: 0, chunks: ['a', 'b', 'c'].map(bytes) }, { fence })
        await hook('takeAway')(store, { ref: one.ref, snapshot: 's', chunk })
        assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
        assert.equal((await store.loadSnapshot(one.ref, 'whole'))?.chunks.length ?? 3, 3) // a store may drop the others too
      }
    },
    ['takeAway'],
  ),

  when('a log made again has no snapshot', 'LOG-C46', async ({ log, store, clock }) => {
    const one = await log('log', { expires: { inMs: 1_000 } })
    await one.snapshot('s')
    clock.advance(1_000)
    await one.open()
    assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
    await one.snapshot('s')
    await store.delete(one.ref)
    await one.open()
    assert.equal(await store.loadSnapshot(one.ref, 's'), undefined)
  }),

  when('saving a snapshot changes no field of the head', 'LOG-C47', async ({ log, clock }) => {
    const one = await log('log', { body: bytes('head'), expires: { inMs: 600_000 } })
    const { head } = await one.append(entries(2))
    clock.advance(500)
    await one.snapshot('s', 'chunk', 2)
    assert.deepEqual(await one.head(), head)
  }),
]
