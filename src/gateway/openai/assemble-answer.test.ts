// An answer is the same however its stream is cut, and holds what the model said and nothing else.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { answerAssembler, answerOf, usageOf } from './assemble-answer.ts'
import { eventReader } from './event-stream.ts'

const chunks: Json[] = [
  { id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
  { choices: [{ index: 0, delta: { content: 'Grüße, ' } }] },
  { choices: [{ index: 1, delta: { content: 'another choice' } }] },
  { choices: [{ index: 0, delta: { content: '世界 👋\n' } }] },
  { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'look', arguments: '{"a"' } }] } }] },
  {
    choices: [
      {
        index: 0,
        delta: {
          tool_calls: [
            { index: 1, id: 'call_2', function: { name: 'see', arguments: '{}' } },
            { index: 0, function: { arguments: ':1}' } },
          ],
        },
      },
    ],
  },
  { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  {
    choices: [],
    usage: {
      prompt_tokens: 9,
      completion_tokens: 4,
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 1 },
    },
  },
]
const whole = {
  parts: [
    { type: 'text', text: 'Grüße, 世界 👋\n' },
    { type: 'tool-call', callId: 'call_1', name: 'look', arguments: '{"a":1}' },
    { type: 'tool-call', callId: 'call_2', name: 'see', arguments: '{}' },
  ],
  usage: { inputTokens: 9, outputTokens: 4, cacheReadTokens: 3, reasoningTokens: 1 },
  finished: true,
  upstreamId: 'chatcmpl-1',
  model: 'm',
}

test('a stream gives the same answer wherever its bytes are cut, and whatever ends its lines [OAI-15]', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2_000), { maxLength: 30 }), fc.constantFrom('\n', '\r\n', '\r'), (cuts, end) => {
      const bytes = new TextEncoder().encode(
        chunks.map((one) => `: comment${end}data: ${JSON.stringify(one)}${end}${end}`).join('') + `data: [DONE]${end}${end}:${end}`,
      )
      const assembler = answerAssembler()
      const seen: string[] = []
      const reader = eventReader((data) => {
        seen.push(data)
        if (data !== '[DONE]') assembler.add(JSON.parse(data))
      }, 10_000)
      const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length]
      for (let i = 1; i < places.length; i++) reader.push(bytes.subarray(places[i - 1], places[i]))
      expect(assembler.answer()).toEqual(whole)
      expect(seen.at(-1)).toBe('[DONE]')
    }),
    { numRuns: 300 },
  )
})

test('a line costs what it is long, however small its pieces: nobody waits while one grows [OAI-15, GW-11]', () => {
  const seen: number[] = []
  const reader = eventReader((data) => void seen.push(data.length), 2 ** 24)
  const piece = new TextEncoder().encode('x'.repeat(512))
  reader.push(new TextEncoder().encode('data: '))
  for (let i = 0; i < 2 ** 13; i++) reader.push(piece) // read again with each piece it would be 16 GiB
  reader.push(new TextEncoder().encode('\n\n'))
  expect(seen).toEqual([2 ** 22])
})

test('an event that never ends stops the reading, and takes no more memory [GW-11]', () => {
  const reader = eventReader(() => {}, 1_000)
  for (let i = 0; i < 20; i++) reader.push(new TextEncoder().encode('x'.repeat(100)))
  expect(reader.overflowed).toBe(true)
})

test('an answer that was not streamed is read alike, and a refusal and reasoning are kept as they came [OAI-13]', () => {
  const answer = answerOf({
    id: 'chatcmpl-2',
    choices: [{ index: 0, message: { role: 'assistant', content: null, refusal: 'no', reasoning_content: 'hm' }, finish_reason: 'stop' }],
  })
  expect(answer?.parts).toEqual([
    { type: 'reasoning', family: 'openai-compatible', data: { reasoning_content: 'hm' } },
    { type: 'foreign', family: 'openai', data: { refusal: 'no' } },
  ])
  expect(answerOf({ error: {} })).toBeUndefined()
})

describe('the calls of an answer', () => {
  const streamed = (pieces: readonly Json[], ...ends: readonly Json[]) => {
    const assembler = answerAssembler()
    for (const piece of pieces) assembler.add({ choices: [{ index: 0, delta: { tool_calls: [piece] } }] })
    for (const end of ends) assembler.add(end)
    return assembler.answer().parts
  }
  const made = (callId: string, given: string, more: object = {}) => ({ type: 'tool-call', callId, name: 'look', arguments: given, ...more })
  const piece = (index: number | undefined, given: string, id?: string) => ({
    ...(index === undefined ? {} : { index }),
    ...(id === undefined ? {} : { id }),
    function: { ...(id === undefined ? {} : { name: 'look' }), arguments: given },
  })

  test('are parted by their place, and by their id where a server gives all of them one place or none [OAI-12]', () => {
    expect(streamed([piece(1, '{"b"', 'b'), piece(0, '{"a"', 'a'), piece(1, ':1}'), piece(0, ':1}')])).toEqual([
      made('a', '{"a":1}'),
      made('b', '{"b":1}'),
    ])
    for (const same of [0, undefined])
      expect(streamed([piece(same, '{"a":1}', 'a'), piece(same, '{"b"', 'b'), piece(same, ':1}')])).toEqual([
        made('a', '{"a":1}'),
        made('b', '{"b":1}'),
      ])
  })

  test('without end are read no further than a message may hold [GW-11]', () => {
    const assembler = answerAssembler()
    for (let index = 0; index < 1_000; index++) assembler.add({ choices: [{ index: 0, delta: { tool_calls: [piece(index, '{}', `c${index}`)] } }] })
    expect(assembler.answer().parts.length).toBe(limits.messageParts + 1)
  })

  test('with free text are kept as such [OAI-13]', () => {
    const pieces = [
      { index: 0, id: 'a', type: 'custom', custom: { name: 'look', input: 'up' } },
      { index: 0, custom: { input: ' there' } },
    ]
    expect(streamed(pieces, '[DONE]')).toEqual([made('a', 'up there', { custom: true })])
    expect(streamed(pieces)).toEqual([])
  })

  test('that were cut off were never made; one that was whole before the cut was [OAI-16]', () => {
    expect(streamed([piece(0, '{}', 'a'), piece(1, '{"b"', 'b')])).toEqual([made('a', '{}')])
    expect(streamed([piece(0, '', 'a')])).toEqual([])
    expect(streamed([piece(0, '', 'a')], { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] })).toEqual([made('a', '')])
  })
})

test('what was read from and written to a cache, and what was reasoning, is told apart [OAI-17]', () => {
  const usage = {
    prompt_tokens: 9,
    completion_tokens: 5,
    prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 },
    completion_tokens_details: { reasoning_tokens: 2 },
  }
  expect(usageOf(usage)).toEqual({ inputTokens: 9, outputTokens: 5, cacheReadTokens: 4, cacheWriteTokens: 3, reasoningTokens: 2 })
  const assembler = answerAssembler()
  for (const chunk of [
    { choices: [], usage },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null },
  ])
    assembler.add(chunk)
  expect(assembler.answer().usage).toEqual(usageOf(usage))
})

test('usage that is missing or garbage is null, never 0 [OAI-17]', () => {
  expect([usageOf(undefined), usageOf(null), usageOf({ prompt_tokens: -1, completion_tokens: 2 }), usageOf({ prompt_tokens: 1 })]).toEqual([
    null,
    null,
    null,
    null,
  ])
})
