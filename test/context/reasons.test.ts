// Every reason that a receipt can give occurs, and each for what it says (context §9, BUD-2).
import { expect, test } from 'vitest'
import type { Context, ContextOptions } from '../../src/context/policy/context-options.ts'
import type { Receipt, ReceiptPart, ReceiptRecallItem } from '../../src/core/context.ts'
import { RecollectError } from '../../src/core/errors.ts'
import { aMemory, call, result, tableSession, textPart, type TableSession } from './session-table.ts'

const words = (count: number) => 'lorem ipsum '.repeat(count / 2).trim()
const quiet: ContextOptions = { recall: false }

function talk(session: TableSession, turns: number, size = 100): void {
  for (let n = 0; n < turns; n++) {
    session.say('user', `question ${n} of Anna Novak ${words(size)}`)
    session.say('assistant', `answer ${n} ${words(size)}`)
  }
}

function rounds(session: TableSession, count: number, size: number): void {
  for (let n = 0; n < count; n++) {
    session.say('assistant', [call(`c${n}`)])
    session.say('tool', [result(`c${n}`, words(size))])
  }
}

type Why = NonNullable<ReceiptPart['why']>
const whys: Record<Why, [what: string, make: (session: TableSession) => Promise<Context>, seqs?: readonly [number, number]]> = {
  fixed: ['system and tools', (session) => session.context({ ...quiet, system: 'S', tools: [{ type: 'function', function: { name: 'look' } }] })],
  pinned: [
    'an evicted message that was pinned',
    (session) => (talk(session, 20), session.context({ ...quiet, budgetTokens: 2_500, pins: [3] })),
    [3, 3],
  ],
  recent: ['a kept turn', (session) => (talk(session, 2), session.say('user', 'and?'), session.context(quiet)), [1, 4]],
  'min-turns': [
    'a turn that only `minTurns` keeps: with the pending one it is over the low watermark',
    (session) => {
      talk(session, 9, 200)
      session.say('user', 'and?')
      rounds(session, 1, 300)
      return session.context({ ...quiet, strategy: { name: 'hybrid', lowTokens: 850 }, minTurns: 3 })
    },
    [13, 16],
  ],
  pending: ['what the model has yet to answer', (session) => (talk(session, 1), session.say('user', 'and?'), session.context(quiet)), [3, 3]],
  summary: ['what was evicted', (session) => (talk(session, 20), session.context({ ...quiet, budgetTokens: 2_500 }))],
  recall: ['a memory', (session) => (session.memories.set('mem1', aMemory('mem1', 'a fact')), session.say('user', 'what?'), session.context())],
  'state-start': ['the state at the start of an epoch', (session) => (session.patch({ plan: 1 }), session.say('user', 'go'), session.context(quiet))],
  'state-change': [
    'a change of state since',
    async (session) => {
      session.say('user', 'go')
      await session.context(quiet)
      session.say('assistant', 'ok')
      session.patch({ plan: 2 })
      session.say('user', 'go on')
      return session.context(quiet)
    },
  ],
}
const recalling = () => tableSession({ recall: (_query, { memories }) => [...memories.values()] })

test.each(Object.entries(whys))('a part says %s [REC-3]', async (why, [, make, seqs]) => {
  const { receipt } = await make(recalling())
  const parts = receipt.parts.filter((part) => part.why === why)
  expect(parts.length).toBeGreaterThan(0)
  if (seqs !== undefined) expect(parts.map((part) => part.seqs)).toEqual([seqs])
})

const changes: Record<NonNullable<ReceiptPart['change']>, (session: TableSession) => Promise<Context>> = {
  masked: (session) => {
    session.say('user', 'look')
    rounds(session, 6, 400)
    session.say('assistant', 'done')
    session.say('user', 'and?')
    return session.context({ ...quiet, budgetTokens: 3_000, minTurns: 9, strategy: { name: 'slidingWindow', last: { turns: 9 } } })
  },
  cut: (session) => {
    session.say('user', words(9_000))
    session.say('assistant', 'ok')
    session.say('user', 'and?')
    return session.context({ ...quiet, budgetTokens: 5_000 })
  },
  fenced: (session) => {
    session.say('tool', [result('c1', 'of no call')])
    session.say('user', 'and?')
    return session.context(quiet)
  },
  placeholder: (session) => {
    session.say('user', 'look')
    session.say('assistant', [call('c1')])
    session.say('user', 'never mind')
    return session.context(quiet)
  },
  'reasoning-dropped': (session) => {
    session.say('user', 'think')
    session.say('assistant', [{ type: 'reasoning', family: 'anthropic', data: { thinking: 'hm' } }, textPart('yes', 'assistant')])
    session.say('user', 'and?')
    return session.context(quiet)
  },
}
test.each(Object.entries(changes))('a message that was changed says how: %s, and what a mask or a cut saved [REC-3]', async (change, make) => {
  const { receipt } = await make(tableSession())
  const parts = receipt.parts.filter((part) => part.change === change)
  expect(parts.length).toBeGreaterThan(0)
  for (const { savedTokens } of parts)
    if (change === 'masked' || change === 'cut') expect(savedTokens).toBeGreaterThan(300)
    else expect(savedTokens).toBeUndefined()
})

const outcomes: Record<ReceiptRecallItem['outcome'], (session: TableSession) => Promise<Context>> = {
  injected: (session) => session.context(),
  live: async (session) => {
    await session.context()
    session.say('assistant', 'this')
    session.say('user', 'and again?')
    return session.context()
  },
  budget: (session) => {
    for (const id of ['mem2', 'mem3', 'mem4']) session.memories.set(id, aMemory(id, 'another fact'))
    return session.context({ recall: { maxTokens: 0 } }) // the best three stand in any case
  },
  supersedes: async (session) => {
    await session.context()
    session.memories.set('mem1', aMemory('mem1', 'a fact', { supersededBy: 'mem2', ended: 'superseded' }))
    session.memories.set('mem2', aMemory('mem2', 'a newer fact', { supersedes: ['mem1'] }))
    session.say('assistant', 'this')
    session.say('user', 'and now?')
    return session.context()
  },
  floor: (session) => {
    const under = { id: 'mem1', relevance: 0.2, lacked: 'nothing' }
    Object.assign(session.source, {
      recall: async () => ({ result: { hits: [], abstained: true, floor: 0.3, degraded: [], upTo: 1, why: under }, live: [] }),
    })
    return session.context()
  },
}
test.each(Object.entries(outcomes))('a memory that was weighed says what became of it: %s [REC-3]', async (outcome, make) => {
  const session = recalling()
  session.memories.set('mem1', aMemory('mem1', 'a fact'))
  session.say('user', 'what do you know?')
  const { receipt } = await make(session)
  expect(receipt.recall.items.map((item) => item.outcome)).toContain(outcome)
})

const statuses: Record<Receipt['recall']['status'], (session: TableSession) => Promise<Context>> = {
  ran: (session) => session.context(),
  off: (session) => session.context(quiet),
  replayed: async (session) => {
    await session.context()
    session.say('assistant', [call('c1')])
    session.say('tool', [result('c1', 'ok')])
    return session.context()
  },
  unavailable: (session) => {
    Object.assign(session.source, { recall: () => Promise.reject(new RecollectError('unavailable', 'down', 'Wait.')) })
    return session.context()
  },
  timeout: (session) => {
    Object.assign(session.source, { recall: () => Promise.reject(new RecollectError('timeout', 'late', 'Wait.')) })
    return session.context()
  },
}
test.each(Object.entries(statuses))('recall says how it went: %s [REC-3, INJ-7]', async (status, make) => {
  const session = recalling()
  session.say('user', 'what do you know?')
  expect((await make(session)).receipt.recall.status).toBe(status)
})

test('a receipt says what the call costs, and what it would where a window slides at every turn or the whole log is sent [STR-1]', async () => {
  const session = tableSession()
  talk(session, 20)
  session.say('user', 'and?')
  const asked: ContextOptions = { ...quiet, budgetTokens: 5_000, model: 'gpt-5', strategy: { name: 'hybrid', lowTokens: 1_000, highTokens: 3_500 } }
  await session.context(asked)
  session.say('assistant', 'ok')
  session.say('user', 'and then?')
  const { expectedReadTokens = 0, expectedCost = 0, slideCost = 0 } = (await session.context(asked)).receipt.cache
  expect(expectedReadTokens).toBeGreaterThan(1_024)
  expect(slideCost).toBeGreaterThan(3 * expectedCost)
})

test('a block of memories says the lowest authority in it [REC-3, POI-2]', async () => {
  const session = recalling()
  session.memories.set('mem1', aMemory('mem1', 'said by the user'))
  session.memories.set('mem2', aMemory('mem2', 'read on a page', { origin: 'web' }))
  session.say('user', 'what do you know?')
  const { receipt } = await session.context()
  expect(receipt.parts.map((part) => part.authority)).toEqual(['untrusted', undefined])
})

test('the state takes a twentieth: over it the members changed last stay whole, the others are named, and changes come after [BUD-2, INJ-6]', async () => {
  const session = tableSession()
  session.patch({ notes: words(160), plan: 'A', huge: words(900), step: 1, log: 'old' })
  session.patch({ plan: 'B', log: words(160) })
  for (let n = 0; n < 30; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(100))
  session.say('user', 'go')
  const asked: ContextOptions = { ...quiet, budgetTokens: 6_000, format: 'openai-chat', model: 'gpt-4o' }
  const { receipt, messages } = await session.context(asked)
  const state = receipt.parts.find((part) => part.class === 'state')
  expect(state).toMatchObject({ why: 'state-start', change: 'cut' })
  const { hard = 0, fixed = 0 } = receipt.budget
  expect(receipt.tokens.byClass.state).toBeLessThan((hard - fixed) / 20 + 120) // and its fence
  const text = (messages as { content: string }[]).find(({ content }) => content.includes('session-state'))?.content ?? ''
  const lines = text
    .split('\n')
    .slice(1, -1)
    .map((line) => (JSON.parse(line) as { text: string }).text)
  expect(lines).toEqual([
    `{"plan":"B","step":1,"log":"${words(160)}"}`,
    'Left out of the state, which is over its share of the prompt: "notes", "huge"',
  ])
  expect(receipt.degraded).toEqual([])
  session.say('assistant', 'ok')
  session.patch({ log: 'short' })
  session.say('user', 'go on')
  const next = await session.cold(asked)
  expect(next.messages.slice(0, messages.length)).toEqual(messages)
  expect(JSON.stringify(next.messages)).toContain('log\\\\\\":\\\\\\"short')
})
