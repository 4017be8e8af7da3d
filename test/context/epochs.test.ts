// When an epoch begins, what it holds, and that any process goes on with it (context §4).
import { describe, expect, test } from 'vitest'
import type { Context, ContextOptions } from '../../src/context/policy/context-options.ts'
import { endEpoch } from '../../src/context/planning/epoch.ts'
import type { EpochRecord } from '../../src/core/context.ts'
import { RecollectError } from '../../src/core/errors.ts'
import { blocksOfContext, isPrefix } from './oracles.ts'
import { aMemory, call, result, tableSession, type TableSession } from './session-table.ts'

const words = (count: number) => 'lorem ipsum '.repeat(count / 2).trim()

/** Turns of about 2 × `size` tokens, ended by a pending user message. */
function talk(session: TableSession, turns: number, size = 100): void {
  for (let n = 0; n < turns; n++) {
    session.say('user', `question ${n} ${words(size)}`)
    session.say('assistant', `answer ${n} ${words(size)}`)
  }
  session.say('user', 'and now?')
}

const causeAfter = async (session: TableSession, options: ContextOptions = {}): Promise<string | undefined> => {
  const { epoch } = (await session.context(options)).receipt
  return epoch.began ? epoch.cause : undefined
}

test.each([
  ['summary', true],
  ['hybrid', true],
  ['slidingWindow', false],
] as const)('%s, with no model and no network, sums up what it evicts: %s [STR-2]', async (strategy, sums) => {
  const session = tableSession()
  session.say('user', 'Decision: the depot goes to Lisbon, and its code is CANARY-4711.')
  talk(session, 40)
  const { messages, receipt } = await session.context({ strategy, budgetTokens: 4_000 })
  expect(receipt.evicted[0]?.seqs[0]).toBe(1)
  expect([receipt.parts.some((part) => part.class === 'summary'), JSON.stringify(messages).includes('CANARY-4711')]).toEqual([sums, sums])
})

describe('an epoch goes on', () => {
  test('while messages, state and memories are added and the budget grows [EPO-1, EPO-10]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    talk(session, 2)
    const first = await session.context({ budgetTokens: 8_000 })
    session.say('assistant', 'this')
    session.patch({ step: 1 })
    session.memories.set('mem1', aMemory('mem1', 'she lives in Lisbon'))
    session.say('user', 'where does she live?')
    const second = await session.context({ budgetTokens: 30_000 })
    expect([second.receipt.epoch.began, second.receipt.epoch.no]).toEqual([false, 1])
    expect(isPrefix(blocksOfContext(first), blocksOfContext(second))).toBe(true)
    expect(second.receipt.parts.map((part) => part.class)).toEqual(['message', 'state', 'recalled-data', 'message'])
  })

  test.each(['neutral', 'openai-chat'] as const)(
    'in %s, message by message: system, tools and all that was sent stand to the byte at each later call [EPO-1]',
    async (format) => {
      const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
      const options: ContextOptions = { budgetTokens: 30_000, system: 'Be kind.', tools: [{ type: 'function', function: { name: 'look' } }], format }
      const sent: Context[] = []
      for (let n = 0; n < 8; n++) {
        session.say('user', `question ${n}`)
        if (n % 2 === 0) session.memories.set(`mem${n}`, aMemory(`mem${n}`, `fact ${n}`))
        if (n === 3) session.patch({ step: n })
        sent.push(await session.context(options))
        session.say('assistant', [call(`c${n}`)])
        session.say('tool', [result(`c${n}`, `found ${n}`)])
        sent.push(await (n % 3 === 0 ? session.cold(options) : session.context(options)))
        session.say('assistant', `answer ${n}`)
      }
      for (const [n, later] of sent.entries())
        for (const before of sent.slice(0, n))
          expect(JSON.stringify([later.system, later.tools, later.messages.slice(0, before.messages.length)])).toBe(
            JSON.stringify([before.system, before.tools, before.messages]),
          )
      expect(new Set(sent.map(({ receipt }) => receipt.epoch.no)).size).toBe(1)
      expect(sent.at(-1)?.messages.length).toBeGreaterThan(30)
    },
  )

  test('in another process that reads log and head alone, byte for byte [EPO-5]', async () => {
    const session = tableSession({ recall: () => [aMemory('mem1', 'a fact')] })
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    talk(session, 30)
    session.patch({ plan: 'x' })
    const options: ContextOptions = { budgetTokens: 5_000, system: 'Be kind.' }
    const warm = await session.context(options)
    const cold = await session.cold(options)
    expect(cold.messages).toEqual(warm.messages)
    expect(cold.receipt.epoch).toEqual({ ...warm.receipt.epoch, began: false })
    expect(cold.receipt.summary).toEqual(warm.receipt.summary)
    expect(warm.receipt.summary?.dropped).toBeGreaterThan(0)
  })

  test('after a rewind behind the kept messages, cut at that seq; a rewind before them begins a new one [EPO-7]', async () => {
    const session = tableSession()
    talk(session, 40)
    await session.context({ budgetTokens: 4_000 })
    const { keepFrom, startedUpTo } = session.head().epoch as { keepFrom: number; startedUpTo: number }
    for (const back of [1, 2]) {
      session.push({ type: 'rewind', toSeq: startedUpTo - back, at: 0 })
      session.say('user', 'another way')
      expect(await causeAfter(session, { budgetTokens: 4_000 })).toBeUndefined()
    }
    session.push({ type: 'rewind', toSeq: keepFrom - 2, at: 0 })
    session.say('user', 'yet another')
    expect(await causeAfter(session, { budgetTokens: 4_000 })).toBe('branch')
  })
})

describe('an epoch begins', () => {
  test('at the first context [EPO-11]', async () => {
    const session = tableSession()
    session.say('user', 'hello')
    expect(await causeAfter(session)).toBe('first')
  })

  test('at the high watermark, at the first context of a turn, and then not again for whole turns [EPO-11]', async () => {
    const session = tableSession()
    const causes: (string | undefined)[] = []
    for (let n = 0; n < 120; n++) {
      session.say('user', words(60))
      causes.push(await causeAfter(session, { budgetTokens: 4_000 }))
      session.say('assistant', words(60))
      session.clock.advance(1_000)
    }
    expect(causes[0]).toBe('first')
    const high = causes.flatMap((cause, index) => (cause === 'highWater' ? [index] : []))
    expect(high.length).toBeGreaterThan(1)
    expect((high[1] as number) - (high[0] as number)).toBeGreaterThan(2)
    expect(new Set(causes)).toEqual(new Set(['first', 'highWater', undefined]))
  })

  test('when the cache is cold and the context has grown, never inside a turn [EPO-12]', async () => {
    const options: ContextOptions = { strategy: { name: 'hybrid', lowTokens: 500, highTokens: 6_000 } }
    const session = tableSession()
    talk(session, 2)
    await session.context(options)
    session.say('assistant', words(2_000))
    session.clock.advance(301_000)
    session.say('user', 'still there?')
    expect(await causeAfter(session, options)).toBe('cold')
    session.say('assistant', [call('c1')])
    session.clock.advance(301_000)
    session.say('tool', [result('c1', 'done')])
    expect(await causeAfter(session, options)).toBeUndefined()
  })

  test('when the total is over the budget: the budget shrank [BUD-3, EPO-11]', async () => {
    const session = tableSession()
    talk(session, 20)
    await session.context({ budgetTokens: 20_000 })
    session.say('assistant', 'ok')
    session.say('user', 'go on')
    const { receipt } = await session.context({ budgetTokens: 3_000 })
    expect([receipt.epoch.cause, receipt.degraded]).toEqual(['hard', [2]])
  })

  test('when system, tools, model family, strategy or its options, or what is pinned change [STR-3, EPO-11]', async () => {
    const session = tableSession()
    talk(session, 3)
    const tool = { type: 'function', function: { name: 'look' } }
    expect(await causeAfter(session)).toBe('first')
    expect(await causeAfter(session, { system: 'Be kind.' })).toBe('system')
    expect(await causeAfter(session, { system: 'Be kind.', tools: [tool] })).toBe('tools')
    expect(await causeAfter(session, { system: 'Be kind.', tools: [tool], model: 'gpt-4o' })).toBe('model')
    expect(session.head().epoch).toMatchObject({ profileId: 'openai-4o', family: 'openai' })
    expect(await causeAfter(session, { system: 'Be kind.', tools: [tool], model: 'gpt-4.1' })).toBeUndefined() // one family
    expect(await causeAfter(session, { system: 'Be kind.', tools: [tool], model: 'gpt-4.1', strategy: 'summary' })).toBe('policy')
    const options: ContextOptions = { system: 'Be kind.', tools: [tool], model: 'gpt-4.1', strategy: { name: 'summary', keepTurns: 2 } }
    expect(await causeAfter(session, options)).toBe('policy')
    const own = (name: string) => ({ name, options: null, plan: () => ({ keepFrom: 1, summarize: false }) })
    expect(await causeAfter(session, { ...options, strategy: own('mine') })).toBe('policy')
    expect(await causeAfter(session, { ...options, strategy: own('yours') })).toBe('policy') // only the name differs
    expect(await causeAfter(session, { ...options, strategy: own('yours') })).toBeUndefined()
    expect(await causeAfter(session, options)).toBe('policy')
    expect(await causeAfter(session, { ...options, pins: [1] })).toBe('policy')
    expect(await causeAfter(session, { ...options, pins: [1] })).toBeUndefined()
  })

  test('at the very next context after a message was forgotten, and the text is nowhere in it [EPO-11]', async () => {
    const session = tableSession()
    session.say('user', 'my code is CANARY-4711, keep it')
    talk(session, 40)
    const options: ContextOptions = { budgetTokens: 4_000 }
    expect(JSON.stringify((await session.context(options)).messages)).toContain('CANARY-4711') // in the summary
    session.redact(1)
    const after = await session.context(options)
    expect([after.receipt.epoch.began, after.receipt.epoch.cause]).toEqual([true, 'forgotten'])
    expect(JSON.stringify(after.messages)).not.toContain('CANARY')
    expect(after.receipt.evicted[0]).toMatchObject({ seqs: [1, 1], into: 'redacted' })
    expect((await session.context(options)).receipt.epoch.began).toBe(false)
  })

  test('at the very next context after a memory was forgotten that it shows [EPO-11, INJ-4]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    session.memories.set('mem1', aMemory('mem1', 'CANARY fact'))
    session.say('user', 'what do you know?')
    for (const _ of ['recalled', 'read again, and kept']) expect(JSON.stringify((await session.context()).messages)).toContain('CANARY')
    session.memories.clear()
    const after = await session.context()
    expect(after.receipt.epoch.cause).toBe('forgotten')
    expect(JSON.stringify(after.messages)).not.toContain('CANARY')
  })

  test('when a rendered block is not what the record says [EPO-3, EPO-11]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    session.say('user', 'what do you know?')
    await session.context()
    session.memories.set('mem1', aMemory('mem1', 'another fact'))
    expect((await session.cold()).receipt.epoch.cause).toBe('changed')
  })

  test.each<[string, (epoch: EpochRecord) => Partial<EpochRecord>]>([
    ['of the summary', ({ summary }) => ({ summary: { ...(summary as NonNullable<EpochRecord['summary']>), hash: 'A'.repeat(22) } })],
    [
      'of a block of memories',
      ({ injections }) => ({
        injections: injections.map((one) => ({ ...one, blocks: one.blocks.map((block) => ({ ...block, hash: 'A'.repeat(22) })) })),
      }),
    ],
    ['of the chain up to what was sent', () => ({ prefixHash: 'A'.repeat(22) })],
  ])('when the hash %s is another, also where a rewind left the chain to itself [EPO-3, EPO-11]', async (what, change) => {
    for (const rewind of what === 'of the chain up to what was sent' ? [false] : [false, true]) {
      const session = tableSession({ recall: () => [aMemory('mem1', 'a fact')] })
      session.memories.set('mem1', aMemory('mem1', 'a fact'))
      talk(session, 40)
      await session.context({ budgetTokens: 4_000 })
      if (rewind) {
        session.say('assistant', 'wrong')
        session.setHead({ epoch: { ...(session.head().epoch as EpochRecord), sentUpTo: session.fold().upTo } })
        session.push({ type: 'rewind', toSeq: session.fold().upTo - 1, at: 0 })
      } else session.setHead({ epoch: { ...(session.head().epoch as EpochRecord) } })
      expect((await session.cold({ budgetTokens: 4_000, preview: true })).receipt.epoch.began).toBe(false)
      const { epoch } = session.head()
      session.setHead({ epoch: { ...(epoch as EpochRecord), ...change(epoch as EpochRecord) } })
      expect((await session.cold({ budgetTokens: 4_000 })).receipt.epoch.cause).toBe('changed')
    }
  })

  test('without the memories where they cannot be read, or with their error if the caller wants that [INJ-7, EPO-11]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    session.say('user', 'what do you know?')
    await session.context()
    const down = () => Promise.reject(new RecollectError('unavailable', 'down', 'Wait.'))
    Object.assign(session.source, { records: down, standing: down })
    await expect(session.context({ recall: { onFailure: 'fail' } })).rejects.toMatchObject({ code: 'unavailable' })
    const context = await session.context()
    expect(context.receipt.epoch.cause).toBe('recallUnavailable')
    expect(context.degraded).toEqual(['recall'])
    expect(JSON.stringify(context.messages)).not.toContain('a fact')
  })

  test('when it was asked for, once [EPO-11]', async () => {
    const session = tableSession()
    session.say('user', 'hello')
    await session.context()
    session.setHead({ epoch: endEpoch(session.head().epoch as NonNullable<ReturnType<TableSession['head']>['epoch']>, 'asked') })
    expect(await causeAfter(session)).toBe('asked')
    expect(await causeAfter(session)).toBeUndefined()
  })

  test('for the first cause of the list where several hold [EPO-11]', async () => {
    const session = tableSession()
    talk(session, 20)
    await session.context({ budgetTokens: 20_000 })
    session.redact(1)
    expect(await causeAfter(session, { budgetTokens: 3_000, system: 'new', model: 'gpt-4o', strategy: 'summary' })).toBe('forgotten')
    session.say('assistant', words(2_000))
    session.say('user', 'more')
    expect(await causeAfter(session, { budgetTokens: 3_000, system: 'newer', model: 'claude-sonnet-5', strategy: 'hybrid' })).toBe('hard')
    expect(await causeAfter(session, { budgetTokens: 9_000, system: 'newest', model: 'gpt-4o', strategy: 'summary' })).toBe('model')
  })
})

describe('what an epoch is', () => {
  test('tools, system, pins, summary, state, kept turns with their injections, the pending turn: in this order [EPO-2]', async () => {
    const session = tableSession({ recall: () => [aMemory('mem1', 'a fact')] })
    session.memories.set('mem1', aMemory('mem1', 'a fact'))
    session.patch({ plan: 1 })
    talk(session, 40)
    const { receipt } = await session.context({
      budgetTokens: 4_000,
      pins: [6, 2],
      system: 'S',
      tools: [{ type: 'function', function: { name: 'look' } }],
    })
    expect(receipt.parts.map((part) => part.class)).toEqual([
      'tools',
      'system',
      'pin',
      'pin',
      'summary',
      'state',
      'message',
      'recalled-data',
      'message',
    ])
    expect(receipt.parts.flatMap((part) => (part.class === 'pin' ? [part.seqs?.[0]] : []))).toEqual([2, 6])
    expect(receipt.parts.at(-1)?.why).toBe('pending')
  })

  test('refs, numbers and hashes, within 32 KiB: no text of messages, memories or state [EPO-3, INJ-4]', async () => {
    const session = tableSession({ recall: () => [aMemory('mem1', 'CANARY memory')] })
    session.memories.set('mem1', aMemory('mem1', 'CANARY memory'))
    session.patch({ secret: 'CANARY state' })
    for (let n = 0; n < 40; n++) session.say(n % 2 === 0 ? 'user' : 'assistant', `CANARY ${n} ${words(100)}`)
    session.say('user', 'CANARY?')
    await session.context({ budgetTokens: 4_000, system: 'CANARY system' })
    expect(JSON.stringify(session.head())).not.toContain('CANARY')
    expect(JSON.stringify([...session.receipts.values()])).not.toContain('CANARY')
    expect(session.entries.some((entry) => JSON.stringify(entry).includes('CANARY memory'))).toBe(false)
  })

  test('one rewrite: evicted, summarized, state folded, the late result in its place, all at once [EPO-8, TURN-5]', async () => {
    const session = tableSession({ recall: (_query, { memories }) => [...memories.values()] })
    talk(session, 30)
    session.say('assistant', [call('c1', 'search')])
    session.say('user', 'never mind')
    const before = await session.context({ budgetTokens: 50_000, format: 'openai-chat', model: 'gpt-4o' })
    expect(JSON.stringify(before.messages)).toContain('[no result recorded]')
    session.say('assistant', 'fine')
    session.say('tool', [result('c1', 'found it late')])
    session.patch({ done: true })
    session.memories.set('mem1', aMemory('mem1', 'a fact')) // its place is written to the head, behind the late result
    session.say('user', 'what now?')
    const late = await session.context({ budgetTokens: 50_000, format: 'openai-chat', model: 'gpt-4o' })
    expect(isPrefix(blocksOfContext(before), blocksOfContext(late))).toBe(true)
    expect(late.receipt.parts.filter((part) => part.change === 'fenced')).toHaveLength(1)
    expect(JSON.stringify(late.messages)).toMatch(/<recollect:quoted-data [^<]*untrusted[^<]*found it late/)
    expect((await session.cold({ budgetTokens: 50_000, format: 'openai-chat', model: 'gpt-4o' })).messages).toEqual(late.messages)
    const after = await session.context({ budgetTokens: 3_500, format: 'openai-chat', model: 'gpt-4o' })
    expect(JSON.stringify(after.messages)).not.toContain('[no result recorded]')
    const messages = after.messages as readonly { role: string; content?: string }[]
    const at = messages.findIndex(({ role }) => role === 'tool')
    expect(messages[at]?.content).toBe('found it late')
    expect(after.receipt.parts.map((part) => part.class).slice(0, 3)).toEqual(['summary', 'state', 'message'])
    expect(session.swaps).toHaveLength(3)
    expect(new Set(session.swaps.map(({ epoch }) => epoch?.fenceKey)).size).toBe(2) // one of its own for each epoch
  })

  test('a loser of the race for the head goes on with the winner’s record, and writes nothing over it [EPO-4]', async () => {
    const winner = tableSession({ seed: 2 })
    talk(winner, 3)
    await winner.context()
    const [record] = winner.swaps.map(({ epoch }) => epoch as EpochRecord)
    let late = true
    const session = tableSession({
      recall: () => {
        if (late) session.setHead({ epoch: record as EpochRecord }) // between reading the head and swapping it
        late = false
        return []
      },
    })
    talk(session, 3)
    const { receipt } = await session.context()
    expect([receipt.epoch.began, receipt.epoch.prefixHash]).toEqual([false, record?.prefixHash])
    expect([session.swaps.length, session.head().epoch?.fenceKey]).toEqual([0, record?.fenceKey])
  })

  test.each([
    [2, 3, 'wins'],
    [9, 3, 'conflict'],
  ] as const)('with %i rivals it tries %i times [EPO-4]', async (rivals, tries, end) => {
    let tried = 0
    const session = tableSession({ beforeSwap: (table) => (tried++ < rivals ? table.setHead({}) : undefined) })
    session.say('user', 'hello')
    expect(
      await session.context().then(
        () => 'wins',
        (error: RecollectError) => error.code,
      ),
    ).toBe(end)
    expect([tried, session.swaps.length]).toEqual([tries, end === 'wins' ? 1 : 0])
  })

  test('a loser of the race for the head plans again with the winner’s record, three times at most [EPO-4]', async () => {
    let rivals = 1
    const session = tableSession({
      beforeSwap: (table) => {
        if (rivals-- > 0) table.setHead({ title: 'changed meanwhile' })
      },
    })
    session.say('user', 'hello')
    expect((await session.context()).receipt.epoch.began).toBe(true)
    expect([session.head().title, session.swaps.length]).toEqual(['changed meanwhile', 1])
    const stubborn = tableSession({ beforeSwap: (table) => table.setHead({}) })
    stubborn.say('user', 'hello')
    await expect(stubborn.context()).rejects.toMatchObject({ code: 'conflict' })
    expect(stubborn.swaps).toHaveLength(0)
  })
})
