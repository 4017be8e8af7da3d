// read, order and writers at once: ascending, whole, the same for all.
import assert from 'node:assert/strict'
import { isRecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { seededRandom } from '../seeded-random.ts'
import { bytes, entries, entry, range, refused } from './bench.ts'
import { when } from './case.ts'

export const reading = [
  when('a clock that runs backwards changes no order and takes no updatedAt back', 'LOG-C22', async ({ log, clock }) => {
    const one = await log()
    let last = clock.now()
    for (const [i, step] of [1_000, -3_600_000, 5, -86_400_000, 10].entries()) {
      clock.advance(step)
      const { head, seqs } = await one.append([entry(`m${i + 1}`)])
      assert.deepEqual(seqs, [i + 1])
      assert.ok(head.updatedAt >= last)
      last = head.updatedAt
    }
    assert.deepEqual(await one.ids(), ['m1', 'm2', 'm3', 'm4', 'm5'])
  }),

  when('64 writers of 50 appends leave 3,200 entries, no gap, each in its order', 'LOG-C23', async ({ log }) => {
    const one = await log()
    const writer = async (w: number) => {
      for (let i = 0; i < 50; i++) await one.append([entry(`${w}/${i}`)])
    }
    await Promise.all(range(1, 64).map(writer))
    const all = await one.read({ limit: limits.readEntriesMost })
    assert.deepEqual(
      all.map(({ seq }) => seq),
      range(1, 3_200),
    )
    for (const w of range(1, 64))
      assert.deepEqual(
        all.filter(({ id }) => id.startsWith(`${w}/`)).map(({ id }) => id),
        range(0, 49).map((i) => `${w}/${i}`),
      )
    const head = await one.head()
    assert.deepEqual([head?.version, head?.entries, head?.revision], [3_200, 3_200, 3_201])
  }),

  when('of two writers at one expected version one wins, in 200 rounds of 200', 'LOG-C24', async ({ log }) => {
    const one = await log()
    for (let round = 0; round < 200; round++) {
      const outcomes = await Promise.allSettled(['a', 'b'].map((w) => one.append([entry(`${round}${w}`)], { expectedVersion: round })))
      const lost = outcomes.filter((outcome) => outcome.status === 'rejected')
      assert.equal(lost.length, 1)
      assert.ok(isRecollectError(lost[0]?.reason, 'conflict'))
    }
    assert.equal((await one.head())?.version, 200)
  }),

  when('200 retries of one append at once leave one record', 'LOG-C25', async ({ log }) => {
    const one = await log()
    const all = await Promise.all(range(1, 200).map(() => one.append([entry('m1')], { expectedVersion: 0 })))
    assert.ok(all.every(({ seqs }) => seqs[0] === 1))
    assert.equal(all.filter(({ added }) => added === 1).length, 1)
    assert.deepEqual(await one.ids(), ['m1'])
    assert.equal((await one.head())?.revision, 2)
  }),

  when('read begins after `after`, ends with `upTo`, and takes its limit from the front', 'LOG-C26', async ({ log }) => {
    const one = await log()
    await one.append(entries(limits.appendEntries))
    await one.append(entries(5, 'more '))
    assert.deepEqual(await one.seqs({ after: 3, upTo: 7 }), [4, 5, 6, 7])
    assert.deepEqual(await one.seqs({ after: 3, upTo: 7, limit: 2 }), [4, 5])
    assert.deepEqual(await one.seqs({ after: 1_002 }), [1_003, 1_004, 1_005])
    assert.deepEqual(await one.seqs({ upTo: 2 }), [1, 2])
    assert.deepEqual(await one.seqs({ after: 7, upTo: 7 }), [])
    assert.deepEqual(await one.seqs({ after: 7, upTo: 3 }), [])
    assert.deepEqual(await one.seqs({ upTo: 0 }), [])
    assert.deepEqual(await one.seqs(), range(1, limits.readEntries))
    assert.deepEqual(await one.seqs({ after: 1_000, limit: 5, upTo: 99_999 }), range(1_001, 1_005))
  }),

  when('past the end there is nothing, and no log is not_found', 'LOG-C27', async ({ log, at }) => {
    const one = await log()
    assert.deepEqual(await one.read(), [])
    await one.append(entries(3))
    assert.deepEqual([await one.read({ after: 3 }), await one.read({ after: 1_000_000 })], [[], []])
    await refused('not_found', at({ logId: 'other' }).read())
  }),

  when('a read stays under 16 MiB, and going on gives each seq once', 'LOG-C28', async ({ log }) => {
    const one = await log()
    const body = new Uint8Array(limits.entryBytes).fill(9)
    for (const call of range(0, 4)) await one.append(range(1, 8).map((i) => ({ id: `${call}/${i}`, body })))
    const seen: number[] = []
    while (seen.length < 100) {
      const page = await one.read({ after: seen.length })
      if (page.length === 0) break
      assert.ok(page.reduce((sum, each) => sum + each.body.length, 0) <= limits.readBytes)
      seen.push(...page.map(({ seq }) => seq))
    }
    assert.deepEqual(seen, range(1, 40))
    assert.ok((await one.read()).length >= 15) // 16, but for the seal
  }),

  when('10,000 reads during appends see a prefix, and never a hole', 'LOG-C29', async ({ log }) => {
    const one = await log()
    let done = false
    const writer = async () => {
      for (let i = 0; i < 100; i++) {
        await one.append(entries(1 + (i % 3), `${i} `))
        await new Promise(setImmediate)
      }
      done = true
    }
    let reads = 0
    const reader = async () => {
      let last = 0
      for (let i = 0; i < 625; i++, reads++) {
        const after = Math.max(0, last - 5)
        const seqs = await one.seqs({ after })
        assert.deepEqual(seqs, range(after + 1, after + seqs.length))
        assert.ok(after + seqs.length >= last, 'a later read sees what an earlier one saw')
        last = after + seqs.length
        if (!done && i % 10 === 0) await new Promise(setImmediate)
      }
    }
    await Promise.all([writer(), ...range(1, 16).map(reader)])
    assert.deepEqual([done, reads], [true, 10_000])
  }),

  when('random bodies of 1 byte to 1 MiB come back equal', 'LOG-C30', async ({ log }) => {
    const random = seededRandom(30)
    const one = await log()
    const sizes = [1, 2, limits.entryBytes - 1, limits.entryBytes, ...range(1, 26).map((i) => 1 + random.below(2 ** (i % 20) + 1))]
    const bodies = [...sizes.map((size) => random(size)), Uint8Array.from({ length: 256 }, (_, i) => i), bytes("'; drop table log; --")]
    for (const [i, body] of bodies.entries()) await one.append([{ id: `m${i}`, body }])
    const all = await one.read()
    assert.equal(all.length, bodies.length)
    for (const [i, { body }] of all.entries()) assert.deepEqual(body, bodies[i])
  }),
]
