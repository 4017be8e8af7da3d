// What of an epoch is kept as numbers: the watermarks that are frozen with it, and the chain of hashes over what was sent (context §4).
import { describe, expect, test } from 'vitest'
import { chainStart, extendChain } from '../../src/context/packing/epoch-chain.ts'
import type { ContextOptions } from '../../src/context/policy/context-options.ts'
import type { Emitted } from '../../src/context/prompt/emitted.ts'
import { aMemory, keys, tableSession, textPart, type TableSession } from './session-table.ts'

const words = (count: number) => 'lorem ipsum '.repeat(count / 2).trim()

/** Turns of about 200 tokens, ended by a pending user message. */
function talk(session: TableSession, turns: number): void {
  for (let n = 0; n < turns; n++) {
    session.say('user', `question ${n} ${words(100)}`)
    session.say('assistant', `answer ${n} ${words(100)}`)
  }
  session.say('user', 'and now?')
}

describe('watermarks', () => {
  test('are frozen with the load while the epoch lasts, whatever the budget [WAT-3]', async () => {
    const session = tableSession()
    talk(session, 20)
    const frozen = async (budgetTokens: number) => {
      const { budget, epoch } = (await session.context({ budgetTokens })).receipt
      return [epoch.no, ...['low', 'high', 'gap', 'g', 'c'].map((name) => budget[name])]
    }
    const first = await frozen(9_000)
    session.say('assistant', words(300))
    session.say('user', 'more')
    expect(await frozen(20_000)).toEqual(first)
  })

  test.each<[string, ContextOptions['strategy'], number]>([
    ['the price of writing the summary', { name: 'hybrid', lowTokens: 900, summaryTokens: 300 }, 300],
    ['of a tenth of the budget at most', { name: 'hybrid', lowTokens: 900, summaryTokens: 1_500 }, 480],
    ['nothing where there is none', { name: 'slidingWindow', last: { turns: 4 } }, 0],
  ])('weigh what an eviction costs beyond what is kept: %s [WAT-1]', async (_, strategy, summaryTokens) => {
    const session = tableSession()
    talk(session, 12)
    const { receipt } = await session.context({
      model: 'gpt-4o',
      budgetTokens: 6_000,
      recall: false,
      ...(strategy === undefined ? {} : { strategy }),
    })
    const { low = 0, gap = 0, g = 0, c = 1, r = 1, w = 1 } = receipt.budget
    expect(Math.abs(gap - Math.sqrt((2 * ((w - r) * low + w * summaryTokens) * g) / (r * c)))).toBeLessThan(3)
  })
})

describe('the hash chain', () => {
  const emitted = (...texts: string[]): Emitted[] =>
    texts.map((text) => ({ role: 'user', parts: [textPart(text)], class: 'message', why: 'recent', tokens: 1 }))

  test('is the same for the same blocks, however they came, and another from the first block that differs [EPO-6]', () => {
    const start = chainStart(keys, 'tools', 'system')
    const whole = extendChain(keys, start, emitted('a', 'b', 'c'))
    expect(extendChain(keys, extendChain(keys, start, emitted('a')), emitted('b', 'c'))).toBe(whole)
    expect(extendChain(keys, start, [{ ...emitted('a')[0], parts: ['a', 'b', 'c'].map((text) => textPart(text)) } as Emitted])).toBe(whole) // merged
    expect(extendChain(keys, start, emitted('a', 'B', 'c'))).not.toBe(whole)
    expect(
      extendChain(
        keys,
        start,
        emitted('a', 'b', 'c').map((one) => ({ ...one, role: 'assistant' as const })),
      ),
    ).not.toBe(whole)
    expect(chainStart(keys, 'tools', 'other')).not.toBe(start)
    expect(chainStart(keys, 'others', 'system')).not.toBe(start)
    expect(whole).toMatch(/^[\w-]{22}$/)
  })

  test('a call hashes only what is new [EPO-6]', async () => {
    const session = tableSession()
    talk(session, 50)
    await session.context({ budgetTokens: 100_000, recall: false })
    session.say('assistant', 'ok')
    session.say('user', 'go on')
    let hashed = 0
    const counting = { ...session.source, keys: { ...keys, tag: (...given: Parameters<typeof keys.tag>) => (hashed++, keys.tag(...given)) } }
    Object.assign(session, { source: counting })
    await session.context({ budgetTokens: 100_000, recall: false })
    expect(hashed).toBe(2)
  })
})

describe('an epoch ends', () => {
  test('after a rewind of the state change that it began with, which is then shown no more [EPO-7, INJ-6]', async () => {
    const session = tableSession()
    session.say('user', 'hello')
    session.patch({ plan: 'CANARY' })
    expect(JSON.stringify((await session.context()).messages)).toContain('CANARY')
    session.push({ type: 'rewind', toSeq: 1, at: 0 })
    session.say('user', 'again')
    const { receipt, messages } = await session.context()
    expect([receipt.epoch.cause, JSON.stringify(messages).includes('CANARY')]).toEqual(['branch', false])
  })

  test('when its record is past 32 KiB, and its record is then within them [EPO-11]', async () => {
    const session = tableSession({
      recall: (_query, { fold, memories }) => {
        const found = Array.from({ length: 8 }, (_, n) => aMemory(`mem-${fold().upTo}-${n}-${'x'.repeat(150)}`, 'f'))
        for (const memory of found) memories.set(memory.id, memory)
        return found
      },
    })
    const causes = new Set<string>()
    for (let n = 0; n < 30; n++) {
      session.say('user', `question ${n}`)
      const { receipt } = await session.context({ budgetTokens: 100_000 })
      if (receipt.epoch.began) causes.add(receipt.epoch.cause)
      session.say('assistant', 'yes')
      expect(JSON.stringify(session.head().epoch).length).toBeLessThanOrEqual(32 * 1_024)
    }
    expect(causes).toContain('full')
  })
})
