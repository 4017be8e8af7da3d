// From what is packed to a provider's messages: neighbours of one role merged where the provider asks for it (I4), then lowered; only what is new (LOW-2).
import type { Format, ToolDefinition } from '../../core/context.ts'
import type { TextPart } from '../../core/message.ts'
import { escapeFence } from '../../security/data-fence.ts'
import type { Context } from '../policy/context-options.ts'
import { cacheHints } from '../prompt/cache-hints.ts'
import type { Emitted } from '../prompt/emitted.ts'
import { lowerNeutral } from '../prompt/lower-neutral.ts'
import { lowerOpenaiChat } from '../prompt/lower-openai-chat.ts'
import type { Packed } from './pack.ts'
import type { Policy } from '../policy/policy.ts'
import { plain } from './pack-message.ts'
import { requireRules } from '../prompt/rules.ts'

/** Frozen messages of one epoch in one format. The last group may still grow by merging; all before it stands. */
export interface Lowered {
  readonly fenceKey: string
  readonly policy: Policy
  readonly emitted: readonly Emitted[]
  readonly messages: readonly unknown[] // without the system message
  readonly ends: readonly number[] // emitted tokens up to the end of each message
  readonly lastGroup: { readonly emitted: number; readonly messages: number; readonly tokens: number } // where it begins
}

/** What was lowered last, to be extended. */
export interface LoweredMemo {
  lowered: Lowered | undefined
}

const lowerings: Record<
  Format,
  (input: { system?: string; tools?: readonly ToolDefinition[]; messages: readonly Emitted[] }) => Pick<Context, 'messages' | 'system' | 'tools'>
> = {
  neutral: lowerNeutral,
  'openai-chat': lowerOpenaiChat,
}

export function lowerPacked(packed: Packed, policy: Policy, cache: LoweredMemo): Pick<Context, 'messages' | 'system' | 'tools' | 'cacheHints'> {
  const known = cache.lowered
  const lowered = extend(packed, policy, known !== undefined && continues(known, packed, policy) ? known : undefined)
  cache.lowered = lowered
  const front = lowerings[policy.format]({ ...(policy.system === '' ? {} : { system: policy.system }), tools: policy.tools, messages: [] })
  return { ...front, messages: [...front.messages, ...lowered.messages], cacheHints: hintsOf(packed, policy, lowered, front.messages.length) }
}

/** The same epoch, format and rules, and all that was lowered still stands. */
const continues = (known: Lowered, packed: Packed, policy: Policy): boolean =>
  known.fenceKey === packed.fenceKey &&
  known.policy.format === policy.format &&
  known.policy.profile === policy.profile &&
  known.emitted.length <= packed.emitted.length &&
  known.emitted.at(-1) === packed.emitted[known.emitted.length - 1]

function extend(packed: Packed, policy: Policy, known: Lowered | undefined): Lowered {
  if (known !== undefined && known.emitted.length === packed.emitted.length) return known
  const from = known?.lastGroup ?? { emitted: 0, messages: 0, tokens: 0 }
  const messages = known === undefined ? [] : known.messages.slice(0, from.messages)
  const ends = known === undefined ? [] : known.ends.slice(0, from.messages)
  let { tokens } = from
  let lastGroup: Lowered['lastGroup'] = from
  let at = from.emitted
  const { rules } = policy.profile
  const added = groups(packed.emitted.slice(from.emitted), rules.includes('I4'))
  if (known === undefined) requireRules(added.map(merged), rules)
  else requireAdded(added.map(merged), rules)
  for (const group of added) {
    lastGroup = { emitted: at, messages: messages.length, tokens }
    for (const message of lowerings[policy.format]({ messages: [merged(group)] }).messages) messages.push(frozen(message))
    tokens += group.reduce((sum, one) => sum + one.tokens, 0)
    while (ends.length < messages.length) ends.push(tokens)
    at += group.length
  }
  return { fenceKey: packed.fenceKey, policy, emitted: packed.emitted, messages, ends, lastGroup }
}

/** They are given out again with the next context: a caller that changed one would change that as well (LOW-2). */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

/** What is new begins with a message that stands for itself: results at its front end a round that was checked before. */
function requireAdded(added: readonly Emitted[], rules: Policy['profile']['rules']): void {
  const from = added.findIndex(({ role }) => role !== 'tool')
  if (from === -1) return
  requireRules(
    added.slice(from),
    rules.filter((rule) => rule !== 'I2'),
  )
}

function groups(messages: readonly Emitted[], merge: boolean): Emitted[][] {
  const all: Emitted[][] = []
  for (const message of messages) {
    const last = all.at(-1)
    if (merge && last !== undefined && last[0]?.role === message.role) last.push(message)
    else all.push([message])
  }
  return all
}

const merged = (group: readonly Emitted[]): Emitted => {
  const [first, ...rest] = group as [Emitted, ...Emitted[]]
  if (rest.length === 0) return first
  return { ...first, parts: [...first.parts, ...rest.flatMap(({ name, parts }) => (name === first.name ? parts : [speaker(name), ...parts]))] }
}

/** Of several who speak in one message, the first gives its name; the text says who the others are. */
const speaker = (name = 'user'): TextPart => plain(`[${escapeFence(name)}] `)

function hintsOf(packed: Packed, { profile }: Policy, { ends }: Lowered, before: number): Context['cacheHints'] {
  if (profile.cache.maxHints === 0) return []
  const fixed = packed.sums.tools + packed.sums.system
  const turnTokens = packed.emitted.slice(0, packed.turnStart).reduce((sum, { tokens }) => sum + tokens, 0)
  const summaryTokens = packed.sums.pins + packed.sums.summary
  const summaryEnd = packed.sums.summary === 0 ? -1 : ends.findIndex((end) => end >= summaryTokens)
  return cacheHints(profile, {
    fixedTokens: fixed,
    tokensUpTo: ends.map((end) => fixed + end),
    ...(summaryEnd === -1 ? {} : { summaryEnd }),
    turnStart: Math.max(
      0,
      ends.findIndex((end) => end > turnTokens),
    ),
  }).map(({ index, ttlSeconds }) => ({ index: index + before, ttlSeconds }))
}
