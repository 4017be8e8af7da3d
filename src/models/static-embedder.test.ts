import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { loadBundledEmbedder, staticEmbedder } from './static-embedder.ts'
import { wordPiece } from './word-piece.ts'

const fileOf = (name: string) => readFileSync(createRequire(import.meta.url).resolve(`@recollect/static-en/${name}`))
const cases = JSON.parse(fileOf('test-vectors-128.json').toString('utf8')) as { text: string; ids: number[]; vector: number[] }[]

/** The words of the file, from its end: what the embedder reads by the header. */
const vocabulary = (() => {
  const file = fileOf('static-128.bin')
  return file
    .subarray(32 + file.readUInt32LE(12) * (4 + 128))
    .toString('utf8')
    .split('\n')
})()
const tokens = wordPiece(vocabulary)
const words = (text: string) => tokens.ids(text, 1_000).map((id) => vocabulary[id])
const embed = async (text: string) => (await (await loadBundledEmbedder()).embed([text], 'record'))[0]!
const zero = new Float32Array(128)

const refused = (bytes: Uint8Array, why: RegExp) =>
  expect(() => staticEmbedder(bytes)).toThrow(expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(why) as string }))

test('the vectors are those of the reference, within a millionth [EMB-1]', async () => {
  expect(cases.length).toBe(20)
  for (const { text, vector } of cases) {
    const found = await embed(text)
    vector.forEach((value, k) => expect(Math.abs(found[k]! - value)).toBeLessThan(1e-6))
  }
})

test('the token ids are those of the reference [EMB-1]', () => {
  for (const { text, ids } of cases) if (ids.length > 0) expect(tokens.ids(text, 1_000)).toEqual(ids)
})

test('words are cleaned, folded and cut as BERT cuts them [EMB-1]', () => {
  expect(words('Don’t STOP\u0007ping\u200d Straße')).toEqual(['don', '’', 't', 'stopping', 'st', '##raße'])
  expect(words('a\u00a0b\u2003c\vd')).toEqual(['a', 'b', 'cd'])
  expect(words('£5+$3=x^2')).toEqual(['£5', '+', '$', '3', '=', 'x', '^', '2'])
  expect(words('ΟΔΟΣ')).toEqual(words('οδοσ'))
  expect(words('東京')).toEqual(['東', '京'])
  expect(words(`${'ab'.repeat(51)} ${'é'.repeat(101)} ok`)).toEqual(['[UNK]', '[UNK]', 'ok'])
})

test('a text that is mostly of another script has no vector, and one that is half Latin has [EMB-1]', async () => {
  expect(await embed('我喜欢喝咖啡')).toEqual(zero)
  expect(await embed('привет, my дорогой друг')).toEqual(zero)
  expect(await embed('house дорог')).not.toEqual(zero)
  expect(await embed('12:30 !')).not.toEqual(zero)
  expect(await embed('')).toEqual(zero)
})

test('only the first 128 tokens of a text count [EMB-1]', async () => {
  const head = 'the dog sleeps '.repeat(42) + 'the dog'
  expect(tokens.ids(head, 1_000).length).toBe(128)
  expect(await embed(`${head} and an aeroplane lands in Norway`)).toEqual(await embed(head))
  expect(await embed('the dog sleeps and an aeroplane lands in Norway')).not.toEqual(await embed('the dog sleeps'))
})

test('it is read once a process, says what it is, and asks no network [EMB-1]', async () => {
  expect(loadBundledEmbedder()).toBe(loadBundledEmbedder())
  expect((await loadBundledEmbedder()).info).toEqual({ id: 'static-en-128@1', dimensions: 128, maxTokens: 128, local: true })
})

test('any text gives a unit vector or the zero vector [MP11]', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))).map((units) => units.join('')),
  )
  await fc.assert(
    fc.asyncProperty(text, async (given) => {
      const length = Math.hypot(...(await embed(given)))
      expect(length === 0 || Math.abs(length - 1) < 1e-6).toBe(true)
    }),
  )
})

test('bytes that are no such table are refused with what is wrong [EMB-1]', () => {
  const file = fileOf('static-128.bin')
  refused(new Uint8Array(3), /RCSTATIC/)
  refused(file.subarray(0, 100_000), /100000 bytes/)
  const other = new Uint8Array(file)
  other[8] = 2
  refused(other, /format is 2/)
})

test('bytes at an odd place of a larger buffer are read all the same [EMB-1]', async () => {
  const file = fileOf('static-128.bin')
  const room = new Uint8Array(file.length + 1)
  room.set(file, 1)
  const [vector] = await staticEmbedder(room.subarray(1)).embed(['a dog'], 'query')
  expect(vector).toEqual(await embed('a dog'))
})

test('near words are the nearest whole words of the table, nearest first [RCL-2]', async () => {
  const { nearWords } = await loadBundledEmbedder()
  expect(nearWords?.('mother')?.length).toBeLessThanOrEqual(8)
  expect(nearWords?.('eat')).toEqual(['eating', 'eats', 'food', 'eaten', 'meal', 'hungry', 'meals', 'ate'])
  expect(nearWords?.('eat')).toBe(nearWords?.('eat'))
  for (const word of ['qxzzyq', 'Eat', 'go', '##ing', '東京', '', 'birthday']) expect(nearWords?.(word)).toEqual([])
})
