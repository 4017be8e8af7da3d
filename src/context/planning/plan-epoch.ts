// A new epoch: where it begins, what of the log it keeps, what it gives up; one rewrite for all at once (EPO-8). Pure.
import type { EpochCause, EpochRecord, InjectedBlock } from '../../core/context.ts'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { LoggedMessage } from '../../core/message.ts'
import { messageAt as loggedAt, type SessionFold } from '../../core/session.ts'
import type { Scale } from '../counting/anchor.ts'
import { predict } from '../counting/anchor.ts'
import { answerTokens, estimateOf, sizeOf } from '../packing/pack-sums.ts'
import { blocksOf, dropAll, refOf, type Injection } from './inject.ts'
import { descend, type Attempt, type Draft } from './ladder.ts'
import { pack, type Packed } from '../packing/pack.ts'
import type { MemoryBlockType, RenderedBlock } from '../packing/pack-blocks.ts'
import { injectedTokens, measureTurns, type MeasuredTurn } from './plan-turns.ts'
import { optionOf, renderVersion, summaryCap, type Policy } from '../policy/policy.ts'
import { firstOfPending, type Plan } from '../policy/strategies.ts'
import { aboveKept, turnLoad, watermarks, type Load, type Watermarks } from './watermarks.ts'
import type { PlanTools } from '../packing/plan-tools.ts'

export interface EpochInput {
  readonly cause: EpochCause
  readonly fold: SessionFold
  readonly rewrites: number
  readonly previous: EpochRecord | undefined
  readonly policy: Policy
  readonly scale: Scale
  readonly hard: number
  readonly now: number
  readonly fenceKey: string
  readonly memories: ReadonlyMap<string, MemoryRecord> // of the previous record's injections, without what is gone
  readonly choose: (room: { readonly capTokens: number; readonly roomTokens: number }) => Injection | undefined
  readonly tools: PlanTools
}

export interface PlannedEpoch {
  readonly record: EpochRecord
  readonly packed: Packed
  readonly total: number
  readonly degraded: readonly number[]
  readonly injection: Injection | undefined
}

/** @throws `payload_too_large` if nothing that may go is left to give up (BUD-5) · `invalid_input` if the strategy's plan breaks STR-5 */
export function planEpoch(input: EpochInput): PlannedEpoch {
  const { fold, policy, tools, scale } = input
  const messages = fold.messages.filter(({ seq }) => !policy.systemSeqs.includes(seq))
  const measured = measure(input, messages)
  const { turns, pending, fixed } = measured
  const chosen = input.choose({
    capTokens: Math.floor((input.hard - fixed) * limits.memoryShare),
    roomTokens: Math.max(0, Math.floor(input.hard - fixed - measured.state.tokens - measured.least)),
  })
  const load = loadOf(input, turns)
  const planned = chooseKeepFrom(input, measured, load, chosen === undefined ? 0 : memoryTokens(chosen, input))
  const injection = chosen === undefined || chosen.beforeSeq >= planned.plan.keepFrom ? chosen : dropAll(chosen)
  const summaryTokens = planned.plan.summarize ? Math.floor(planned.summaryCap / scale.ratio) : 0
  const frozen = (draft: Draft): Frozen => ({
    load,
    stateTokens: measured.state.roomTokens,
    leastBefore: leastBefore(policy, measured, planned, draft),
  })
  const build = (draft: Draft): Attempt => {
    const record = recordOf(input, draft, planned.marks, frozen(draft))
    const block = tools.summaryOf(draft.keepFrom, draft.summaryTokens, record)
    const whole = block === undefined ? record : { ...record, summary: block.summary }
    const packed = pack(packInput(input, whole, draft.injection, block?.block))
    return { draft, packed, total: predict(scale, estimateOf(packed.sums), answerTokens(packed, scale.anchor)) }
  }
  const { attempt, degraded } = descend(
    {
      hard: input.hard,
      lowTokens: planned.marks.lowTokens,
      minTurns: policy.minTurns,
      messages,
      turns,
      pending,
      pins: policy.pins,
      tokensOf: (logged) => scale.ratio * tools.tokensOf(logged),
      build,
    },
    {
      keepFrom: planned.plan.keepFrom,
      ...(planned.plan.maskResultsBefore === undefined ? {} : { maskResultsBefore: planned.plan.maskResultsBefore }),
      cut: [],
      summaryTokens,
      state: policy.state,
      ...(injection === undefined ? {} : { injection }),
    },
  )
  const record = recordOf(input, attempt.draft, finalMarks(input, attempt, planned, load), frozen(attempt.draft))
  return finish(input, attempt, degraded, record)
}

/** What of a plan goes into its record as it is. */
interface Frozen {
  readonly load: Load
  readonly stateTokens: number | undefined
  readonly leastBefore: number | undefined
}

function finish(input: EpochInput, attempt: Attempt, degraded: readonly number[], record: EpochRecord): PlannedEpoch {
  const { draft, packed } = attempt
  const block = input.tools.summaryOf(draft.keepFrom, draft.summaryTokens, { fenceKey: input.fenceKey })
  return {
    record: { ...record, ...(block === undefined ? {} : { summary: block.summary }), sentUpTo: input.fold.upTo, prefixHash: packed.chain },
    packed,
    total: attempt.total,
    degraded,
    injection: draft.injection,
  }
}

interface Measured {
  readonly turns: readonly MeasuredTurn[] // the pending user message left out: it counts as fixed (BUD-1)
  readonly pending: boolean
  readonly fixed: number
  readonly state: ReturnType<PlanTools['stateTokens']>
  readonly memories: number // of the pending turn, chosen at an earlier call
  readonly least: number // tokens of the `minTurns` newest complete turns
}

/** BUD-1, in predicted tokens. */
function measure(input: EpochInput, messages: readonly LoggedMessage[]): Measured {
  const { policy, tools, scale, previous, fold } = input
  const injected = injectedTokens(previous?.injections ?? [])
  const tokensOf = (logged: LoggedMessage) => scale.ratio * tools.tokensOf(logged)
  const unpinned = (logged: LoggedMessage) => (policy.pins.includes(logged.seq) ? 0 : tokensOf(logged)) // pins are fixed, evicted or not
  const all = measureTurns(messages, { tokensOf: unpinned, injectedBefore: (seq) => scale.ratio * (injected.get(seq) ?? 0), pins: policy.pins })
  const at = atIn(fold)
  const pendingIndex = firstOfPending(all, at)
  const newest = all.at(-1)
  const pending = newest !== undefined && pendingIndex < all.length
  const user = pending ? messages.findLast(({ seq, message }) => seq >= newest.firstSeq && message.role === 'user') : undefined
  const userTokens = user === undefined ? 0 : tokensOf(user)
  // This turn's memories were chosen before: they count as memories until the turn is over (BUD-2).
  const memories = pending ? messages.reduce((sum, { seq }) => sum + (seq >= newest.firstSeq ? scale.ratio * (injected.get(seq) ?? 0) : 0), 0) : 0
  const ownTokens = user === undefined ? 0 : unpinned(user)
  const turns = pending ? [...all.slice(0, -1), { ...newest, tokens: newest.tokens - ownTokens - memories }] : all
  const pins = policy.pins.reduce((sum, pin) => sum + (pin === user?.seq ? 0 : tokensOf(loggedAt(fold, pin) as LoggedMessage)), 0)
  const fixed = scale.ratio * tools.fixedTokens() + pins + userTokens
  const state = policy.state ? tools.stateTokens(Math.max(0, Math.floor(((input.hard - fixed) * limits.stateShare) / scale.ratio))) : { tokens: 0 }
  return {
    turns,
    pending,
    fixed,
    state: { ...state, tokens: scale.ratio * state.tokens },
    memories,
    least: turns.slice(Math.max(0, pendingIndex - policy.minTurns)).reduce((sum, turn) => sum + turn.tokens, 0),
  }
}

const atIn = (fold: SessionFold) => (seq: number) => (loggedAt(fold, seq) as LoggedMessage).message

/** WAT-3, and K of WAT-1: an offline summary costs nothing but its own tokens. */
function loadOf({ policy, hard }: EpochInput, turns: readonly MeasuredTurn[]): Load {
  const { g, c } = turnLoad(turns, policy.tools.length > 0)
  const { readRatio, writeRatio } = policy.profile.cache
  const summarizes = optionOf(policy.strategy, 'summaryTokens') !== undefined
  const summary = summarizes ? Math.min(summaryCap(policy.strategy), hard * limits.summaryShare) : 0
  return { tokensPerTurn: g, callsPerTurn: c, readRatio, writeRatio, evictionCost: writeRatio * summary }
}

interface PlannedKeep {
  readonly plan: Plan
  readonly marks: Watermarks
  readonly summaryCap: number
  readonly fixed: number
  readonly others: number // state, this turn's memories, and what the next turn may need
  readonly least: number
}

/** Asks the strategy, first as if nothing were evicted, then with room for the summary of what is. */
function chooseKeepFrom(input: EpochInput, measured: Measured, load: Load, injected: number): PlannedKeep {
  const { policy, hard } = input
  const taken = measured.state.tokens + measured.memories + injected
  // A turn is added before its eviction is decided: above the high watermark room for a mean one stays free.
  const ahead = Math.max(0, Math.min(load.tokensPerTurn, (hard - measured.fixed - taken) * limits.turnShare))
  const others = taken + ahead
  const room = hard - measured.fixed - others
  const cap = Math.max(0, Math.min(summaryCap(policy.strategy), (hard - measured.fixed) * limits.summaryShare))
  const common = { summaryCap: cap, fixed: measured.fixed, others, least: measured.least }
  const choice = { low: tokensOrAuto(policy, 'lowTokens'), high: tokensOrAuto(policy, 'highTokens'), leastLowTokens: measured.least }
  const wide = watermarks(room, choice, load)
  const first = askStrategy(input, measured, wide)
  const firstSeq = measured.turns[0]?.firstSeq ?? 0
  if (first.keepFrom <= firstSeq || !first.summarize) return { ...common, plan: first, marks: wide }
  const marks = watermarks(room - cap, choice, load)
  return { ...common, plan: askStrategy(input, measured, marks), marks }
}

const tokensOrAuto = ({ strategy }: Policy, name: 'lowTokens' | 'highTokens'): 'auto' | number => {
  const tokens = optionOf(strategy, name)
  return typeof tokens === 'number' ? tokens : 'auto'
}

/** STR-5: a plan that breaks its promise, or throws, is refused by name. */
function askStrategy({ policy, cause, fold, previous }: EpochInput, { turns, pending }: Measured, marks: Watermarks): Plan {
  const { strategy } = policy
  if (turns.length === 0) return { keepFrom: 1, summarize: false }
  let plan: Plan
  try {
    plan = strategy.plan({
      turns,
      cause,
      lowTokens: marks.lowTokens,
      highTokens: marks.highTokens,
      minTurns: policy.minTurns,
      summaryUpTo: previous?.summary?.upTo ?? 0,
      messageAt: atIn(fold),
    })
  } catch (error) {
    throw badPlan(strategy.name, 'it threw', error)
  }
  const newest = turns.at(-1) as MeasuredTurn
  const begins = turns.some(({ firstSeq }) => firstSeq === plan?.keepFrom) || (!pending && plan?.keepFrom === newest.lastSeq + 1)
  const cuts = !newest.open && newest.tokens > marks.highTokens && newest.rounds.some(({ firstSeq }) => firstSeq === plan?.keepFrom)
  if (!begins && !cuts)
    throw badPlan(strategy.name, 'keepFrom begins no turn at or before the pending one, and no round of a turn past the high watermark')
  if (typeof plan.summarize !== 'boolean') throw badPlan(strategy.name, 'summarize is neither true nor false')
  return plan
}

const badPlan = (name: string, what: string, cause?: unknown) =>
  new RecollectError(
    'invalid_input',
    `strategy ${name} broke STR-5: ${what}`,
    'Correct the strategy; strategyContract in recollect/testing shows how.',
    {
      cause,
    },
  )

/** The watermarks with what was really kept, and the room that the real summary left. */
function finalMarks({ policy, hard, scale }: EpochInput, { packed }: Attempt, planned: PlannedKeep, load: Load): Watermarks {
  const room = hard - planned.fixed - planned.others - scale.ratio * packed.sums.summary
  const kept = scale.ratio * sizeOf(packed)
  const high = tokensOrAuto(policy, 'highTokens')
  const keeps = optionOf(policy.strategy, 'lowTokens') === undefined // by a rule of its own
  if (keeps && high === 'auto') return aboveKept(kept, room, load)
  return watermarks(room, { low: keeps ? kept : tokensOrAuto(policy, 'lowTokens'), high, leastLowTokens: planned.least }, load)
}

function memoryTokens(injection: Injection, { tools, scale }: EpochInput): number {
  return blocksOf(injection).reduce(
    (sum, { records }) => sum + records.reduce((tokens, record) => tokens + scale.ratio * tools.memoryTokens(record), 0),
    0,
  )
}

/** The kept turns that are over the low watermark are there for `minTurns` (§2); who has no low watermark keeps by a rule of its own. */
function leastBefore({ strategy }: Policy, { turns, pending }: Measured, { marks }: PlannedKeep, { keepFrom }: Draft): number | undefined {
  if (optionOf(strategy, 'lowTokens') === undefined) return undefined
  const newest = pending ? turns.at(-1) : undefined
  let size = newest?.tokens ?? 0
  const over = turns.findLast((turn) => turn !== newest && turn.firstSeq >= keepFrom && (size += turn.tokens) > marks.lowTokens)
  return over === undefined ? undefined : over.lastSeq + 1
}

/** The record without summary, hash chain and cursor, which follow from what is packed by it. */
function recordOf(input: EpochInput, draft: Draft, marks: Watermarks, { load, stateTokens, leastBefore: least }: Frozen): EpochRecord {
  const { policy, fold, previous, scale } = input
  const keepUserSeq = userOfCutTurn(fold, draft.keepFrom)
  return {
    no: (previous?.no ?? 0) + 1,
    cause: input.cause,
    startedAt: input.now,
    renderVersion,
    fenceKey: input.fenceKey,
    profileId: policy.profile.id,
    family: policy.profile.family,
    policyHash: policy.policyHash,
    systemHash: policy.systemHash,
    toolsHash: policy.toolsHash,
    keepFrom: draft.keepFrom,
    ...(keepUserSeq === undefined ? {} : { keepUserSeq }),
    pins: policy.pins,
    startedUpTo: fold.upTo,
    tombstones: fold.tombstoned.size,
    stateSeq: draft.state ? fold.stateSeq : -1,
    ...(stateTokens === undefined || !draft.state ? {} : { stateTokens }),
    ...(least === undefined ? {} : { leastBefore: least }),
    ...(draft.maskResultsBefore === undefined ? {} : { maskResultsBefore: draft.maskResultsBefore }),
    cut: draft.cut,
    reasoningFrom: 1,
    ...marks,
    tokensPerTurn: Math.round(load.tokensPerTurn),
    callsPerTurn: Math.round(load.callsPerTurn * 100) / 100,
    injections: injectionsOf(input, draft),
    rewrites: input.rewrites,
    sentUpTo: fold.upTo,
    prefixHash: '',
    ...(scale.anchor === undefined ? {} : { anchor: scale.anchor }),
  }
}

/** TURN-3: where the cut falls between rounds, the turn's newest user message before it is kept. */
function userOfCutTurn({ messages }: SessionFold, keepFrom: number): number | undefined {
  const first = messages.findIndex(({ seq }) => seq >= keepFrom)
  if (first <= 0 || messages[first]?.message.role === 'user') return undefined
  return messages.slice(0, first).findLast(({ message }) => message.role === 'user')?.seq
}

/** Frozen again under the new fence key: those that stand before kept messages, without what is gone, and this turn's. */
function injectionsOf(input: EpochInput, draft: Draft): EpochRecord['injections'] {
  const carried = (input.previous?.injections ?? [])
    .filter(({ beforeSeq }) => beforeSeq >= draft.keepFrom && loggedAt(input.fold, beforeSeq) !== undefined)
    .map(({ beforeSeq, blocks }) => ({
      beforeSeq,
      blocks: blocks.flatMap((block) => {
        const records = block.items.flatMap(({ id }) => input.memories.get(id) ?? [])
        return records.length === 0 ? [] : [frozen(block.type as MemoryBlockType, beforeSeq, records, input)]
      }),
    }))
    .filter(({ blocks }) => blocks.length > 0)
  // Chosen once for a message (INJ-1), also where nothing was: the entry says so, so that the next call does not choose again.
  const none =
    draft.injection === undefined || draft.injection.beforeSeq < draft.keepFrom ? [] : [{ beforeSeq: draft.injection.beforeSeq, blocks: [] }]
  const added = draft.injection === undefined ? carried : withInjection(carried, draft.injection, input)
  let all = added === carried ? [...carried, ...none] : added
  while (all.length > 0 && JSON.stringify(all).length > limits.epochBytes - limits.epochBytesBesides) all = all.slice(1)
  return all
}

/** A record's injections with one more; the same message's blocks stand together. */
export function withInjection(
  injections: EpochRecord['injections'],
  injection: Injection,
  by: Pick<EpochInput, 'fenceKey' | 'tools'>,
): EpochRecord['injections'] {
  const blocks = blocksOf(injection).map(({ type, records }) => frozen(type, injection.beforeSeq, records, by))
  return blocks.length === 0 ? injections : [...injections, { beforeSeq: injection.beforeSeq, blocks }]
}

function frozen(
  type: MemoryBlockType,
  beforeSeq: number,
  records: readonly MemoryRecord[],
  { fenceKey, tools }: Pick<EpochInput, 'fenceKey' | 'tools'>,
): InjectedBlock {
  const { block, tokens } = tools.memoriesBlock(type, beforeSeq, records, fenceKey)
  return { type, items: records.map(refOf), tokens, hash: block.hash }
}

function packInput(
  input: EpochInput,
  record: EpochRecord,
  injection: Injection | undefined,
  block: RenderedBlock | undefined,
): Parameters<typeof pack>[0] {
  const { fold, policy, tools } = input
  const memories = new Map(input.memories)
  for (const { records } of injection === undefined ? [] : blocksOf(injection)) for (const one of records) memories.set(one.id, one)
  return { record, fold, policy, tools, memories, summaryBlock: () => block }
}
