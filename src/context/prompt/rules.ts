// What providers refuse, as checks over the messages of a context (context.md §3.1). Each is one pass; the repairs are made as messages are placed.
import { RecollectError } from '../../core/errors.ts'
import type { Part, Role } from '../../core/message.ts'
import type { RuleId } from './rule-ids.ts'

/** A message as it is about to be lowered, neighbours merged. */
export interface Checked {
  readonly role: Role
  readonly parts: readonly Part[]
  readonly seq?: number
}

export interface Breach {
  readonly rule: RuleId
  readonly seq: number // 0 for a message that stands in no log
}

/** The breaches of these rules, in the order of the rules. */
export const breachesOf = (messages: readonly Checked[], rules: readonly RuleId[]): readonly Breach[] =>
  rules.flatMap((rule) => checks[rule](messages).map(({ seq = 0 }) => ({ rule, seq })))

/** The messages themselves. @throws `invalid_input` naming the first rule that is broken (RULE-1) */
export function requireRules<M extends Checked>(messages: readonly M[], rules: readonly RuleId[]): readonly M[] {
  const [breach] = breachesOf(messages, rules)
  if (breach === undefined) return messages
  throw new RecollectError(
    'invalid_input',
    `the messages break the provider's rule ${breach.rule} at seq ${breach.seq}: ${asked[breach.rule]}`,
    'Correct that message, or choose a profile whose rules allow it.',
  )
}

const asked: Record<RuleId, string> = {
  I1: 'each call is followed at once by its result, in order, and no result comes without its call',
  I2: 'the first message is of the user',
  I3: 'the system text stands before all messages',
  I4: 'no two neighbours have one role',
  I11: 'no message and no part is empty',
  I12: 'no call id stands twice',
}

const checks: Record<RuleId, (messages: readonly Checked[]) => readonly Checked[]> = {
  I1: unpaired,
  // The last message is checked for the providers that ask for it: none of the formats at hand does (CTX-4).
  I2: (messages) => messages.slice(0, 1).filter(({ role }) => role !== 'user'),
  I3: (messages) => messages.filter(({ role }) => role === 'system'),
  I4: (messages) => messages.filter(({ role }, index) => role !== 'tool' && messages[index - 1]?.role === role),
  I11: (messages) => messages.filter(({ parts }) => isEmpty(parts)),
  I12: repeatedCalls,
}

/** Calls whose results do not follow at once, all, in call order; and results without such a call. */
function unpaired(messages: readonly Checked[]): Checked[] {
  const breaches: Checked[] = []
  let waiting: string[] = []
  let asking: Checked | undefined
  for (const message of messages) {
    for (const part of message.parts) {
      if (part.type !== 'tool-result') continue
      if (waiting[0] === part.callId) waiting.shift()
      else breaches.push(message)
    }
    if (message.role === 'tool') continue
    if (waiting.length > 0 && asking !== undefined) breaches.push(asking)
    waiting = message.parts.flatMap((part) => (part.type === 'tool-call' ? [part.callId] : []))
    asking = message
  }
  if (waiting.length > 0 && asking !== undefined) breaches.push(asking)
  return breaches
}

const isEmpty = (parts: readonly Part[]): boolean =>
  parts.length === 0 || parts.some((part) => (part.type === 'text' && part.text === '') || (part.type === 'tool-result' && isEmpty(part.content)))

function repeatedCalls(messages: readonly Checked[]): Checked[] {
  const seen = new Set<string>()
  return messages.filter(({ parts }) =>
    parts.some((part) => {
      if (part.type !== 'tool-call') return false
      const again = seen.has(part.callId)
      seen.add(part.callId)
      return again
    }),
  )
}
