// What a context tells about itself, what a call cost, and what changed in between (context §9, TOK-9).
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffReceipts } from '../../src/context/receipts/diff-receipts.ts'
import { recordingTelemetry } from '../../src/testing/recording-telemetry.ts'
import { courseOf } from '../../src/context/receipts/why.ts'
import { checkCoverage } from '../../src/context/planning/receipt.ts'
import { boundedParts, evictedRanges, uncovered } from '../../src/context/packing/receipt-ranges.ts'
import type { Receipt, ReceiptPart, Usage } from '../../src/core/context.ts'
import { isRecollectError } from '../../src/core/errors.ts'
import schema from './receipt-schema.json' with { type: 'json' }
import { pinsOf, play, scenario } from './scenarios.ts'
import { aMemory, tableSession } from './session-table.ts'

const validate = new Ajv2020({ strict: false }).compile(schema)
const words = (count: number) => 'lorem ipsum '.repeat(count / 2).trim()

test('every receipt fits the schema and covers its log, also once it has been through JSON [REC-4, CTX-P25]', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      await play(given, async (session) => {
        const context = await session.context({ ...given.options, pins: pinsOf(session, given.pinFrom) }).catch((error: unknown) => {
          if (isRecollectError(error, 'payload_too_large')) return undefined
          throw error
        })
        if (context === undefined) return
        const receipt = JSON.parse(JSON.stringify(context.receipt)) as Receipt
        expect(validate(receipt) ? [] : validate.errors).toEqual([])
        checkCoverage(receipt)
      })
    }),
    { numRuns: 200, seed: 1 },
  )
})

describe('coverage', () => {
  const part = (from: number, to: number): ReceiptPart => ({ class: 'message', why: 'recent', seqs: [from, to], tokens: 1 })

  test('a receipt that names a seq twice or not at all is a bug [REC-4]', () => {
    const receipt = { upTo: 6, parts: [part(1, 2), part(2, 3)], evicted: [{ seqs: [5, 6] as const, into: 'summary' as const }] }
    expect(uncovered(receipt)).toEqual([2, 4])
    expect(() => checkCoverage(receipt as unknown as Receipt)).toThrowError(expect.objectContaining({ code: 'internal' }))
  })

  test('past 2,000 parts the oldest messages become one, and the gaps go into it [REC-4]', () => {
    const parts = Array.from({ length: 2_500 }, (_, n) => part(n * 2 + 1, n * 2 + 1))
    const evicted = Array.from({ length: 2_500 }, (_, n) => ({ seqs: [n * 2 + 2, n * 2 + 2] as const, into: 'no-message' as const }))
    const bounded = boundedParts(parts, evicted)
    expect(bounded.parts).toHaveLength(2_000)
    expect(bounded.parts.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(2_500)
    expect(uncovered({ upTo: 5_000, ...bounded })).toEqual([])
  })

  test('ranges merge where they run on with one fate [REC-4]', () => {
    const gone = new Map([3, 4, 6].map((seq) => [seq, seq === 6 ? ('redacted' as const) : ('no-message' as const)]))
    const fold = { upTo: 7, gone } as unknown as Parameters<typeof evictedRanges>[1]
    expect(evictedRanges([], fold, 1, (seq) => seq > 4, { id: 'sum', upTo: 2 })).toEqual([
      { seqs: [1, 2], into: 'summary', summaryId: 'sum' },
      { seqs: [3, 4], into: 'no-message' },
      { seqs: [6, 6], into: 'redacted' },
    ])
  })
})

test('in production a receipt that does not cover its log is counted, and the context is made [REC-4]', async () => {
  const session = tableSession()
  session.say('user', 'hello')
  session.patch({ a: 1 })
  session.say('user', 'again')
  const { load } = session.source
  Object.assign(session.source, { load: async () => load().then((loaded) => ({ ...loaded, fold: { ...loaded.fold, gone: new Map() } })) })
  const telemetry = recordingTelemetry()
  expect(uncovered((await session.context({}, { telemetry })).receipt)).toEqual([2])
  expect(telemetry.counted('recollect_degraded_total', { part: 'receipt' })).toBe(1)
})

describe('reconcile', () => {
  const usage: Usage = { inputTokens: 1_200, outputTokens: 50, cacheReadTokens: 0, cacheWriteTokens: 0 }

  test('stores what was billed beside the receipt, once, and moves the anchor, so that the margin shrinks [REC-2, TOK-8]', async () => {
    const session = tableSession()
    session.say('user', words(1_000))
    const first = await session.context()
    const made = await first.reconcile(usage, { answer: 'ok' })
    expect(made).toMatchObject({ receiptId: first.receipt.id, billed: usage, answered: true, hitRate: 0 })
    expect(made.errorRatio).toBeCloseTo(1_200 / first.receipt.tokens.predicted - 1)
    expect(session.head().epoch?.anchor).toMatchObject({ receiptId: first.receipt.id, upTo: 1, inputTokens: 1_200, samples: 1 })
    const swaps = session.swaps.length
    expect(await first.reconcile({ inputTokens: 9, outputTokens: 9 })).toEqual(made)
    expect(session.swaps).toHaveLength(swaps)
    session.say('assistant', 'ok')
    session.say('user', 'more')
    const { tokens, receipt } = await session.context()
    expect(Math.abs(tokens.predicted - 1_270)).toBeLessThan(20)
    expect([receipt.budget['hard'], receipt.epoch.began]).toEqual([Math.floor(32_000 / 1.08), false])
  })

  test('without usage keeps the anchor, and says that none was billed, never 0 [REC-2]', async () => {
    const session = tableSession()
    session.say('user', 'hello')
    const made = await (await session.context()).reconcile(null)
    expect([made.billed, session.head().epoch?.anchor]).toEqual([null, undefined])
  })

  test('counts the memories whose distinctive words the answer used [OBS-8]', async () => {
    const memories = [aMemory('mem1', 'she keeps bees in Sintra'), aMemory('mem2', 'her brother plays the cello')]
    const session = tableSession({ recall: () => memories })
    for (const memory of memories) session.memories.set(memory.id, memory)
    session.say('user', 'what does she keep?')
    const context = await session.context()
    expect(await context.reconcile(null, { answer: 'She keeps bees, near Sintra.' })).toMatchObject({ answered: true, cited: 1 })
    session.say('assistant', 'bees')
    session.say('user', 'thanks')
    const next = await session.context()
    expect(await next.reconcile(null, { answer: 'You are welcome, bees and cello.' })).not.toHaveProperty('cited') // none was put into this turn
  })

  test('a lost swap and an older call leave the newer anchor [REC-2]', async () => {
    let rival = false
    const session = tableSession({ beforeSwap: (table) => (rival ? table.setHead({ title: 'meanwhile' }) : undefined) })
    session.say('user', 'hello')
    const first = await session.context()
    session.say('assistant', 'hi')
    session.say('user', 'again')
    const second = await session.context()
    await second.reconcile({ inputTokens: 30, outputTokens: 3 })
    await first.reconcile({ inputTokens: 10, outputTokens: 3 })
    expect(session.head().epoch?.anchor?.receiptId).toBe(second.receipt.id)
    session.say('assistant', 'yes')
    session.say('user', 'third')
    const third = await session.context()
    rival = true
    expect((await third.reconcile({ inputTokens: 40, outputTokens: 3 })).billed).not.toBeNull()
    expect(session.head().epoch?.anchor?.receiptId).toBe(second.receipt.id)
  })

  test('names a cache miss with the first message that differs, where a read was to be expected [REC-2]', async () => {
    const session = tableSession()
    session.say('user', words(2_000))
    session.say('assistant', words(200))
    session.say('user', 'again')
    const options = { model: 'gpt-4o', budgetTokens: 20_000 }
    await session.context(options)
    session.say('assistant', 'yes')
    session.say('user', 'and?')
    const context = await session.context(options)
    expect(context.receipt.cache.expectedReadTokens).toBeGreaterThan(2_000)
    const missed = await context.reconcile({ inputTokens: 2_230, outputTokens: 5, cacheReadTokens: 1_024 })
    expect([missed.miss, missed.hitRate]).toEqual([{ firstDifferent: 1 }, 1_024 / 2_230])
    expect(missed.cost).toBe(0.5 * 1_024 + (2_230 - 1_024))
  })

  test('an overflow raises the ratio and begins an epoch; a second in a row is refused [TOK-9]', async () => {
    const session = tableSession()
    for (let n = 0; n < 60; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(200))
    session.say('user', 'now')
    const options = { budgetTokens: 12_000, model: 'gpt-4o' }
    const first = await session.context(options)
    await first.reconcile({ overflow: true, actualTokens: Math.round(first.tokens.predicted * 1.5), limitTokens: 12_000 })
    const second = await session.context(options)
    expect([second.receipt.epoch.cause, second.receipt.epoch.began]).toEqual(['overflow', true])
    const share = (context: typeof first) => context.receipt.parts.find((part) => part.class === 'message')?.seqs?.[0] ?? 0
    expect(share(second)).toBeGreaterThan(share(first))
    await expect(second.reconcile({ overflow: true })).rejects.toMatchObject({ code: 'payload_too_large' })
  })

  test.each([9_000_000, 40])(
    'a usage that cannot be true, of %i tokens, is kept as it was told and teaches nothing [TOK-6, REC-2]',
    async (inputTokens) => {
      const session = tableSession()
      session.say('user', words(1_000))
      const first = await session.context()
      expect(await first.reconcile({ inputTokens, outputTokens: 5 })).toMatchObject({ billed: { inputTokens } })
      expect(session.head().epoch?.anchor).toBeUndefined()
      session.say('assistant', 'ok')
      session.say('user', words(100))
      await (await session.context()).reconcile({ inputTokens: 1_200, outputTokens: 5 })
      const { anchor } = session.head().epoch ?? {}
      session.say('assistant', 'ok')
      session.say('user', words(100))
      await (await session.context()).reconcile({ inputTokens, outputTokens: 5 })
      expect(anchor?.inputTokens).toBe(1_200)
      expect(session.head().epoch?.anchor).toEqual(anchor)
    },
  )

  test('two overflows that a call succeeded between are not in a row [TOK-9]', async () => {
    const session = tableSession()
    session.say('user', words(2_000))
    const overflow = { overflow: true } as const
    await (await session.context()).reconcile(overflow)
    await (await session.context()).reconcile({ inputTokens: 2_100, outputTokens: 5 })
    session.say('assistant', 'ok')
    session.say('user', 'more')
    expect(await (await session.context()).reconcile(overflow)).toMatchObject({ billed: null })
    await expect((await session.context()).reconcile(overflow)).rejects.toMatchObject({ code: 'payload_too_large' })
  })

  test('what one family billed says nothing of another [TOK-6]', async () => {
    const session = tableSession()
    session.say('user', words(2_000))
    await (await session.context({ model: 'gpt-4o' })).reconcile({ inputTokens: 4_000, outputTokens: 5 })
    session.say('assistant', 'ok')
    session.say('user', 'more')
    const { tokens, receipt } = await session.context({ model: 'claude-sonnet-4-6' })
    expect(tokens.predicted).toBe(Math.ceil(1.2 * (receipt.budget['estimated'] ?? 0)))
  })

  test('a cost is what was read, written and sent anew, each at its price [REC-2]', async () => {
    const session = tableSession()
    session.say('user', words(2_000))
    const { cost } = await (
      await session.context({ model: 'gpt-5.6' })
    ).reconcile({ inputTokens: 2_100, outputTokens: 5, cacheReadTokens: 1_000, cacheWriteTokens: 600 })
    expect(cost).toBeCloseTo(0.1 * 1_000 + 1.25 * 600 + 500)
  })

  test('an unknown receipt, a preview, and numbers that cannot be are refused [REC-2]', async () => {
    const session = tableSession()
    session.say('user', 'hello')
    const context = await session.context()
    for (const wrong of [
      { inputTokens: -1, outputTokens: 0 },
      { inputTokens: 0.5, outputTokens: 0 },
      { inputTokens: 1 },
      { inputTokens: 1, outputTokens: 1e12 },
    ])
      await expect(context.reconcile(wrong as Usage)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(async () => (await session.context({ preview: true })).reconcile(usage)).rejects.toMatchObject({ code: 'invalid_input' })
    session.receipts.clear()
    await expect(context.reconcile(usage)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('the difference of two receipts', () => {
  test('tells epoch and cause, parts, tokens by class, memories, and what left into what [REC-3]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    for (let n = 0; n < 60; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `note ${n}: Anna Novak paid ${n} euros. ${words(60)}`)
    session.say('user', 'now')
    const a = await session.context({ budgetTokens: 20_000 })
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    session.say('assistant', 'ok')
    session.say('user', 'and the fact?')
    const b = await session.context({ budgetTokens: 20_000 })
    const grown = diffReceipts(a.receipt, b.receipt)
    expect([grown.epoch, grown.left, grown.firstDifferent]).toEqual([undefined, [], undefined])
    expect(grown.memories.in).toMatchObject([{ id: 'mem1', outcome: 'injected' }])
    expect(grown.tokens.byClass['recalled-data']).toBeGreaterThan(0)
    const c = await session.context({ budgetTokens: 3_000 })
    const shrunk = diffReceipts(b.receipt, c.receipt)
    expect(shrunk.epoch).toEqual({ from: 1, to: 2, cause: 'hard' })
    expect(shrunk.left[0]).toMatchObject({ into: 'summary', seqs: [1, expect.any(Number)] })
    expect(shrunk.parts.added.some((part) => part.class === 'summary')).toBe(true)
    expect(shrunk.firstDifferent).toBe(0)
    expect(shrunk.tokens.predicted).toBe(c.receipt.tokens.predicted - b.receipt.tokens.predicted)
  })

  test('of two calls far apart names only what left since, and the memories that surely came or went [REC-3]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    const turn = async (said: string, options = {}) => {
      session.say('user', said)
      const { receipt } = await session.context({ budgetTokens: 6_000, ...options })
      session.say('assistant', words(300))
      return receipt
    }
    for (let n = 0; n < 30; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', words(300))
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    const placed = await turn('and the fact?')
    expect(placed.evicted[0]?.into).toBe('summary')
    const later = await turn('and then?', { recall: false })
    expect(diffReceipts(placed, later).memories).toEqual({ in: [], out: [] }) // it still stands before its message
    expect(diffReceipts(placed, later).left).toEqual([])
    const live = await turn('and again?')
    expect(live.recall.items).toMatchObject([{ id: 'mem1', outcome: 'live' }])
    for (let n = 0; n < 12; n++) await turn(`more ${n}`, { recall: false })
    const end = await turn('the end', { recall: false })
    const { memories, left } = diffReceipts(placed, end)
    expect(memories.out).toMatchObject([{ id: 'mem1', outcome: 'injected' }])
    expect(left[0]?.seqs[0]).toBe((placed.evicted.at(-1)?.seqs[1] ?? 0) + 1)
    expect(diffReceipts(live, end).memories.out).toMatchObject([{ id: 'mem1', outcome: 'live' }])
    expect(diffReceipts(end, placed).memories).toMatchObject({ in: [{ id: 'mem1' }], out: [] })
  })

  test('is empty between a receipt and itself [REC-3, CTX-P25]', async () => {
    const session = tableSession()
    session.say('user', 'hello')
    const { receipt } = await session.context()
    expect(diffReceipts(receipt, receipt)).toEqual({
      a: receipt.id,
      b: receipt.id,
      parts: { added: [], removed: [], changed: [] },
      tokens: { predicted: 0, byClass: {} },
      memories: { in: [], out: [] },
      left: [],
    })
  })
})

describe('the course of a message and of a memory', () => {
  const grown = async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    for (let n = 0; n < 60; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `note ${n}: Anna Novak paid ${n} euros. ${words(60)}`)
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    session.say('user', 'and the fact?')
    await session.context({ budgetTokens: 20_000 })
    session.say('assistant', 'here')
    session.say('user', 'thank you')
    await session.context({ budgetTokens: 20_000 })
    return session
  }
  const courseIn = (session: Awaited<ReturnType<typeof grown>>, of: number | string) =>
    courseOf(
      [...session.receipts.values()].map(({ receipt }) => receipt),
      of,
    )

  test('tells where a seq stood at each call, when it left, into what, and by which cause [REC-3]', async () => {
    const session = await grown()
    expect(courseIn(session, 2)).toMatchObject({ stretches: [{ sent: true, why: 'recent', epoch: 1, calls: 2 }] })
    expect(courseIn(session, 2).left).toBeUndefined()
    expect(courseIn(session, 63)).toMatchObject({ stretches: [{ sent: true, why: 'pending', calls: 1 }] })
    const { receipt } = await session.context({ budgetTokens: 3_000 })
    const course = courseIn(session, 2)
    expect(course.stretches).toMatchObject([{ calls: 2 }, { sent: false, into: 'summary', summaryId: receipt.summary?.id, epoch: 2, calls: 1 }])
    expect(course.left).toEqual({ receipt: receipt.id, at: receipt.at, cause: 'hard', into: 'summary' })
    expect(courseIn(session, 999)).toEqual({ stretches: [] })
  })

  test('follows a memory from the call that placed it to the one that gave it up [REC-3]', async () => {
    const session = await grown()
    expect(courseIn(session, 'mem1').stretches).toMatchObject([
      { sent: true, outcome: 'injected', class: 'recalled-data', epoch: 1, calls: 1 },
      { sent: true, outcome: 'live', epoch: 1, calls: 1 },
    ])
    session.say('assistant', 'welcome')
    session.say('user', 'bye')
    const { receipt } = await session.context({
      budgetTokens: 3_000,
      recall: false,
      minTurns: 0,
      strategy: { name: 'slidingWindow', last: { turns: 1 } },
    })
    expect(courseIn(session, 'mem1').left).toEqual({ receipt: receipt.id, at: receipt.at, cause: 'hard' })
  })

  test('says that it does not know where a forgotten memory shared its block [REC-3]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    for (const id of ['mem1', 'mem2']) session.memories.set(id, aMemory(id, `the fact of ${id}`))
    session.say('user', 'which facts?')
    await session.context()
    session.say('assistant', 'these')
    session.say('user', 'thank you')
    session.memories.delete('mem2')
    await session.context({ recall: false })
    for (const id of ['mem1', 'mem2']) expect(courseIn(session, id).stretches.map(({ sent }) => sent)).toEqual([true, 'unknown'])
    session.memories.delete('mem1')
    await session.context({ recall: false })
    for (const id of ['mem1', 'mem2']) expect(courseIn(session, id)).toMatchObject({ stretches: [{}, {}, { sent: false }] })
  })
})
