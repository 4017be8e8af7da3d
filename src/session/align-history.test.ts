// Each message stands in the path once, in order, however the client sends its history.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Message, Role } from '../core/message.ts'
import { alignHistory, canonical, type Canonical, type SentHistory } from './align-history.ts'

const known = new Map<string, Canonical>()
/** `u:hello` is a user message; `a:hello…` an answer that was cut off. Kept, so that ten thousand runs stay cheap. */
function said(text: string): Canonical {
  const there = known.get(text)
  if (there !== undefined) return there
  const role: Role = text.startsWith('u:') ? 'user' : 'assistant'
  const incomplete = text.endsWith('…')
  const made = canonical({
    role,
    parts: [{ type: 'text', text: text.slice(2).replace('…', ''), spans: [] }],
    ...(incomplete ? { incomplete: 'aborted' as const } : {}),
  })
  if (known.size < 100_000) known.set(text, made)
  return made
}

function after(path: readonly string[], sent: readonly string[], how: SentHistory = 'unsaid'): string[] {
  const { keep, from } = alignHistory(path.map(said), sent.map(said), how)
  return [...path.slice(0, keep), ...sent.slice(from)]
}

describe('what matches', () => {
  const path = ['u:1', 'a:1', 'u:2', 'a:2']
  const table: [string, string[], string, string[], boolean?][] = [
    ['the full history adds what is new', [...path, 'u:3'], 'append', [...path, 'u:3']],
    ['a shortened history adds what is new', ['u:2', 'a:2', 'u:3'], 'append', [...path, 'u:3']],
    ['only the new message is added', ['u:3'], 'append', [...path, 'u:3']],
    ['an edit changes the path at its place', ['u:1', 'a:1', 'u:other'], 'rewind', ['u:1', 'a:1', 'u:other']],
    ['regenerate drops the last answer', ['u:1', 'a:1', 'u:2'], 'rewind', ['u:1', 'a:1', 'u:2']],
    ['a repeated user message alone is never an edit', ['u:1'], 'append', [...path, 'u:1']],
    ['an altered copy of an answer leaves ours', ['u:1', 'a:changed', 'u:2', 'a:2', 'u:3'], 'append', ['u:1', 'a:1', 'u:2', 'a:2', 'u:3'], true],
    ['a history from elsewhere is added whole', ['u:9', 'a:9', 'u:3'], 'unknown', [...path, 'u:9', 'a:9', 'u:3']],
  ]
  test.each(table)('%s [OAI-8]', (_, sent, kind, expected, altered = false) => {
    const got = alignHistory(path.map(said), sent.map(said))
    expect([got.kind, got.altered]).toEqual([kind, altered])
    if (!altered) expect(after(path, sent)).toEqual(expected)
    else expect([...path.slice(0, got.keep), ...sent.slice(got.from)]).toEqual(expected)
  })

  test('an unanswered last message that comes again is a retry [OAI-10]', () => {
    expect(alignHistory(['u:1', 'a:1', 'u:2'].map(said), ['u:1', 'a:1', 'u:2'].map(said)).kind).toBe('retry')
    expect(alignHistory(['u:1', 'a:1', 'u:2'].map(said), ['u:2'].map(said)).kind).toBe('retry')
  })

  test('an answer that was cut off matches what the client saw of it, shorter or longer [OAI-10]', () => {
    for (const seen of ['a:Once upon', 'a:Once upon a time'])
      expect(after(['u:tell', 'a:Once upon a…'], ['u:tell', seen, 'u:go on'])).toEqual(['u:tell', 'a:Once upon a…', 'u:go on'])
  })

  test('a client may say which history it sends [OAI-9]', () => {
    const repeats = ['u:a', 'a:b', 'u:a', 'a:b']
    expect(after(repeats, ['u:a', 'a:b', 'u:c'], 'full')).toEqual(['u:a', 'a:b', 'u:c'])
    expect(after(repeats, ['u:a', 'a:b', 'u:c'], 'tail')).toEqual([...repeats, 'u:c'])
    expect(after(repeats, ['u:changed'], 'full')).toEqual(['u:changed'])
  })
})

describe('the canonical form', () => {
  const text = (role: Role, value: string): Message => ({ id: value, role, createdAt: 0, parts: [{ type: 'text', text: value, spans: [] }] })
  test('line ends, and white space after an answer, do not count; a user text counts as it is [OAI-7]', () => {
    expect(canonical(text('assistant', 'a\r\nb  \n')).key).toBe(canonical(text('assistant', 'a\nb')).key)
    expect(canonical(text('user', 'a ')).key).not.toBe(canonical(text('user', 'a')).key)
  })
  test('arguments count by value, ids and results by text, reasoning not at all [OAI-7]', () => {
    const call = (args: string): Message => ({
      id: 'x',
      role: 'assistant',
      createdAt: 0,
      parts: [{ type: 'tool-call', callId: 'c', name: 'f', arguments: args }],
    })
    expect(canonical(call('{"b":1, "a":2}')).key).toBe(canonical(call('{"a":2,"b":1}')).key)
    expect(canonical(call('{"a":3}')).key).not.toBe(canonical(call('{"a":2}')).key)
    expect(canonical(call('{"a":')).key).not.toBe(canonical(call('{"b":')).key)
    const reasoned: Message = {
      ...text('assistant', 'yes'),
      parts: [
        { type: 'reasoning', family: 'openai', data: 'hidden' },
        { type: 'text', text: 'yes', spans: [] },
      ],
    }
    expect(canonical(reasoned).key).toBe(canonical(text('assistant', 'yes')).key)
  })
  test('fields cannot run into one another [OAI-7]', () => {
    const two = (a: string, b: string): Message => ({
      id: 'x',
      role: 'assistant',
      createdAt: 0,
      parts: [{ type: 'tool-call', callId: a, name: b, arguments: '{}' }],
    })
    expect(canonical(two('ab', 'c')).key).not.toBe(canonical(two('a', 'bc')).key)
  })
})

describe('each message once, in order', () => {
  type Style = (path: readonly string[], fresh: string, pick: number) => { sent: string[]; path: string[]; expected: string[] } | undefined
  const even = (n: number, pick: number, least: number) => least + 2 * (pick % Math.max(1, (n - least) / 2))
  const styles: Record<string, Style> = {
    full: (path, fresh) => ({ sent: [...path, fresh], path: [...path], expected: [...path, fresh] }),
    shortened: (path, fresh, pick) => ({ sent: [...path.slice(even(path.length, pick, 0)), fresh], path: [...path], expected: [...path, fresh] }),
    'new message': (path, fresh) => ({ sent: [fresh], path: [...path], expected: [...path, fresh] }),
    retry: (path, fresh) => ({ sent: [...path, fresh], path: [...path, fresh], expected: [...path, fresh] }),
    altered: (path, fresh, pick) => {
      const at = 1 + 2 * (pick % (path.length / 2))
      return { sent: [...path.map((one, i) => (i === at ? 'a:altered' : one)), fresh], path: [...path], expected: [...path, fresh] }
    },
    edit: (path, fresh, pick) => {
      const at = even(path.length, pick, 2)
      return at >= path.length ? undefined : { sent: [...path.slice(0, at), fresh], path: [...path], expected: [...path.slice(0, at), fresh] }
    },
    regenerate: (path) => (path.length < 4 ? undefined : { sent: path.slice(0, -1), path: [...path], expected: path.slice(0, -1) }),
    abort: (path, fresh) => {
      const stored = [...path.slice(0, -1), `${path.at(-1)}…`]
      return { sent: [...path, fresh], path: stored, expected: [...stored, fresh] }
    },
  }
  const words = ['yes', 'no', 'maybe']
  const cases = Object.entries(styles).flatMap(([name, style]) => [
    { name, style, few: false, how: 'unsaid' as SentHistory },
    ...(name === 'altered' || name === 'abort'
      ? []
      : [{ name, style, few: true, how: (name === 'shortened' || name === 'new message' ? 'tail' : 'full') as SentHistory }]),
    ...(name === 'full' || name === 'new message' ? [{ name, style, few: true, how: 'unsaid' as SentHistory }] : []),
  ])
  test.each(cases)('$name, three words: $few, header: $how [OAI-11]', ({ name, style, few, how }) => {
    const word = few ? fc.constantFrom(...words) : fc.integer({ min: 0, max: 1e6 }).map(String)
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 8 }), word, fc.nat(100), (rounds, next, pick) => {
        const path = rounds.flatMap(([u, a], i) => (few ? [`u:${u}`, `a:${a}`] : [`u:${i}.${u}`, `a:${i}.${a}`]))
        const one = style(path, few ? `u:${next}` : `u:next.${next}`, pick)
        if (one === undefined) return
        const got = after(one.path, one.sent, how)
        // The same words may stand at the place where an edit would be: then the path is right, and nothing has to change.
        if (name === 'edit' && few && one.path.slice(0, one.sent.length).join() === one.sent.join()) return
        expect(got).toEqual(one.expected)
      }),
      { numRuns: 10_000 },
    )
  })
})
