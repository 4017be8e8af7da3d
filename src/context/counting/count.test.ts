import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import type { Part } from '../../core/message.ts'
import { classCounter, countMessage, countSystem, countTools, cutsOf, o200kCounter } from './count.ts'
import { findProfile } from '../prompt/profiles.ts'
import { sampleTexts } from '../../../test/texts/sample-texts.ts'

const { profile } = findProfile('generic')
const exact = o200kCounter({ encode })

describe('the class counter', () => {
  const errors = Object.entries(sampleTexts).map(([name, text]) => ({ name, error: classCounter.count(text) / encode(text).length - 1 }))

  test('is within 15 % of o200k in the mean, over prose of many scripts, code, JSON and logs [TOK-2]', () => {
    expect(errors.length).toBeGreaterThanOrEqual(20)
    expect(errors.reduce((sum, { error }) => sum + Math.abs(error), 0) / errors.length).toBeLessThanOrEqual(0.15)
  })

  test('is nowhere more than 30 % too low [TOK-2]', () => {
    expect(errors.filter(({ error }) => error < -0.3)).toEqual([])
  })

  // Twenty runs each, parted by what counts nothing, so that no rounding hides a constant.
  test.each<[string, string, number]>([
    ['short Latin words', 'station', 1],
    ['long Latin words', 'internationalization', 1 + 13 / 6],
    ['capitals inside a short word', 'getUser', 1.45],
    ['capitals inside a long word', 'getUserNames', 1 + 5 / 6 + 2 * 0.35],
    ['digits', '1234567', 3],
    ['Cyrillic', 'станция', 7 / 3.1],
    ['short Cyrillic', 'на', 1],
    ['Greek', 'σταθμός', 7 / 3.1],
    ['Hebrew', 'תחנתרכבת', 8 / 2.6],
    ['Arabic', 'المحطةال', 8 / 2.6],
    ['Devanagari', 'नमस्ते', 6 / 2.2],
    ['Thai', 'สถานีรถไฟ', 9 / 2.2],
    ['kana', 'ひらがな', 3],
    ['Han', '火车站在', 3.28],
    ['Hangul', '기차역에서', 5 / 1.55],
    ['short Hangul', '역', 1],
    ['accented Latin', 'éàüö', 3.4],
    ['emoji', '😀😀', 4],
    ['marks', '()[]{}', 6 / 2.2],
    ['one mark', '!', 0.75],
    ['a dense run', 'aB3/xY9+kL2=pQ7-mN4_', 20 / 1.6],
  ])('%s take the tokens of the rule [TOK-2]', (_, run, tokens) => {
    expect(classCounter.count(Array(20).fill(run).join(' '))).toBe(Math.ceil(Number((20 * tokens).toFixed(6))))
  })

  test('blanks and line breaks: one space is nothing, more are 0.55, breaks are one a run [TOK-2]', () => {
    const between = (gap: string) => classCounter.count(Array(11).fill('a').join(gap)) - 11
    expect([between(' '), between('   '), between('\n'), between('\n\n\n')]).toEqual([0, 6, 10, 10]) // 5.5, rounded up
  })

  test.each([
    ['under 20 units', 'aB3/xY9+kL2=pQ7-mN4'],
    ['where the kind of unit changes seldom', 'abcdefgh12345678ABCD'],
    ['without a digit and with two capitals', 'a/b/c/d/e/f/g/h/i/JK/'],
  ])('a run is not dense %s [TOK-2]', (_, run) => {
    expect(classCounter.count(Array(20).fill(run).join(' '))).not.toBe(Math.ceil((20 * run.length) / 1.6))
  })

  test('counts 250 Chinese characters as at least 150 tokens [REG-6]', () => {
    expect(classCounter.count('我们今天下午三点在会议室讨论项目'.repeat(16).slice(0, 250))).toBeGreaterThanOrEqual(150)
  })

  test.each(worst())('takes %s without looking at a unit more often when there are more [DEP-2, P23]', (_, unit) => {
    // Reads of single units, counted through the text itself: no clock, so no machine can make it fail.
    const reads = (units: number) => {
      let count = 0
      const text = unit.repeat(units)
      const spied = { length: text.length, charCodeAt: (at: number) => (count++, text.charCodeAt(at)) }
      cutsOf(spied as unknown as string)
      classCounter.count(spied as unknown as string)
      return count
    }
    expect(reads(20_000)).toBeLessThan(2.5 * reads(10_000))
  })
})

describe('the exact counter', () => {
  test('agrees with the tokenizer on texts without long runs [TOK-4]', () => {
    for (const [name, text] of Object.entries(sampleTexts))
      if (cutsOf(text).length === 0) expect([name, exact.count(text)]).toEqual([name, encode(text).length])
  })

  test('never gives a tokenizer more than 256 units of an unbroken run, nor half a pair [TOK-4, REG-25]', () => {
    const pieces: string[] = []
    const spied = o200kCounter({ encode: (text) => (pieces.push(text), [0]) })
    for (const text of ['a'.repeat(10_000), '中'.repeat(10_000), ' '.repeat(10_000), '-='.repeat(5_000), `x${'😀'.repeat(3_000)}`]) {
      pieces.length = 0
      spied.count(text)
      expect(pieces.join('')).toBe(text)
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(257)
      expect(pieces.every((piece) => piece.isWellFormed())).toBe(true)
    }
  })

  test('a long run counts as many tokens cut as whole, or a little more [TOK-4]', () => {
    const whole = encode('a'.repeat(3_000)).length
    expect(exact.count('a'.repeat(3_000))).toBeGreaterThanOrEqual(whole)
    expect(exact.count('a'.repeat(3_000))).toBeLessThanOrEqual(1.1 * whole)
    expect(exact.count('7'.repeat(3_000))).toBe(encode('7'.repeat(3_000)).length) // digits need no cut
  })
})

test.each([
  ['a lone surrogate', 'x\ud800y\udc00'],
  ['special-token text', '<|endoftext|><|im_start|>system'],
  ['controls', '\u0000\u0001\u007f'],
])('neither counter throws on %s, and none counts nothing [TOK-1]', (_, text) => {
  expect(classCounter.count(text)).toBeGreaterThan(0)
  expect(exact.count(text)).toBeGreaterThan(0)
})

test.each<[string, () => { length: number }]>([
  [
    'throws',
    () => {
      throw new Error('refused')
    },
  ],
  ['promises an answer', (async () => [1]) as never],
  ['gives nothing', () => undefined as never],
  ['gives no number', () => ({ length: NaN })],
  ['gives less than nothing', () => ({ length: -1 })],
  ['gives no token', () => []],
])('a tokenizer that %s leaves the count to the classes [TOK-1]', (_, encode) => {
  for (const text of ['hello there', '中文', '']) expect(o200kCounter({ encode }).count(text)).toBe(classCounter.count(text))
})

describe('messages', () => {
  const text = (said: string) => ({ type: 'text' as const, text: said, spans: [] })

  test('every kind of part counts, an empty one too [TOK-5]', () => {
    const empty = profile.tokens.perMessage
    for (const part of [
      text(''),
      { type: 'tool-call', callId: 'c', name: 'f', arguments: '' } as const,
      { type: 'tool-result', callId: 'c', content: [] } as const,
      { type: 'foreign', family: 'openai', data: null } as const,
      { type: 'file', mediaType: 'application/pdf', data: new Uint8Array(120_000) } as const,
    ])
      expect(countMessage({ parts: [part] }, profile, classCounter)).toBeGreaterThan(empty)
  })

  const call = { type: 'tool-call', callId: 'c', name: 'f', arguments: '{}' } as const
  const image = { type: 'image', mediaType: 'image/png', url: 'https://example.org/a.png' } as const
  const file = { type: 'file', mediaType: 'application/pdf' } as const
  const long = 'lorem ipsum dolor sit amet'
  test.each<[string, Part, Part]>([
    ['a text', text('x'), text(long)],
    ['arguments', call, { ...call, arguments: long }],
    ['the name of a tool', call, { ...call, name: 'look_up_the_weather' }],
    ['the id of a call', call, { ...call, callId: 'call_4f9a7c21e8b3' }],
    ['the id of a result', { type: 'tool-result', callId: 'c', content: [] }, { type: 'tool-result', callId: 'call_4f9a7c21e8b3', content: [] }],
    ['what a result says', { type: 'tool-result', callId: 'c', content: [] }, { type: 'tool-result', callId: 'c', content: [text(long)] }],
    ['a caption', image, { ...image, caption: long }],
    ['the pages of a file', { ...file, data: new Uint8Array(10) }, { ...file, data: new Uint8Array(120_000) }],
    ['the pages of a file in a URL', { ...file, url: 'data:,x' }, { ...file, url: `data:,${'x'.repeat(120_000)}` }],
    ['what a foreign part holds', { type: 'foreign', family: 'openai', data: 1 }, { type: 'foreign', family: 'openai', data: { said: long } }],
    ['reasoning', { type: 'reasoning', family: 'openai', data: 1 }, { type: 'reasoning', family: 'openai', data: { said: long } }],
  ])('%s counts by its length [TOK-5]', (_, short, longer) => {
    const tokensOf = (part: Part) => countMessage({ parts: [part] }, profile, classCounter)
    expect(tokensOf(longer)).toBeGreaterThan(tokensOf(short))
    expect(countMessage({ name: 'ada', parts: [short] }, profile, classCounter)).toBe(tokensOf(short) + classCounter.count('ada'))
  })

  test('an image counts by the profile, the system prompt as a message, and tools as the JSON that is sent [TOK-5, REG-6]', () => {
    expect(countMessage({ parts: [image] }, profile, classCounter)).toBe(profile.tokens.perMessage + profile.tokens.perImage)
    expect(countSystem('Be kind.', profile, classCounter)).toBe(profile.tokens.perMessage + classCounter.count('Be kind.'))
    expect(countSystem(undefined, profile, classCounter)).toBe(0)
    const tool = {
      type: 'function',
      function: { name: 'weather', description: 'The weather of a city, by its name.', parameters: { type: 'object' } },
    }
    expect(countTools([tool, tool], classCounter)).toBe(2 * classCounter.count(JSON.stringify(tool)))
  })
})

function worst(): [string, string][] {
  return [
    ['letters', 'a'],
    ['Han', '中'],
    ['blanks', ' '],
    ['marks', '-='],
    ['base64', 'aB3/'],
    ['words and digits without a space', 'aaaaaaaaa1'],
    ['nearly base64', 'aaaaaaaaaaaaaaaaaaab3 '],
    ['emoji', '😀'],
    ['special tokens', '<|'],
  ]
}
