// The epoch in force as it is sent: built from log and record, or extended by what is new. Derived data; dropping it changes nothing (P2, P11).
import type { EpochRecord } from '../../core/context.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { LoggedMessage } from '../../core/message.ts'
import { indexFrom, type SessionFold } from '../../core/session.ts'
import { countSystem, countTools } from '../counting/count.ts'
import type { Emitted } from '../prompt/emitted.ts'
import { chainStart, extendChain } from './epoch-chain.ts'
import type { MemoryBlockType, RenderedBlock } from './pack-blocks.ts'
import { stateBlock, stateChangeBlock } from './pack-state.ts'
import { counted, emitStep, plain, type Rendering } from './pack-message.ts'
import { callsOf, lateResults, placeMessages, type Held, type LateResults, type Step } from './pack-rounds.ts'
import { noRepairs, settle, type Settled } from './pack-rules.ts'
import type { PlanTools } from './plan-tools.ts'
import type { Policy } from '../policy/policy.ts'
import { addParts, evictedRanges, type EvictedRange, type PartSum } from './receipt-ranges.ts'

export interface PackInput {
  readonly record: EpochRecord
  readonly fold: SessionFold
  readonly policy: Policy
  readonly tools: Pick<PlanTools, 'keys' | 'counter' | 'memoriesBlock'>
  readonly memories: Pick<ReadonlyMap<string, MemoryRecord>, 'get'> // of the record's injections
  /** The summary's block; asked only when the epoch is built. */
  readonly summaryBlock: () => RenderedBlock | undefined
}

/** Estimated tokens by what they are for (BUD-1). */
export interface Sums {
  readonly tools: number
  readonly system: number
  readonly pins: number // of what was evicted
  readonly summary: number
  readonly stateStart: number
  readonly recent: number // kept turns with their injections and state changes, the pending turn whole
  readonly keptPins: number // of those, pinned messages before the newest user message, or after it
  readonly pinnedUser: number // of those, the newest user message, if it is pinned
  readonly pendingUser: number // of those, the pending user message; 0 if the model has finished
  readonly turnMemories: number // of those, the memories placed in the newest turn
  readonly pendingRounds: number // of those, the newest turn without its newest user message and its memories
}

export interface Packed {
  readonly fenceKey: string // names the record's epoch
  readonly injected: number // injections of the record that are placed
  readonly policy: Policy
  readonly consumed: number // messages of the fold that are placed or held
  readonly last: LoggedMessage | undefined
  readonly upTo: number
  readonly held: Held | undefined
  readonly late: LateResults
  readonly stateAt: number // seq of the newest state change that is shown
  readonly emitted: readonly Emitted[]
  readonly settled: Settled
  readonly chain: string
  readonly hashed: number // of `emitted`, in the chain
  readonly changed: boolean // a block or the chain up to `sentUpTo` is not what the record says
  readonly sums: Sums
  readonly parts: readonly PartSum[] // of what stands before `turnStart`
  readonly turnStart: number // index into `emitted`: of the newest turn
  readonly rounds: number // of the newest turn
  readonly pending: boolean
  readonly evicted: readonly EvictedRange[]
}

/** The epoch up to the fold's end. `before` is extended if it is of the same epoch and the log only grew; else all is built anew. */
export function pack(input: PackInput, before?: Packed): Packed {
  const start = before !== undefined && canExtend(input, before) ? before : begin(input)
  return advance(input, start)
}

function canExtend({ record, fold, policy }: PackInput, before: Packed): boolean {
  if (before.fenceKey !== record.fenceKey || before.policy.profile !== policy.profile) return false
  if (before.consumed > fold.messages.length || (before.consumed > 0 && fold.messages[before.consumed - 1] !== before.last)) return false
  const placed = record.injections.filter(({ beforeSeq }) => beforeSeq <= (before.last?.seq ?? 0)).length
  return placed === before.injected && before.upTo <= fold.upTo
}

type Draft = { -readonly [K in keyof Omit<Packed, 'emitted' | 'sums'>]: Packed[K] } & {
  emitted: Emitted[]
  sums: { -readonly [K in keyof Sums]: Sums[K] }
}

const rendering = ({ record, policy, tools: { counter, keys } }: PackInput): Rendering => ({ record, profile: policy.profile, counter, keys })

/** What stands before the kept turns: system and tools, pins, summary, state, the user message of a turn that was cut (EPO-2). */
function begin(input: PackInput): Packed {
  const { record, fold, policy } = input
  const { counter, keys } = input.tools
  const by = rendering(input)
  const kept = indexFrom(fold.messages, record.keepFrom)
  const visible = new Set([...pinnedSeqs(record, fold), ...(record.keepUserSeq === undefined ? [] : [record.keepUserSeq]), ...policy.systemSeqs])
  const draft: Draft = {
    fenceKey: record.fenceKey,
    injected: 0,
    policy,
    consumed: kept,
    last: fold.messages[kept - 1],
    upTo: record.keepFrom - 1,
    held: undefined,
    late: lateResults(fold.messages.slice(kept), record.startedUpTo),
    stateAt: Math.max(0, record.stateSeq),
    emitted: [],
    settled: noRepairs,
    chain: chainStart(keys, policy.toolsHash, policy.systemHash),
    hashed: 0,
    changed: false,
    sums: {
      tools: countTools(policy.tools, counter),
      system: countSystem(policy.system, policy.profile, counter),
      pins: 0,
      summary: 0,
      stateStart: 0,
      recent: 0,
      keptPins: 0,
      pinnedUser: 0,
      pendingUser: 0,
      turnMemories: 0,
      pendingRounds: 0,
    },
    parts: [],
    turnStart: 0,
    rounds: 0,
    pending: false,
    evicted: [],
  }
  draft.parts = fixedParts(draft.sums, policy)
  const pins = fold.messages.slice(0, kept).filter(({ seq }) => seq !== record.keepUserSeq && visible.has(seq) && !policy.systemSeqs.includes(seq))
  const placed = placeMessages(pins, undefined)
  for (const step of [...placed.steps, ...unfinished(placed.held)])
    draft.sums.pins += add(draft, emitStep(step, { class: 'pin', why: 'pinned' }, by), by)
  const summary = input.summaryBlock()
  if (summary !== undefined) {
    draft.sums.summary += add(draft, [blockMessage(summary, 'summary', by)], by)
    draft.changed = summary.hash !== record.summary?.hash
  } else draft.changed = record.summary !== undefined
  const room = record.stateTokens === undefined ? undefined : { tokens: record.stateTokens, counter }
  const state = record.stateSeq > 0 ? stateBlock(fold.stateChanges, record.stateSeq, by, room) : undefined
  if (state !== undefined) draft.sums.stateStart += add(draft, [blockMessage(state, 'state-start', by)], by)
  draft.parts = addParts(draft.parts, draft.emitted)
  draft.turnStart = draft.emitted.length
  const user = fold.messages.find(({ seq }) => seq === record.keepUserSeq)
  if (user !== undefined) {
    draft.sums.recent += add(draft, emitStep({ type: 'message', logged: user }, kindOfKept, by), by)
    draft.sums.pendingUser = (draft.emitted.at(-1) as Emitted).tokens
    draft.pending = true
  }
  const isSent = (seq: number) => seq >= record.keepFrom || visible.has(seq)
  draft.evicted = evictedRanges([], { ...fold, upTo: Math.min(record.keepFrom - 1, fold.upTo) }, 1, isSent, record.summary)
  return draft
}

const kindOfKept = { class: 'message', why: 'recent' } as const
const kindOfLeast = { class: 'message', why: 'min-turns' } as const

/** Places what the log has gained, message by message, and checks the chain where the record was written. */
function advance(input: PackInput, before: Packed): Packed {
  const { record, fold, policy } = input
  const { keys } = input.tools
  const by = rendering(input)
  const draft: Draft = { ...before, policy, emitted: [...before.emitted], sums: { ...before.sums } }
  const hash = () => {
    draft.chain = extendChain(keys, draft.chain, draft.emitted.slice(draft.hashed))
    draft.hashed = draft.emitted.length
  }
  const written = before.upTo < record.sentUpTo && record.prefixHash !== '' && !isShortened(record, fold)
  let due = written && fold.upTo >= record.sentUpTo
  const check = () => {
    hash()
    if (draft.chain !== record.prefixHash) draft.changed = true
    due = false
  }
  for (let index = before.consumed; index < fold.messages.length; index++) {
    const logged = fold.messages[index] as LoggedMessage
    if (due && logged.seq > record.sentUpTo) check()
    if (!policy.systemSeqs.includes(logged.seq)) placeOne(input, draft, logged, by)
    draft.consumed = index + 1
    draft.last = logged
  }
  if (due) check()
  else hash()
  draft.evicted = evictedRanges(before.evicted, fold, before.upTo + 1, () => true, undefined)
  draft.upTo = fold.upTo
  return draft
}

/** EPO-7: a rewind took messages that the record's chain may hold; the epoch goes on, cut at that seq. */
function isShortened({ keepFrom, sentUpTo }: EpochRecord, { gone }: SessionFold): boolean {
  for (let seq = keepFrom; seq <= sentUpTo; seq++) if (gone.get(seq) === 'rewound') return true
  return false
}

function placeOne(input: PackInput, draft: Draft, logged: LoggedMessage, by: Rendering): void {
  const { steps, held } = placeMessages([logged], draft.held, draft.late)
  const before = draft.last?.message.role
  draft.held = held
  for (const step of steps) {
    const newest = step.type === 'message' && step.logged === logged
    if (newest && logged.message.role === 'user') beginUser(input, draft, logged, before !== 'user', by)
    addKept(draft, step, by)
  }
  draft.pending = logged.message.role !== 'assistant' || callsOf(logged).length > 0
}

/** Memories and state changes stand directly before a user message, never inside what follows it (INJ-1, INJ-2, INJ-6). */
function beginUser(input: PackInput, draft: Draft, { seq }: LoggedMessage, turn: boolean, by: Rendering): void {
  if (turn) {
    draft.parts = addParts(draft.parts, draft.emitted.slice(draft.turnStart))
    draft.turnStart = draft.emitted.length
    draft.rounds = 0
    draft.sums.pendingRounds = 0
    draft.sums.turnMemories = 0
  }
  draft.sums.pendingUser = 0
  const { record, fold, memories } = input
  if (record.stateSeq >= 0 && fold.stateSeq > draft.stateAt) {
    const changes = fold.stateChanges.filter((change) => change.seq > draft.stateAt && change.seq < seq)
    if (changes.length > 0) {
      draft.sums.recent += add(draft, [blockMessage(stateChangeBlock(changes, by), 'state-change', by)], by)
      draft.stateAt = (changes.at(-1) as { seq: number }).seq
    }
  }
  for (const injection of record.injections) {
    if (injection.beforeSeq !== seq) continue
    draft.injected++
    for (const block of injection.blocks) {
      const shown = block.items.flatMap(({ id }) => memories.get(id) ?? [])
      const { block: rendered } = input.tools.memoriesBlock(block.type as MemoryBlockType, seq, shown, record.fenceKey)
      if (rendered.hash !== block.hash) draft.changed = true
      const tokens = add(draft, [blockMessage(rendered, 'recall', by)], by)
      draft.sums.recent += tokens
      draft.sums.turnMemories += tokens
    }
  }
}

function addKept(draft: Draft, step: Step, by: Rendering): void {
  const sent = emitStep(step, step.logged.seq < (by.record.leastBefore ?? 0) ? kindOfLeast : kindOfKept, by)
  const tokens = add(draft, sent, by)
  draft.sums.recent += tokens
  const pinned = sent.reduce((sum, { seq, tokens: own }) => sum + (seq !== undefined && by.record.pins.includes(seq) ? own : 0), 0)
  if (step.type === 'message' && step.logged.message.role === 'user') {
    draft.sums.pendingUser = (sent.at(-1) as Emitted).tokens
    draft.sums.keptPins += draft.sums.pinnedUser
    draft.sums.pinnedUser = pinned
  } else {
    draft.sums.pendingRounds += tokens
    draft.sums.keptPins += pinned
  }
  if (step.type === 'round') draft.rounds++
}

function add(draft: Draft, sent: readonly Emitted[], by: Rendering): number {
  const settled = settle(sent, draft.emitted.length === 0, draft.settled, by)
  draft.settled = settled
  draft.emitted.push(...settled.messages)
  return settled.messages.reduce((sum, { tokens }) => sum + tokens, 0)
}

const blockMessage = (block: RenderedBlock, why: Emitted['why'], by: Rendering): Emitted =>
  counted(
    {
      role: 'user',
      parts: [plain(block.text)],
      block: block.type,
      hash: block.hash,
      authority: block.authority,
      class: block.class,
      why,
      ...(block.change === undefined ? {} : { change: block.change }),
    },
    by,
  )

/** Pinned messages of what was evicted; a pinned call or result brings its whole round (I1). */
function pinnedSeqs(record: EpochRecord, fold: SessionFold): readonly number[] {
  const pinned = new Set(record.pins.filter((pin) => pin < record.keepFrom))
  if (pinned.size === 0) return []
  const { steps } = placeMessages(fold.messages.slice(0, indexFrom(fold.messages, record.keepFrom)), undefined)
  for (const step of steps) {
    if (step.type !== 'round') continue
    const seqs = [step.logged.seq, ...step.results.flatMap(({ from }) => from?.seq ?? [])]
    if (seqs.some((seq) => pinned.has(seq))) for (const seq of seqs) pinned.add(seq)
  }
  return [...pinned]
}

/** A pinned round whose results never came. */
const unfinished = (held: Held | undefined): Step[] =>
  held === undefined ? [] : [{ type: 'round', logged: held.logged, results: held.results }, ...held.between]

function fixedParts(sums: Sums, { system, systemSeqs }: Policy): readonly PartSum[] {
  const parts: PartSum[] = []
  if (sums.tools > 0) parts.push({ class: 'tools', why: 'fixed', tokens: sums.tools })
  if (system === '') return parts
  if (systemSeqs.length === 0) return [...parts, { class: 'system', why: 'fixed', tokens: sums.system }]
  return [
    ...parts,
    ...systemSeqs.map((seq, index) => ({
      class: 'system' as const,
      why: 'fixed' as const,
      seqs: [seq, seq] as const,
      tokens: index === 0 ? sums.system : 0,
    })),
  ]
}
