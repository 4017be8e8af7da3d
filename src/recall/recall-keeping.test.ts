// What recall holds of an owner: fresh by one look, bounded, apart from others, and without what was forgotten.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { limits } from '../core/limits.ts'
import { refOf } from '../core/log-ref.ts'
import { memoryLogId } from '../core/memory.ts'
import type { Embedder } from '../ports/models.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { recordingTelemetry } from '../testing/recording-telemetry.ts'
import { anOwner, forget, memoryOf, noon, open, recallOver, type Said, texts, wordEmbedder } from '../../test/builders/recall.ts'
import { createDeadlines } from '../ports/deadlines.ts'
import { createQueryVectors } from './search/query-vectors.ts'

describe('freshness', () => {
  test('one head call tells whether a partition still holds, and only the tail is read [NODE-2, PART-5]', async () => {
    const owner = await anOwner()
    await owner.say('The boiler code is 7731.')
    const reads: (number | undefined)[] = []
    const watched = {
      ...owner.store,
      read: (...call: Parameters<typeof owner.store.read>) => (reads.push(call[1]?.after), owner.store.read(...call)),
    }
    const recall = recallOver(watched)
    for (let i = 0; i < 3; i++) await recall.search(owner.scope, 'boiler')
    expect(reads).toEqual([0])
    await owner.say('The boiler was sold.')
    expect(texts(await recall.search(owner.scope, 'boiler', open))).toContain('The boiler was sold.')
    expect(reads).toEqual([0, 2])
    await forget(owner, 'mem_1', [1, 2])
    await recall.search(owner.scope, 'boiler')
    expect(reads).toEqual([0, 2, 0]) // a redaction: nothing held is trusted
  })

  test('nothing held of a log is trusted for one that was made anew under its name, also while it is read [NODE-2, PART-5]', async () => {
    const store = memoryStore({ clock: manualClock(noon) })
    const before = await anOwner(store)
    await before.say('The boiler code is 7731.', 'The boiler is old.')
    let madeAnew = async () => {}
    const read: typeof store.read = async (...call) => {
      const entries = await store.read(...call)
      await madeAnew()
      return entries
    }
    const recall = recallOver({ ...store, read })
    const found = async () => texts(await recall.search(before.scope, 'boiler garden', open))
    const remake = async (...said: string[]) => {
      madeAnew = async () => {}
      await store.erase(before.scope)
      await (await anOwner(store)).say(...said)
    }
    expect(await found()).toHaveLength(2)
    await remake('The garden is wide.', 'The garden is green.', 'The garden is wet.') // more than what is held
    expect((await found()).toSorted()).toEqual(['The garden is green.', 'The garden is wet.', 'The garden is wide.'])
    recall.drop(before.scope)
    madeAnew = () => remake('The garden is sold.')
    expect(await found()).toEqual(['The garden is sold.'])
  })

  test('a body that is missing without a tombstone fails the search, and is no shorter memory [SEAL-12]', async () => {
    const { owner, search } = await memoryOf('The boiler code is 7731.', 'The boiler is old.')
    await owner.store.rewrite(refOf(owner.scope, 'memory', memoryLogId), [{ seq: 1 }])
    await expect(search('boiler')).rejects.toMatchObject({ code: 'integrity_failure' })
  })

  test('all that one context asks of memory costs one head call [NODE-2]', async () => {
    const owner = await anOwner()
    await owner.say('The boiler code is 7731.', { text: 'Always answer in German.', kind: 'procedural' })
    let heads = 0
    const recall = recallOver({ ...owner.store, head: (ref) => (heads++, owner.store.head(ref)) })
    await recall.partition(owner.scope)
    heads = 0
    const { forContext, preferences, standing, records } = recall.moment(owner.scope)
    await standing(['mem_1'])
    const kept = { session: 'other', birth: 1, messages: [], liveIds: new Set<string>() }
    const [found, rules] = await Promise.all([forContext('boiler code', {}, kept), preferences(), records(['mem_1'])])
    expect([texts(found.result)[0], rules.length, heads]).toEqual(['The boiler code is 7731.', 1, 1])
    await forget(owner, 'mem_1', [1, 2])
    expect(texts(await recall.search(owner.scope, 'boiler code'))).toEqual([])
    expect([(await records(['mem_1'])).size, heads]).toEqual([0, 4]) // what was held went with the redaction, so the moment looks again
  })

  test('what a tombstone leaves is indexed anew in steps, and others are answered meanwhile [PART-6]', async () => {
    const owner = await anOwner()
    await owner.say(...Array.from({ length: 2_000 }, (_, i) => ({ text: `thing ${i} of ${i % 7}`, session: `s${i % 50}` })))
    let now = noon
    const clock = { ...manualClock(noon), now: () => (now += limits.yieldEveryMs) } // each look at the clock is a whole step later
    const recall = recallOver(owner.store, { clock })
    await recall.partition(owner.scope)
    await owner.append({ type: 'tombstone', recordIds: ['mem_40'], seqs: [79, 80], suppress: [], why: 'forgotten', at: noon })
    let turns = 0
    let done = false
    const count = () => {
      turns++
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    expect((await recall.partition(owner.scope)).get('mem_40')).toBeUndefined()
    done = true
    expect(turns).toBeGreaterThanOrEqual(Math.floor(2_000 / limits.buildSlice))
    const query = 'thing 41 of 6'
    expect((await recall.search(owner.scope, query, open)).hits).toEqual((await recallOver(owner.store).search(owner.scope, query, open)).hits)
  })

  test('a forgotten record is gone with the next call, in search, list, get and preferences [MEM-P6, MREG-5, PART-6]', async () => {
    const { owner, recall, search } = await memoryOf({ text: 'Always answer in German.', kind: 'procedural' }, 'The boiler code is 7731.')
    expect((await recall.moment(owner.scope).preferences()).map(({ id }) => id)).toEqual(['mem_1'])
    expect(texts(await search('boiler'))).toContain('The boiler code is 7731.')
    await forget(owner, 'mem_1', [1, 2])
    await forget(owner, 'mem_2', [3, 4])
    expect(await recall.moment(owner.scope).preferences()).toEqual([])
    const memory = await recall.partition(owner.scope)
    expect([texts(await search('boiler German')), memory.list({ now: noon }, { limit: 9 }), memory.get('mem_2'), memory.size]).toEqual([
      [],
      [],
      undefined,
      0,
    ])
    expect(await recall.moment(owner.scope).records(['mem_1', 'mem_2'])).toEqual(new Map())
    expect(await recall.moment(owner.scope).standing(['mem_1', 'mem_2'])).toEqual({ gone: new Set(['mem_1', 'mem_2']), successors: [] })
  })

  test('whether records stand, and what took their place, is told without reading them [PART-6]', async () => {
    const { owner, recall } = await memoryOf('She lives in Lisbon.', 'She lives in Porto.', 'It rained.')
    await owner.append({ type: 'end', recordId: 'mem_1', validUntil: noon, why: 'superseded', by: 'mem_2' })
    await forget(owner, 'mem_3', [5, 6])
    expect(await recall.moment(owner.scope).standing(['mem_1', 'mem_2', 'mem_3', 'mem_9'])).toEqual({
      gone: new Set(['mem_3', 'mem_9']),
      successors: ['mem_2'],
    })
  })

  test('owners share a process and nothing else, with any cache bound [MEM-P12, MREG-11, PART-6]', async () => {
    const store = memoryStore({ clock: manualClock(noon) })
    const alice = await anOwner(store, 'alice')
    const bob = await anOwner(store, 'bob')
    for (const partitionCacheBytes of [1, 64 * 1024 * 1024]) {
      const recall = recallOver(store, { partitionCacheBytes })
      for (let i = 0; i < 20; i++) {
        const owner = i % 3 === 0 ? bob : alice
        await owner.say(`${owner.scope.ownerId} keeps secret number ${i}`)
        const other = owner === bob ? alice : bob
        for (const one of [owner, other]) {
          const { hits } = await recall.search(one.scope, 'secret number keeps', { floor: 0, limit: 50 })
          for (const hit of hits) expect(hit.record.text.startsWith(one.scope.ownerId)).toBe(true)
          if (one === owner) expect(hits.length).toBeGreaterThan(0)
        }
      }
    }
  })

  test('over the bound the partition used least recently goes, and the one in use stays whatever its size [PART-6]', async () => {
    const store = memoryStore({ clock: manualClock(noon) })
    const owners = await Promise.all(['a', 'b', 'c'].map((name) => anOwner(store, name)))
    for (const owner of owners) await owner.say(...Array.from({ length: 50 }, (_, i) => `note ${i} of the same length`))
    const look = (recall: ReturnType<typeof recallOver>, at: number) => recall.search(owners[at]!.scope, 'note', { arms: 'lexical' })
    const held = (recall: ReturnType<typeof recallOver>) => owners.map(({ scope }) => recall.holds(scope))
    const roomy = recallOver(store)
    await look(roomy, 0)
    const two = recallOver(store, { partitionCacheBytes: 2 * roomy.bytes + 1_000 })
    for (const at of [0, 1, 0, 2]) await look(two, at)
    expect(held(two)).toEqual([1, 0, 1])
    expect(two.bytes).toBeLessThanOrEqual(2 * roomy.bytes + 1_000)
    const one = recallOver(store, { partitionCacheBytes: 1 })
    for (const at of [0, 1]) await look(one, at)
    expect([held(one), (await look(one, 2)).hits.length]).toEqual([[0, 1, 0], 8])
  })

  test('what a process holds of an owner is dropped at once, and its room given back [PART-6, ERA-7]', async () => {
    const { owner, recall, search } = await memoryOf('The boiler code is 7731.')
    const other = { tenantId: owner.scope.tenantId, ownerId: 'somebody else' }
    await search('boiler')
    expect([recall.holds(owner.scope), recall.holds(other)]).toEqual([2, 0]) // the partition, and the vector of the query
    recall.drop(other)
    expect(recall.holds(owner.scope)).toBe(2)
    recall.drop(owner.scope)
    expect([recall.bytes, recall.holds(owner.scope)]).toEqual([0, 0])
    expect(texts(await search('boiler')).length).toBe(1)
  })

  test('a memory that has gone is held as nothing of its owner, also when it is looked for [ERA-7]', async () => {
    const { owner, recall } = await memoryOf('The boiler code is 7731.')
    await recall.partition(owner.scope)
    expect(recall.holds(owner.scope)).toBe(1)
    await owner.store.erase(owner.scope)
    await recall.partition(owner.scope)
    expect(recall.holds(owner.scope)).toBe(0)
  })

  test('a log that is rewritten during each read is a conflict, and never half an answer [NODE-2]', async () => {
    const owner = await anOwner()
    await owner.say('one', 'two')
    let rewrites = 0
    const restless = {
      ...owner.store,
      head: async (...call: Parameters<typeof owner.store.head>) => ({ ...(await owner.store.head(...call))!, rewrites: ++rewrites }),
    }
    await expect(recallOver(restless).search(owner.scope, 'one')).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('the embedder', () => {
  const asking = (embed: Embedder['embed'], local: boolean): Embedder => ({ info: { ...wordEmbedder.info, local }, embed })
  const knowing = async () => {
    const owner = await anOwner()
    await owner.say('The boiler code is 7731.')
    return owner
  }

  test.each([
    ['fails', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['gives nothing', async () => []],
  ])('one that %s leaves the words, and result, count and log say so [EMB-7, OBS-11]', async (_, embed) => {
    const owner = await knowing()
    const telemetry = recordingTelemetry()
    const found = await recallOver(owner.store, { embedder: asking(embed, true), telemetry }).search(owner.scope, 'boiler code')
    expect([texts(found), found.degraded]).toEqual([['The boiler code is 7731.'], ['embedder']])
    expect(telemetry.counted('recollect_degraded_total', { part: 'embedder' })).toBe(1)
    expect(telemetry.lines).toEqual([{ level: 'warn', event: 'degraded', fields: { reason: 'embedder' } }])
  })

  test.each([true, false])('one that is late is told to stop, and leaves the words; in this process: %s [EMB-7]', async (local) => {
    const owner = await knowing()
    const clock = manualClock(noon)
    let told: AbortSignal | undefined
    const embed: Embedder['embed'] = (_, __, signal) => ((told = signal), new Promise(() => undefined))
    const search = recallOver(owner.store, { clock, embedder: asking(embed, local) }).search(owner.scope, 'boiler code')
    while (clock.sleeping < 1) await Promise.resolve()
    expect(limits.embedQueryMs).toBe(300)
    clock.advance(limits.embedQueryMs - 1)
    expect(told?.aborted).toBe(false)
    clock.advance(1)
    const found = await search
    expect([texts(found), found.degraded, told?.aborted]).toEqual([['The boiler code is 7731.'], ['embedder'], true])
  })

  test('the caller’s signal reaches it [EMB-7, RCL-11]', async () => {
    const owner = await knowing()
    const cancel = new AbortController()
    let told: AbortSignal | undefined
    const embed: Embedder['embed'] = (all, kind, signal) => {
      told = signal
      cancel.abort()
      return wordEmbedder.embed(all, kind)
    }
    const recall = recallOver(owner.store, { embedder: asking(embed, true) })
    await expect(recall.search(owner.scope, 'boiler code', { signal: cancel.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(told?.aborted).toBe(true)
  })

  test('a query is embedded once while it is remembered [EMB-6]', async () => {
    const owner = await anOwner()
    await owner.say('The boiler code is 7731.')
    const asked: string[] = []
    const recall = recallOver(owner.store, {
      embedder: { ...wordEmbedder, embed: (all, kind) => (asked.push(...all), wordEmbedder.embed(all, kind)) },
    })
    for (const query of ['boiler', 'code', 'boiler']) await recall.search(owner.scope, query)
    expect(asked).toEqual(['boiler', 'code'])
  })

  test('a query is remembered for its owner alone, and at most ten thousand are [EMB-6]', async () => {
    const store = memoryStore({ clock: manualClock(noon) })
    const [alice, bob] = [await anOwner(store, 'alice'), await anOwner(store, 'bob')]
    let asked = 0
    const embedder = { ...wordEmbedder, embed: (all: readonly string[], kind: 'query' | 'record') => (asked++, wordEmbedder.embed(all, kind)) }
    const recall = recallOver(store, { embedder })
    for (const { scope } of [alice, bob, alice]) await recall.search(scope, 'boiler')
    expect(asked).toBe(2)
    recall.drop(bob.scope)
    for (const { scope } of [alice, bob]) await recall.search(scope, 'boiler')
    expect(asked).toBe(3)
    const vectors = createQueryVectors(embedder, createDeadlines(manualClock(noon)), randomBytes)
    for (let i = 0; i <= limits.queryVectors; i++) await vectors.of(alice.scope, `query ${i}`)
    expect([vectors.holds(alice.scope), limits.queryVectors]).toEqual([10_000, 10_000])
  })

  test('a vector that was on its way when its owner was dropped is used, and not kept [EMB-6, ERA-7]', async () => {
    const { scope } = await anOwner()
    let answer: (vectors: readonly Float32Array[]) => void = () => {}
    const embed: Embedder['embed'] = () => new Promise((resolve) => (answer = resolve))
    const vectors = createQueryVectors(asking(embed, false), createDeadlines(manualClock(noon)), randomBytes)
    const asked = vectors.of(scope, 'boiler')
    vectors.drop(scope)
    answer(await wordEmbedder.embed(['boiler'], 'query'))
    expect([await asked, vectors.holds(scope)]).toEqual([expect.anything(), 0])
  })

  test('a search that takes too long is a timeout [RCL-11]', async () => {
    const owner = await anOwner()
    await owner.say('tea')
    const clock = manualClock(noon)
    const never = { ...owner.store, head: () => new Promise<never>(() => undefined) }
    const search = recallOver(never, { clock }).search(owner.scope, 'tea', { timeoutMs: 50 })
    while (clock.sleeping < 1) await Promise.resolve()
    clock.advance(50)
    await expect(search).rejects.toMatchObject({ code: 'timeout', limit: 50 })
  })
})

test('preferences are current procedural records of level typed or higher, newest first, once each, at most 20 [INJ-3, POI-14, RCL-9]', async () => {
  const rule = (text: string, more: Partial<Said> = {}): Said => ({ text, kind: 'procedural', ...more })
  const { owner, recall } = await memoryOf(
    rule('old'),
    rule('until tomorrow', { validUntil: noon + 86_400_000 }),
    ...Array.from({ length: 18 }, (_, i) => rule(`rule ${i}`)),
    rule('Rule  17'), // said again
    rule('by policy', { authority: 'policy' }),
    rule('by the web', { authority: 'untrusted' }),
    rule('by the assistant', { authority: 'assistant' }),
    rule('gone', { expiresAt: noon }),
    rule('not from today on', { validUntil: noon }),
    rule('taken back'),
    { text: 'only said' },
    { text: 'true', kind: 'semantic' },
  )
  const preferences = async () => (await recall.moment(owner.scope).preferences()).map(({ text }) => text)
  await owner.append({ type: 'end', recordId: 'mem_27', validUntil: noon, why: 'retracted' })
  const newest = ['by policy', 'Rule  17', ...Array.from({ length: 17 }, (_, i) => `rule ${16 - i}`), 'until tomorrow']
  expect(newest).toHaveLength(20)
  expect(await preferences()).toEqual(newest)
  await owner.append({ type: 'end', recordId: 'mem_22', validUntil: noon, why: 'superseded' })
  expect(await preferences()).toEqual([...newest.slice(1), 'old'])
})

test('a list is newest first, by pages, and each filter keeps what it names [MEM-3]', async () => {
  const { owner, recall } = await memoryOf(
    'a',
    { text: 'b', kind: 'semantic', slot: 'home' },
    { text: 'c', authority: 'assistant', session: 'two' },
    { text: 'd', expiresAt: noon },
  )
  await owner.append({ type: 'end', recordId: 'mem_1', validUntil: noon, why: 'retracted' })
  const memory = await recall.partition(owner.scope)
  const list = (filter = {}, page = {}) => memory.list({ now: noon, ...filter }, { limit: 10, ...page }).map(({ text }) => text)
  expect(list()).toEqual(['c', 'b', 'a'])
  expect(list({}, { limit: 1, before: 5 })).toEqual(['b'])
  expect([
    list({ slot: 'home' }),
    list({ session: 'two' }),
    list({ status: 'current' }),
    list({ status: 'ended' }),
    list({ authority: 'assistant' }),
    list({ origin: 'user-typed' }),
  ]).toEqual([['b'], ['c'], ['c', 'b'], ['a'], ['c'], ['b', 'a']])
  expect(Object.isFrozen(memory.get('mem_2'))).toBe(true)
})
