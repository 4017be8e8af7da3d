// Which messages the model gets, and why: a pure function of log, epoch record, options, profile, recall result, time and random bytes (CTX-2).
import type { EpochCause, EpochRecord, Receipt, SummaryPointer } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { SessionFold } from '../../core/session.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import { hardLimit, predict, scaleOf, type Scale } from '../counting/anchor.ts'
import type { TokenCounter } from '../../ports/token-counter.ts'
import { dueCause, isCold, isComparable } from './epoch.ts'
import { chooseInjection, dropLowest, everyLive, replayedItems, type Injection, type Recalled } from './inject.ts'
import { pack, type PackInput, type Packed } from '../packing/pack.ts'
import { answerTokens, estimateOf, fixedOf, sizeOf } from '../packing/pack-sums.ts'
import { planEpoch, withInjection } from './plan-epoch.ts'
import { planTools, type PlanMemo, type PlanTools } from '../packing/plan-tools.ts'
import type { Policy } from '../policy/policy.ts'
import { makeReceipt } from './receipt.ts'

export interface PlanContextInput {
  readonly session: string
  readonly fold: SessionFold
  readonly rewrites: number // of the log's head
  readonly epoch: EpochRecord | undefined
  readonly logTokens: number | undefined // estimate of the whole log, where the head knows it
  readonly policy: Policy
  readonly recalled: Recalled
  /** The records that the epoch shows; undefined: they cannot be read. */
  readonly memories: ReadonlyMap<string, MemoryRecord> | undefined
  readonly allThere?: boolean // each of them, for certain: else each is looked for
  readonly now: number
  readonly random: { readonly fenceKey: string; readonly receiptId: string }
  readonly keys: OwnerKeys
  readonly counter: TokenCounter
  readonly memo: PlanMemo
  readonly before: Packed | undefined // of an earlier call; gives the same plan sooner
  readonly ahead?: Packed | undefined // of `lookAhead` for this very call
}

export interface PlannedContext {
  readonly record: EpochRecord
  readonly packed: Packed
  readonly receipt: Receipt
  readonly hard: number
  /** What the head must hold before the context is used (CTX-3); undefined: nothing. */
  readonly write: { readonly epoch: EpochRecord; readonly summary?: SummaryPointer } | undefined
}

export function planContext(input: PlanContextInput): PlannedContext {
  const world = worldOf(input)
  const running = input.epoch === undefined ? undefined : goOn(world, input.epoch)
  const cause = running === undefined ? 'first' : running.cause
  return cause === undefined ? continued(world, running as Running) : begun(world, cause)
}

/** From which seq the context will hold the log itself; where the epoch goes on also what is packed by then, so that it need not be packed again. */
export function lookAhead(input: PlanContextInput): { readonly keepFrom: number; readonly ahead?: Packed } {
  const world = worldOf(input)
  const running = input.epoch === undefined ? undefined : goOn(world, input.epoch)
  if (running !== undefined && running.cause === undefined) return { keepFrom: running.record.keepFrom, ahead: running.packed }
  return { keepFrom: begun(world, running?.cause ?? 'first').record.keepFrom }
}

function worldOf(input: PlanContextInput): World {
  const { policy, epoch, fold } = input
  const anchor = epoch?.family === policy.profile.family ? epoch.anchor : undefined
  const scale = scaleOf(anchor, policy.profile.tokens.ratio)
  const hard = hardLimit(policy.budgetTokens, scale.samples)
  const tools = planTools(policy, fold, input.keys, input.counter, input.memo)
  return { input, scale, hard, tools }
}

interface World {
  readonly input: PlanContextInput
  readonly scale: Scale
  readonly hard: number
  readonly tools: PlanTools
}

/** The epoch in force with what is new, and whether it ends here. */
interface Running {
  readonly record: EpochRecord
  readonly packed: Packed
  readonly predicted: number
  readonly injection: Injection | undefined
  readonly degraded: readonly number[]
  readonly cause: EpochCause | undefined
}

function goOn(world: World, epoch: EpochRecord): Running {
  const { input, scale, hard } = world
  const { fold, policy, memories } = input
  const packed = pack(packInput(world, epoch, []), input.ahead ?? input.before)
  const predicted = predictAll(scale, packed)
  const injected = injectInto(world, epoch, packed, predicted)
  const cause = dueCause(epoch, {
    fold,
    rewrites: input.rewrites,
    policy,
    now: input.now,
    memories: input.allThere === true ? 'whole' : memoriesState(epoch, input.fold, memories),
    changed: packed.changed && isComparable(epoch, fold, policy),
    total: predicted,
    hard,
    size: Math.ceil(scale.ratio * sizeOf(packed)),
    pendingRounds: packed.rounds,
    pendingSize: Math.ceil(scale.ratio * packed.sums.pendingRounds),
    recordBytes: injected === undefined ? 0 : bytesOf(injected.record),
  })
  if (injected === undefined) return { record: epoch, packed, predicted, injection: undefined, degraded: [], cause }
  return { ...injected, cause }
}

const injectionBytes = new WeakMap<EpochRecord['injections'][number], number>()

/** As it is written: an injection is not changed any more, so each is written once to see. */
function bytesOf({ injections, ...rest }: EpochRecord): number {
  let bytes = JSON.stringify({ ...rest, injections: [] }).length + Math.max(0, injections.length - 1)
  for (const injection of injections) {
    const known = injectionBytes.get(injection) ?? JSON.stringify(injection).length
    injectionBytes.set(injection, known)
    bytes += known
  }
  return bytes
}

/** This turn's memories, if they are still to be chosen; the lowest-ranked are dropped while the budget does not hold them (BUD-3, 1). */
function injectInto(world: World, epoch: EpochRecord, packed: Packed, predicted: number): Omit<Running, 'cause'> | undefined {
  const { input, scale, hard } = world
  const fixed = scale.ratio * fixedOf(packed)
  let injection = choose(world, { capTokens: Math.floor((hard - fixed) * limits.memoryShare), roomTokens: Math.max(0, hard - predicted) })
  if (injection === undefined) return undefined
  const degraded: number[] = []
  for (;;) {
    const records = [...injection.preferences, ...injection.recalled]
    if (records.length === 0) return { record: epoch, packed, predicted, injection, degraded }
    const injections = withInjection(epoch.injections, injection, { fenceKey: epoch.fenceKey, tools: world.tools })
    const record = { ...epoch, injections }
    const next = pack(packInput(world, record, records), input.before)
    const total = predictAll(scale, next)
    if (total <= hard)
      return { record: { ...record, sentUpTo: input.fold.upTo, prefixHash: next.chain }, packed: next, predicted: total, injection, degraded }
    injection = dropLowest(injection)
    degraded[0] = 1
  }
}

/** The delta for the message that recall ran for, or undefined where none is to be chosen now. */
function choose({ input, tools, scale }: World, room: { capTokens: number; roomTokens: number }): Injection | undefined {
  const { policy, recalled } = input
  if (recalled.beforeSeq === undefined) return undefined
  const { maxItems, maxTokens } = policy.recall ?? { maxItems: 0, maxTokens: 0 }
  return chooseInjection(recalled.beforeSeq, recalled, {
    capTokens: Math.min(maxTokens, room.capTokens),
    roomTokens: room.roomTokens,
    maxItems,
    tokensOf: (record) => Math.ceil(scale.ratio * tools.memoryTokens(record)),
  })
}

function continued(world: World, running: Running): PlannedContext {
  const { record, packed, predicted, injection, degraded } = running
  const injected = injection !== undefined && record.injections.length > (world.input.epoch?.injections.length ?? 0)
  return {
    record,
    packed,
    hard: world.hard,
    receipt: receiptOf(world, { record, packed, predicted, injection, degraded, began: false }),
    write: injected ? { epoch: record } : undefined,
  }
}

function begun(world: World, cause: EpochCause): PlannedContext {
  const { input, scale, hard, tools } = world
  const { record, packed, total, degraded, injection } = planEpoch({
    cause,
    fold: input.fold,
    rewrites: input.rewrites,
    previous: input.epoch,
    policy: input.policy,
    scale,
    hard,
    now: input.now,
    fenceKey: input.random.fenceKey,
    memories: input.memories ?? new Map(),
    choose: (room) => choose(world, room),
    tools,
  })
  const steps = cause === 'hard' && !degraded.includes(2) ? [...degraded, 2].toSorted((a, b) => a - b) : degraded
  const { summary } = record
  return {
    record,
    packed,
    hard,
    receipt: receiptOf(world, { record, packed, predicted: total, injection, degraded: steps, began: true }),
    write: {
      epoch: record,
      ...(summary === undefined
        ? {}
        : { summary: { id: summary.id, upTo: summary.upTo, hash: summary.hash, tokens: summary.tokens, madeBy: summary.madeBy } }),
    },
  }
}

interface Sent {
  readonly record: EpochRecord
  readonly packed: Packed
  readonly predicted: number
  readonly injection: Injection | undefined
  readonly degraded: readonly number[]
  readonly began: boolean
}

function receiptOf({ input, scale, hard }: World, sent: Sent): Receipt {
  const { policy, recalled, fold, now } = input
  const items = sent.injection?.items ?? replayedItems(sent.record, fold.messages.findLast(({ message }) => message.role === 'user')?.seq)
  return makeReceipt({
    id: input.random.receiptId,
    at: now,
    session: input.session,
    policy,
    record: sent.record,
    began: sent.began,
    packed: sent.packed,
    scale,
    predicted: sent.predicted,
    hard,
    cold: isCold({ fold, policy, now }),
    degraded: sent.degraded,
    recall: { status: recalled.status, items },
    logTokens: input.logTokens,
  })
}

const predictAll = (scale: Scale, packed: Packed): number => predict(scale, estimateOf(packed.sums), answerTokens(packed, scale.anchor))

function memoriesState(
  epoch: EpochRecord,
  fold: SessionFold,
  memories: ReadonlyMap<string, MemoryRecord> | undefined,
): 'whole' | 'forgotten' | 'unreadable' {
  if (epoch.injections.length === 0) return 'whole'
  if (memories === undefined) return 'unreadable'
  return everyLive(epoch, fold, epoch.keepFrom, (id) => memories.has(id)) ? 'whole' : 'forgotten'
}

function packInput({ input, tools }: World, record: EpochRecord, more: readonly MemoryRecord[]): PackInput {
  const added = new Map(more.map((one) => [one.id, one])) // beside the known ones, which are many
  const memories = { get: (id: string) => added.get(id) ?? input.memories?.get(id) }
  const summaryBlock = () => (record.summary === undefined ? undefined : tools.summaryOf(record.keepFrom, record.summary.budgetTokens, record)?.block)
  return { record, fold: input.fold, policy: input.policy, tools, memories, summaryBlock }
}
