// Search as callers see it: what comes back, in what order, what stays out, and why.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from '../core/limits.ts'
import { embeddingEvent } from '../core/memory-fold.ts'
import type { Embedder } from '../ports/models.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { anOwner, forget, keyRing, noon, recallOver, wordEmbedder, type Said } from '../../test/builders/recall.ts'
import type { SearchOptions, SearchResult } from './search-types.ts'

const texts = (result: SearchResult) => result.hits.map((hit) => hit.record.text)
const open: SearchOptions = { floor: 0 }

async function memoryOf(...all: (string | Said)[]) {
  const owner = await anOwner()
  await owner.say(...all)
  const recall = recallOver(owner.store)
  return { owner, recall, search: (query: string, options: SearchOptions = open) => recall.search(owner.scope, query, options) }
}

describe('finding', () => {
  test('a record is found by words alone, without a vector [MREG-7, LEX-3]', async () => {
    const { search } = await memoryOf({ text: 'The boiler code is 7731-B.', vector: false }, 'We had soup.', 'It rained all day.')
    expect(texts(await search('what is the code of the boiler'))[0]).toBe('The boiler code is 7731-B.')
    expect((await search('boiler', { arms: 'lexical', floor: 0 })).hits[0]?.arms).toEqual({ lexical: expect.any(Number) })
  })

  test('an answer is found by its question, and the question by its answer [RCL-3, RCL-2]', async () => {
    const { search } = await memoryOf(
      ...Array.from({ length: 20 }, (_, i) => ({ text: `Some filler talk number ${i}`, session: `f${i}`, vector: false as const })),
      { text: 'Which visa did the consulate grant?', vector: false },
      { text: 'Yes, forty days.', authority: 'assistant', vector: false },
    )
    const found = await search('visa consulate', { ...open, arms: 'lexical' })
    expect(texts(found).slice(0, 2).toSorted()).toEqual(['Which visa did the consulate grant?', 'Yes, forty days.'])
  })

  test('a query that names the speaker prefers what that speaker said [RCL-2]', async () => {
    const { search } = await memoryOf(
      { text: 'I bought a red bike.', speaker: 'Ana' },
      { text: 'I bought a red kite.', speaker: 'Ben', session: 'two' },
    )
    expect(texts(await search('What did Ben buy that is red?'))[0]).toBe('I bought a red kite.')
    expect(texts(await search('What did Ana buy that is red?'))[0]).toBe('I bought a red bike.')
  })

  test.each([
    ['我的猫叫小白', '小白'],
    ['私の犬の名前はポチです', 'ポチ'],
    ['제 고양이 이름은 나비예요', '나비예요'],
    ['แมวของฉันชื่อส้ม', 'ส้ม'],
    ['اسم قطتي لولو', 'لولو'],
    ['मेरी बिल्ली का नाम मीठी है', 'मीठी'],
    ['Мою кошку зовут Мурка', 'Мурка'],
  ])('%s is found [MREG-8]', async (text, query) => {
    const { search } = await memoryOf('Nothing to see.', { text, vector: false }, 'Other words here.')
    expect(texts(await search(query))[0]).toBe(text)
  })

  test('a string of another dimension or model is never compared [EMB-4, MREG-6]', async () => {
    const { owner, search } = await memoryOf('The boiler is old.', { text: 'My cat sleeps.', vector: false }, { text: 'Tea at five.', vector: false })
    await owner.append(
      embeddingEvent('mem_2', 'other@1', { values: new Int8Array(32).fill(100), scale: 1 }),
      embeddingEvent('mem_3', wordEmbedder.info.id, { values: new Int8Array(7).fill(100), scale: 1 }),
    )
    const found = await search('boiler')
    expect(found.degraded).toEqual(['embedder'])
    expect(found.hits.flatMap((hit) => (hit.arms.dense === undefined ? [] : [hit.record.text]))).toEqual(['The boiler is old.'])
    expect(texts(await search('cat', { ...open, arms: 'lexical' }))).toContain('My cat sleeps.')
  })
})

describe('order', () => {
  test('equal scores go to the newer, then by id [RCL-4, RCL-10]', async () => {
    const same = { text: 'blue lamp', vector: false as const }
    const { search } = await memoryOf(
      { ...same, session: 'a', saidAt: noon, speaker: 'Ana' },
      { ...same, session: 'b', saidAt: noon, speaker: 'Ben' },
      { ...same, session: 'c', saidAt: noon, speaker: 'Cid' },
    )
    expect((await search('blue lamp')).hits.map((hit) => hit.record.id)).toEqual(['mem_1', 'mem_2', 'mem_3'])
    const later = await memoryOf({ ...same, session: 'a', saidAt: noon, speaker: 'Ana' }, { ...same, session: 'b', saidAt: noon - 1, speaker: 'Ben' })
    expect((await later.search('blue lamp')).hits.map((hit) => hit.record.id)).toEqual(['mem_1', 'mem_2'])
  })

  test('ten thousand untrusted records leave the trusted and assistant part as it was, byte for byte [MP4, RCL-5, POI-10]', async () => {
    const { owner, recall, search } = await memoryOf('The boiler code is 7731.', 'I like boiled eggs.', {
      text: 'The boiler is fine now.',
      authority: 'assistant',
    })
    const part = async (query: string) => {
      const { hits } = await search(query, { floor: 0, limit: 20 })
      return JSON.stringify(hits.filter((hit) => hit.list !== 'untrusted').map(({ rank: _, ...hit }) => hit))
    }
    const queries = ['boiler code', 'eggs', 'is it fine']
    const before = []
    for (const query of queries) before.push(await part(query))
    await owner.say(
      ...Array.from({ length: 10_000 }, (_, i) => ({
        text: `boiler code ${i} eggs fine`,
        authority: 'untrusted' as const,
        session: i % 2 === 0 ? 'one' : 'web',
        vector: false as const,
      })),
    )
    const after = []
    for (const query of queries) after.push(await part(query))
    expect(after).toEqual(before)
    expect((await search('boiler code', { floor: 0, limit: 8 })).hits.filter((hit) => hit.list === 'untrusted').length).toBe(2) // ⌈8 ÷ 4⌉
    expect(recall.bytes).toBeGreaterThan(0)
  })

  test('limit counts the trusted list; the others add half and a quarter, and each keeps its own order [RCL-5]', async () => {
    const many = (authority: 'typed' | 'assistant' | 'untrusted') =>
      Array.from({ length: 12 }, (_, i) => ({
        text: `note ${authority} ${i} about tea${i}`,
        authority,
        session: `${authority}${i}`,
        speaker: `p${i}`,
      }))
    const { search } = await memoryOf(...many('typed'), ...many('assistant'), ...many('untrusted'))
    const { hits } = await search('note about tea', { floor: 0, limit: 5 })
    const count = (list: string) => hits.filter((hit) => hit.list === list).length
    expect([count('trusted'), count('assistant'), count('untrusted')]).toEqual([5, 3, 2])
    expect(hits.map((hit) => hit.rank)).toEqual(hits.map((_, i) => i + 1))
    for (const list of ['trusted', 'assistant', 'untrusted']) {
      const scores = hits.filter((hit) => hit.list === list).map((hit) => hit.score)
      expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    }
  })

  test('near copies of one speaker stand once, by the newest, with their count; those of others stand apart [RCL-9]', async () => {
    const { search } = await memoryOf(
      { text: 'My flight to Lisbon leaves Friday morning.', session: 'a' },
      { text: 'my flight to Lisbon leaves on Friday morning', session: 'b' },
      { text: 'My flight to Lisbon leaves Friday morning!', session: 'c', speaker: 'Ben' },
      { text: 'My train to Porto leaves Sunday evening.', session: 'd' },
    )
    const { hits } = await search('flight Lisbon Friday')
    expect(hits.map((hit) => [hit.record.id, hit.duplicates])).toEqual(
      expect.arrayContaining([
        ['mem_2', 1],
        ['mem_3', 0],
        ['mem_4', 0],
      ]),
    )
    expect(hits.length).toBe(3)
  })

  test('units of one message are one hit: the best stands for it [RCL-9]', async () => {
    const evidence = [{ log: 'one', birth: 1, seq: 1, start: 0, end: 4, mac: 'm' }]
    const { search } = await memoryOf(
      { text: 'The garden has roses.', evidence },
      { text: 'The garden wall is old brick.', evidence },
      { text: 'Garden shears.', session: 'two' },
    )
    expect(texts(await search('old brick wall garden')).filter((text) => text.startsWith('The garden'))).toEqual(['The garden wall is old brick.'])
  })
})

describe('what stays out', () => {
  test('nothing over the floor is an answer, and says what the best lacked [ABS-2, ABS-1, MREG-14]', async () => {
    const { search } = await memoryOf('I moved to Lisbon in May.', 'My dog is called Rex.', 'We drank tea.')
    const foreign = await search('quantum chromodynamics lattice', {})
    expect(foreign).toMatchObject({ hits: [], abstained: true, floor: limits.relevanceFloor })
    expect(foreign.why).toMatchObject({ id: expect.stringMatching(/^mem_/), lacked: expect.stringContaining('never seen') })
    expect(foreign.why!.relevance).toBeLessThan(limits.relevanceFloor)
    const known = await search('what is the dog called', {})
    expect(known.abstained).toBe(false)
    for (const hit of known.hits) expect(hit.relevance).toBeGreaterThanOrEqual(limits.relevanceFloor)
    expect((await search('quantum chromodynamics lattice', { floor: 0 })).abstained).toBe(false)
  })

  test('an empty memory abstains [ABS-2]', async () => {
    const store = memoryStore({ clock: manualClock(noon) })
    const { scope } = await anOwner(memoryStore({ clock: manualClock(noon) }))
    expect(await recallOver(store).search(scope, 'anything')).toMatchObject({ hits: [], abstained: true, upTo: 0 })
  })

  test('ended and expired records are left out; validAt asks for what was valid then [RCL-11, SUP-6]', async () => {
    const fact = { kind: 'semantic' as const, slot: 'home', subject: 'owner' }
    const { owner, search } = await memoryOf(
      { ...fact, text: 'home: Berlin', validFrom: noon - 1_000 },
      { ...fact, text: 'home: Lisbon', validFrom: noon, session: 'two' },
      { text: 'home sweet home', expiresAt: noon, session: 'three' },
      { text: 'at home', session: 'four' },
    )
    await owner.append(
      { type: 'end', recordId: 'mem_1', validUntil: noon, why: 'superseded', by: 'mem_2' },
      { type: 'end', recordId: 'mem_4', validUntil: noon, why: 'retracted' },
    )
    expect(texts(await search('home'))).toEqual(['home: Lisbon'])
    expect(texts(await search('home', { floor: 0, validAt: noon - 500 }))).toEqual(['home: Berlin'])
    const fates = []
    for (const id of ['mem_1', 'mem_2', 'mem_3', 'nobody'])
      fates.push((await search('home', { floor: 0, explain: true })).explanations?.find((one) => one.id === id)?.fate)
    expect(fates).toEqual([undefined, 'returned', undefined, undefined])
  })

  test('each filter keeps what it names [RCL-11]', async () => {
    const { search } = await memoryOf(
      { text: 'tea one', speaker: 'Ana', saidAt: noon - 100 },
      { text: 'tea two', kind: 'semantic', slot: 'likes', subject: 'Ben', session: 'b', saidAt: noon },
      { text: 'tea three', authority: 'assistant', session: 'c', saidAt: noon + 100 },
    )
    const found = async (options: SearchOptions) => texts(await search('tea', { floor: 0, ...options })).toSorted()
    expect(await found({ kinds: ['semantic'] })).toEqual(['tea two'])
    expect(await found({ speaker: 'Ana' })).toEqual(['tea one'])
    expect(await found({ subject: 'Ben', slot: 'likes' })).toEqual(['tea two'])
    expect(await found({ minAuthority: 'typed' })).toEqual(['tea one', 'tea two'])
    expect(await found({ since: noon, until: noon })).toEqual(['tea two'])
  })

  test('what stands in the kept turns or in the live window is left out and named, also where a fork copied it [RCL-6, MREG-9]', async () => {
    const quote = 'My dog is called Rex.'
    const { tag } = await keyRing.ownerKeys({ tenantId: 'default', ownerId: 'alice' })
    const evidence = (log: string, text: string) => [{ log, birth: 1, seq: 3, start: 0, end: text.length, mac: tag('evidence', [text]) }]
    const named = 'Dog photo [data, 200 characters] here'
    const { owner, recall } = await memoryOf(
      { text: quote, evidence: evidence('old', quote), session: 'old' },
      { text: 'The dog ate a shoe.', session: 'other', evidence: evidence('other', 'The dog ate a shoe.') },
      { text: 'Dog food is expensive.', session: 'now', evidence: evidence('now', 'Dog food is expensive.') },
      { text: named, session: 'x', evidence: evidence('x', 'Dog photo QUJD here') },
      { text: 'A dog show in June.', session: 'y', evidence: evidence('y', 'A dog show in June.') },
    )
    const kept = {
      session: 'now',
      birth: 1,
      messages: [
        { seq: 3, text: 'anything' },
        { seq: 4, text: quote },
        { seq: 5, text: 'Dog photo QUJD here' },
      ],
      liveIds: new Set(['mem_2']),
    }
    const { result, live } = await recall.forContext(owner.scope, 'dog', { floor: 0 }, kept)
    expect(texts(result)).toEqual(['A dog show in June.'])
    expect(live.toSorted()).toEqual(['mem_1', 'mem_2', 'mem_3', 'mem_4'])
  })
})

describe('options', () => {
  const bad: [string, unknown, Record<string, unknown>?][] = [
    ['an empty query', '  '],
    ['a query that is no text', 7],
    ['a lone surrogate', '\ud800'],
    ['limit 0', 'tea', { limit: 0 }],
    ['limit 101', 'tea', { limit: 101 }],
    ['a fraction', 'tea', { limit: 1.5 }],
    ['a floor above 1', 'tea', { floor: 1.01 }],
    ['a kind that is none', 'tea', { kinds: ['mood'] }],
    ['arms that are none', 'tea', { arms: 'both' }],
    ['a level that is none', 'tea', { minAuthority: 'root' }],
    ['a time that is no number', 'tea', { since: 'today' }],
    ['an unknown option', 'tea', { topK: 3 }],
    ['an empty slot', 'tea', { slot: '' }],
    ['a flag that is none', 'tea', { explain: 'yes' }],
  ]
  test.each(bad)('%s is invalid input [RCL-11]', async (_, query, options) => {
    const { owner, recall } = await memoryOf('tea')
    await expect(recall.search(owner.scope, query as string, options as SearchOptions)).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('the ends of each range are fine [RCL-11]', async () => {
    const { search } = await memoryOf('tea')
    for (const options of [{ limit: 1 }, { limit: 100 }, { floor: 0 }, { floor: 1 }, { timeoutMs: 1 }])
      expect((await search('tea', options)).upTo).toBe(2)
  })

  test('a long query is cut to its heaviest terms, and says so [RCL-11]', async () => {
    const { search } = await memoryOf('The boiler code is 7731.', ...Array.from({ length: 100 }, (_, i) => `word${i} and others`))
    const found = await search(`${Array.from({ length: 900 }, (_, i) => `unseen${i}`).join(' ')} boiler code 7731`)
    expect(found.cut).toBe('query')
    expect(texts(found)[0]).toBe('The boiler code is 7731.')
    expect((await search('boiler code')).cut).toBeUndefined()
  })

  test('any text as query gives hits or one of the codes [MP11]', async () => {
    const { search } = await memoryOf('tea', 'The boiler code is 7731.', '漢字')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (query) => {
        const result = await search(query).catch((error: { code: string }) => error.code)
        expect(typeof result === 'string' ? result : 'found').toMatch(/^(invalid_input|found)$/)
      }),
    )
  })
})

describe('explaining', () => {
  test('a record says its rank in each arm, its features, and the step that dropped it [ABS-3]', async () => {
    const { owner, recall } = await memoryOf(
      { text: 'The boiler code is 7731.', session: 'a' },
      { text: 'The boiler is old and loud.', session: 'b' },
      { text: 'The boiler code is 7731!', session: 'c' },
      { text: 'Tea.', session: 'd', vector: false },
      { text: 'Old boiler', session: 'e', expiresAt: noon },
      { text: 'A third boiler note', session: 'f' },
    )
    const explain = (id: string, options: SearchOptions = {}) => recall.explain(owner.scope, 'boiler code', id, options)
    expect(await explain('mem_3')).toMatchObject({
      fate: 'returned',
      rank: 1,
      list: 'trusted',
      lexical: { rank: expect.any(Number) },
      dense: { score: expect.any(Number) },
      features: { coverage: 1 },
    })
    expect(await explain('mem_1')).toMatchObject({ fate: 'duplicate of', of: 'mem_3' })
    expect((await explain('mem_4')).fate).toBe('not in candidates')
    expect((await explain('mem_4', { arms: 'dense' })).fate).toBe('not yet embedded')
    expect((await explain('mem_5')).fate).toBe('expired')
    expect((await explain('mem_2', { floor: 1 })).fate).toBe('floor')
    expect((await explain('mem_2', { floor: 0, limit: 1 })).fate).toBe('limit')
    expect((await explain('mem_2', { kinds: ['semantic'] })).fate).toBe('filtered')
    expect((await explain('nobody')).fate).toBe('no such record')
  })
})

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
  })

  test('a forgotten record is gone with the next call, in search, list, get and preferences [MP6, MREG-5, PART-6]', async () => {
    const { owner, recall, search } = await memoryOf({ text: 'Always answer in German.', kind: 'procedural' }, 'The boiler code is 7731.')
    expect((await recall.preferences(owner.scope)).map(({ id }) => id)).toEqual(['mem_1'])
    expect(texts(await search('boiler'))).toContain('The boiler code is 7731.')
    await forget(owner, 'mem_1', [1, 2])
    await forget(owner, 'mem_2', [3, 4])
    expect(await recall.preferences(owner.scope)).toEqual([])
    const memory = await recall.partition(owner.scope)
    expect([texts(await search('boiler German')), memory.list({ now: noon }, { limit: 9 }), memory.get('mem_2'), memory.size]).toEqual([
      [],
      [],
      undefined,
      0,
    ])
    expect(await recall.records(owner.scope, ['mem_1', 'mem_2'])).toEqual(new Map())
  })

  test('owners share a process and nothing else, with any cache bound [MP12, MREG-11, PART-6]', async () => {
    const store = memoryStore({ clock: manualClock(noon) })
    const alice = await anOwner(store, 'alice')
    const bob = await anOwner(store, 'bob')
    for (const cacheBytes of [1, 64 * 1024 * 1024]) {
      const recall = recallOver(store, { cacheBytes })
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

  test('what a process holds of an owner is dropped at once, and its room given back [PART-6]', async () => {
    const { owner, recall, search } = await memoryOf('The boiler code is 7731.')
    await search('boiler')
    recall.drop(owner.scope)
    expect(recall.bytes).toBe(0)
    expect(texts(await search('boiler')).length).toBe(1)
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
  const remote = (embed: Embedder['embed']): Embedder => ({ info: { ...wordEmbedder.info, local: false }, embed })

  test('one that fails or is late leaves the words, and the result says so [EMB-7]', async () => {
    const owner = await anOwner()
    await owner.say('The boiler code is 7731.')
    const failing = await recallOver(owner.store, { embedder: remote(() => Promise.reject(new Error('down'))) }).search(owner.scope, 'boiler code')
    expect([texts(failing), failing.degraded]).toEqual([['The boiler code is 7731.'], ['embedder']])
    const clock = manualClock(noon)
    const late = recallOver(owner.store, { clock, embedder: remote(() => new Promise(() => undefined)) }).search(owner.scope, 'boiler code')
    while (clock.sleeping < 2) await Promise.resolve()
    clock.advance(limits.embedQueryMs)
    expect((await late).degraded).toEqual(['embedder'])
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

test('preferences are current procedural records of level typed or higher, newest first, at most 20 [INJ-3, POI-14]', async () => {
  const rule = (text: string, more: Partial<Said> = {}): Said => ({ text, kind: 'procedural', ...more })
  const { owner, recall } = await memoryOf(
    rule('old'),
    rule('by the web', { authority: 'untrusted' }),
    rule('gone', { expiresAt: noon }),
    ...Array.from({ length: 25 }, (_, i) => rule(`rule ${i}`)),
  )
  const found = (await recall.preferences(owner.scope)).map(({ text }) => text)
  expect(found).toEqual(Array.from({ length: 20 }, (_, i) => `rule ${24 - i}`))
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
