// What is given up, in which order, when a context is too large; and what never is (context §6).
import { describe, expect, test } from 'vitest'
import { isRecollectError, type RecollectError } from '../../src/core/errors.ts'
import type { ContextOptions } from '../../src/context/context-options.ts'
import { aMemory, call, result, tableSession, type TableSession } from './session-table.ts'

const words = (count: number) => 'lorem ipsum '.repeat(Math.ceil(count / 2)).trim()
const quiet: ContextOptions = { recall: false }

function round(session: TableSession, id: string, tokens: number): void {
  session.say('assistant', [call(id)])
  session.say('tool', [result(id, words(tokens))])
}

describe('the budget', () => {
  test('hard is the budget less its margin; the room is what fixed parts, summary and state leave [BUD-1]', async () => {
    const session = tableSession()
    session.patch({ plan: words(30) })
    session.say('user', 'hello')
    const { receipt, tokens } = await session.context({ ...quiet, budgetTokens: 10_000, system: words(100) })
    const { budget, hard = 0, fixed = 0, room = 0, margin = 0 } = receipt.budget
    expect([budget, hard]).toEqual([10_000, 8_000])
    expect(fixed).toBeGreaterThanOrEqual(100)
    expect(room).toBe(hard - fixed - Math.ceil(receipt.tokens.byClass.state ?? 0))
    expect([tokens.low, tokens.high]).toEqual([tokens.predicted - margin, tokens.predicted + margin].map((one) => Math.max(0, one)))
  })

  test('the summary takes a tenth at most, memories a tenth, but the best three if there is room [BUD-2]', async () => {
    const memories = Array.from({ length: 8 }, (_, n) => aMemory(`mem${n}`, words(150)))
    const session = tableSession({ recall: () => memories })
    for (const memory of memories) session.memories.set(memory.id, memory)
    for (let n = 0; n < 120; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `Meet Anna Novak ${n} at ${n}:30 in Lisbon. ${words(40)}`)
    session.say('user', 'where?')
    const { receipt } = await session.context({ budgetTokens: 4_000 })
    const open = (receipt.budget['hard'] ?? 0) - (receipt.budget['fixed'] ?? 0)
    expect(receipt.tokens.byClass.summary).toBeLessThanOrEqual(open * 0.1 + 1)
    expect(receipt.recall.items.map(({ outcome }) => outcome)).toEqual([
      'injected',
      'injected',
      'injected',
      ...Array.from({ length: 5 }, () => 'budget'),
    ])
  })
})

describe('the ladder', () => {
  test('drops the lowest-ranked new memories first [BUD-3]', async () => {
    const memories = [aMemory('mem1', words(100)), aMemory('mem2', words(100))]
    const session = tableSession({ recall: () => memories })
    for (const memory of memories) session.memories.set(memory.id, memory)
    session.say('user', words(1_280))
    const { receipt } = await session.context({ budgetTokens: 2_000 })
    expect(receipt.recall.items.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['mem1', 'injected'],
      ['mem2', 'budget'],
    ])
  })

  test('then begins an epoch at the low watermark, and masks all but the last three rounds of results [BUD-3, BUD-4]', async () => {
    const session = tableSession()
    session.say('user', 'look')
    for (let n = 0; n < 6; n++) round(session, `c${n}`, 400)
    const options: ContextOptions = { ...quiet, budgetTokens: 3_000, strategy: { name: 'slidingWindow', last: { turns: 9 } } }
    session.say('assistant', 'done')
    session.say('user', 'and?')
    const { receipt, messages } = await session.context({ ...options, minTurns: 9 })
    expect(receipt.degraded).toEqual([3])
    expect(receipt.parts.filter((part) => part.change === 'masked')).toHaveLength(3)
    expect(JSON.stringify(messages).match(/result masked: [\w-]{22}, seq \d+, \d+ tokens/g)).toHaveLength(3)
    const { head } = session
    expect(head().epoch?.maskResultsBefore).toBe(8)
  })

  test('goes down to the low watermark where a strategy keeps more than fits, so that the next turns only append [BUD-3, BUD-4]', async () => {
    const session = tableSession()
    const evicting: number[] = []
    for (let n = 0; n < 60; n++) {
      session.say('user', words(100))
      const asked: ContextOptions = { ...quiet, model: 'gpt-5', budgetTokens: 6_000, strategy: { name: 'slidingWindow', last: { turns: 60 } } }
      const { receipt } = await session.context(asked)
      if (receipt.degraded.length > 0) evicting.push(n)
      if (receipt.degraded.length > 0) expect([receipt.degraded, receipt.tokens.predicted < 2_500]).toEqual([[2], true])
      session.say('assistant', words(100))
      session.clock.advance(1_000)
    }
    expect(evicting).toEqual([23, 36, 49])
  })

  test('cuts kept messages over 4,000 tokens to head and tail, never inside a surrogate pair [BUD-3]', async () => {
    const session = tableSession()
    session.say('user', `HEAD ${'🦊'.repeat(20_000)} TAIL`)
    session.say('assistant', 'I see')
    session.say('user', 'and?')
    const { receipt, messages } = await session.context({ ...quiet, budgetTokens: 5_000 })
    expect(receipt.degraded).toEqual([4])
    const sent = JSON.stringify(messages)
    expect(sent).toMatch(/HEAD.*characters cut from seq 1.*TAIL/)
    expect(sent.includes('\\ud83e"') || /\\ud83e(?!\\udd8a)/.test(sent)).toBe(false)
    expect(sent.isWellFormed()).toBe(true)
  })

  test('shrinks the summary, evicts the least turns too, drops the state, and cuts pending results, in this order [BUD-3]', async () => {
    const session = tableSession()
    session.patch({ plan: words(300) })
    for (let n = 0; n < 20; n++) {
      session.say('user', `Call Anna Novak at +351 21 000 00${10 + n} on 2024-05-${10 + n}. ${words(200)}`)
      session.say('assistant', `I will. ${words(200)}`)
    }
    session.say('user', 'look it up')
    round(session, 'c1', 3_000)
    const { receipt } = await session.context({ ...quiet, budgetTokens: 2_000 })
    expect(receipt.degraded).toEqual(receipt.degraded.toSorted((a, b) => a - b))
    expect(receipt.degraded).toEqual(expect.arrayContaining([5, 6, 7, 8]))
    expect(receipt.tokens.byClass.state).toBeUndefined()
    expect(receipt.parts.at(-1)).toMatchObject({ change: 'cut', why: 'pending' })
  })

  test('ends in an error that tells the numbers, and nothing is written [BUD-5]', async () => {
    const session = tableSession()
    session.say('user', words(3_000))
    const error = await session.context({ ...quiet, budgetTokens: 2_000, system: 'S' }).catch((caught: unknown) => caught)
    expect(isRecollectError(error, 'payload_too_large')).toBe(true)
    const { details, nextStep, message } = error as RecollectError
    expect(details).toMatchObject({
      limitTokens: 1_600,
      givenTokens: expect.any(Number),
      byClass: { system: expect.any(Number), message: expect.any(Number) },
    })
    expect(nextStep).toContain('budgetTokens')
    expect(message).not.toContain('lorem')
    expect([session.swaps.length, session.receipts.size]).toEqual([0, 0])
  })

  test('never touches system, tools, pins or the pending text, nor an open turn [BUD-5, TURN-4]', async () => {
    const session = tableSession()
    const pin = session.say('user', `PINNED ${words(100)}`)
    session.say('assistant', 'ok')
    for (let n = 0; n < 30; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(200))
    session.say('user', 'PENDING text')
    round(session, 'c1', 500)
    session.say('assistant', [call('c2')]) // still running
    const context = await session.context({ ...quiet, budgetTokens: 2_500, system: 'SYSTEM', pins: [pin], format: 'openai-chat' })
    const sent = JSON.stringify(context.messages)
    for (const text of ['SYSTEM', `PINNED ${words(100)}`, 'PENDING text']) expect(sent).toContain(text)
    expect(sent).toContain(words(500))
    expect(context.receipt.parts.some((part) => part.change === 'masked' || part.change === 'cut')).toBe(false)
  })

  test('loses nothing in silence: every seq is sent, summarized or listed, also what is no message, rewound or redacted [BUD-6]', async () => {
    const session = tableSession()
    session.push({ type: 'setup', setup: { system: 'S' } })
    for (let n = 0; n < 40; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(100))
    session.patch({ a: 1 })
    session.say('user', 'wrong way')
    session.push({ type: 'rewind', toSeq: session.fold().upTo - 1, at: 0 })
    session.redact(3)
    session.say('user', 'and now?')
    const { receipt } = await session.context({ ...quiet, budgetTokens: 3_000 })
    const fates = new Set(receipt.evicted.map(({ into }) => into))
    expect([...fates].toSorted()).toEqual(['no-message', 'redacted', 'rewound', 'summary'])
    const sliding = await session.context({ ...quiet, budgetTokens: 3_000, strategy: { name: 'slidingWindow', last: { turns: 2 } } })
    expect(sliding.receipt.evicted.some(({ into }) => into === 'log-only')).toBe(true)
  })
})
