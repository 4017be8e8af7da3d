import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dialogue } from '../../test/builders/dialogue.ts'
import { limits } from '../core/limits.ts'
import { textOf, type LoggedMessage, type Message, type Part } from '../core/message.ts'
import { identifiersOf, namesOf } from './identifiers.ts'
import { offlineSheet } from './offline-sheet.ts'
import { dropOrder, type ItemKind, type Sheet } from './sheet.ts'

const tag = (fields: readonly string[]): string => createHmac('sha256', 'key').update(JSON.stringify(fields)).digest('base64url').slice(0, 22)
const sheetOf = (messages: readonly LoggedMessage[]): Sheet => offlineSheet({ messages, upTo: messages.at(-1)?.seq ?? 0, tag })
const of = (kind: ItemKind, ...lines: readonly string[]) => sheetOf(dialogue(...lines)).items.filter((item) => item.kind === kind)
const texts = (kind: ItemKind, ...lines: readonly string[]) => of(kind, ...lines).map(({ text }) => text)
const wholeText = ({ parts }: Message): string =>
  parts
    .map((part) =>
      part.type === 'text'
        ? part.text
        : part.type === 'tool-result'
          ? part.content.map((one) => (one.type === 'text' ? one.text : '')).join('\n')
          : '',
    )
    .join('\n')

describe('the extractors', () => {
  test.each<[ItemKind, string[], string[]]>([
    [
      'goal',
      ['u: Hello there! Help me plan a trip to Lisbon.', 'a: Sure.', 'u: New task: write a letter.'],
      ['Help me plan a trip to Lisbon.', 'New task: write a letter.'],
    ],
    ['goal', ['u: Hello there! My kitchen sink leaks.', 'a: Oh.'], ['My kitchen sink leaks.']],
    [
      'constraint',
      ['u: Hi.', 'u: I prefer trains. It rained. Never book flights before noon.'],
      ['I prefer trains.', 'Never book flights before noon.'],
    ],
    ['decision', ['u: Plan it for me.', 'u: We decided to stay in Alfama.'], ['We decided to stay in Alfama.']],
    ['commitment', ['u: Plan it for me.', 'a: I will. I will send the tickets to you.'], ['I will send the tickets to you.']],
    ['question', ['u: Plan it for me.', 'u: Which museum opens early?'], ['Which museum opens early?']],
    ['fact', ['u: Plan it for me.', 'u: My sister Carla turns 40 soon. It is nice.'], ['My sister Carla turns 40 soon.']],
    ['entity', ['u: We met Ada Moreno near Lisbon.'], ['Ada Moreno', 'Lisbon']],
    ['entity', ['u: Hi Carla, thanks. Hello Bruno. Hey Ines!'], ['Carla', 'Bruno', 'Ines']],
    ['artifact', ['u: Try this:\n```ts\nconst a = 1\n```', 't: It is sunny. Go out.'], ['code: const a = 1', 'tool answered: It is sunny.']],
    ['identifier', ['u: Try this:\n```ts\nconst port = 8443\n```'], ['8443']],
    ['timeline', ['u: Plan a trip for me.', 'a: Gladly.'], ['Plan a trip for me.']],
    ['hint', ['u: Does Lisbon beat Porto?', 'a: We like Lisbon more.'], ['Lisbon · Porto']],
  ])('find a %s [SUM-1]', (kind, lines, found) => {
    expect(texts(kind, ...lines)).toEqual(found)
  })

  test.each<[ItemKind, string]>([
    ['constraint', 'I prefer trains.'],
    ['constraint', 'It should always be a window seat.'],
    ['constraint', 'Never book a hotel before noon.'],
    ['constraint', 'Do not call me at work.'],
    ['decision', 'We decided to stay in town.'],
    ['decision', 'We go with the tram.'],
    ['decision', 'Use the tram instead.'],
    ['decision', 'Agreed, the tram.'],
    ['commitment', 'I will send the tickets.'],
    ['commitment', 'Let us visit the castle.'],
    ['commitment', 'Still to do: pack the bags.'],
    ['commitment', 'Please send the report by noon.'],
  ])('a %s is told by its cue: %s [SUM-1]', (kind, sentence) => {
    expect(texts(kind, 'u: Plan it for me.', `u: ${sentence}`)).toContain(sentence)
  })

  test('a question is what the user asks, a constraint what the user wants [SUM-1]', () => {
    expect(of('question', 'u: Plan it.', 'a: Which museum do you like?')).toEqual([])
    expect(of('constraint', 'u: Plan it.', 'a: I always look at the map.')).toEqual([])
  })

  test('a timeline has a line, and a hint its range and topics, for every ten turns [SUM-1]', () => {
    const lines = Array.from({ length: 20 }, (_, n) => [`u: Day ${n} begins in Lisbon.`, 'a: Good.']).flat()
    expect(of('timeline', ...lines).map(({ text, firstSeq }) => [text, firstSeq])).toEqual([
      ['Day 0 begins in Lisbon.', 1],
      ['Day 10 begins in Lisbon.', 21],
    ])
    const mixed = ['u: We met Ada Moreno near Lisbon.', 't: The page names Porto.', 'a: We like Lisbon.']
    expect(of('hint', ...mixed)[0]).toMatchObject({
      text: 'Lisbon · Ada Moreno · Porto',
      refs: [1, 2],
      firstSeq: 1,
      lastSeq: 3,
      authority: 'untrusted',
    })
  })

  test.each(['Actually, the party room is blue.', 'No, the party room is blue.', 'The party room is blue instead.'])(
    'a correction is told by its cue: %s [SUM-1]',
    (sentence) => {
      const [, old] = sheetOf(dialogue('u: Plan a party.', 'u: The party room is in Lisbon.', `u: ${sentence}`)).items.filter(
        ({ kind }) => kind === 'fact' || kind === 'goal',
      )
      expect(old).toMatchObject({ text: 'The party room is in Lisbon.', status: 'superseded' })
    },
  )

  test('identifiers of all scripts are kept to the letter [SUM-1, SUM-4]', () => {
    expect(
      identifiersOf(
        'Order TX-204/b for $1,299.50 by May 12th, 2026 at 10:30, mail ada@example.org, see https://example.org/a?b=1. File ./src/app.ts, 25%, ٤٥ and 明天302室; e.g. and/or 5.',
      ),
    ).toEqual([
      'May 12th, 2026',
      'TX-204/b',
      '$1,299.50',
      '10:30',
      'ada@example.org',
      'https://example.org/a?b=1',
      './src/app.ts',
      '25%',
      '٤٥',
      '302',
    ])
  })

  test('an item has the standing of its message, and the lowest of those that say it [SUM-1]', () => {
    const [item] = of('entity', 'u: We met Ada Moreno.')
    const [both] = of('entity', 'u: We met Ada Moreno.', 't: The page names Ada Moreno.')
    expect([item?.authority, both?.authority, both?.refs, both?.madeBy]).toEqual(['typed', 'untrusted', [1, 2], 'extractor'])
  })

  test('mentions count distinct turns [SUM-1]', () => {
    expect(of('identifier', 'u: Order 4711.', 'a: You mean 4711.', 'u: Yes, 4711.')[0]).toMatchObject({
      text: '4711',
      mentions: 2,
      firstSeq: 1,
      lastSeq: 3,
    })
    const often = of('identifier', ...Array.from({ length: 60 }, () => ['u: Order 4711.', 'a: Yes.']).flat())[0]
    expect([often?.refs.length, often?.refs[0], often?.refs.at(-1), often?.mentions]).toEqual([limits.itemRefs, 1, 119, 60])
  })

  test('what was called is an artifact, and whether it failed [SUM-1]', () => {
    const at = (seq: number, role: 'assistant' | 'tool', part: Part): LoggedMessage => ({
      seq,
      message: { id: `m${seq}`, role, createdAt: 0, parts: [part] },
    })
    const said = { type: 'text', text: 'No such city. Try again.', spans: [] } as const
    const { items } = sheetOf([
      at(1, 'assistant', { type: 'tool-call', callId: 'c', name: 'weather', arguments: '{}' }),
      at(2, 'tool', { type: 'tool-result', callId: 'c', content: [said], failed: true }),
    ])
    expect(items.filter(({ kind }) => kind === 'artifact').map(({ text }) => text)).toEqual(['called weather', 'tool failed: No such city.'])
  })

  test('a correction supersedes the item it overlaps, and the old value with it [SUM-1]', () => {
    const { items } = sheetOf(
      dialogue('u: Plan a party.', 'u: The party room number is 4711.', 'a: Noted.', 'u: Actually the party room number is 5822.'),
    )
    const old = items.find(({ text }) => text.includes('is 4711'))
    expect(old?.status).toBe('superseded')
    expect(items.find(({ text }) => text.includes('is 5822'))).toMatchObject({ status: 'open', supersedes: old?.id })
    expect(items.filter(({ kind }) => kind === 'identifier').map(({ text, status }) => [text, status])).toEqual([
      ['4711', 'superseded'],
      ['5822', 'open'],
    ])
    const begun = of('identifier', 'u: Plan a party.', 'u: The party room number is 47.', 'u: Actually the party room number is 4711, on floor 22.')
    expect(begun.map(({ text, status }) => [text, status])).toEqual([
      ['47', 'superseded'],
      ['4711', 'open'],
      ['22', 'open'],
    ])
    const again = [
      'u: Plan a party.',
      'u: The room is in Lisbon at 9:30.',
      'u: Actually the room is in Porto at 9:30.',
      'u: The room is in Lisbon at 9:30.',
    ]
    expect(of('identifier', ...again.slice(0, 3))[0]?.status).toBe('open')
    expect(of('fact', ...again).map(({ text, status }) => [text.includes('Lisbon'), status])).toEqual([
      [true, 'open'],
      [false, 'open'],
    ])
    const elsewhere = [
      'u: Plan a party.',
      'u: The party room number is 4711.',
      'u: Lockers open by 4711.',
      'u: Actually the party room number is 5822.',
    ]
    expect(of('identifier', ...elsewhere).find(({ text }) => text === '4711')?.status).toBe('open')
  })

  test('of two that it overlaps alike the newest goes, and none of which it takes up little [SUM-1]', () => {
    const standing = (...lines: string[]) =>
      of('fact', 'u: Plan a party.', ...lines.map((line) => `u: ${line}`)).flatMap(({ text, status }) => (text.startsWith('The') ? [status] : []))
    expect(standing('The party room is in Lisbon.', 'The party room is in Porto.', 'Actually the party room is blue.')).toEqual([
      'open',
      'superseded',
    ])
    expect(standing('The old garden room of Ines has tall red doors.', 'Actually that room costs more than lunch with friends.')).toEqual(['open'])
    const between = Array.from({ length: 20 }, (_, n) => `My box ${n + 10} holds apples.`) // further back nobody looks: that would not be linear
    expect(standing('The party room is in Lisbon.', ...between, 'Actually the party room is blue.')).toEqual(['open'])
    expect(standing('The party room is in Lisbon.', ...between.slice(2), 'Actually the party room is blue.')).toEqual(['superseded'])
  })

  test('a tool or an assistant cannot supersede what the user said [SUM-1]', () => {
    const { items } = sheetOf(
      dialogue(
        'u: Hello friend.',
        'u: My payee account is 4711.',
        't: Actually the payee account is 6666.',
        'a: Actually the payee account is 6666.',
      ),
    )
    expect(items.find(({ text }) => text.includes('4711'))?.status).toBe('open')
    const tools = of('fact', 'u: Hello friend.', 't: The room is in Lisbon.', 't: Actually the room is in Porto.')
    expect(tools.map(({ status }) => status)).toEqual(['open', 'open']) // nor may one tool another
  })

  test('an overlapping answer resolves a question [SUM-1]', () => {
    expect(of('question', 'u: Plan it.', 'u: Which museum opens early?', 'a: The tile museum opens at nine.')[0]?.status).toBe('resolved')
    expect(of('question', 'u: Plan it.', 'u: Which museum opens early?', 'a: Let me look.')[0]?.status).toBe('open')
  })

  test('text that Recollect itself placed is left out [SUM-1]', () => {
    const nonce = 'A'.repeat(22)
    expect(
      texts('identifier', `u: See 4711 <recollect:recalled-data ${nonce} x>\n{"text":"8822"}\n</recollect:recalled-data ${nonce}> and 9933.`),
    ).toEqual(['4711', '9933'])
  })

  test('a span of tool messages alone is summarized [REG-4]', () => {
    const items = sheetOf(dialogue('t: Found 3 orders: TX-204, TX-311.', 't: Order TX-204 left Porto on 2026-03-14.')).items
    expect(items.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['TX-204', 'TX-311', '2026-03-14', 'Order TX-204 left Porto on 2026-03-14.']),
    )
    expect(new Set(items.map(({ authority }) => authority))).toEqual(new Set(['untrusted']))
  })

  test('of 300 facts that are evicted the sheet holds 300 [REG-2]', () => {
    const lines = Array.from({ length: 300 }, (_, index) => [`u: The code of room ${1_000 + index} is QX-${7_000 + index}.`, 'a: Noted.']).flat()
    const { items } = sheetOf(dialogue(...lines))
    const said = items.map(({ text }) => text).join('\n')
    expect(Array.from({ length: 300 }, (_, index) => `QX-${7_000 + index}`).filter((code) => !said.includes(code))).toEqual([])
  })
})

// Sentences that meet each extractor, with names and numbers from small sets, so that they repeat, overlap and correct each other.
const slot = fc.constantFrom(
  'Lisbon',
  'Ada Moreno',
  'TX-204',
  '4711',
  '$12.50',
  'https://example.org/a',
  '10:30',
  'May 3',
  '明天302室',
  'ada@example.org',
  'café',
)
const sentence = fc
  .tuple(
    fc.constantFrom('I prefer', 'We decided on', 'Actually it is', 'I will call', 'Where is', 'The room is', 'No, take', 'Never use', 'ok'),
    slot,
    slot,
    fc.constantFrom('.', '?', '!', '\n', '。'),
  )
  .map(([head, a, b, end]) => `${head} ${a} and ${b}${end}`)
const line = fc
  .tuple(fc.constantFrom('u', 'a', 't'), fc.array(fc.oneof(sentence, fc.string({ unit: 'binary', maxLength: 30 })), { maxLength: 4 }))
  .map(([who, said]) => `${who}: ${said.join(' ')}`)
const logs = fc.array(line, { maxLength: 30 }).map((lines) => dialogue(...lines))

describe('the sheet', () => {
  test('is the same for the same messages, byte for byte [SUM-4, P18]', () => {
    fc.assert(
      fc.property(logs, (messages) => {
        expect(JSON.stringify(sheetOf(structuredClone(messages)))).toBe(JSON.stringify(sheetOf(messages)))
      }),
      { numRuns: 300 },
    )
  })

  test('holds nothing after its end, and is another where a message of its range is gone [SUM-4]', () => {
    const all = dialogue('u: We met Ada.', 'a: In Lisbon?', 'u: In Porto, on May 3.')
    const upTo = (end: number, messages: readonly LoggedMessage[]) => offlineSheet({ messages, upTo: end, tag })
    expect(upTo(2, all)).toEqual(upTo(2, all.slice(0, 2)))
    expect(upTo(3, [all[0], all[2]] as LoggedMessage[]).id).not.toBe(upTo(3, all).id)
  })

  test('has no identifier and no name that is not in a message it cites [SUM-4, G3, P18]', () => {
    fc.assert(
      fc.property(logs, (messages) => {
        for (const item of sheetOf(messages).items) {
          const cited = item.refs.map((seq) => wholeText((messages[seq - 1] as LoggedMessage).message)).join('\n')
          for (const one of identifiersOf(item.text)) expect(cited).toContain(one)
          if (item.kind !== 'artifact') for (const one of namesOf(item.text)) expect(cited).toContain(one)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('holds at least 90 % of the identifiers that its span holds [G4]', () => {
    fc.assert(
      fc.property(logs, (messages) => {
        const said = sheetOf(messages)
          .items.map(({ text }) => text)
          .join('\n')
        const wanted = new Set(
          messages.flatMap(({ message }) => textOf(message).split(/\n/).flatMap(identifiersOf)).filter((one) => !one.includes('`')),
        )
        const kept = [...wanted].filter((one) => said.includes(one))
        expect(kept.length).toBeGreaterThanOrEqual(0.9 * wanted.size)
      }),
      { numRuns: 300 },
    )
  })

  test('loses no item as the log goes on; an item only changes its standing [SUM-4, G6, P17]', () => {
    fc.assert(
      fc.property(logs, fc.nat({ max: 30 }), (messages, cut) => {
        const ids = new Set(sheetOf(messages).items.map(({ id }) => id))
        // The hint of the segment that is still open names other topics later.
        const before = sheetOf(messages.slice(0, cut)).items.filter(({ kind }) => kind !== 'hint')
        expect(before.filter(({ id }) => !ids.has(id))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('holds each text of a kind once, whatever is said again [G7, P17]', () => {
    fc.assert(
      fc.property(logs, (messages) => {
        const ids = sheetOf([...messages, ...messages.map((one) => ({ ...one, seq: one.seq + messages.length }))]).items.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
      }),
      { numRuns: 200 },
    )
  })

  test('past its limit drops by kind and mentions, never by age alone [SUM-3, REG-17]', () => {
    const lines = Array.from({ length: 2_600 }, (_, index) => [`u: Part ${10_000 + index} fits.`, 'a: ok']).flat()
    const { items } = sheetOf(
      dialogue('u: The spare key is number 4711.', 'a: ok', ...lines.slice(0, 400), 'u: Was it 4711?', 'a: ok', ...lines.slice(400)),
    )
    expect(items.length).toBe(limits.sheetItems)
    expect(items.find(({ kind, text }) => kind === 'identifier' && text === '4711')?.mentions).toBe(2)
  })

  test('the drop order: what is settled, by kind, by mentions, by how long unmentioned [SUM-3]', () => {
    const item = (text: string, change: object) => ({
      kind: 'fact' as const,
      status: 'open' as const,
      mentions: 1,
      firstSeq: 1,
      lastSeq: 1,
      text,
      ...change,
    })
    const inOrder = [
      item('settled goal', { kind: 'goal', status: 'superseded', mentions: 9 }),
      item('hint', { kind: 'hint', mentions: 9 }),
      item('artifact', { kind: 'artifact', lastSeq: 90 }),
      item('old fact', {}),
      item('newer fact', { lastSeq: 50 }),
      item('old fact with mentions', { mentions: 2 }),
      item('identifier', { kind: 'identifier' }),
      item('goal', { kind: 'goal' }),
    ]
    expect(
      inOrder
        .toReversed()
        .toSorted(dropOrder)
        .map(({ text }) => text),
    ).toEqual(inOrder.map(({ text }) => text))
  })
})

describe('what is dropped first', () => {
  type Ranked = Parameters<typeof dropOrder>[0]
  const item = (more: Partial<Ranked> = {}): Ranked => ({ kind: 'fact', status: 'open', mentions: 2, firstSeq: 5, lastSeq: 9, text: 'm', ...more })
  const kinds = ['hint', 'timeline', 'entity', 'artifact', 'fact', 'question', 'commitment', 'decision', 'identifier', 'constraint', 'goal'] as const

  test.each([
    [
      'what is settled, before what is open, whatever its kind',
      item({ status: 'resolved', kind: 'goal', mentions: 9 }),
      item({ kind: 'hint', mentions: 1 }),
    ],
    ['what is superseded, too', item({ status: 'superseded', kind: 'goal' }), item({ kind: 'hint' })],
    ...kinds
      .slice(1)
      .map(
        (kind, n) =>
          [`${kinds[n]}, before ${kind}`, item({ kind: kinds[n] as ItemKind, mentions: 9 }), item({ kind, mentions: 1 })] as [string, Ranked, Ranked],
      ),
    ['within a kind what was mentioned least', item({ mentions: 1, lastSeq: 99 }), item({ mentions: 2, lastSeq: 9 })],
    ['then what went unmentioned longest, not what is oldest', item({ firstSeq: 8, lastSeq: 8 }), item({ firstSeq: 1, lastSeq: 9 })],
  ])('is %s [SUM-3]', (_, first, second) => {
    expect(dropOrder(first, second)).toBeLessThan(0)
    expect(dropOrder(second, first)).toBeGreaterThan(0)
  })
})
