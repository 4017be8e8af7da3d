// Search as callers see it: what comes back, in what order, what stays out, and why.
import { describe, expect, test } from 'vitest'
import { limits } from '../core/limits.ts'
import { embeddingEvent } from '../core/memory-events.ts'
import type { Message } from '../core/message.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { anOwner, keyRing, memoryOf, noon, open, recallOver, texts, wordEmbedder } from '../../test/builders/recall.ts'
import type { SearchOptions } from './search-types.ts'

const said = (text: string): Message => ({ id: text, role: 'user', createdAt: noon, parts: [{ type: 'text', text, spans: [] }] })

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
    const { explanations } = await search('What did Ana buy that is red?', { ...open, explain: true })
    expect(explanations?.map(({ id, features }) => [id, features?.['speaker']])).toEqual([
      ['mem_1', 1],
      ['mem_2', 0],
    ])
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

  test('ten thousand untrusted records leave the trusted and assistant part as it was, byte for byte [MEM-P4, RCL-5, POI-10]', async () => {
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

test('a search leaves nothing behind that another could see [RCL-1, RCL-10]', async () => {
  const { owner, search } = await memoryOf('The boiler code is 7731.', 'I like boiled eggs.', {
    text: 'The boiler is fine now.',
    authority: 'assistant',
  })
  const queries = ['boiler code', 'eggs', 'who likes what?', '"the boiler" is it', 'zebra', 'code 7731 fine now boiled like']
  for (const query of queries)
    for (const options of [{ floor: 0 }, { floor: 0, arms: 'lexical' as const }, { floor: 0, explain: true }]) {
      const alone = await recallOver(owner.store).search(owner.scope, query, options)
      for (const other of queries) await search(other)
      expect(await search(query, options)).toEqual(alone)
    }
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
        { seq: 3, message: said('anything') },
        { seq: 4, message: said(quote) },
        { seq: 5, message: said('Dog photo QUJD here') },
      ],
      liveIds: new Set(['mem_2']),
    }
    const { result, live } = await recall.moment(owner.scope).forContext('dog', { floor: 0 }, kept)
    expect(texts(result)).toEqual(['A dog show in June.'])
    expect(live.toSorted()).toEqual(['mem_1', 'mem_2', 'mem_3', 'mem_4'])
  })
})
