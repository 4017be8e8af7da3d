import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dialogue } from '../../test/builders/dialogue.ts'
import { fenceBlock } from '../security/data-fence.ts'
import { offlineSheet } from './offline-sheet.ts'
import { renderSheet } from './render.ts'

const tag = (fields: readonly string[]): string => createHmac('sha256', 'key').update(JSON.stringify(fields)).digest('base64url').slice(0, 22)
const counter = { count: (text: string): number => Math.ceil(text.length / 4) }
const rendered = (budgetTokens: number, ...lines: readonly string[]) =>
  renderSheet(offlineSheet({ messages: dialogue(...lines), upTo: lines.length, tag }), { budgetTokens, counter })

const trip = [
  'u: Help me plan a trip to Lisbon.',
  'a: Gladly.',
  'u: I prefer trains. Our budget is $1,200. My sister Carla joins us in Porto.',
  'a: I will look for tickets of the day train.',
  'u: We decided to stay near Alfama. Which museum opens early?',
]

describe('the rendered sheet', () => {
  test('has the kinds in their order, and items of one kind and standing in one line with their seqs [SUM-5]', () => {
    const { items, dropped, sources } = rendered(2_000, ...trip)
    expect(items.map(({ kind, authority }) => [kind, authority]).slice(0, 5)).toEqual([
      ['goal', 'typed'],
      ['constraint', 'typed'],
      ['decision', 'typed'],
      ['commitment', 'assistant'],
      ['question', 'typed'],
    ])
    expect(items.find(({ kind }) => kind === 'fact')).toEqual({
      kind: 'fact',
      authority: 'typed',
      seqs: [3],
      text: 'Our budget is $1,200. | My sister Carla joins us in Porto.',
    })
    expect([dropped, sources]).toEqual([0, [1, 3, 4, 5]])
  })

  test('no line is longer than 400 characters unless one item is [SUM-5]', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `u: The long code of the storage room is QX-${7_000 + index}.`)
    for (const { text } of rendered(8_000, ...lines).items) expect(text.length).toBeLessThanOrEqual(400)
  })

  test('what a kept sentence holds to the letter is not said twice [SUM-5]', () => {
    expect(rendered(2_000, ...trip).items.filter(({ kind }) => kind === 'identifier')).toEqual([])
    expect(rendered(2_000, 'u: Hello there friend.', 'u: 4711').items.some(({ kind }) => kind === 'identifier')).toBe(true)
  })

  test('a superseded value is marked, and goes first where room is short [SUM-3]', () => {
    const lines = ['u: Plan a party.', 'u: The party room number is 4711.', 'a: Noted.', 'u: Actually the party room number is 5822.']
    const text = (budget: number) =>
      rendered(budget, ...lines)
        .items.map((item) => item.text)
        .join('\n')
    expect(text(2_000)).toContain('[superseded] The party room number is 4711.')
    const shown = Array.from({ length: 200 }, (_, n) => text(60 + n)).map((one) => [one.includes('4711'), one.includes('5822')])
    expect(shown.filter(([old, current]) => old && !current)).toEqual([])
    expect(shown.some(([old, current]) => !old && current)).toBe(true)
  })

  test('never takes more tokens than its budget, fence included, and the same sheet gives the same lines [G5, SUM-4]', () => {
    const said = fc.array(fc.oneof(fc.constantFrom(...trip.map((one) => one.slice(3))), fc.string({ unit: 'binary', maxLength: 60 })), {
      maxLength: 25,
    })
    fc.assert(
      fc.property(said, fc.integer({ min: 1, max: 1_500 }), (texts, budget) => {
        const lines = texts.map((text) => `u: ${text}`)
        const { items, tokens } = rendered(budget, ...lines)
        expect(tokens).toBeLessThanOrEqual(budget)
        expect(rendered(budget, ...lines).items).toEqual(items)
        if (items.length > 0)
          expect(fenceBlock({ fenceKey: '', blockId: 'summary', type: 'session-summary', items }).split('\n').length).toBe(items.length + 2)
      }),
      { numRuns: 300 },
    )
  })

  test('takes no more than its budget where every character is escaped on its way [G5]', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `u: Box ${4_000 + index} ${'"'.repeat(80)}.`)
    for (const budget of [200, 400, 800]) {
      const { items, tokens } = rendered(budget, ...lines)
      expect(items.length).toBeGreaterThan(0)
      expect(items.reduce((sum, line) => sum + counter.count(JSON.stringify(line)), 0)).toBeLessThanOrEqual(budget)
      expect(tokens).toBeLessThanOrEqual(budget)
    }
  })

  test('with room for all drops nothing [SUM-2, P18]', () => {
    expect(rendered(100_000, ...trip).dropped).toBe(0)
  })

  // What tools said is no question, decision or promise: facts alone, and the room holds one of them.
  const factIn = (budget: number, ...lines: string[]) =>
    rendered(budget, ...lines.map((line) => `t: ${line}`))
      .items.filter(({ kind }) => kind === 'fact')
      .flatMap(({ text }) => text.split(' | '))

  test.each([
    [
      'by what they say per word',
      110,
      [
        'After a long and rather windy detour over many hills the lorry from the harbour brought BX-71 and BX-72 and BX-73.',
        'Carrier TX-204 took BX-88 away.',
      ],
      [1],
    ],
    [
      'by what no chosen one says yet',
      105,
      ['Somewhat later lorry QQ-15 came around.', 'Carrier TX-204 took BX-88 along.', 'Carrier TX-204 took BX-88 away.'],
      [0, 2],
    ],
    ['if they have three content words, else last', 90, ['Was BX-88 BX-89.', 'Carrier TX-204 quietly went elsewhere.'], [1]],
  ] as const)('where room is short whole sentences are chosen %s [SUM-2]', (_, budget, lines, wanted) => {
    expect(factIn(budget, ...lines)).toEqual(wanted.map((index) => lines[index]))
  })

  test('identifiers leave half of the room to the sentences that say what they are about, and those of tools come last [SUM-2, SUM-3]', () => {
    const lines = [
      ...Array.from({ length: 12 }, (_, n) => `u: We decided to stay at hotel number ${n} of the old town.`),
      ...Array.from({ length: 40 }, (_, n) => `u: Mail ${n}@example.org, ref QX-${300 + n}.`),
      ...Array.from({ length: 60 }, (_, n) => `t: {"seat":${n + 10},"train":"AP${100 + n}"}`),
    ]
    const of = (kind: string, items: ReturnType<typeof rendered>['items']) => items.filter((item) => item.kind === kind)
    const { items, tokens } = rendered(500, ...lines)
    const share = of('decision', items).reduce((sum, { text }) => sum + counter.count(text), 0) / tokens
    expect(share).toBeGreaterThan(0.25)
    expect(of('identifier', items).map(({ authority }) => authority)).toContain('typed')
    expect(JSON.stringify(items)).not.toContain('AP1')
    expect(JSON.stringify(rendered(9_000, ...lines).items)).toContain('AP1')
  })

  test('an identifier that a chosen sentence holds takes no room of its own [SUM-2, SUM-5]', () => {
    const { items, tokens } = rendered(
      500,
      ...Array.from({ length: 8 }, (_, n) => `u: We decided to take QX-${300 + n}.`),
      ...Array.from({ length: 60 }, (_, n) => `u: Then uncle Diego met aunt ${'ABCDEFGHIJ'[n % 10]}nna ${'KLMNOP'[n % 6]}ovak.`),
    )
    expect(items.some(({ kind }) => kind === 'identifier')).toBe(false)
    expect(tokens).toBeGreaterThan(340)
  })

  test('items of one kind but of two standings share no line, whatever their order [SUM-5]', () => {
    const lines = ['u: Plan it.', 'u: My sister Carla turns 40 soon.', 'a: Her friend Bruno turns 50 soon.', 'u: My uncle Diego turns 60 soon.']
    const facts = rendered(2_000, ...lines).items.filter(({ kind }) => kind === 'fact')
    expect(facts.map(({ authority, seqs }) => [authority, seqs])).toEqual([
      ['typed', [2, 4]],
      ['assistant', [3]],
    ])
  })

  test('keeps the oldest fact as well as the newest where each says something new [SUM-2, REG-17]', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `t: Box ${100 + index} went to the harbour store.`)
    const text = rendered(900, ...lines)
      .items.map((item) => item.text)
      .join('\n')
    for (const index of [0, 20, 39]) expect(text).toContain(`${100 + index}`)
  })
})
