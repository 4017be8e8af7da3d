// What a provider forbids, settled as messages are placed, so that what has been placed never changes (RULE-1): I2 at the front, I12 over all calls.
// Pairing (I1), one system prompt (I3) and empty content (I11) hold by the way messages are placed; merging (I4) is done when they are lowered.
import type { Part } from '../../core/message.ts'
import type { Emitted } from '../prompt/emitted.ts'
import { counted, plain, type Rendering } from './pack-message.ts'

export interface Settled {
  readonly messages: readonly Emitted[] // those of the last step
  readonly callIds: ReadonlySet<string>
  readonly repairs: readonly { readonly rule: string; readonly seq: number }[]
}

export const noRepairs: Settled = { messages: [], callIds: new Set(), repairs: [] }
const startMark = '[start]'

/** The messages of one step, which holds whole rounds, after those before it. */
export function settle(messages: readonly Emitted[], first: boolean, before: Settled, by: Rendering): Settled {
  const { rules } = by.profile
  const repairs = placeholders(messages)
  const unique = rules.includes('I12') ? uniqueCalls(messages, before.callIds, repairs, by) : { messages, callIds: before.callIds }
  const sent = first && rules.includes('I2') ? started(unique.messages, repairs, by) : unique.messages
  return { messages: sent, callIds: unique.callIds, repairs: repairs.length === 0 ? before.repairs : [...before.repairs, ...repairs] }
}

/** What stands for a result that never came (I1), or for a part that cannot be sent (I11). */
function placeholders(messages: readonly Emitted[]): { rule: string; seq: number }[] {
  const call = messages[0]?.seq ?? 0
  return messages.flatMap(({ change, role, seq }) =>
    change !== 'placeholder' ? [] : [role === 'tool' && seq === undefined ? { rule: 'I1', seq: call } : { rule: 'I11', seq: seq ?? call }],
  )
}

/** I2: a leading assistant message gets a user message before it. */
function started(messages: readonly Emitted[], repairs: { rule: string; seq: number }[], by: Rendering): readonly Emitted[] {
  const head = messages[0]
  if (head === undefined || head.role === 'user') return messages
  repairs.push({ rule: 'I2', seq: head.seq ?? 0 })
  return [counted({ role: 'user', parts: [plain(startMark)], class: 'message', why: 'recent', change: 'placeholder' }, by), ...messages]
}

// What the providers of the formats at hand take as an id.
const legal = /^[A-Za-z0-9_-]{1,40}$/

/** I12: a call id that is not legal, or was used before, becomes an HMAC of itself and its place: any process gives the same. */
function uniqueCalls(
  messages: readonly Emitted[],
  used: ReadonlySet<string>,
  repairs: { rule: string; seq: number }[],
  by: Rendering,
): Pick<Settled, 'messages' | 'callIds'> {
  const calls = messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'tool-call'))
  if (calls.length === 0) return { messages, callIds: used }
  const seq = messages.find(({ role }) => role === 'assistant')?.seq ?? 0
  const callIds = new Set(used)
  const names = new Map<string, string[]>() // by id: the names of its first, second, … call
  let changed = false
  for (const { callId } of calls) {
    const same = names.get(callId) ?? []
    const fits = legal.test(callId) && !callIds.has(callId)
    const name = fits ? callId : `call_${by.keys.tag('id', ['call', callId, String(seq), String(same.length)])}`
    callIds.add(name)
    names.set(callId, [...same, name])
    changed ||= !fits
  }
  if (!changed) return { messages, callIds }
  repairs.push({ rule: 'I12', seq })
  const taken = { 'tool-call': new Map<string, number>(), 'tool-result': new Map<string, number>() }
  return { messages: messages.map((message) => Object.freeze({ ...message, parts: renamedParts(message, names, taken) })), callIds }
}

/** Calls take the names of their id in turn; results too, since they stand in call order. */
function renamedParts(
  { parts }: Emitted,
  names: ReadonlyMap<string, string[]>,
  taken: Readonly<Record<'tool-call' | 'tool-result', Map<string, number>>>,
): readonly Part[] {
  return parts.map((part) => {
    if (part.type !== 'tool-call' && part.type !== 'tool-result') return part
    const all = names.get(part.callId)
    if (all === undefined) return part
    const index = taken[part.type].get(part.callId) ?? 0
    taken[part.type].set(part.callId, index + 1)
    return { ...part, callId: all[Math.min(index, all.length - 1)] as string }
  })
}
