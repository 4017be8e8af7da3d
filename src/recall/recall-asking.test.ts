// What a search may be asked, and what it explains.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anOwner, memoryOf, noon, open, recallOver, type Said, texts, wordEmbedder } from '../../test/builders/recall.ts'
import type { Embedder } from '../ports/models.ts'
import type { SearchOptions } from './search-types.ts'

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

  test('eight hits come back where the call names no number [RCL-11]', async () => {
    const { search } = await memoryOf(...Array.from({ length: 12 }, (_, i) => `note number${i}`))
    expect([(await search('note', { floor: 0 })).hits.length, (await search('note', { floor: 0, limit: 12 })).hits.length]).toEqual([8, 12])
  })

  test('subject and slot are asked for by name [RCL-11]', async () => {
    const fact = (text: string, subject: string, slot: string): Said => ({ text, kind: 'semantic', subject, slot })
    const { search } = await memoryOf(
      fact('The tea is green', 'owner', 'likes'),
      fact('The tea is black', 'Ann', 'likes'),
      fact('The tea costs 3', 'Ann', 'amount/tea'),
      'tea',
    )
    expect(texts(await search('tea', { floor: 0, subject: 'Ann' })).toSorted()).toEqual(['The tea costs 3', 'The tea is black'])
    expect(texts(await search('tea', { floor: 0, slot: 'likes' })).toSorted()).toEqual(['The tea is black', 'The tea is green'])
    expect(texts(await search('tea', { floor: 0, subject: 'Ann', slot: 'likes' }))).toEqual(['The tea is black'])
    expect(texts(await search('tea', { floor: 0, subject: 'nobody' }))).toEqual([])
  })

  test('64 terms and 4,000 characters are taken whole, and one more of either is cut [RCL-11]', async () => {
    const owner = await anOwner()
    await owner.say('tea')
    const embedded: number[] = []
    const embed: Embedder['embed'] = (all, kind) => (embedded.push(all[0]!.length), wordEmbedder.embed(all, kind))
    const recall = recallOver(owner.store, { embedder: { ...wordEmbedder, embed } })
    const cut = async (query: string) => (await recall.search(owner.scope, query, open)).cut
    const terms = (count: number) => Array.from({ length: count }, (_, i) => `term${i}`).join(' ')
    expect([await cut(terms(64)), await cut(terms(65))]).toEqual([undefined, 'query'])
    expect([await cut('tea '.repeat(1_000)), await cut(`${'tea '.repeat(1_000)}t`)]).toEqual([undefined, 'query'])
    expect(embedded.slice(2)).toEqual([4_000]) // cut, the second is the first, and remembered
  })

  test('a long query is cut to its heaviest terms, and says so [RCL-11]', async () => {
    const { search } = await memoryOf('The boiler code is 7731.', ...Array.from({ length: 100 }, (_, i) => `word${i} and others`))
    const found = await search(`${Array.from({ length: 900 }, (_, i) => `unseen${i}`).join(' ')} boiler code 7731`)
    expect(found.cut).toBe('query')
    expect(texts(found)[0]).toBe('The boiler code is 7731.')
    expect((await search('boiler code')).cut).toBeUndefined()
  })

  test('any text as query gives hits or one of the codes [MEM-P11]', async () => {
    const { search } = await memoryOf('tea', 'The boiler code is 7731.', '漢字')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (query) => {
        const result = await search(query).catch((error: { code: string }) => error.code)
        expect(typeof result === 'string' ? result : 'found').toMatch(/^(invalid_input|found)$/)
      }),
    )
  })
})

test('of a list the 300 best by the base are candidates, where half of what the neighbours hold counts [RCL-2]', async () => {
  const far = Array.from({ length: 297 }, (_, i): Said => ({ text: 'boiler code', session: `far${i}` }))
  const { owner, recall } = await memoryOf(
    ...far,
    { text: 'boiler code', session: 's' },
    { text: 'code written among some other words of ours', session: 's' }, // less of its own than the last one
    { text: 'boiler code', session: 's' },
    { text: 'code among words', session: 'alone' },
  )
  const found = await recall.search(owner.scope, 'boiler code', { arms: 'lexical', floor: 0, explain: true })
  expect(found.explanations).toHaveLength(300)
  const told = new Set(found.explanations?.map(({ id }) => id))
  expect([told.has('mem_299'), told.has('mem_301')]).toEqual([true, false])
})

describe('explaining', () => {
  test('a near word counts where the memory has never seen the word itself, less in a longer list, and the explanation names it [RCL-2, ABS-3]', async () => {
    const nearWords = (word: string) => (word === 'kids' ? ['toddlers', 'children'] : [])
    const kids = { ...wordEmbedder, nearWords }
    const found = async (said: readonly string[], embedder: Embedder) => {
      const { owner } = await memoryOf(...said)
      return recallOver(owner.store, { embedder }).search(owner.scope, 'kids', { arms: 'lexical', floor: 0, explain: true })
    }
    const facts = ['The children like tea.', 'A boat.']
    expect((await found(facts, wordEmbedder)).hits).toEqual([])
    const { hits, explanations } = await found(facts, kids)
    expect(hits[0]?.record.text).toBe('The children like tea.')
    expect(explanations?.[0]?.nearWords).toEqual({ kids: 'children' })
    const seen = await found([...facts, 'My kids.'], kids)
    expect(seen.hits[0]?.record.text).toBe('My kids.')
    expect(seen.explanations?.filter(({ nearWords }) => nearWords !== undefined)).toEqual([])
    const many = await found([...facts, ...Array.from({ length: 198 }, (_, i) => `note ${i}`)], kids)
    expect(many.explanations?.[0]?.quantities?.['coverage']).toBeLessThan(0.3)
    expect(explanations?.[0]?.quantities?.['coverage']).toBeGreaterThan(0.35)
  })

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

test('a short question ranks behind what it asks for; from 20 words on it tells what it is about [RCL-2]', async () => {
  const long = `We run the boiler with code 7731 since March and it drips, so ${'really '.repeat(5)}who could come and repair it?`
  const { owner, recall } = await memoryOf('The boiler code is 7731, by the way.', 'boiler code?', long)
  const asks = async (id: string) => (await recall.explain(owner.scope, 'boiler code', id)).features?.['asks']
  expect([await asks('mem_1'), await asks('mem_2'), await asks('mem_3')]).toEqual([0, 0.9, 0])
  expect(texts(await recall.search(owner.scope, 'What is the boiler code?', open)).at(-1)).toBe('boiler code?')
})
