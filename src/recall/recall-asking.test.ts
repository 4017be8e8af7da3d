// What a search may be asked, and what it explains.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anOwner, noon, recallOver, type Said } from '../../test/builders/recall.ts'
import type { SearchOptions, SearchResult } from './search-types.ts'

const texts = (result: SearchResult) => result.hits.map((hit) => hit.record.text)
const open: SearchOptions = { floor: 0 }

async function memoryOf(...all: (string | Said)[]) {
  const owner = await anOwner()
  await owner.say(...all)
  const recall = recallOver(owner.store)
  return { owner, recall, search: (query: string, options: SearchOptions = open) => recall.search(owner.scope, query, options) }
}

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

test('a short question ranks behind what it asks for; from 20 words on it tells what it is about [RCL-2]', async () => {
  const long = `We run the boiler with code 7731 since March and it drips, so ${'really '.repeat(5)}who could come and repair it?`
  const { owner, recall } = await memoryOf('The boiler code is 7731, by the way.', 'boiler code?', long)
  const asks = async (id: string) => (await recall.explain(owner.scope, 'boiler code', id)).features?.['asks']
  expect([await asks('mem_1'), await asks('mem_2'), await asks('mem_3')]).toEqual([0, 0.9, 0])
  expect(texts(await recall.search(owner.scope, 'What is the boiler code?', open)).at(-1)).toBe('boiler code?')
})
