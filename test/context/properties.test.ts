// Laws of contexts over generated sessions (context §10): cold and warm caches, every strategy, both formats, small and large budgets.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Context } from '../../src/context/policy/context-options.ts'
import { diffReceipts } from '../../src/context/receipts/diff-receipts.ts'
import { uncovered } from '../../src/context/packing/receipt-ranges.ts'
import { isRecollectError } from '../../src/core/errors.ts'
import type { Receipt } from '../../src/core/context.ts'
import { blocksOfContext, chatOracle, isPrefix } from './oracles.ts'
import { options, pinsOf, play, scenario, type Scenario } from './scenarios.ts'
import { tableSession, type TableSession } from './session-table.ts'

// A thousand sessions each, on two cores that other tests share.
vi.setConfig({ testTimeout: 180_000 })

const runs = { numRuns: 1_000, seed: 20_261_125, endOnFailure: true }

/** A context, or undefined where the budget cannot hold it: a typed overflow. */
async function tryContext(session: TableSession, { options: asked, pinFrom }: Scenario, cold: boolean): Promise<Context | undefined> {
  const all = { ...asked, pins: pinsOf(session, pinFrom) }
  try {
    return await (cold ? session.cold(all) : session.context(all))
  } catch (error) {
    if (isRecollectError(error, 'payload_too_large')) return undefined
    throw error
  }
}

/** What of a receipt is the same when the same context is asked for again. */
const lasting = ({ budget, tokens, parts, evicted, repairs, upTo }: Receipt) => ({ budget, tokens, parts, evicted, repairs, upTo })

test('within an epoch a context is a prefix of the next, in any process; asking again changes nothing [CTX-P1, CTX-P2, CTX-P11]', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      let before: Context | undefined
      await play(given, async (session, cold) => {
        const context = await tryContext(session, given, cold)
        if (context === undefined) return
        const swaps = session.swaps.length
        const again = await tryContext(session, given, true)
        expect(again?.messages).toEqual(context.messages)
        expect(again?.receipt.epoch.prefixHash).toBe(context.receipt.epoch.prefixHash)
        expect(lasting((again as Context).receipt)).toEqual(lasting(context.receipt))
        expect(session.swaps).toHaveLength(swaps)
        if (before?.receipt.epoch.no === context.receipt.epoch.no) expect(isPrefix(blocksOfContext(before), blocksOfContext(context))).toBe(true)
        before = context
      })
    }),
    runs,
  )
})

// One walk for all laws of one context: the walk, not the laws, takes the time.
test('each context is whole, in order and to the letter, and within its budget, or refused with the numbers [CTX-P3, CTX-P4, CTX-P5, CTX-P6, CTX-P7, CTX-P8, CTX-P9, CTX-P13, CTX-P24, CTX-P25]', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      await play(given, async (session, cold) => {
        const context = await tryContext(session, given, cold)
        if (context === undefined) return
        expect(uncovered(context.receipt)).toEqual([])
        differsFromItselfInNothing(context.receipt)
        inOrder(context.receipt, session)
        onTurn(session)
        injectedOnce(session)
        toTheLetter(context, session, given)
        if (given.options.format === 'openai-chat') expect(chatOracle(context.messages)).toBe('accepted')
        withinBudget(context, given)
      })
    }),
    runs,
  )
})

function differsFromItselfInNothing(receipt: Receipt): void {
  const { parts, memories, left, firstDifferent } = diffReceipts(receipt, receipt)
  expect([parts, memories, left, firstDifferent]).toEqual([{ added: [], removed: [], changed: [] }, { in: [], out: [] }, [], undefined])
}

/** Kept messages go up by seq; a late result that stands in its place is the one exception (TURN-5). */
function inOrder({ parts }: Receipt, session: TableSession): void {
  const isResult = (seq: number) => session.fold().messages.find((one) => one.seq === seq)?.message.role === 'tool'
  const starts = parts.flatMap((part) => (part.class === 'message' && part.seqs !== undefined ? [part.seqs[0]] : [])).filter((seq) => !isResult(seq))
  expect(starts).toEqual(starts.toSorted((a, b) => a - b))
}

function injectedOnce(session: TableSession): void {
  const { injections = [], keepFrom = 0 } = session.head().epoch ?? {}
  const ids = injections.flatMap(({ blocks }) => blocks.flatMap(({ items }) => items.map(({ id }) => id)))
  expect(new Set(ids).size).toBe(ids.length)
  expect(injections.every(({ beforeSeq }) => beforeSeq >= keepFrom)).toBe(true)
}

/** Pins and the pending user text; the system prompt is first and alone. */
function toTheLetter(context: Context, session: TableSession, given: Scenario): void {
  const sent = JSON.stringify(context.messages)
  const { messages } = session.fold()
  const newest = messages.at(-1)
  const must = [...pinsOf(session, given.pinFrom), ...(newest?.message.role === 'user' ? [newest.seq] : [])]
  for (const { message } of messages.filter(({ seq }) => must.includes(seq)))
    for (const part of message.parts)
      if (part.type === 'text' && part.text.trim() !== '' && !part.text.includes('<')) expect(sent).toContain(JSON.stringify(part.text).slice(1, -1))
  const system = messages[0]?.message.role === 'system' ? undefined : given.options.system
  if (system !== undefined) expect(systemOf(context)).toBe(system)
}

function systemOf({ system, messages }: Context): unknown {
  const [first] = messages as readonly { role: string; content?: unknown }[]
  return system ?? (first?.role === 'system' ? first.content : undefined)
}

/** `keepFrom` begins a turn, or a round; never behind an open call of the pending turn (STR-5, TURN-4). */
function onTurn(session: TableSession): void {
  const { messages } = session.fold()
  const { keepFrom = 0, startedUpTo = 0 } = session.head().epoch ?? {}
  const index = messages.findIndex(({ seq }) => seq >= keepFrom && seq <= startedUpTo)
  const first = messages[index]?.message
  if (first === undefined || index === 0) return
  const turn = first.role === 'user' && messages[index - 1]?.message.role !== 'user'
  const round = first.role === 'assistant' && first.parts.some((part) => part.type === 'tool-call')
  const afterSystem = messages.slice(0, index).every(({ message }) => message.role === 'system')
  expect(turn || round || afterSystem).toBe(true)
}

/** For a true count up to a quarter above the estimate. */
function withinBudget({ tokens: { predicted, hard } }: Context, { options: { budgetTokens } }: Scenario): void {
  expect(predicted).toBeLessThanOrEqual(hard)
  expect(predicted * 1.25).toBeLessThanOrEqual((budgetTokens as number) + 1)
}

test('after an eviction no more than the low watermark and a turn is kept, and whole turns pass before the next [CTX-P10]', async () => {
  const chat = fc.record({
    turns: fc.array(fc.integer({ min: 5, max: 60 }), { minLength: 40, maxLength: 80 }),
    options: options.map((one) => ({ ...one, budgetTokens: 3_000 + ((one.budgetTokens ?? 0) % 9_000), minTurns: 1 })),
  })
  await fc.assert(
    fc.asyncProperty(chat, async (given) => {
      const session = tableSession()
      let largest = 0
      let since: { turns: number; gap: number } | undefined
      for (const words of given.turns) {
        session.say('user', 'lorem ipsum '.repeat(words))
        const { receipt } = await session.context({ ...given.options, recall: false })
        const { low = 0, gap = 0 } = receipt.budget
        if (receipt.epoch.began) {
          const kept = receipt.parts.filter((part) => part.class === 'message' && part.why !== 'pending').reduce((sum, part) => sum + part.tokens, 0)
          expect(kept).toBeLessThanOrEqual(low + largest + 1)
          if (receipt.epoch.cause === 'highWater' && since !== undefined) expect(since.turns).toBeGreaterThanOrEqual(Math.floor(since.gap / largest))
          since = { turns: 0, gap }
        }
        session.say('assistant', 'dolor sit amet '.repeat(words))
        const turn = session.fold().messages.slice(-2)
        largest = Math.max(
          largest,
          tokensOf(
            turn.map(({ message }) => message.parts),
            receipt,
          ),
        )
        if (since !== undefined) since.turns++
        session.clock.advance(1_000)
      }
    }),
    { ...runs, numRuns: 200 },
  )
})

/** A generous size of a turn: words here are at most two tokens. */
const tokensOf = (messages: readonly unknown[], { model }: Receipt): number =>
  Math.ceil((JSON.stringify(messages).match(/\w+ /g)?.length ?? 0) * (model.profile.startsWith('claude') ? 1.5 : 1) + 30)

test('a larger budget keeps at least the same turns [CTX-P12]', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, fc.integer({ min: 100, max: 40_000 }), async (given, more) => {
      const session = await play({ ...given, memories: false, events: given.events.filter(({ type }) => type !== 'context') }, async () => {})
      const keepFrom = async (budgetTokens: number): Promise<number | undefined> => {
        const fresh = tableSession()
        fresh.push(...session.entries)
        const made = await tryContext(fresh, { ...given, options: { ...given.options, budgetTokens } }, true)
        return made === undefined || made.receipt.degraded.length > 0 ? undefined : fresh.head().epoch?.keepFrom
      }
      const most = given.options.model === 'claude-sonnet-5' ? 200_000 : 123_000
      const [small, large] = [
        await keepFrom(given.options.budgetTokens as number),
        await keepFrom(Math.min(most, (given.options.budgetTokens as number) + more)),
      ]
      if (small !== undefined && large !== undefined) expect(large).toBeLessThanOrEqual(small)
    }),
    runs,
  )
})
