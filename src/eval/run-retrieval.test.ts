import { expect, test } from 'vitest'
import { RecollectError } from '../core/errors.ts'
import type { MemoryRecord } from '../core/memory.ts'
import type { MessageInput } from '../core/message.ts'
import type { SearchOptions, SearchResult } from '../recall/search-types.ts'
import { weightsVersion } from '../recall/weights.ts'
import type { Recollect } from '../recollect.ts'
import type { Conversation, DataSet } from './data-set.ts'
import { evaluateRetrieval, type EvalProgress, type RetrievalOptions } from './run-retrieval.ts'

type Searched = SearchOptions & { owner: string; query: string }

const words = (text: string) => new Set(text.toLowerCase().match(/\w+/g))

/** A Recollect that finds what shares words with the query, most shared first; and shows what it was given. */
function wordSearch() {
  const owners = new Map<string, MemoryRecord[]>()
  const appended: { owner: string; session: string; messages: readonly MessageInput[] }[] = []
  const searched: Searched[] = []
  const user = (owner: string) => {
    const records = owners.get(owner) ?? []
    owners.set(owner, records)
    return {
      session: async (session: string) => {
        let seq = 10 // a log holds a setup first, so seqs are not places
        return {
          id: `ses-${owner}-${session}`,
          append: async (messages: readonly MessageInput[]) => {
            appended.push({ owner, session, messages })
            const seqs = messages.map(() => seq++)
            messages.forEach(({ text }, i) =>
              records.push({ text, evidence: [{ log: `ses-${owner}-${session}`, seq: seqs[i]! }] } as unknown as MemoryRecord),
            )
            return { seqs }
          },
        }
      },
      memories: {
        settled: async () => {},
        search: async (query: string, options: SearchOptions): Promise<SearchResult> => {
          searched.push({ owner, query, ...options })
          const asked = words(query)
          const hits = records
            .map((record) => ({ record, relevance: [...words(record.text)].filter((word) => asked.has(word)).length / asked.size }))
            .filter(({ relevance }) => relevance > 0)
            .toSorted((a, b) => b.relevance - a.relevance)
            .map(({ record, relevance }, i) => ({
              record,
              relevance,
              list: 'trusted' as const,
              rank: i + 1,
              score: relevance,
              arms: {},
              duplicates: 0,
            }))
          return { hits, abstained: false, floor: 0, degraded: options.arms === 'dense' ? ['embedder'] : [], upTo: 0 }
        },
      },
    }
  }
  const recollect = { user, embed: () => Promise.reject(new RecollectError('unavailable', 'no embedder', 'none')) } as unknown as Pick<
    Recollect,
    'user' | 'embed'
  >
  return { recollect, appended, searched }
}

const conversation = (id: string, animal: string): Conversation => ({
  id,
  sessions: [
    {
      id: 's1',
      messages: [
        { id: 'a', role: 'user', name: 'Ann', at: 1_000, text: `my ${animal} ran away` },
        { id: 'b', role: 'assistant', at: 2_000, text: 'how sad' },
      ],
    },
    { id: 's2', messages: [{ id: 'c', role: 'user', at: 3_000, text: `the ${animal} came home` }] },
  ],
  questions: [
    { text: `which ${animal} ran`, category: '1', evidence: ['a'] },
    { text: `when came the ${animal} home`, category: '2', evidence: ['a', 'c'] },
    { text: `sad`, category: '5', evidence: ['c'] },
    { text: 'unknown', category: '1', evidence: [], leftOut: 'no evidence given' },
  ],
})
const data: DataSet = {
  name: 'Pets',
  format: 'jsonl',
  conversations: [conversation('x', 'cat'), conversation('y', 'dog')],
  apart: ['5'],
  corrected: 3,
}
const options: RetrievalOptions = {
  data,
  machine: 'm',
  commit: 'c',
  date: 'd',
  countTokens: (text) => text.split(' ').length,
  elapsedMs: (() => {
    let now = 0
    return () => (now += 2)
  })(),
}

test('a run goes through the front door: an owner a conversation, own times, names and roles, floor 0 and 25 deep [EVAL-2]', async () => {
  const { recollect, appended, searched } = wordSearch()
  await evaluateRetrieval(recollect, options)
  expect(appended.filter(({ owner }) => owner === 'eval-1')).toEqual([
    {
      owner: 'eval-1',
      session: 's1',
      messages: [
        { id: 'a', role: 'user', name: 'Ann', createdAt: 1_000, text: 'my cat ran away' },
        { id: 'b', role: 'assistant', createdAt: 2_000, text: 'how sad' },
      ],
    },
    { owner: 'eval-1', session: 's2', messages: [{ id: 'c', role: 'user', createdAt: 3_000, text: 'the cat came home' }] },
  ])
  expect(new Set(appended.map(({ owner }) => owner))).toEqual(new Set(['eval-1', 'eval-2']))
  expect(searched.every(({ limit, floor }) => limit === 25 && floor === 0)).toBe(true)
})

test('the result has every field of the JSON, with the categories that stand apart out of the headline [EVAL-7]', async () => {
  const { recollect } = wordSearch()
  const result = await evaluateRetrieval(recollect, options)
  expect(result).toMatchObject({
    name: 'Pets',
    format: 'jsonl',
    embedder: 'none',
    arms: 'hybrid',
    weights: weightsVersion,
    seed: 1,
    machine: 'm',
    commit: 'c',
    date: 'd',
    conversations: 2,
    sessions: 4,
    messages: 6,
    questions: 6,
    leftOut: { 'no evidence given': 2 },
    corrected: 3,
    all: { n: 4, r1: 75, r10: 100, hit10: 100, mrr: 100, tokens10: 8 },
    categories: { 1: { n: 2, r1: 100 }, 2: { n: 2, r1: 50, r10: 100 }, 5: { n: 2, r10: 0 } },
    sessionLevel: { n: 4, r1: 75, r5: 100 },
    ablation: { lexical: { n: 4, r10: 100 }, dense: { n: 4 } },
    degraded: 4, // every search of the dense arm
    latency: { p50: 2, p99: 2, searches: 6 + 2 * 4 + 4 },
  })
  expect(result.sessionLevel).not.toHaveProperty('tokens10')
  expect(JSON.parse(JSON.stringify(result))).toEqual(result)
})

test('each question of the headline is also asked of another conversation, never of its own [EVAL-4]', async () => {
  const { recollect, searched } = wordSearch()
  const { abstention } = await evaluateRetrieval(recollect, { ...options, arms: ['hybrid'] })
  const foreign = searched.slice(6)
  expect(foreign.map(({ owner, query }) => [owner, query])).toEqual([
    ['eval-2', 'which cat ran'],
    ['eval-2', 'when came the cat home'],
    ['eval-1', 'which dog ran'],
    ['eval-1', 'when came the dog home'],
  ])
  expect(abstention).toEqual({ n: 4, auroc: 1, floor: 0.3, answered: 100, wrongAbstentions: 0, rightAbstentions: 0 })
  const alone = await evaluateRetrieval(wordSearch().recollect, { ...options, data: { ...data, conversations: data.conversations.slice(0, 1) } })
  expect(alone.abstention).toBeUndefined()
})

const askOne = async (seed: number) => {
  const { recollect, searched } = wordSearch()
  return { result: await evaluateRetrieval(recollect, { ...options, limit: 1, seed, arms: ['lexical'] }), searched }
}

test('a limit asks that many questions, the same for the same seed, and replays only what they need [EVAL-3]', async () => {
  const [first, again] = [await askOne(4), await askOne(4)]
  expect(first.searched).toEqual(again.searched)
  expect(first.result).toMatchObject({
    conversations: 1,
    messages: 3,
    questions: 1,
    arms: 'lexical',
    leftOut: { 'over the limit': 5, 'no evidence given': 2 },
  })
})

test('categories choose the questions, and none that fits is refused with those that are there [EVAL-3]', async () => {
  const { categories } = await evaluateRetrieval(wordSearch().recollect, { ...options, categories: ['2'] })
  expect(Object.keys(categories)).toEqual(['2'])
  await expect(evaluateRetrieval(wordSearch().recollect, { ...options, categories: ['nine'] })).rejects.toMatchObject({
    code: 'invalid_input',
    nextStep: expect.stringContaining('1, 2, 5') as string,
  })
})

test('progress counts messages, then searches, up to their totals [EVAL-8]', async () => {
  const seen: EvalProgress[] = []
  await evaluateRetrieval(wordSearch().recollect, { ...options, progress: (progress) => seen.push(progress) })
  expect(seen.filter(({ stage }) => stage === 'replay').at(-1)).toEqual({ stage: 'replay', done: 6, total: 6 })
  expect(seen.filter(({ stage }) => stage === 'ask').map(({ done }) => done)).toEqual(Array.from({ length: 18 }, (_, i) => i + 1))
  expect(seen.at(-1)).toEqual({ stage: 'ask', done: 18, total: 18 })
})

test('a long session is appended in stretches that one append takes [EVAL-2]', async () => {
  const { recollect, appended } = wordSearch()
  const messages = Array.from({ length: 450 }, (_, i) => ({ id: `m${i}`, role: 'user' as const, at: i, text: `word${i}` }))
  const large = ['x', 'y', 'z'].map((id) => ({ id, role: 'user' as const, at: 0, text: id.repeat(900_000) }))
  const long: Conversation = {
    id: 'l',
    sessions: [
      { id: 's', messages },
      { id: 't', messages: large },
    ],
    questions: [{ text: 'word449', category: '1', evidence: ['m449'] }],
  }
  const { all } = await evaluateRetrieval(recollect, { ...options, data: { ...data, conversations: [long] } })
  expect(appended.map(({ session, messages }) => [session, messages.length])).toEqual([
    ['s', 200],
    ['s', 200],
    ['s', 50],
    ['t', 1],
    ['t', 1],
    ['t', 1],
  ])
  expect(all.r1).toBe(100)
})
