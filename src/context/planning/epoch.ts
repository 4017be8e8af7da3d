// Whether a new epoch is due, and why: the causes of context §4.1 in their order (EPO-11). Pure; all but a few comparisons is skipped while nothing changed.
import { epochCauses, type EpochCause, type EpochRecord } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import type { SessionFold } from '../../core/session.ts'
import { renderVersion, type Policy } from '../policy/policy.ts'

/** The record, marked so that the next context begins a new epoch: `session.newEpoch()` asks, an overflow demands (TOK-9). */
export const endEpoch = (record: EpochRecord, cause: EpochCause): EpochRecord => ({ ...record, due: cause })

/** What of the rendered epoch and of the world bears on its end. */
export interface EpochView {
  readonly fold: SessionFold
  readonly rewrites: number // of the log's head
  readonly policy: Policy
  readonly now: number
  /** Of the records that the epoch shows: all there, one gone, or none to be read. */
  readonly memories: 'whole' | 'forgotten' | 'unreadable'
  /** A rendered block, or the chain up to `sentUpTo`, has another hash. */
  readonly changed: boolean
  readonly total: number
  readonly hard: number
  readonly size: number
  readonly pendingRounds: number // closed rounds of the pending turn that the epoch still shows
  readonly pendingSize: number
  readonly recordBytes: number // of the record as it would be written
}

/** The first cause that holds, or undefined: the epoch goes on. */
export function dueCause(record: EpochRecord | undefined, view: EpochView): EpochCause | undefined {
  if (record === undefined) return 'first'
  const cause = contentCause(record, view) ?? settingCause(record, view) ?? sizeCause(record, view)
  if (record.due === undefined) return cause
  return cause === undefined || order(record.due) < order(cause) ? record.due : cause
}

const order = (cause: EpochCause): number => epochCauses.indexOf(cause)

/** What must not be shown any more, or cannot be shown as it was. */
function contentCause(record: EpochRecord, { fold, rewrites, memories, changed, total, hard }: EpochView): EpochCause | undefined {
  if (fold.tombstoned.size > record.tombstones || rewrites > record.rewrites || memories === 'forgotten') return 'forgotten'
  if (changed) return 'changed'
  return total > hard ? 'hard' : undefined
}

function settingCause(record: EpochRecord, { policy }: EpochView): EpochCause | undefined {
  if (record.family !== policy.profile.family) return 'model'
  if (record.systemHash !== policy.systemHash) return 'system'
  if (record.toolsHash !== policy.toolsHash) return 'tools'
  const same = record.policyHash === policy.policyHash && record.renderVersion === renderVersion
  return same && policy.pins.every((pin) => standsVerbatim(record, pin)) ? undefined : 'policy'
}

function sizeCause(record: EpochRecord, view: EpochView): EpochCause | undefined {
  const grown = growthCause(record, view)
  if (grown === 'highWater' || grown === 'cold') return grown
  if (view.memories === 'unreadable') return 'recallUnavailable'
  if (isBranch(record, view.fold)) return 'branch'
  return view.recordBytes > limits.epochBytes ? 'full' : undefined
}

function growthCause(record: EpochRecord, view: EpochView): EpochCause | undefined {
  // The epoch began at this very version of the log: to begin it again would change nothing (P11).
  if (record.startedUpTo === view.fold.upTo) return undefined
  if (view.fold.messages.at(-1)?.message.role === 'user') {
    if (view.size >= record.highTokens) return 'highWater'
    return isCold(view) && view.size > record.lowTokens + record.gapTokens * limits.coldGapShare ? 'cold' : undefined
  }
  return view.pendingSize >= record.highTokens && view.pendingRounds > 1 ? 'highWater' : undefined
}

/** EPO-7: what the record shows was rewound. A rewind behind `keepFrom` only shortens the epoch. */
function isBranch(record: EpochRecord, fold: SessionFold): boolean {
  if (fold.gone.get(record.keepFrom) === 'rewound') return true
  return record.stateSeq > 0 && !fold.stateChanges.some(({ seq }) => seq === record.stateSeq)
}

/** Whether hashes of the record and of what is rendered now could be the same: else another cause explains the difference. */
export const isComparable = (record: EpochRecord, fold: SessionFold, { profile, systemHash, toolsHash }: Policy): boolean =>
  record.family === profile.family && record.systemHash === systemHash && record.toolsHash === toolsHash && !isBranch(record, fold)

const standsVerbatim = (record: EpochRecord, pin: number): boolean =>
  record.pins.includes(pin) || (pin >= record.keepFrom && (record.maskResultsBefore ?? 0) <= pin && !record.cut.some(({ seq }) => seq === pin))

/** EPO-12. Clock skew may cost money, never correctness. */
export function isCold({ fold, policy, now }: Pick<EpochView, 'fold' | 'policy' | 'now'>): boolean {
  for (let index = fold.messages.length - 1; index >= 0; index--) {
    const message = fold.messages[index]?.message
    if (message?.role === 'assistant') return now - message.createdAt > policy.profile.cache.ttlSeconds * 1_000
  }
  return true
}
