// Puts calls and results together, message by message: what has been placed never moves again, so a later call only adds (TURN-2, TURN-5, EPO-1).
// A round whose results are not all there is held back until they are, or until something else follows it. Pure.
import type { LoggedMessage, Part, ToolCallPart, ToolResultPart } from '../../core/message.ts'

/** The result of one call of a round; `from` is absent where none was recorded. */
interface RoundResult {
  readonly call: ToolCallPart
  readonly from?: LoggedMessage
  readonly part?: ToolResultPart
}

export type Step =
  | { readonly type: 'message'; readonly logged: LoggedMessage }
  | { readonly type: 'round'; readonly logged: LoggedMessage; readonly results: readonly RoundResult[] }
  | { readonly type: 'stray'; readonly logged: LoggedMessage; readonly parts: readonly Part[] } // results of no call that is placed: data

/** A round that waits for results, with what came for it and what came between. */
export interface Held {
  readonly logged: LoggedMessage
  readonly results: readonly RoundResult[]
  readonly between: readonly Step[]
  readonly seqs: readonly number[] // of all messages that are held
}

/** Results that came late and are known since the epoch began: they stand in their place (TURN-5). */
export type LateResults = ReadonlyMap<ToolCallPart, { readonly from: LoggedMessage; readonly part: ToolResultPart }>

const noLate: LateResults = new Map()

/** Takes messages in order of seq. `held` goes in where the last call left off. */
export function placeMessages(
  messages: Iterable<LoggedMessage>,
  before: Held | undefined,
  late: LateResults = noLate,
): { readonly steps: readonly Step[]; readonly held: Held | undefined } {
  const steps: Step[] = []
  const placedLate = late.size === 0 ? undefined : new Set([...late.values()].map(({ part }) => part))
  let held = before
  for (const logged of messages) {
    if (held !== undefined && logged.message.role === 'tool') {
      held = takeResults(held, logged, placedLate)
      if (held.results.every(({ part }) => part !== undefined)) {
        steps.push(...placed(held, late))
        held = undefined
      }
      continue
    }
    if (held !== undefined) steps.push(...placed(held, late))
    held = undefined
    const calls = callsOf(logged)
    if (calls.length > 0) held = { logged, results: calls.map((call) => ({ call })), between: [], seqs: [logged.seq] }
    else if (logged.message.role === 'tool') steps.push(...strays(logged, logged.message.parts, placedLate))
    else steps.push({ type: 'message', logged })
  }
  return { steps, held }
}

/** The late results up to a seq, for the calls among these messages: the first result after its call that no other call of the same id took. */
export function lateResults(messages: readonly LoggedMessage[], upTo: number): LateResults {
  const open = new Map<string, ToolCallPart[]>()
  const late = new Map<ToolCallPart, { from: LoggedMessage; part: ToolResultPart }>()
  for (const step of placeMessages(messages, undefined).steps) {
    if (step.type === 'round')
      for (const { call, part } of step.results) if (part === undefined) open.set(call.callId, [...(open.get(call.callId) ?? []), call])
    if (step.type !== 'stray' || step.logged.seq > upTo) continue
    for (const part of step.parts) {
      const call = part.type === 'tool-result' ? open.get(part.callId)?.shift() : undefined
      if (call !== undefined && part.type === 'tool-result') late.set(call, { from: step.logged, part })
    }
  }
  return late
}

export const callsOf = ({ message }: LoggedMessage): readonly ToolCallPart[] =>
  message.role === 'assistant' ? message.parts.filter((part) => part.type === 'tool-call') : []

function takeResults(held: Held, logged: LoggedMessage, placedLate: ReadonlySet<Part> | undefined): Held {
  const results = [...held.results]
  const others: Part[] = []
  for (const part of logged.message.parts) {
    const index = part.type === 'tool-result' ? results.findIndex(({ call, part: there }) => there === undefined && call.callId === part.callId) : -1
    if (index === -1) others.push(part)
    else results[index] = { call: (results[index] as RoundResult).call, from: logged, part: part as ToolResultPart }
  }
  return { ...held, results, between: [...held.between, ...strays(logged, others, placedLate)], seqs: [...held.seqs, logged.seq] }
}

const placed = ({ logged, results, between }: Held, late: LateResults): Step[] => [
  { type: 'round', logged, results: results.map((result) => (result.part === undefined ? { ...result, ...late.get(result.call) } : result)) },
  ...between,
]

function strays(logged: LoggedMessage, parts: readonly Part[], placedLate: ReadonlySet<Part> | undefined): Step[] {
  const left = placedLate === undefined ? parts : parts.filter((part) => !placedLate.has(part))
  return left.length === 0 ? [] : [{ type: 'stray', logged, parts: left }]
}
