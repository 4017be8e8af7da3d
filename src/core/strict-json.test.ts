// The JSON reader refuses what a lenient one lets through, and agrees with JSON.parse on all else.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRecollectError } from './errors.ts'
import { limits } from './limits.ts'
import { readJson } from './strict-json.ts'

const read = (text: string) => readJson(new TextEncoder().encode(text))
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'none'
  } catch (error) {
    return isRecollectError(error) ? error.code : 'not ours'
  }
}

test('what JSON.parse reads is read alike [ACC-12]', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value)
      if (/"(__proto__|constructor|prototype)"|\\ud[89a-f]/i.test(text)) return
      expect(JSON.stringify(read(text))).toBe(JSON.stringify(JSON.parse(text)))
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['a key twice', '{"a":1,"a":2}'],
  ['__proto__', '{"__proto__":{}}'],
  ['constructor', '{"a":{"constructor":1}}'],
  ['prototype', '[{"prototype":1}]'],
  ['a lone surrogate', '"\\ud800"'],
  ['a lone surrogate in a key', '{"\\udfff":1}'],
  ['cut', '{"a":'],
  ['cut inside a string', '{"a":"b'],
  ['empty', ''],
  ['two values', '1 2'],
  ['a trailing comma', '[1,]'],
  ['a number over all bounds', '1e999'],
  ['a leading zero', '01'],
  ['a control character', '"\u0001"'],
  ['a control character after an escape', '"\\n\u0001"'],
  ['an unknown escape', '"\\x"'],
  ['a short escape', '"\\u12"'],
  ['an escape cut off', '"\\'],
  ['a string whose end is escaped', '"\\\\\\"'],
  ['a byte order mark', '\ufeff1'],
])('%s is refused [ACC-12]', (_, text) => {
  expect(codeOf(() => read(text))).toBe('invalid_input')
})

test('a string ends at the first quote that no backslash escapes, wherever it stands [ACC-12]', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'a', '😀', '\u2028') })), (texts) => {
      expect(read(JSON.stringify(texts))).toEqual(texts)
    }),
  )
})

test('bytes that are not UTF-8 are refused [ACC-12]', () => {
  expect(codeOf(() => readJson(new Uint8Array([0x22, 0xff, 0x22])))).toBe('invalid_input')
})

test('depth, width and length are bounded: at the bound it reads, above it does not [ACC-11, ACC-12]', () => {
  const nested = (n: number) => '['.repeat(n) + ']'.repeat(n)
  const wide = (n: number) => `{${Array.from({ length: n }, (_, i) => `"k${i}":1`).join(',')}}`
  expect([codeOf(() => read(nested(32))), codeOf(() => read(nested(33)))]).toEqual(['none', 'payload_too_large'])
  expect([codeOf(() => read(wide(256))), codeOf(() => read(wide(257)))]).toEqual(['none', 'payload_too_large'])
  const many = (n: number) => `[${'{},'.repeat(n - 1)}1]`
  expect([codeOf(() => read(many(limits.jsonNodes))), codeOf(() => read(many(limits.jsonNodes + 1)))]).toEqual(['none', 'payload_too_large'])
  expect(codeOf(() => read(nested(100_000)))).toBe('payload_too_large')
  for (const one of ['a', '\\n']) {
    const most = 2 ** 20 / one.length
    expect([codeOf(() => read(`"${one.repeat(most)}"`)), codeOf(() => read(`"${one.repeat(most + 1)}"`))]).toEqual(['none', 'payload_too_large'])
  }
})

test('objects have no prototype, and errors hold no content [ACC-12]', () => {
  expect(Object.getPrototypeOf(read('{"a":1}'))).toBe(null)
  try {
    read('{"secret-canary":tru}')
  } catch (error) {
    expect((error as Error).message).not.toContain('canary')
  }
})

test('any bytes give a value or one of two codes [ACC-12]', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => ['none', 'invalid_input', 'payload_too_large'].includes(codeOf(() => readJson(bytes)))),
    { numRuns: 5_000 },
  )
})
