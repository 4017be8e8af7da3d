// What every strategy promises (STR-5): a pure plan that parts no turn and no open call, and contexts that hold the laws whatever it keeps.
import nodeTest, { describe as nodeDescribe } from 'node:test'
import { deepStrictEqual, ok } from 'node:assert/strict'
import type { Receipt } from '../core/context.ts'
import { isRecollectError } from '../core/errors.ts'
import type { Message, Part } from '../core/message.ts'
import { seededRandom, type SeededRandom } from './seeded-random.ts'
import type { TestRunner } from './store-contract/contract.ts'

interface TurnViewOfStrategy {
  readonly firstSeq: number
  readonly lastSeq: number
  readonly tokens: number
  readonly messages: number
  readonly pinned: boolean
  readonly open: boolean
  readonly rounds: readonly { readonly firstSeq: number; readonly lastSeq: number; readonly tokens: number }[]
}

/** A strategy as the contract calls it; every `Strategy` of `createRecollect({ strategies })` is one. */
interface PlanningStrategy {
  readonly name: string
  plan(input: {
    readonly turns: readonly TurnViewOfStrategy[]
    readonly cause: 'first' | 'highWater'
    readonly lowTokens: number
    readonly highTokens: number
    readonly minTurns: number
    readonly summaryUpTo: number
    messageAt(seq: number): Message
  }): { readonly keepFrom: number; readonly summarize: boolean }
}

/** What the contract needs of a session; the library's `Session` is one. */
export interface StrategySession {
  append(message: { readonly role: 'user' | 'assistant' | 'tool'; readonly text?: string; readonly parts?: readonly Part[] }): Promise<unknown>
  /** A context by the strategy under test. */
  context(options: {
    readonly budgetTokens: number
    readonly recall: false
  }): Promise<{ readonly messages: readonly unknown[]; readonly receipt: Receipt }>
}

export interface StrategyContract {
  readonly strategy: PlanningStrategy
  /** An empty session whose contexts use the strategy, in the format `neutral`, for one case. */
  open(): Promise<StrategySession>
  /** Generated cases of each kind; default 40. */
  readonly cases?: number
}

/** Tests of one strategy, by the runner given. */
export function strategyContract(contract: StrategyContract, runner: TestRunner = { describe: nodeDescribe, test: nodeTest }): void {
  const each = (run: (random: SeededRandom) => Promise<void> | void) => async () => {
    for (let seed = 1; seed <= (contract.cases ?? 40); seed++) await run(seededRandom(seed))
  }
  runner.describe(`strategy contract: ${contract.strategy.name}`, () => {
    runner.test(
      'a plan is pure, and begins a turn at or before the pending one, or a round of a turn that is too large [STR-5, CTX-P24]',
      each((random) => checkPlan(contract.strategy, random)),
    )
    runner.test(
      'contexts hold the laws: prefix, pairs, order, coverage, budget, and no change when asked again [STR-5, CTX-P1, CTX-P3, CTX-P4, CTX-P9, CTX-P11]',
      each(async (random) => checkSession(await contract.open(), random)),
    )
  })
}

function checkPlan(strategy: PlanningStrategy, random: SeededRandom): void {
  const turns = Array.from({ length: 1 + random.below(20) }, (_, index) => turnView(index, random))
  const newest = turns.at(-1) as TurnViewOfStrategy
  const pending = newest.open || random.below(2) === 0
  const highTokens = 500 + random.below(4_000)
  const input = deepFrozen({
    turns,
    cause: 'highWater' as const,
    lowTokens: random.below(highTokens),
    highTokens,
    minTurns: random.below(4),
    summaryUpTo: 0,
    messageAt: (seq: number): Message => ({
      id: `m${seq}`,
      role: seq === newest.lastSeq && !pending ? 'assistant' : 'user',
      createdAt: 0,
      parts: [],
    }),
  })
  const plan = strategy.plan(input)
  deepStrictEqual(strategy.plan(input), plan)
  const begins = turns.some(({ firstSeq }) => firstSeq === plan.keepFrom) || (!pending && plan.keepFrom === newest.lastSeq + 1)
  const cuts = !newest.open && newest.tokens > highTokens && newest.rounds.some(({ firstSeq }) => firstSeq === plan.keepFrom)
  ok(begins || cuts, `keepFrom ${plan.keepFrom} begins no turn, and no round of a turn past the high watermark`)
}

function turnView(index: number, random: SeededRandom): TurnViewOfStrategy {
  const firstSeq = index * 10 + 1
  const rounds = Array.from({ length: random.below(4) }, (_, n) => ({
    firstSeq: firstSeq + 1 + n * 2,
    lastSeq: firstSeq + 2 + n * 2,
    tokens: 50 + random.below(2_000),
  }))
  return {
    firstSeq,
    lastSeq: firstSeq + 9,
    tokens: 50 + rounds.reduce((sum, { tokens }) => sum + tokens, 0),
    messages: 2 + rounds.length * 2,
    pinned: random.below(10) === 0,
    open: rounds.length > 0 && random.below(5) === 0,
    rounds,
  }
}

interface Sent {
  readonly messages: readonly unknown[]
  readonly receipt: Receipt
}

async function checkSession(session: StrategySession, random: SeededRandom): Promise<void> {
  const budgetTokens = 2_000 + random.below(6_000)
  let before: Sent | undefined
  for (let turn = 0; turn < 4 + random.below(12); turn++) {
    await appendTurn(session, turn, random)
    const asked = { budgetTokens, recall: false as const }
    const made = await session.context(asked).catch(allowTooLarge)
    if (made === undefined) continue
    deepStrictEqual((await session.context(asked)).messages, made.messages)
    if (before !== undefined && before.receipt.epoch.no === made.receipt.epoch.no) checkPrefix(before, made)
    ok(made.receipt.tokens.predicted * 1.25 <= budgetTokens + 1, 'the context is over its budget')
    checkPairs(made.messages)
    checkCoverage(made.receipt)
    before = made
  }
}

async function appendTurn(session: StrategySession, turn: number, random: SeededRandom): Promise<void> {
  const text = () => 'lorem ipsum dolor '.repeat(1 + random.below(60))
  await session.append({ role: 'user', text: text() })
  if (random.below(8) === 0) return // a second user message follows: one turn
  for (let round = 0; round < random.below(3); round++) {
    const ids = Array.from({ length: 1 + random.below(2) }, (_, n) => `call_${turn}_${round}_${n}`)
    await session.append({ role: 'assistant', parts: ids.map((callId) => ({ type: 'tool-call', callId, name: 'look', arguments: '{}' })) })
    for (const callId of ids) {
      if (random.below(8) === 0) continue // it never comes
      const spans = [{ start: 0, end: 4, origin: 'tool' as const, labelled: false }]
      await session.append({ role: 'tool', parts: [{ type: 'tool-result', callId, content: [{ type: 'text', text: 'seen', spans }] }] })
    }
  }
  if (random.below(4) > 0) await session.append({ role: 'assistant', text: text() })
}

const allowTooLarge = (error: unknown): undefined => {
  if (!isRecollectError(error, 'payload_too_large')) throw error
}

interface NeutralMessage {
  readonly role: string
  readonly parts: readonly { readonly type: string; readonly callId?: string }[]
}

/** Block by block: merging adds blocks to a message (EPO-1). */
function checkPrefix(before: Sent, after: Sent): void {
  const blocks = ({ messages }: Sent) =>
    (messages as readonly NeutralMessage[]).flatMap(({ role, parts }) => parts.map((part) => JSON.stringify([role, part])))
  const [earlier, later] = [blocks(before), blocks(after)]
  deepStrictEqual(later.slice(0, earlier.length), earlier)
}

/** Each call has its result, adjacent, in order, and the reverse. */
function checkPairs(messages: readonly unknown[]): void {
  let waiting: string[] = []
  for (const { role, parts } of messages as readonly NeutralMessage[]) {
    const results = parts.flatMap(({ type, callId }) => (type === 'tool-result' ? [callId as string] : []))
    deepStrictEqual(results, waiting.splice(0, results.length))
    ok(role === 'tool' || waiting.length === 0, 'a call has no result')
    if (role !== 'tool') waiting = parts.flatMap(({ type, callId }) => (type === 'tool-call' ? [callId as string] : []))
  }
  deepStrictEqual(waiting, [])
}

function checkCoverage({ upTo, parts, evicted }: Receipt): void {
  const named = [...parts, ...evicted].flatMap(({ seqs }) =>
    seqs === undefined ? [] : Array.from({ length: seqs[1] - seqs[0] + 1 }, (_, n) => seqs[0] + n),
  )
  deepStrictEqual(
    named.toSorted((a, b) => a - b),
    Array.from({ length: upTo }, (_, n) => n + 1),
  )
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFrozen(inner)
  }
  return value
}
