// A log's messages by turns and rounds: what a context may part, and what it must keep together. By seq and call id, never by time.
import { beginsTurn, type LoggedMessage, type Part } from '../../core/message.ts'

/** One assistant message with tool calls, its reasoning, and the results of those calls. Parallel calls are one round (TURN-1). */
export interface Round {
  readonly firstSeq: number
  readonly lastSeq: number
  readonly calls: readonly string[] // call ids, in order
  readonly open: readonly string[] // those without a result yet
}

export interface Turn {
  readonly no: number // 0: what stands before the first user message
  readonly firstSeq: number
  readonly lastSeq: number
  readonly userSeq?: number // its first user message
  readonly messages: readonly LoggedMessage[]
  readonly rounds: readonly Round[]
  readonly open: boolean // a call of it has no result in it (TURN-4)
}

/** The turns of a log, oldest first: one step a message (TURN-2). */
export function groupTurns(messages: readonly LoggedMessage[]): readonly Turn[] {
  const turns: Growing[] = []
  for (const logged of messages) {
    const current = turns.at(-1)
    if (current === undefined || beginsTurn(logged.message, current.messages.at(-1)?.message))
      turns.push({ no: numberAfter(current, logged), messages: [], rounds: [] })
    grow(turns.at(-1) as Growing, logged)
  }
  return turns.map(grown)
}

const numberAfter = (before: Growing | undefined, { message }: LoggedMessage): number =>
  before === undefined ? (message.role === 'user' ? 1 : 0) : before.no + 1

interface Growing {
  readonly no: number
  readonly messages: LoggedMessage[]
  readonly rounds: GrowingRound[]
}
interface GrowingRound {
  readonly firstSeq: number
  lastSeq: number
  readonly calls: readonly string[]
  readonly open: string[]
}

function grow(current: Growing, logged: LoggedMessage): void {
  current.messages.push(logged)
  for (const callId of resultIds(logged.message.parts)) {
    // The newest round first: some providers number their calls anew in each round.
    const round = current.rounds.findLast(({ open }) => open.includes(callId))
    if (round === undefined) continue
    round.open.splice(round.open.indexOf(callId), 1)
    round.lastSeq = logged.seq
  }
  if (logged.message.role !== 'assistant') return
  const calls = callIds(logged.message.parts)
  if (calls.length > 0) current.rounds.push({ firstSeq: logged.seq, lastSeq: logged.seq, calls, open: [...calls] })
}

function grown({ no, messages, rounds }: Growing): Turn {
  const userSeq = messages.find(({ message }) => message.role === 'user')?.seq
  return {
    no,
    firstSeq: messages[0]?.seq ?? 0,
    lastSeq: messages.at(-1)?.seq ?? 0,
    ...(userSeq === undefined ? {} : { userSeq }),
    messages,
    rounds,
    open: rounds.some(({ open }) => open.length > 0),
  }
}

const callIds = (parts: readonly Part[]): string[] => parts.flatMap((part) => (part.type === 'tool-call' ? [part.callId] : []))
const resultIds = (parts: readonly Part[]): string[] => parts.flatMap((part) => (part.type === 'tool-result' ? [part.callId] : []))
