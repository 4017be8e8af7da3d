// Each message stands in the path once, in order, however the client sends its history.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MediaPart, Message, Part, Role } from '../../core/message.ts'
import { alignHistory, canonical, canonicalInput, type Canonical, type SentHistory } from './align-history.ts'

const known = new Map<string, Canonical>()
const roleOf: Record<string, Role> = { u: 'user', a: 'assistant', t: 'tool', s: 'system' }
/** `u:hello` is a user message; `a:hello…` an answer that was cut off. Kept, so that ten thousand runs stay cheap. */
function said(text: string): Canonical {
  const there = known.get(text)
  if (there !== undefined) return there
  const role = roleOf[text[0] as string] as Role
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
    ['one that has an answer in common too', ['u:9', 'a:1', 'u:8', 'a:8', 'u:3'], 'unknown', [...path, 'u:9', 'a:1', 'u:8', 'a:8', 'u:3']],
    ['one that has the questions in common too', ['u:9', 'a:9', 'u:2', 'a:8'], 'unknown', [...path, 'u:9', 'a:9', 'u:2', 'a:8']],
    ['an edit of the first message changes the path from there', ['u:9', 'a:1', 'u:2', 'a:2', 'u:3'], 'rewind', ['u:9', 'a:1', 'u:2', 'a:2', 'u:3']],
    ['one that is sent without what followed it is a new message', ['u:9'], 'append', [...path, 'u:9']],
    ['an edit in the middle changes the path from there', ['u:1', 'a:1', 'u:9', 'a:2', 'u:3'], 'rewind', ['u:1', 'a:1', 'u:9', 'a:2', 'u:3']],
    ['another answer in the place of the last one too', ['u:1', 'a:1', 'u:2', 'a:9'], 'rewind', ['u:1', 'a:1', 'u:2', 'a:9']],
    ['an edit behind an altered answer leaves that one ours', ['u:1', 'a:9', 'u:9'], 'rewind', ['u:1', 'a:1', 'u:9'], true],
    ['a result alone has its call elsewhere', ['t:9'], 'unknown', [...path, 't:9']],
    ['a message left out changes the path from there', ['u:1', 'a:1', 'a:2', 'u:3'], 'rewind', ['u:1', 'a:1', 'a:2', 'u:3']],
  ]
  test.each(table)('%s [OAI-8]', (_, sent, kind, expected, altered = false) => {
    const got = alignHistory(path.map(said), sent.map(said))
    expect([got.kind, got.altered]).toEqual([kind, altered])
    expect(after(path, sent)).toEqual(expected)
  })

  test('answers alone, taken as equal, are no match [OAI-8]', () => {
    expect(after(['a:welcome'], ['a:hello', 'u:1'])).toEqual(['a:welcome', 'a:hello', 'u:1'])
  })

  test('a match as long at the end as at the start is taken at the end [OAI-8]', () => {
    const repeats = ['u:a', 'a:b', 'u:a', 'a:b']
    expect(after(repeats, ['u:a', 'a:b', 'u:c'])).toEqual([...repeats, 'u:c'])
  })

  test('an unanswered last message that comes again is a retry [OAI-10]', () => {
    expect(alignHistory(['u:1', 'a:1', 'u:2'].map(said), ['u:1', 'a:1', 'u:2'].map(said)).kind).toBe('retry')
    expect(alignHistory(['u:1', 'a:1', 'u:2'].map(said), ['u:2'].map(said)).kind).toBe('retry')
  })

  test('an answer that was cut off matches what the client saw of it, shorter or longer [OAI-10]', () => {
    const align = (stored: string, seen: string) => alignHistory(['u:tell', stored].map(said), ['u:tell', seen, 'u:go on'].map(said))
    for (const seen of ['a:Once upon', 'a:Once upon a time'])
      expect(align('a:Once upon a…', seen)).toMatchObject({ kind: 'append', from: 2, altered: false })
    expect(align('a:Once upon a…', 'a:Never before')).toMatchObject({ kind: 'append', from: 2, altered: true })
    expect(align('a:Once upon a', 'a:Once upon')).toMatchObject({ kind: 'append', from: 2, altered: true }) // that one was whole
  })

  test('a history of one word said a hundred thousand times is aligned in linear time [OAI-8]', () => {
    const same = Array.from({ length: 100_000 }, () => said('u:yes'))
    expect(alignHistory([...same, said('a:no')], [...same, said('u:other')])).toMatchObject({ kind: 'append', from: 0 })
  })

  test('a client may say which history it sends [OAI-9]', () => {
    const repeats = ['u:a', 'a:b', 'u:a', 'a:b']
    expect(after(repeats, ['u:a', 'a:b', 'u:c'], 'full')).toEqual(['u:a', 'a:b', 'u:c'])
    expect(after(repeats, ['u:a', 'a:b', 'u:c'], 'tail')).toEqual([...repeats, 'u:c'])
    expect(after(repeats, ['u:changed'], 'full')).toEqual(['u:changed'])
    expect(after(repeats, ['u:changed', 'a:b', 'u:a', 'a:b'], 'tail')).toEqual([...repeats, 'u:changed', 'a:b', 'u:a', 'a:b'])
    expect(alignHistory([], repeats.map(said), 'full').kind).toBe('unknown')
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
  test('calls count by id and name, results by id and text, media by bytes or URL; names of speakers not at all [OAI-7]', () => {
    const key = (part: Part) => canonical({ role: 'tool', parts: [part] }).key
    const call: Part = { type: 'tool-call', callId: 'c', name: 'f', arguments: '{}' }
    const result = (content: string, callId = 'c', more: readonly Part[] = []): Part => ({
      type: 'tool-result',
      callId,
      content: [{ type: 'text', text: content, spans: [] }, ...more],
    })
    const image = (from: Partial<MediaPart>): Part => ({ type: 'image', mediaType: 'image/png', ...from })
    const [one, two] = [{ data: new Uint8Array([1]) }, { data: new Uint8Array([2]) }]
    const all = [
      call,
      { ...call, callId: 'd' },
      { ...call, name: 'g' },
      result('a'),
      result('b'),
      result('a', 'd'),
      result('a', 'c', [image(one)]),
      image(one),
      image(two),
      image({ url: 'https://a.example' }),
      image({ url: 'https://b.example' }),
    ]
    expect(new Set(all.map(key)).size).toBe(all.length)
    const sound = (data: string): Part => ({ type: 'foreign', family: 'openai', data: { type: 'input_audio', input_audio: { data } } })
    const asked = (part: Part) => canonical({ role: 'user', parts: [part] }).key
    expect(asked(sound('a'))).not.toBe(asked(sound('b')))
    expect(asked({ ...sound('a'), data: { input_audio: { data: 'a' }, type: 'input_audio' } } as Part)).toBe(asked(sound('a')))
    const answered = (...parts: Part[]) => canonical({ role: 'assistant', parts: [{ type: 'text', text: 'yes', spans: [] }, ...parts] }).key
    expect(answered({ type: 'foreign', family: 'openai', data: { refusal: 'no' } })).toBe(answered())
    expect(key(result('a\r\nb'))).toBe(key(result('a\nb')))
    expect(key(image({ ...one, name: 'cat.png' }))).toBe(key(image(one)))
    expect(canonicalInput({ role: 'user', text: 'hi', name: 'ann' }).key).toBe(canonical(text('user', 'hi')).key)
    expect(canonicalInput({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', content: 'a' }] }).key).toBe(key(result('a')))
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

describe('an edit anywhere, with all that followed it', () => {
  const history = fc
    .array(fc.record({ users: fc.integer({ min: 1, max: 2 }), tools: fc.nat(2), later: fc.boolean() }), { minLength: 1, maxLength: 6 })
    .map((rounds) =>
      rounds.flatMap(({ users, tools, later }, i) => [
        ...(later && i > 0 ? [`s:${i}`] : []),
        ...Array.from({ length: users }, (_, n) => `u:${i}.${n}`),
        ...Array.from({ length: tools }, (_, n) => [`a:${i}.call ${n}`, `t:${i}.${n}`]).flat(),
        `a:${i}`,
      ]),
    )
  test('leaves the path as the client sent it, each message once; sent again, nothing changes [OAI-8]', () => {
    fc.assert(
      fc.property(history, fc.nat(100), fc.boolean(), (path, pick, goesOn) => {
        const places = path.flatMap((one, i) => (one.startsWith('a:') ? [] : [i]))
        const at = places[pick % places.length] as number
        const sent = [...path.map((one, i) => (i === at ? `${one} edited` : one)), ...(goesOn ? ['u:next'] : [])]
        expect(after(path, sent)).toEqual(sent)
        expect(alignHistory(sent.map(said), sent.map(said))).toMatchObject({ kind: 'retry', keep: sent.length, from: sent.length })
      }),
      { numRuns: 5_000 },
    )
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
