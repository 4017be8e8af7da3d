// Failures seen in other libraries, as tests of ours (context §11).
import { expect, test } from 'vitest'
import type { Part } from '../../src/core/message.ts'
import { blocksOfContext, chatOracle, isPrefix } from './oracles.ts'
import { aMemory, call, result, tableSession, textPart, type TableSession } from './session-table.ts'

const words = (count: number) => 'lorem ipsum '.repeat(Math.ceil(count / 2)).trim()
const chat = { format: 'openai-chat' as const, model: 'gpt-4o' }

test('replacement patterns arrive unchanged in system, messages and summary, and the system message at index 0 stays first [REG-3]', async () => {
  const patterns = "$& $' $` $$ {messages} $1"
  const session = tableSession()
  session.say('system', `Rules: ${patterns}`)
  for (let n = 0; n < 40; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `Pay Anna Novak ${n} euros by 2024-05-01: ${patterns} ${words(100)}`)
  session.say('user', `now ${patterns}`)
  const { messages, receipt } = await session.context({ ...chat, budgetTokens: 4_000 })
  const sent = messages as { role: string; content: string }[]
  expect(sent[0]).toEqual({ role: 'system', content: `Rules: ${patterns}` })
  expect(sent.at(-1)?.content).toBe(`now ${patterns}`)
  expect(receipt.evicted.some(({ into }) => into === 'summary')).toBe(true)
  expect(receipt.parts[0]).toMatchObject({ class: 'system', seqs: [1, 1] })
})

test('an orphan tool message at the start, and parallel calls at a cut, leave no orphan [REG-5]', async () => {
  const session = tableSession()
  session.say('tool', [result('gone', 'orphan result')])
  session.say('assistant', 'as I said')
  for (let n = 0; n < 12; n++) {
    session.say('user', `look ${n}`)
    session.say('assistant', [call(`a${n}`), call(`b${n}`)])
    session.say('tool', [result(`b${n}`, words(60))])
    session.say('tool', [result(`a${n}`, words(60))])
    session.say('assistant', 'seen')
  }
  session.say('user', 'and?')
  for (const budgetTokens of [2_000, 2_600, 3_400, 5_000, 9_000]) {
    const { messages } = await session.context({ ...chat, budgetTokens })
    expect(chatOracle(messages)).toBe('accepted')
  }
  const whole = await session.context({ ...chat, budgetTokens: 20_000, strategy: { name: 'slidingWindow', last: { turns: 99 } } })
  expect(JSON.stringify(whole.messages)).toContain('orphan result')
})

test('Chinese text, images, system and tools all count [REG-6]', async () => {
  const predicted = async (build: (session: TableSession) => void, more = {}) => {
    const session = tableSession()
    build(session)
    return (await session.context({ ...chat, ...more })).tokens.predicted
  }
  const bare = await predicted((session) => session.say('user', 'x'))
  expect(await predicted((session) => session.say('user', '昨'.repeat(250)))).toBeGreaterThanOrEqual(150)
  expect(await predicted((session) => session.say('user', [{ type: 'image', mediaType: 'image/png', url: 'https://e.org/a.png' }]))).toBeGreaterThan(
    500,
  )
  expect(await predicted((session) => session.say('user', 'x'), { system: words(100) })).toBeGreaterThan(bare + 90)
  expect(
    await predicted((session) => session.say('user', 'x'), { tools: [{ function: { name: 'look', description: words(100) } }] }),
  ).toBeGreaterThan(bare + 90)
})

test('a thousand messages stay within the budget [REG-7]', async () => {
  const session = tableSession()
  for (let n = 0; n < 1_000; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `${n} ${words(60)}`)
  session.say('user', 'now')
  const { tokens, messages } = await session.context({ ...chat, budgetTokens: 8_000 })
  expect(tokens.predicted * 1.25).toBeLessThanOrEqual(8_000)
  expect(messages.length).toBeLessThan(200)
})

test('memories and state that change for 50 turns leave the system bytes alone [REG-10]', async () => {
  let turn = 0
  const session = tableSession({ recall: () => [aMemory(`mem${turn}`, `memory number ${turn}`)] })
  const systems = new Set<string>()
  for (; turn < 50; turn++) {
    session.memories.set(`mem${turn}`, aMemory(`mem${turn}`, `memory number ${turn}`))
    session.patch({ step: turn })
    session.say('user', `question ${turn}`)
    const { messages } = await session.context({ ...chat, budgetTokens: 4_000, system: 'Be kind.' })
    systems.add(JSON.stringify(messages[0]))
    session.say('assistant', words(60))
  }
  expect([...systems]).toEqual([JSON.stringify({ role: 'system', content: 'Be kind.' })])
})

test('the window does not slide at each turn: most calls only append [REG-11]', async () => {
  for (const strategy of ['hybrid', 'summary', 'slidingWindow'] as const) {
    const session = tableSession()
    let before: string[] = []
    let appended = 0
    for (let n = 0; n < 100; n++) {
      session.say('user', words(60))
      const blocks = blocksOfContext(await session.context({ ...chat, budgetTokens: 4_000, strategy }))
      if (isPrefix(before, blocks)) appended++
      before = blocks
      session.say('assistant', words(60))
      session.clock.advance(1_000)
    }
    expect(appended).toBeGreaterThan(70)
  }
})

test('what was injected is in no log: neither entries, nor head, nor receipts hold its text [REG-14]', async () => {
  const session = tableSession({ recall: () => [aMemory('mem1', 'CANARY memory')] })
  session.memories.set('mem1', aMemory('mem1', 'CANARY memory'))
  for (let n = 0; n < 5; n++) {
    session.say('user', `question ${n}`)
    expect(JSON.stringify((await session.context(chat)).messages)).toContain('CANARY')
    session.say('assistant', 'yes')
  }
  expect(JSON.stringify([session.entries, session.head(), [...session.receipts.values()]])).not.toContain('CANARY')
})

test('the opening user message is there or in the summary, and no history is doubled [REG-20]', async () => {
  const session = tableSession()
  session.say('user', 'My order number is ORD-20931.')
  for (let n = 0; n < 60; n++) session.say(n % 2 === 0 ? 'assistant' : 'user', `only once ${n}. ${words(60)}`)
  session.say('assistant', 'yes')
  session.say('user', 'what was it?')
  const { messages, receipt } = await session.context({ ...chat, budgetTokens: 4_000 })
  const sent = JSON.stringify(messages)
  expect(sent).toContain('ORD-20931')
  const [from] = receipt.parts.find((part) => part.class === 'message')?.seqs ?? [0]
  for (let n = from; n < 60; n++) expect(sent.split(`only once ${n - 2}. `).length - 1).toBeLessThanOrEqual(2) // once in full, once in the sheet at most
})

test.each(Array.from({ length: 50 }, (_, index) => index + 1))(
  'a window of the last %i messages splits no call from its result [REG-22]',
  async (count) => {
    const session = tableSession()
    for (let n = 0; n < 8; n++) {
      session.say('user', `look ${n}`)
      session.say('assistant', [call(`a${n}`), call(`b${n}`)])
      session.say('tool', [result(`a${n}`, 'x'), result(`b${n}`, 'y')])
      if (n % 2 === 0) session.say('assistant', [call(`c${n}`)])
      if (n % 2 === 0) session.say('tool', [result(`c${n}`, 'z')])
      session.say('assistant', 'seen')
    }
    session.say('user', 'and?')
    const { messages, receipt } = await session.context({ ...chat, strategy: { name: 'slidingWindow', last: { messages: count } } })
    expect(chatOracle(messages)).toBe('accepted')
    const sent = receipt.parts.flatMap(({ seqs = [0, -1] }) => Array.from({ length: seqs[1] - seqs[0] + 1 }))
    expect(sent.length).toBeGreaterThanOrEqual(Math.min(count, session.fold().messages.length))
  },
)

test('a partial text and an unfinished call after a stop lower legally [REG-23]', async () => {
  const partial: Part[] = [textPart('I will look it u', 'assistant'), call('c1', 'look', '{"query": "lis')]
  const session = tableSession()
  session.say('user', 'look it up')
  session.say('assistant', partial, { incomplete: 'aborted' })
  session.say('user', 'stop, do this instead')
  const { messages, receipt } = await session.context(chat)
  expect(chatOracle(messages)).toBe('accepted')
  expect(messages).toMatchObject([
    { role: 'user' },
    { role: 'assistant', tool_calls: [{ id: 'c1' }] },
    { role: 'tool', content: '[no result recorded]' },
    { role: 'user' },
  ])
  expect(receipt.repairs).toEqual([{ rule: 'I1', seq: 2 }])
})

test('a pending call that waits for approval is neither evicted nor cut [REG-19]', async () => {
  const session = tableSession()
  for (let n = 0; n < 40; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(100))
  session.say('user', 'pay the bill')
  session.say('assistant', [call('pay', 'pay', '{"amount":20}')])
  const waiting = await session.context({ ...chat, budgetTokens: 3_000 })
  expect((waiting.messages.at(-1) as { content: string }).content).toBe('pay the bill')
  session.say('tool', [result('pay', 'approved and paid')])
  const done = await session.context({ ...chat, budgetTokens: 3_000 })
  expect(done.messages.slice(-2)).toMatchObject([
    { role: 'assistant', tool_calls: [{ id: 'pay' }] },
    { role: 'tool', content: 'approved and paid' },
  ])
})

test('one message at the size limit is covered, and a first context after an eviction has the least turns [REG-13]', async () => {
  const session = tableSession()
  session.say('user', 'x y '.repeat(200_000))
  session.say('assistant', 'a lot')
  for (let n = 0; n < 6; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `short ${n}`)
  session.say('user', 'now')
  const { receipt } = await session.context({ ...chat, budgetTokens: 4_000 })
  expect(receipt.evicted).toEqual([{ seqs: [1, expect.any(Number)], into: 'summary', summaryId: expect.any(String) }])
  expect(receipt.evicted[0]?.seqs[1]).toBeLessThanOrEqual(4)
})
