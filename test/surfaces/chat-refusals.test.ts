// What is refused, by the upstream or by us: the answer passes as it came, nothing half done is left, and the session goes on.
import { afterAll, describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { gatewayWorld, user } from './gateway-world.ts'
import { answers, refuses } from './scripted-upstream.ts'

const world = await gatewayWorld()
afterAll(() => world.close())

const { fresh } = world

describe.each([false, true])('an upstream that refuses (stream: %s)', (stream) => {
  test.each([401, 402, 404, 405, 408, 409, 425, 429, 500, 502, 503, 529])(
    'status %i passes as it came, the user message stays, the retry finds it [OAI-6, OAI-22]',
    async (status) => {
      const name = fresh()
      const headers = {
        'retry-after': '7',
        'retry-after-ms': '7000',
        'x-should-retry': 'true',
        'x-ratelimit-limit-requests': '9',
        'set-cookie': 'a=b',
      }
      world.upstream.next(
        refuses(status, { message: 'as it came', type: 'their_type', code: 'their_code' }, { ...headers, 'x-request-id': 'theirs' }),
      )
      const refused = await world.chat(name, { ...user('hello'), stream })
      expect([refused.status, await refused.json()]).toEqual([status, { error: { message: 'as it came', type: 'their_type', code: 'their_code' } }])
      const passed = [
        'retry-after',
        'retry-after-ms',
        'x-should-retry',
        'x-ratelimit-limit-requests',
        'recollect-error-source',
        'recollect-upstream-id',
        'set-cookie',
      ]
      expect(passed.map((header) => refused.headers.get(header))).toEqual(['7', '7000', 'true', '9', 'upstream', 'theirs', null])
      expect(await world.said(name)).toEqual(['user: hello'])
      expect(await world.isFree(name)).toBe(true)
      expect((await (await world.chat(name, { ...user('hello'), stream })).text()).length).toBeGreaterThan(0)
      expect(await world.said(name)).toEqual(['user: hello', 'assistant: ok'])
    },
  )
})

describe('a request that is refused for what it says', () => {
  test.each([400, 403, 413, 415, 422, 451])('status %i: it leaves the path, and the next message goes without it [OAI-6, OAI-22]', async (status) => {
    const name = fresh()
    await (await world.chat(name, user('before'))).text()
    const session = await world.session(name)
    await session.patchState({ step: 1 })
    world.upstream.next(refuses(503, {}), refuses(status, { message: 'no' }), refuses(status, { message: 'no' }))
    for (const [text, answer] of [
      ['refused', 503],
      ['refused', status], // the retry of what was kept
      ['refused', status],
    ] as const)
      expect((await world.chat(name, user(text))).status).toBe(answer)
    expect([await world.said(name), await world.isFree(name)]).toEqual([['user: before', 'assistant: ok'], true])
    await (await world.chat(name, user('put in other words'))).text()
    const sent = world.upstream.bodies.at(-1)?.['messages'] as unknown[]
    expect([sent.length, JSON.stringify(sent).includes('refused')]).toEqual([3, false])
    expect(await session.state()).toMatchObject({ state: { step: 1 } })
  })

  test('a history and a result of a tool leave it whole; sent again, each stands once [OAI-6, OAI-10]', async () => {
    const name = fresh()
    const calls = [{ id: 'c', type: 'function' as const, function: { name: 'look', arguments: '{}' } }]
    const history = [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'look' },
    ]
    world.upstream.next(refuses(400, {}), answers({ tool_calls: calls }, 'tool_calls'), refuses(400, {}))
    const ask = async (messages: readonly object[]) => (await world.chat(name, { messages })).status
    expect([await ask(history), await world.said(name)]).toEqual([400, []])
    expect([await ask(history), (await world.said(name)).length]).toEqual([200, 4])
    const result = { role: 'tool', tool_call_id: 'c', content: 'seen' }
    expect([await ask([result]), (await world.said(name)).length]).toEqual([400, 4])
    expect([await ask([result]), (await world.said(name)).slice(3)]).toEqual([200, ['assistant: tool-call', 'tool: tool-result', 'assistant: ok']])
  })

  test('so does a message that no budget holds [OAI-6, BUD-5]', async () => {
    const name = fresh()
    await (await world.chat(name, user('before'))).text()
    expect((await world.chat(name, user('word '.repeat(40_000)))).status).toBe(413)
    expect([await world.said(name), await world.isFree(name)]).toEqual([['user: before', 'assistant: ok'], true])
    expect((await world.chat(name, user('after'))).status).toBe(200)
  })
})

test.each([[[null]], [['hello']], [[5]], [[[]]], [[{ role: 'user', content: 'a' }, null]]])(
  'messages %j are refused, and nothing is stored [GW-10, OAI-22]',
  async (messages) => {
    const name = fresh()
    const reply = await world.chat(name, { messages })
    expect([reply.status, ((await reply.json()) as { error: { code: string } }).error.code]).toEqual([400, 'invalid_input'])
    await expect(world.session(name)).rejects.toMatchObject({ code: 'not_found' })
  },
)

describe('a list with one bad message, however far down', () => {
  const good = (count: number) => Array.from({ length: count }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: `said ${i}` }))
  const asks = { role: 'user', content: 'and now?' }
  const bad: [string, object, number][] = [
    ['a text over its bytes', { role: 'user', content: 'x'.repeat(limits.entryBytes + 1) }, 413],
    ['a message over its bytes', { role: 'user', content: [1, 2].map(() => ({ type: 'text', text: 'x'.repeat(limits.entryBytes / 2) })) }, 413],
    ['too many parts', { role: 'user', content: Array.from({ length: limits.messageParts + 1 }, () => ({ type: 'text', text: 'x' })) }, 400],
    ['a name that is none', { role: 'user', name: 'a\nb', content: 'x' }, 400],
    ['a role that is none', { role: 'robot', content: 'x' }, 400],
  ]
  test.each(bad)('%s: refused by its place, and nothing is made or changed [GW-10, GW-11, OAI-22]', async (_, wrong, status) => {
    const name = fresh()
    const before = good(4)
    const refused = async (messages: readonly object[]) => {
      const reply = await world.chat(name, { messages: [{ role: 'system', content: 'Be brief.' }, ...messages] })
      const { error } = (await reply.json()) as { error: { message: string } }
      expect([reply.status, error.message]).toEqual([status, expect.stringContaining(`messages[${messages.indexOf(wrong) + 1}]`)])
    }
    await refused([...good(210), wrong, asks])
    await expect(world.session(name)).rejects.toMatchObject({ code: 'not_found' })
    await (await world.chat(name, { messages: [...before, asks] })).text()
    const session = await world.session(name)
    const [{ version }, said] = [await session.info(), await world.said(name)]
    await refused([...before, { role: 'user', content: 'edited' }, ...good(210), wrong])
    expect([(await session.info()).version, await world.said(name)]).toEqual([version, said])
    expect(await world.isFree(name)).toBe(true)
  })

  test('a history over the bounds of one append is stored in several [GW-11]', async () => {
    const own = await gatewayWorld() // closed at once: forming memories of 10 MB would slow the tests after it
    const large = Array.from({ length: 90 }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: `${i} ${'x'.repeat(120_000)}` }))
    const many = [...large, ...good(210), asks] // 10.8 MB, 301 messages
    expect((await own.chat('s', { messages: many })).status).toBe(200)
    expect((await (await own.session('s')).info()).size.messages).toBe(many.length + 1)
    await own.close()
  })
})

test('"context too long" is planned again, smaller, and sent once more; a second refusal passes, and so does one where nothing is left to drop [OAI-22]', async () => {
  const own = await gatewayWorld()
  const long = Array.from({ length: 60 }, (_, n) => ({
    role: n % 2 === 0 ? ('user' as const) : ('assistant' as const),
    text: `${n} ${'a long story of many words '.repeat(40)}`,
  }))
  for (const session of ['s', 't']) await (await own.alice.session(session)).append(long)
  const tooLong = refuses(400, { message: "This model's maximum context length is 8192 tokens.", code: 'context_length_exceeded' })
  const refused = async (session: string, calls: number) => {
    const asked = own.upstream.bodies.length
    const reply = await own.chat(session, user('and now?'))
    expect([reply.status, reply.headers.get('recollect-error-source')]).toEqual([400, 'upstream'])
    expect([own.upstream.bodies.length - asked, (await own.said(session)).at(-1)]).toEqual([
      calls,
      session === 's' ? `assistant: ${long.at(-1)?.text}` : undefined,
    ])
  }
  own.upstream.next(tooLong, tooLong)
  await refused('s', 2)
  own.upstream.next(tooLong)
  await refused('another', 1)
  own.upstream.next(refuses(500, { message: 'the maximum context length is 8192 tokens' }))
  const failed = own.upstream.bodies.length
  expect([(await own.chat('t', user('and now?'))).status, own.upstream.bodies.length - failed]).toEqual([500, 1])
  own.upstream.next(refuses(413, { message: 'prompt is too long: the maximum context length is 8192 tokens' }))
  expect((await own.chat('t', user('and then?'))).status).toBe(200)
  const sizes = own.upstream.bodies.slice(-2).map((body) => JSON.stringify(body).length)
  expect(sizes[1]).toBeLessThan(sizes[0] as number)
  await own.close()
})
