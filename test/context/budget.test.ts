// What is given up, in which order, when a context is too large; and what never is (context §6).
import { describe, expect, test } from 'vitest'
import { isRecollectError, type RecollectError } from '../../src/core/errors.ts'
import type { ContextOptions } from '../../src/context/policy/context-options.ts'
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

  test('fixed holds pins and the pending user message, and neither counts as recent turns [BUD-1]', async () => {
    const fixedOf = async (more: ContextOptions, said: string) => {
      const session = tableSession()
      session.say('user', words(200))
      session.say('assistant', 'ok')
      session.say('user', said)
      return (await session.context({ ...quiet, ...more })).receipt.budget['fixed'] ?? 0
    }
    const bare = await fixedOf({}, 'go')
    expect(await fixedOf({ pins: [1] }, 'go')).toBeGreaterThanOrEqual(bare + 200)
    expect(await fixedOf({}, words(300))).toBeGreaterThanOrEqual(bare + 290)
    expect(await fixedOf({ system: words(100), tools: [{ text: words(100) }] }, 'go')).toBeGreaterThanOrEqual(bare + 200)
  })

  test('size is that of the turns before: a long pending message and its memories bring no high watermark, and count when the turn is over [BUD-1, BUD-2]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    const options: ContextOptions = { strategy: { name: 'hybrid', lowTokens: 300, highTokens: 1_500 } }
    session.say('user', 'hello')
    await session.context(options)
    session.say('assistant', 'hi')
    session.memories.set('mem1', aMemory('mem1', words(1_600)))
    session.say('user', words(1_600))
    for (let again = 0; again < 2; again++) expect((await session.context(options)).receipt.epoch.began).toBe(false)
    session.say('assistant', 'ok')
    session.say('user', 'and?')
    expect((await session.context(options)).receipt.epoch.cause).toBe('highWater')
  })

  test('a new epoch leaves room for this turn’s memories, so that none is dropped again for the turns kept [BUD-1, BUD-2]', async () => {
    const memories = Array.from({ length: 5 }, (_, n) => aMemory(`mem${n}`, words(90)))
    const session = tableSession({ recall: () => memories })
    for (const memory of memories) session.memories.set(memory.id, memory)
    for (let n = 0; n < 100; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(60))
    session.say('user', 'go')
    const { receipt } = await session.context({ budgetTokens: 8_000, minTurns: 0 })
    expect(receipt.degraded).toEqual([])
    expect(receipt.recall.items.filter(({ outcome }) => outcome === 'injected').length).toBeGreaterThan(3)
    const { hard = 0, fixed = 0, high = 0 } = receipt.budget
    const { summary = 0, 'recalled-data': recalled = 0 } = receipt.tokens.byClass
    expect(recalled).toBeGreaterThan(400)
    expect(high).toBeLessThanOrEqual(hard - fixed - summary - recalled)
  })

  test('the memories of a turn take a tenth of what is not fixed, whatever the caller allows beyond it [BUD-2]', async () => {
    const memories = Array.from({ length: 40 }, (_, n) => aMemory(`mem${n}`, words(60)))
    const session = tableSession({ recall: (_query, { memories: all }) => [...all.values()] })
    for (const memory of memories) session.memories.set(memory.id, memory)
    let before = 0
    for (const began of [true, false]) {
      session.say('user', 'go')
      if (!began) for (const { id } of memories) session.memories.set(`${id}-later`, aMemory(`${id}-later`, words(60)))
      const { receipt } = await session.context({ budgetTokens: 20_000, recall: { maxItems: 40, maxTokens: 9_000 } })
      expect(receipt.epoch.began).toBe(began)
      session.say('assistant', 'ok')
      const { hard = 0, fixed = 0 } = receipt.budget
      const taken = (receipt.tokens.byClass['recalled-data'] ?? 0) - before
      before += taken
      expect(taken).toBeLessThan((hard - fixed) / 10 + 60) // and the fence
      expect(taken).toBeGreaterThan((hard - fixed) / 10 - 120)
    }
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
    const { receipt } = await session.context({ ...quiet, budgetTokens: 1_350 })
    expect(receipt.degraded).toEqual(receipt.degraded.toSorted((a, b) => a - b))
    expect(receipt.degraded).toEqual(expect.arrayContaining([5, 6, 7, 8]))
    expect(receipt.tokens.byClass.state).toBeUndefined()
    expect(receipt.parts.at(-1)).toMatchObject({ change: 'cut', why: 'pending' })
  })

  test('gives back what had to go before it, where a result that no budget holds is cut at last [BUD-3]', async () => {
    const session = tableSession()
    session.patch({ plan: words(60) })
    for (let n = 0; n < 12; n++) {
      session.say('user', `Call Anna Novak at +351 21 000 00${10 + n} on 2024-05-${10 + n}.`)
      session.say('assistant', 'We decided to meet at noon.')
    }
    session.say('user', 'look it up')
    round(session, 'c1', 8_000)
    const { receipt, tokens } = await session.context({ ...quiet, budgetTokens: 3_000 })
    expect(receipt.degraded).toEqual([8])
    expect(receipt.tokens.byClass.state).toBeGreaterThan(60)
    expect(receipt.parts.filter(({ class: of, why }) => of === 'message' && why !== 'pending')).not.toEqual([])
    expect(receipt.evicted.map(({ into }) => into)).toEqual(expect.arrayContaining(['summary']))
    expect(tokens.predicted).toBeLessThanOrEqual(tokens.hard)
  })

  test('each step only when those before it are spent: as the budget shrinks [BUD-3]', async () => {
    const session = tableSession()
    session.patch({ plan: words(60) })
    for (let n = 0; n < 12; n++) {
      session.say('user', `Call Anna Novak at +351 21 000 00${10 + n} on 2024-05-${10 + n}. ${words(100)}`)
      round(session, `t${n}`, 120)
      session.say('assistant', `We decided to meet at ${n}:30. ${words(100)}`)
    }
    session.say('user', 'look it up')
    round(session, 'c1', 900)
    const seen = new Set<number>()
    let before: readonly number[] = []
    let cut = false
    for (let budgetTokens = 6_000; budgetTokens >= 600; budgetTokens -= 40) {
      const made = await session.context({ ...quiet, budgetTokens, preview: true }).catch((error: unknown) => error as RecollectError)
      if (isRecollectError(made, 'payload_too_large')) continue
      const { receipt, messages } = made as Awaited<ReturnType<TableSession['context']>>
      for (const step of receipt.degraded) seen.add(step)
      const taken = (step: number) => receipt.degraded.includes(step)
      const complete = receipt.parts.filter(({ class: of, why }) => of === 'message' && why !== 'pending').length
      const whole = (messages as { role: string }[]).filter(
        (message) => message.role === 'tool' && !JSON.stringify(message).includes('[result masked'),
      )
      if (receipt.degraded.some((step) => step > 3)) expect(whole.length).toBeLessThanOrEqual(3)
      if (taken(6)) expect(receipt.tokens.byClass.summary ?? 0).toBeLessThan(140) // the least, and its fence
      else expect(complete).toBeGreaterThan(0)
      expect(receipt.tokens.byClass.state === undefined).toBe(taken(7))
      if (taken(7)) expect([complete, taken(6)]).toEqual([0, true])
      if (taken(8) && !cut) expect(before).toContain(7) // nothing else was left at the last budget that did without
      if (cut) expect(taken(8)).toBe(true)
      cut = taken(8)
      before = receipt.degraded
    }
    expect([...seen].toSorted()).toEqual([3, 5, 6, 7, 8])
  })

  test('of the least turns no more go than must [BUD-3, BUD-4]', async () => {
    const session = tableSession()
    for (let n = 0; n < 4; n++) {
      session.say('user', words(100))
      session.say('assistant', words(100))
    }
    session.say('user', 'and?')
    const strategy = { name: 'hybrid', lowTokens: 200, summaryTokens: 50 } as const
    for (let budgetTokens = 4_000; budgetTokens > 0; budgetTokens -= 20) {
      const { receipt } = await session.context({ ...quiet, budgetTokens, minTurns: 4, strategy, preview: true })
      if (!receipt.degraded.includes(6)) continue
      expect(receipt.evicted.map(({ seqs }) => seqs)).toEqual([[1, 2]])
      break
    }
  })

  test('a message of under 4,000 tokens stays whole where a longer one is cut [BUD-3]', async () => {
    const session = tableSession()
    for (const size of [3_900, 4_200, 6_000]) {
      session.say('user', words(size))
      session.say('assistant', 'ok')
    }
    session.say('user', 'and?')
    const { receipt } = await session.context({ ...quiet, budgetTokens: 9_000, minTurns: 3 })
    expect(receipt.parts.flatMap(({ change, seqs }) => (change === 'cut' ? [seqs?.[0]] : []))).toEqual([3, 5])
  })

  test.each<[string, (session: TableSession) => ContextOptions]>([
    [
      'a pinned message that is kept',
      (session) => (session.say('user', words(6_000)), session.say('assistant', 'ok'), session.say('user', 'and?'), { pins: [1] }),
    ],
    ['a pinned result of the pending turn', (session) => (session.say('user', 'look'), round(session, 'c1', 6_000), { pins: [3] })],
    ['the pending user text', (session) => (session.say('user', words(6_000)), {})],
    [
      'results of an open turn, by masking',
      (session) => {
        session.say('user', 'look')
        for (let n = 0; n < 12; n++) round(session, `c${n}`, 500)
        session.say('assistant', [call('open')])
        return {}
      },
    ],
    [
      'results of an open turn, by cutting',
      (session) => {
        session.say('user', 'look')
        round(session, 'c1', 6_000)
        session.say('assistant', [call('open')])
        return {}
      },
    ],
    ['system', (session) => (session.say('user', 'hi'), { system: words(6_000) })],
    ['tools', (session) => (session.say('user', 'hi'), { tools: [{ text: words(6_000) }] })],
  ])('what may not be touched is refused instead: %s [BUD-5, TURN-4]', async (_, make) => {
    const session = tableSession()
    const asked = make(session)
    const error = await session.context({ ...quiet, budgetTokens: 5_000, ...asked }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'payload_too_large', details: { limitTokens: 4_000 } })
  })

  test('the error tells the tokens of each class, and they sum up to what was needed [BUD-5]', async () => {
    const session = tableSession()
    session.patch({ plan: 'A' })
    session.say('user', words(100))
    session.say('assistant', 'ok')
    session.say('user', words(3_000))
    const asked: ContextOptions = { ...quiet, budgetTokens: 2_000, system: words(50), tools: [{ text: words(50) }], pins: [2] }
    const { details } = (await session.context(asked).catch((caught: unknown) => caught)) as RecollectError
    const { byClass, givenTokens } = details as { byClass: Record<string, number>; givenTokens: number }
    expect(Object.keys(byClass).toSorted()).toEqual(['message', 'pin', 'state', 'summary', 'system', 'tools'])
    expect(Math.abs(Object.values(byClass).reduce((sum, tokens) => sum + tokens, 0) - givenTokens)).toBeLessThan(6)
    expect([byClass['message'], byClass['pin']].map((tokens = 0) => tokens > 90)).toEqual([true, true])
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
    expect(receipt.evicted.filter(({ into, summaryId }) => (into === 'summary') !== (summaryId !== undefined))).toEqual([])
    const sliding = await session.context({ ...quiet, budgetTokens: 3_000, strategy: { name: 'slidingWindow', last: { turns: 2 } } })
    expect(sliding.receipt.evicted.some(({ into }) => into === 'log-only')).toBe(true)
  })
})
