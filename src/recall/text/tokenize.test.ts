// Words of any script, whole and in parts, in linear time.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAnalyzer, dateWords } from './analyze.ts'
import { tokenize } from './tokenize.ts'

const words = (text: string, as: 'record' | 'query' = 'record') => tokenize(text, as).map(({ word }) => word)
const counted = (text: string) => tokenize(text).flatMap(({ word, extra }) => (extra ? [] : [word]))

describe('words', () => {
  test.each([
    ['Caroline’s dog, it isn’t old.', ['caroline', 's', 'dog', 'it', 'isn', 't', 'old']],
    ['ＮＦＫＣ ﬁne', ['nfkc', 'fine']],
    ['1,299.50 and v2.3.1 at 17:30', ['1,299.50', 'and', 'v2.3.1', 'at', '17:30']],
    ['end.Next one', ['end', 'next', 'one']],
    ['well-known', ['well', 'known']],
  ])('%s is split where words end [LEX-1]', (text, expected) => {
    expect(counted(text).filter((word) => word !== '17' && word !== '30')).toEqual(expected)
  })

  test.each([
    ['ana@mail.example.org', 'example'],
    ['https://docs.example.org/a_b/page-2', 'docs'],
    ['/etc/hosts.conf', 'hosts'],
    ['ORD-7731', '7731'],
    ['2023-05-08', '2023'],
  ])('%s is found whole and in parts [LEX-1]', (text, part) => {
    expect(words(`see ${text} now`)).toContain(text.toLowerCase().replace(/^\//, ''))
    expect(words(text)).toContain(part)
  })

  test.each([...'@/\\_:.+&%#=?~'])('what %s joins is one word and its parts [LEX-1]', (joiner) => {
    expect(words(`ada${joiner}ben`)).toEqual([`ada${joiner}ben`, 'ada', 'ben'])
    expect(counted(`ada${joiner}ben`)).toEqual(['ada', 'ben'])
  })

  test.each([
    ['1,299', ['1,299'], ['1,299']],
    ['1,299.50', ['1,299.50'], ['1,299.50']],
    ['2023-05-08', ['2023-05-08', '2023', '05', '08'], ['2023-05-08']],
    ['v2.3.1', ['v2.3.1', 'v2', '3', '1'], ['v2.3.1']],
  ])('the number %s counts as one word, and is cut only where its parts say something [LEX-1]', (text, all, whole) => {
    expect([words(text), counted(text)]).toEqual([all, whole])
  })

  test('a Latin word inside such a text stays a word [LEX-1]', () => {
    expect(words('新しいiPhoneを')).toEqual(['新し', '新', 'しい', 'し', 'い', 'iphone', 'を'])
  })

  test.each(['чай', 'καφές', 'हिंदी'])('the marks of %s are not folded, as no Latin letter is [LEX-1]', (word) => {
    expect(words(word)).toEqual([word])
  })

  test('diacritics are folded, and the form as written stands beside [LEX-1]', () => {
    expect(tokenize('Café')).toEqual([
      { word: 'cafe', extra: false },
      { word: 'café', extra: true },
    ])
  })

  test.each(['我喜欢喝茶', '寿司が好きです', 'ねこがすき', 'コーヒー', '𠮷野家', 'ผมชอบแมว', 'ລາວດີ', 'ខ្មែរ', '저는 고양이를 좋아해요'])(
    '%s is cut into overlapping pairs [LEX-1]',
    (text) => {
      const letters = [...text.split(' ')[0]!]
      expect(words(text, 'query')).toContain(letters[0]! + letters[1]!)
      expect(words(text)).toEqual(expect.arrayContaining([letters[0]!]))
      expect(words(letters[0]!, 'query')).toEqual([letters[0]!])
    },
  )

  test.each([
    'a'.repeat(65_536),
    'a.'.repeat(32_768),
    '漢'.repeat(20_000),
    '.'.repeat(65_536),
    'é'.repeat(32_768),
    '\u0301'.repeat(32_768),
    'a@'.repeat(32_768),
  ])('the cost of a long text grows as its length does [LEX-1, MEM-P11]', (text) => {
    // A quadratic tokenizer takes seconds for one of these, and minutes for sixteen in a row: longer than a test may.
    expect(() => tokenize(text.repeat(16))).not.toThrow()
  })

  test('any text gives words and no error [MEM-P11]', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const { word } of tokenize(text)) expect(word.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('terms', () => {
  const analyzer = createAnalyzer({ english: (word) => word.replace(/(ing|s)$/, ''), russian: (word) => word.slice(0, 4) })
  const record = (text: string, more = {}) => analyzer.record({ text, saidAt: Date.UTC(2023, 4, 8), ...more })
  const query = (text: string) => analyzer.query(text).terms.map(({ term }) => term)

  test('one stem by script: words of one stem are one term, numbers and other scripts stay whole [LEX-2]', () => {
    expect([...record('paints painting').content]).toEqual(['paint'])
    expect(query('кошками')).toEqual(['кошк'])
    expect(query('1990s')).toEqual(['1990s'])
  })

  test('stop words carry no weight, but count inside a quoted phrase [LEX-2]', () => {
    expect(query('what is the dog of my friend')).toEqual(['dog', 'friend'])
    expect(query('who said "to be or not"').length).toBeGreaterThan(query('who said to be or not').length)
    expect([...record('the dog').content]).toEqual(['dog'])
    expect(record('the dog').length).toBe(1)
  })

  test('a courtesy may match, and is not missed where no memory has it; a record keeps it [LEX-2]', () => {
    const missed = (text: string) => analyzer.query(text).terms.flatMap(({ term, optional }) => (optional ? [] : [term]))
    for (const ask of ['Hi, where do I live?', 'Do you remember where I live?', 'Please tell me where I live.', 'Can you remind me where I live?'])
      expect(missed(ask)).toEqual(['live'])
    expect(query('Hello, where do I live?')).toEqual(['hello', 'live'])
    expect(missed('What does my boss know?')).toEqual(query('boss know'))
    expect([...record('thanks for the dog').content]).toEqual(['thank', 'dog'])
  })

  test('speaker, date and slot are fields of one index, each with its weight [LEX-4, TIME-2]', () => {
    const { frequencies } = record('a dog', { speaker: 'Ana', slot: 'home' })
    expect([...frequencies].filter(([term]) => ['dog', 'ana', 'home', 'monday', '8', 'may', '2023'].includes(term))).toEqual(
      expect.arrayContaining([
        ['dog', 10],
        ['ana', 10],
        ['home', 7],
        ['monday', 5],
        ['8', 5],
        ['may', 5],
        ['2023', 5],
      ]),
    )
    const zone = process.env['TZ']
    process.env['TZ'] = 'Pacific/Kiritimati' // where it is the next day already
    const words = dateWords(Date.UTC(2026, 10, 30, 23, 59))
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
    expect(words).toEqual(['monday', '30', 'november', '2026'])
  })
})

test('a run of joiners of any length is cut in time that grows no faster than it does [LEX-1]', () => {
  // Quadratic, the second did not end in a minute.
  expect([1_000, 100_000].map((count) => tokenize('-a'.repeat(count).slice(1)).length)).toEqual([1_000, 100_000])
}, 10_000)
