// Generated sessions: turns, parallel, open and late calls, images, empty texts, many scripts, assistant-first logs, huge messages, state, contexts in between.
import fc from 'fast-check'
import type { ContextOptions } from '../../src/context/policy/context-options.ts'
import type { Json } from '../../src/core/json.ts'
import { aMemory, call, result, tableSession, textPart, type TableSession } from './session-table.ts'

type Event =
  | { readonly type: 'say'; readonly role: 'user' | 'assistant' | 'system'; readonly text: string }
  | { readonly type: 'image' }
  | { readonly type: 'reasoning'; readonly text: string }
  /** Calls of one round; `results` says which come at once, and which come `late` or never. */
  | {
      readonly type: 'round'
      readonly ids: readonly string[]
      readonly text: string
      readonly size: string
      readonly results: readonly ('now' | 'late' | 'never')[]
    }
  | { readonly type: 'late' }
  | { readonly type: 'orphan'; readonly id: string; readonly text: string }
  | { readonly type: 'state'; readonly patch: Json }
  | { readonly type: 'pause'; readonly ms: number }
  | { readonly type: 'context'; readonly cold: boolean }

export interface Scenario {
  readonly events: readonly Event[]
  readonly options: ContextOptions
  readonly pinFrom: number // 0–1: which message is pinned; over 1: none
  readonly memories: boolean
}

const scripts = [
  'the quick brown fox jumps over the lazy dog',
  'съешь ещё этих мягких французских булок',
  '我昨天搬到了里斯本，现在吃素',
  'いろはにほへとちりぬるを',
  'صباح الخير يا صديقي العزيز',
  'नमस्ते आप कैसे हैं',
  'สวัสดีครับคุณสบายดีไหม',
  'const x = { a: 1, b: [2, 3] } // AKx91zQ==',
]

const text = fc
  .tuple(
    fc.constantFrom(...scripts),
    fc.oneof(
      { weight: 12, arbitrary: fc.integer({ min: 1, max: 12 }) },
      { weight: 2, arbitrary: fc.integer({ min: 40, max: 120 }) },
      { weight: 1, arbitrary: fc.constant(300) },
    ),
  )
  .map(([words, times]) => `${words} `.repeat(times).trimEnd())
const anyText = fc.oneof(
  { weight: 20, arbitrary: text },
  { weight: 1, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constant(' ') },
  { weight: 1, arbitrary: fc.constantFrom("$& $' $$ {messages}", '<recalled-data x>', '\ud800 lone') },
)
const callId = fc.constantFrom('c1', 'c2', 'c3', 'c4', 'bad id!')

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant('say' as const), role: fc.constant('user' as const), text: anyText }) },
  { weight: 9, arbitrary: fc.record({ type: fc.constant('say' as const), role: fc.constant('assistant' as const), text: anyText }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('say' as const), role: fc.constant('system' as const), text }) },
  { weight: 1, arbitrary: fc.constant({ type: 'image' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reasoning' as const), text: anyText }) },
  {
    weight: 5,
    arbitrary: fc.uniqueArray(callId, { minLength: 1, maxLength: 3 }).chain((ids) =>
      fc.record({
        type: fc.constant('round' as const),
        ids: fc.constant(ids),
        text: fc.constantFrom('', 'let me look'),
        size: text,
        results: fc.array(
          fc.oneof(
            { weight: 8, arbitrary: fc.constant('now' as const) },
            { weight: 1, arbitrary: fc.constant('late' as const) },
            { weight: 1, arbitrary: fc.constant('never' as const) },
          ),
          { minLength: ids.length, maxLength: ids.length },
        ),
      }),
    ),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'late' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('orphan' as const), id: callId, text }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('state' as const),
      patch: fc.constantFrom<Json>({ a: 1 }, { a: null, b: 'x' }, { plan: { step: 2 } }, {}),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pause' as const), ms: fc.constantFrom(1_000, 400_000, 4_000_000) }) },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('context' as const), cold: fc.boolean() }) },
)

const strategy: fc.Arbitrary<NonNullable<ContextOptions['strategy']>> = fc.constantFrom<NonNullable<ContextOptions['strategy']>>(
  'slidingWindow',
  'summary',
  'hybrid',
  { name: 'slidingWindow', last: { messages: 5 } },
  { name: 'slidingWindow', last: { tokens: 800 } },
  { name: 'slidingWindow', last: { turns: 2 } },
  { name: 'summary', keepTurns: 0, summaryTokens: 300 },
  { name: 'hybrid', lowTokens: 400, highTokens: 1_200 },
  { name: 'hybrid', summaryTokens: 200, highTokens: 900 },
)

const tools = [{ type: 'function', function: { name: 'look', description: 'Looks things up', parameters: { type: 'object' } } }]

export const options: fc.Arbitrary<ContextOptions> = fc
  .record({
    strategy,
    format: fc.constantFrom('neutral' as const, 'openai-chat' as const),
    model: fc.constantFrom(undefined, 'gpt-4o', 'claude-sonnet-5'),
    budgetTokens: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 2_000, max: 6_000 }) },
      { weight: 2, arbitrary: fc.integer({ min: 6_000, max: 120_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 120_000, max: 200_000 }) },
    ),
    system: fc.constantFrom(undefined, 'You are kind.', "Be brief. $& {messages} $'"),
    tools: fc.constantFrom(undefined, tools),
    minTurns: fc.constantFrom(undefined, 0, 1, 4),
  })
  .map(({ model, system, tools: definitions, minTurns, budgetTokens, ...rest }) => ({
    ...rest,
    budgetTokens: model === 'claude-sonnet-5' ? budgetTokens : Math.min(budgetTokens, 123_000),
    ...(model === undefined ? {} : { model }),
    ...(system === undefined ? {} : { system }),
    ...(definitions === undefined ? {} : { tools: definitions }),
    ...(minTurns === undefined ? {} : { minTurns }),
  }))

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  events: fc.oneof(
    { weight: 4, arbitrary: fc.array(event, { minLength: 2, maxLength: 24 }) },
    { weight: 1, arbitrary: fc.array(event, { minLength: 30, maxLength: 70 }) },
  ),
  options,
  pinFrom: fc.oneof({ weight: 3, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) }),
  memories: fc.boolean(),
})

/** Applies events one by one; `onContext` is called at each context event and once at the end. */
export async function play(
  { events, memories }: Scenario,
  onContext: (session: TableSession, cold: boolean) => Promise<void>,
): Promise<TableSession> {
  const session = tableSession(memories ? { recall: memoriesFor, preferences: preferencesFor } : {})
  const waiting: string[] = []
  for (const [index, event] of events.entries()) {
    session.clock.advance(1_000)
    if (event.type === 'context') await onContext(session, event.cold)
    else apply(session, event, waiting, index)
  }
  await onContext(session, true)
  return session
}

function apply(session: TableSession, event: Exclude<Event, { type: 'context' }>, waiting: string[], index: number): void {
  switch (event.type) {
    case 'say':
      session.say(event.role, event.text)
      break
    case 'image':
      session.say('user', [{ type: 'image', mediaType: 'image/png', url: 'https://example.org/a.png' }])
      break
    case 'reasoning':
      session.say('assistant', [{ type: 'reasoning', family: 'anthropic', data: { thinking: `t${index}` } }, textPart(event.text, 'assistant')])
      break
    case 'round':
      session.say('assistant', [...(event.text === '' ? [] : [textPart(event.text, 'assistant')]), ...event.ids.map((id) => call(id))])
      for (const [at, id] of event.ids.entries()) {
        if (event.results[at] === 'now') session.say('tool', [result(id, event.size)])
        if (event.results[at] === 'late') waiting.push(id)
      }
      break
    case 'late': {
      const id = waiting.shift()
      if (id !== undefined) session.say('tool', [result(id, `late ${index}`)])
      break
    }
    case 'orphan':
      session.say('tool', [result(event.id, event.text)])
      break
    case 'state':
      session.patch(event.patch)
      break
    case 'pause':
      session.clock.advance(event.ms)
      break
  }
}

/** Deterministic in the newest message: it recalls the same until the log goes on. */
function memoriesFor(_query: string, session: TableSession) {
  const seq = session.fold().messages.at(-1)?.seq ?? 0
  const made = [seq % 5, (seq * 7) % 5, 3].map((n) => aMemory(`mem${n}`, `fact number ${n} `.repeat(n + 1)))
  const found = [...new Map(made.map((memory) => [memory.id, memory])).values()].slice(0, seq % 3)
  for (const memory of found) session.memories.set(memory.id, memory)
  return found
}

function preferencesFor(session: TableSession) {
  const preference = aMemory('pref9', 'answers in short sentences', { kind: 'procedural' })
  if (session.fold().messages.length < 3) return []
  session.memories.set(preference.id, preference)
  return [preference]
}

export const pinsOf = (session: TableSession, pinFrom: number): number[] => {
  const pinnable = session
    .fold()
    .messages.filter(
      ({ message }) =>
        message.role === 'user' && message.parts.some((part) => part.type === 'text' && part.text.length > 3 && part.text.length < 400),
    )
  const one = pinFrom > 1 ? undefined : pinnable[Math.floor(pinFrom * pinnable.length)]
  return one === undefined ? [] : [one.seq]
}
