// What a session's prompts cost under prompt caching: ours against the policies of others, by the price model of context.md §12.1. Offline; prints JSON.
// Ours is the product's own `planContext`; the simulator only bills. One unit is one fresh input token.
import { createHmac } from 'node:crypto'
import { cpus } from 'node:os'
import { base64url, lengthPrefixed } from '../src/core/bytes.ts'
import type { EpochRecord } from '../src/core/context.ts'
import type { MemoryRecord } from '../src/core/memory.ts'
import type { Part } from '../src/core/message.ts'
import { emptyFold, foldSession, type SessionEntry, type SessionFold } from '../src/core/session.ts'
import { liveIds } from '../src/context/planning/inject.ts'
import type { Packed } from '../src/context/packing/pack.ts'
import { planContext } from '../src/context/planning/plan.ts'
import { createPlanMemo } from '../src/context/packing/plan-tools.ts'
import { policyHashes } from '../src/context/policy/policy-memo.ts'
import { resolvePolicy } from '../src/context/policy/policy.ts'
import { findProfile, type ModelProfile } from '../src/context/prompt/profiles.ts'
import type { OwnerKeys } from '../src/security/keys/owner-keys.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import type { TokenCounter } from '../src/ports/token-counter.ts'

const turnsAsked = (process.env['BENCH_TURNS'] ?? '10,25,50,100,200,500').split(',').map(Number)
const systemTokens = 1_000
const toolsTokens = 1_000
const minute = 60_000

/** A word is a token here, so that every size is what the model says. */
const counter: TokenCounter = { count: (text) => (text === '' ? 0 : text.split(' ').length) }
const keys: OwnerKeys = {
  mac: (purpose, fields) => createHmac('sha256', purpose).update(lengthPrefixed(fields)).digest(),
  tag: (purpose, fields) => base64url(createHmac('sha256', purpose).update(lengthPrefixed(fields)).digest().subarray(0, 16)),
}

interface Prices {
  readonly read: number
  readonly write: number
}
type Kind = 'chat' | 'agent'

/** A prompt as the cache sees it: blocks with a name each and their tokens. */
type Block = readonly [name: string, tokens: number]

/** The longest cached prefix is read, what is newly cached written; the cache has 300 s to live and 1,024 tokens at least. */
function biller({ read, write }: Prices) {
  let cached: readonly Block[] = []
  let at = -Infinity
  let cost = 0
  let hits = 0
  let total = 0
  return {
    call(blocks: readonly Block[], now: number) {
      let same = 0
      let prefix = 0
      const warm = now - at <= 300_000 ? cached : []
      while (same < blocks.length && warm[same]?.[0] === blocks[same]?.[0]) prefix += (blocks[same++] as Block)[1]
      const sum = blocks.reduce((tokens, [, of]) => tokens + of, 0)
      if (prefix < 1_024) prefix = 0
      cost += read * prefix + write * (sum - prefix)
      hits += prefix
      total += sum
      cached = blocks
      at = now
    },
    add(units: number) {
      cost += units
    },
    get result() {
      return { cost: Math.round(cost), hitRate: Math.round((1_000 * hits) / total) / 1_000 }
    },
  }
}

interface Call {
  readonly turn: number
  readonly history: readonly Block[] // of the log, by message
  readonly grown: readonly Block[] // the same, with what was new in memories and state before each user message
  readonly memories: readonly number[]
  readonly stateVersion: number
  readonly now: number
}

/** The session's calls, one after another: an agent calls twice a turn, with a tool's result in between. */
function* calls(
  kind: Kind,
  turns: number,
): Generator<Call & { readonly added: readonly (readonly [role: 'user' | 'assistant' | 'tool', tokens: number])[] }> {
  const random = seededRandom(turns)
  const history: Block[] = []
  const grown: Block[] = []
  let memories = Array.from({ length: 10 }, (_, n) => n)
  let next = 10
  let stateVersion = 0
  for (let turn = 0; turn < turns; turn++) {
    const now = turn * minute
    const known = new Set(memories)
    if (turn > 0) memories = [...memories.slice(5), ...Array.from({ length: 5 }, () => next++)] // half of them new
    const changed = turn === 0 || random.below(5) === 0
    if (changed) stateVersion++
    const fresh = memories.filter((n) => turn === 0 || !known.has(n))
    grown.push(...fresh.map((n): Block => [`m${n}`, 60]), ...(changed ? [[`s${stateVersion}`, 300] as const] : []))
    const common = { turn, history, grown, memories, stateVersion, now }
    const say = (...blocks: Block[]) => (history.push(...blocks), grown.push(...blocks))
    say([`u${turn}`, 150])
    yield { ...common, added: [['user', 150]] }
    if (kind === 'agent') {
      say([`c${turn}`, 60], [`r${turn}`, 1_000])
      yield {
        ...common,
        added: [
          ['assistant', 60],
          ['tool', 1_000],
        ],
      }
    }
    say([`a${turn}`, 300])
    yield { ...common, added: [['assistant', 300]] } // the answer: no call, it only grows the log
  }
}
const isCall = (added: readonly (readonly [string, number])[]): boolean => added.at(-1)?.[0] !== 'assistant'

// --- peers, written from their documents: what they send, not how they are built -------------------------------------------------

type Peer = (call: Call) => { readonly blocks: readonly Block[]; readonly extra?: number }
const fixed: Block = ['fixed', systemTokens + toolsTokens]
const inSystem = ({ memories, stateVersion }: Call): Block[] => [...memories.map((n): Block => [`m${n}`, 60]), [`s${stateVersion}`, 300]]
const lastMessages =
  (count: number): Peer =>
  (call) => ({ blocks: [fixed, ...inSystem(call), ...call.history.slice(-count)] })
/** As the first, with a running summary of 500 tokens that a model at a fifth of the price rewrites each turn from what left the window. */
const lastWithSummary =
  (count: number): Peer =>
  (call) => ({
    blocks: [fixed, ...inSystem(call), [`sum${call.turn}`, 500], ...call.history.slice(-count)],
    extra: 0.2 * (500 + 450 + 300 + 5 * 500),
  })
const fullAppended: Peer = (call) => ({ blocks: [fixed, ...call.grown] })
const fullInSystem: Peer = (call) => ({ blocks: [fixed, ...inSystem(call), ...call.history] })

function peerCost(peer: Peer, kind: Kind, turns: number, prices: Prices) {
  const bill = biller(prices)
  let last = -1
  for (const call of calls(kind, turns)) {
    if (!isCall(call.added)) continue
    const { blocks, extra = 0 } = peer(call)
    bill.call(blocks, call.now)
    if (call.turn !== last) bill.add(extra)
    last = call.turn
  }
  return bill.result
}

// --- ours -------------------------------------------------------------------------------------------------------------------

const words = (count: number, word: string) => Array.from({ length: count }, () => word).join(' ')
const textOf = (text: string, origin: 'user-typed' | 'assistant' | 'tool'): Part => ({
  type: 'text',
  text,
  spans: [{ start: 0, end: text.length, origin, labelled: false }],
})

const memory = (n: number): MemoryRecord => ({
  id: `m${n}`,
  seq: n + 1,
  kind: 'episodic',
  text: words(48, `memory${n}`),
  saidAt: 0,
  formedAt: 0,
  origin: 'user-typed',
  authority: 'typed',
  list: 'trusted',
  evidence: [{ log: 's', birth: 1, seq: 1, start: 0, end: 1, mac: 'A'.repeat(22) }],
  mentions: 1,
  madeBy: 'quote',
})

function profileOf({ read, write }: Prices): ModelProfile {
  const { profile } = findProfile('gpt-5')
  return { ...profile, id: 'bench', cache: { ...profile.cache, readRatio: read, writeRatio: write }, tokens: { ...profile.tokens, perMessage: 1 } }
}

function entryOf(role: 'user' | 'assistant' | 'tool', tokens: number, turn: number, isCallOfTool: boolean, now: number): SessionEntry {
  const callId = `call_${turn}`
  const said = `${role}${turn}`
  const parts: Part[] =
    role === 'tool'
      ? [{ type: 'tool-result', callId, content: [textOf(words(tokens, said), 'tool')] }]
      : isCallOfTool
        ? [{ type: 'tool-call', callId, name: 'look', arguments: words(tokens, said) }]
        : [textOf(words(tokens, said), role === 'user' ? 'user-typed' : 'assistant')]
  return { type: 'message', message: { id: `${role}-${turn}-${tokens}`, role, createdAt: now, parts } }
}

/** Ten turns kept; a budget whose room holds the cheapest gap above them, and no more than that (WAT-3's floor is a tenth of the room). */
const setUp = { chat: { low: 4_500, budgetTokens: 20_000 }, agent: { low: 15_100, budgetTokens: 50_000 } } as const

function ourCost(kind: Kind, turns: number, prices: Prices) {
  const { low, budgetTokens } = setUp[kind]
  const bill = biller(prices)
  const random = seededRandom(7)
  const memo = createPlanMemo()
  const cache = { hashes: new Map<string, string>(), toolHashes: new WeakMap() }
  let fold: SessionFold = emptyFold
  let epoch: EpochRecord | undefined
  let before: Packed | undefined
  let stateVersion = -1
  let carried = 0
  let made = 0
  const push = (entry: SessionEntry) => {
    fold = foldSession(fold, [{ seq: fold.upTo + 1, entry }])
  }
  for (const call of calls(kind, turns)) {
    if (call.stateVersion !== stateVersion) push({ type: 'state', patch: { text: words(280, `state${call.stateVersion}`) }, at: 0 })
    stateVersion = call.stateVersion
    for (const [role, tokens] of call.added) push(entryOf(role, tokens, call.turn, role === 'assistant' && tokens === 60, call.now))
    if (!isCall(call.added)) continue
    const options = {
      model: profileOf(prices),
      budgetTokens,
      system: words(systemTokens, 'system'),
      tools: [{ name: words(toolsTokens, 'tool') }],
      strategy: { name: 'hybrid' as const, lowTokens: low, summaryTokens: 500 },
      recall: { maxItems: 10, maxTokens: 10_000 },
    }
    const policy = resolvePolicy(options, fold, {}, policyHashes(keys, cache))
    const hits = call.memories.map((n, index) => ({
      record: memory(n),
      list: 'trusted' as const,
      rank: index + 1,
      relevance: 0.9,
      score: 1,
      arms: {},
      duplicates: 0,
    }))
    const live = liveIds(epoch, fold, epoch?.keepFrom ?? 0)
    const planned = planContext({
      session: 's',
      fold,
      rewrites: 0,
      epoch,
      logTokens: undefined,
      policy,
      recalled: {
        status: 'ran',
        found: { result: { hits, abstained: false, floor: 0, degraded: [], upTo: 1 }, live: [] },
        preferences: [],
        successors: [],
        live,
      },
      memories: new Map([...live].map((id) => [id, memory(Number(id.slice(1)))])),
      now: call.now,
      random: { fenceKey: base64url(random(16)), receiptId: `r${made}` },
      keys,
      counter,
      memo,
      before,
    })
    epoch = planned.record
    before = planned.packed
    const { emitted, sums } = planned.packed
    bill.call(
      [
        [`fixed`, sums.tools + sums.system],
        ...emitted.map((message): Block => [
          `${message.role}:${message.seq ?? message.hash ?? ''}:${message.change ?? ''}:${epoch?.no}`,
          message.tokens,
        ]),
      ],
      call.now,
    )
    carried += sums.recent
    made++
  }
  return { ...bill.result, meanHistory: Math.round(carried / made), epochs: epoch?.no ?? 0 }
}

const prices = [
  { read: 0.1, write: 1.25 },
  { read: 0.1, write: 1 },
  { read: 0.5, write: 1 },
] as const
/** MEA-1, at 200 turns and the first prices. */
const gates = {
  chat: { last20InSystem: 2, last20AndSummary: 2.6, widenedToOurMean: 4.3 },
  agent: { last20InSystem: 1.9, last20AndSummary: 2.1, widenedToOurMean: 3.7 },
} as const

const rounded = (value: number) => Math.round(value * 100) / 100

const rows = []
for (const turns of turnsAsked)
  for (const price of prices)
    for (const kind of ['chat', 'agent'] as const) {
      const ours = ourCost(kind, turns, price)
      const perTurn = kind === 'chat' ? 225 : 377.5 // tokens a message
      const widened = Math.max(20, Math.round(ours.meanHistory / perTurn))
      const over = (peer: Peer) => rounded(peerCost(peer, kind, turns, price).cost / ours.cost)
      rows.push({
        turns,
        kind,
        ...price,
        ours,
        costOverOurs: {
          last20InSystem: over(lastMessages(20)),
          last20AndSummary: over(lastWithSummary(20)),
          widenedToOurMean: over(lastMessages(widened)),
          fullAppended: over(fullAppended),
          fullInSystem: over(fullInSystem),
        },
      })
    }
console.log(
  JSON.stringify(
    {
      name: 'context-cost',
      machine: cpus()[0]?.model,
      node: process.version,
      date: new Date().toISOString().slice(0, 10),
      caveats:
        'A simulation by list prices of one session with constant turn sizes. No gain on models with reads at half the price, none under 10 turns; output tokens lower every ratio.',
      rows,
    },
    undefined,
    1,
  ),
)

for (const { turns, kind, read, write, costOverOurs } of rows)
  if (turns === 200 && read === 0.1 && write === 1.25)
    for (const [peer, least] of Object.entries(gates[kind])) {
      const found = costOverOurs[peer as keyof typeof costOverOurs]
      if (found >= least) continue
      console.error(`${kind}: ${peer} costs ${found} times ours; the gate is ${least}`)
      process.exitCode = 1
    }
