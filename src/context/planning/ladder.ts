// From the cheapest loss to the dearest: what is given up, step by step, until a context fits its budget (BUD-3). Pure.
import type { TokenClass } from '../../core/context.ts'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { LoggedMessage } from '../../core/message.ts'
import { dropLowest, type Injection } from './inject.ts'
import type { Packed, Sums } from '../packing/pack.ts'
import { maskBefore, type MeasuredTurn } from './plan-turns.ts'

/** What an epoch is asked to be; each step of the ladder gives one up more. */
export interface Draft {
  readonly keepFrom: number
  readonly maskResultsBefore?: number
  readonly cut: readonly { readonly seq: number; readonly head: number; readonly tail: number }[]
  readonly summaryTokens: number // estimated; 0: none
  readonly state: boolean
  readonly injection?: Injection
}

/** A draft built: what it would send and what that would take. */
export interface Attempt {
  readonly draft: Draft
  readonly packed: Packed
  readonly total: number // predicted
}

export interface LadderInput {
  readonly hard: number
  readonly lowTokens: number // predicted, of the turns kept
  readonly minTurns: number
  readonly messages: readonly LoggedMessage[]
  readonly turns: readonly MeasuredTurn[]
  readonly pending: boolean // the newest turn is not finished
  readonly pins: readonly number[]
  readonly tokensOf: (logged: LoggedMessage) => number // predicted
  readonly build: (draft: Draft) => Attempt
}

/** The first attempt that fits, and the steps it took. @throws `payload_too_large` where none does (BUD-5) */
export function descend(input: LadderInput, first: Draft): Descent {
  const down = takeSteps(input, first, steps)
  const { draft, total, packed } = down.attempt
  if (total > input.hard) throw tooLarge(input.hard, total, packed.sums)
  if (!down.degraded.includes(steps.length)) return down
  // Nothing but shorter results of the pending turn made it fit. With them so short, what was given up before may have room again.
  const pendingFrom = input.turns.at(-1)?.firstSeq ?? 0
  const again = takeSteps(input, { ...first, cut: draft.cut.filter(({ seq }) => seq >= pendingFrom) }, steps.slice(0, -1))
  return again.attempt.total > input.hard ? down : { ...again, degraded: [...again.degraded, steps.length] }
}

interface Descent {
  readonly attempt: Attempt
  readonly degraded: readonly number[]
}

function takeSteps(input: LadderInput, first: Draft, allowed: readonly LadderStep[]): Descent {
  let attempt = input.build(first)
  const degraded: number[] = []
  for (const [index, step] of allowed.entries()) {
    let taken = false
    while (attempt.total > input.hard) {
      const next = step(input, attempt)
      if (next === undefined) break
      attempt = input.build(next)
      taken = true
    }
    if (taken) degraded.push(index + 1)
  }
  return { attempt, degraded }
}

const pendingSizes = [1, 4, 16, 64].map((part) => Math.max(limits.cutPendingTokensLeast, limits.cutOverTokens / part))

/** Each gives the next draft, or nothing where it can give up no more. Their order is the ladder's. */
type LadderStep = (input: LadderInput, attempt: Attempt) => Draft | undefined

const dropMemory: LadderStep = (_input, { draft }) => {
  if (draft.injection === undefined) return undefined
  const { preferences, recalled } = draft.injection
  return preferences.length + recalled.length === 0 ? undefined : { ...draft, injection: dropLowest(draft.injection) }
}

/** The oldest complete turns, as many as the budget asks for; down to the low watermark, or every turn from now on would ask again (BUD-4). */
const evictDownTo =
  (downTo: (input: LadderInput) => { readonly minTurns: number; readonly lowTokens: number }): LadderStep =>
  (input, { draft, total }) => {
    const { minTurns, lowTokens } = downTo(input)
    const recent = input.turns.filter(({ firstSeq }) => firstSeq >= draft.keepFrom)
    const kept = input.pending ? recent.slice(0, -1) : recent
    const evictable = kept.slice(0, Math.max(0, kept.length - minTurns))
    if (evictable.length === 0) return undefined
    const size = recent.reduce((sum, { tokens }) => sum + tokens, 0)
    let over = Math.max(total - input.hard, size - lowTokens)
    const last = evictable.find((turn) => (over -= turn.tokens) <= 0) ?? (evictable.at(-1) as MeasuredTurn)
    const next = input.turns[input.turns.indexOf(last) + 1]
    return { ...draft, keepFrom: next?.firstSeq ?? last.lastSeq + 1 }
  }

const maskResults: LadderStep = (input, { draft }) => {
  const newest = input.turns.at(-1)
  const kept = input.messages.filter(({ seq }) => seq >= draft.keepFrom)
  const wanted = maskBefore(kept, limits.unmaskedRounds)
  const before = input.pending && newest?.open === true ? Math.min(wanted, newest.firstSeq) : wanted
  return before > (draft.maskResultsBefore ?? draft.keepFrom) ? { ...draft, maskResultsBefore: before } : undefined
}

const cutLong: LadderStep = (input, { draft }) => {
  const pendingFrom = input.pending ? (input.turns.at(-1)?.firstSeq ?? 0) : Infinity
  const long = input.messages.filter(
    (logged) =>
      logged.seq >= draft.keepFrom &&
      logged.seq < pendingFrom &&
      !input.pins.includes(logged.seq) &&
      !draft.cut.some(({ seq }) => seq === logged.seq) &&
      input.tokensOf(logged) > limits.cutOverTokens,
  )
  return long.length === 0 ? undefined : { ...draft, cut: [...draft.cut, ...long.map((logged) => cutTo(logged, limits.cutToTokens, input))] }
}

const shrinkSummary: LadderStep = (_input, { draft, packed }) => {
  if (packed.sums.summary === 0 || draft.summaryTokens <= limits.summaryTokensLeast) return undefined
  return { ...draft, summaryTokens: Math.max(limits.summaryTokensLeast, Math.floor(Math.min(draft.summaryTokens, packed.sums.summary) / 2)) }
}

const dropState: LadderStep = (_input, { draft }) => (draft.state ? { ...draft, state: false } : undefined)

const cutPendingResults: LadderStep = (input, { draft }) => {
  const newest = input.turns.at(-1)
  if (!input.pending || newest === undefined || newest.open) return undefined
  const results = input.messages.filter(
    ({ seq, message }) => seq >= Math.max(newest.firstSeq, draft.keepFrom) && message.role === 'tool' && !input.pins.includes(seq),
  )
  const size = pendingSizes.find((tokens) => results.some((logged) => shorter(logged, tokens, draft, input)))
  if (size === undefined) return undefined
  const shortened = results.filter((logged) => shorter(logged, size, draft, input))
  const seqs = new Set(shortened.map(({ seq }) => seq))
  return { ...draft, cut: [...draft.cut.filter(({ seq }) => !seqs.has(seq)), ...shortened.map((logged) => cutTo(logged, size, input))] }
}

const steps: readonly LadderStep[] = [
  dropMemory,
  evictDownTo((input) => input),
  maskResults,
  cutLong,
  shrinkSummary,
  evictDownTo(() => ({ minTurns: 0, lowTokens: Infinity })),
  dropState,
  cutPendingResults,
]

/** Head and tail of so many tokens together, in UTF-16 units of the message's text. */
function cutTo(logged: LoggedMessage, tokens: number, input: LadderInput): Draft['cut'][number] {
  const half = Math.floor((textLength(logged) * tokens) / Math.max(1, input.tokensOf(logged)) / 2)
  return { seq: logged.seq, head: half, tail: half }
}

const shorter = (logged: LoggedMessage, tokens: number, draft: Draft, input: LadderInput): boolean => {
  if (input.tokensOf(logged) <= tokens) return false
  const there = draft.cut.find(({ seq }) => seq === logged.seq)
  return there === undefined || cutTo(logged, tokens, input).head < there.head
}

const textLength = ({ message }: LoggedMessage): number =>
  message.parts
    .flatMap((part) => (part.type === 'tool-result' ? part.content : [part]))
    .reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0)

function tooLarge(limitTokens: number, givenTokens: number, sums: Sums): RecollectError {
  return new RecollectError(
    'payload_too_large',
    `the context needs ${givenTokens} tokens; the budget less its margin allows ${limitTokens}`,
    'Raise budgetTokens, shorten the newest message, or unpin messages.',
    { limit: limitTokens, given: givenTokens, details: { limitTokens, givenTokens, byClass: classSums(sums) } },
  )
}

/** BUD-5: what the error tells of the tokens. */
const classSums = (sums: Sums): Partial<Record<TokenClass, number>> =>
  Object.fromEntries(
    [
      ['tools', sums.tools],
      ['system', sums.system],
      ['pin', sums.pins],
      ['summary', sums.summary],
      ['state', sums.stateStart],
      ['message', sums.recent],
    ].map(([name, tokens]) => [name, Math.ceil(tokens as number)]),
  )
