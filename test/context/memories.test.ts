// Which memories and state a context shows, where, and for how long (context §5).
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { EpochRecord } from '../../src/core/context.ts'
import { RecollectError } from '../../src/core/errors.ts'
import type { MemoryRecord } from '../../src/core/memory.ts'
import { recordingTelemetry } from '../../src/testing/recording-telemetry.ts'
import { aMemory, call, result, tableSession, type TableOptions, type TableSession } from './session-table.ts'

/** Recalls and can read all that is in the table. */
const remembering = (options: TableOptions = {}): TableSession =>
  tableSession({ recall: (_query, { memories }) => [...memories.values()].filter(({ kind }) => kind !== 'procedural'), ...options })

function remember(session: TableSession, ...memories: MemoryRecord[]): void {
  for (const memory of memories) session.memories.set(memory.id, memory)
}

interface Sent {
  readonly role: string
  readonly content: string
}
const chat = async (session: TableSession, more = {}): Promise<Sent[]> =>
  (await session.context({ format: 'openai-chat', model: 'gpt-4o', ...more })).messages as Sent[]

describe('memories', () => {
  test('are recalled once for each user message and stand directly before it; later calls send them again [INJ-1]', async () => {
    let asked = 0
    const session = remembering({ recall: (_query, { memories }) => (asked++, [...memories.values()]) })
    remember(session, aMemory('mem1', 'she lives in Lisbon'))
    session.say('user', 'where does she live?')
    const first = await chat(session)
    expect(first.map(({ content }) => content.includes('Lisbon'))).toEqual([true, false])
    session.say('assistant', [call('c1')])
    session.say('tool', [result('c1', 'ok')])
    const second = await session.context({ format: 'openai-chat', model: 'gpt-4o' })
    expect((second.messages as Sent[])[0]).toEqual(first[0])
    expect([asked, second.receipt.recall.status]).toEqual([1, 'replayed'])
    expect(second.receipt.recall.items).toEqual([{ id: 'mem1', outcome: 'live' }])
  })

  test('are recalled for a user message whose calls and results were appended before its first context, and stand before it [INJ-1, INJ-2]', async () => {
    const queries: string[] = []
    const session = remembering({ recall: (query, { memories }) => (queries.push(query), [...memories.values()]) })
    const loop = (id: string) => {
      session.say('user', `look up ${id}`)
      session.say('assistant', [call(id)])
      session.say('tool', [result(id, 'ok')])
    }
    remember(session, aMemory('mem1', 'FACT one'))
    loop('c1')
    expect((await chat(session)).map(({ content }) => content?.includes('FACT one') ?? false)).toEqual([true, false, false, false])
    session.say('assistant', 'done')
    remember(session, aMemory('mem2', 'FACT two'))
    loop('c2')
    const before = await chat(session)
    expect(before.map(({ content }) => content?.includes('FACT two') ?? false)).toEqual([...Array(5).fill(false), true, false, false, false])
    session.say('assistant', [call('c3')])
    session.say('tool', [result('c3', 'ok')])
    expect((await chat(session)).slice(0, before.length)).toEqual(before)
    expect(queries).toEqual(['look up c1', 'look up c2'])
  })

  test('are not chosen again inside a turn that was sent without any: not here, nor in a process that knows it from the receipts [INJ-1, EPO-1]', async () => {
    let asked = 0
    const session = remembering({ recall: (_query, { memories }) => (asked++, [...memories.values()]) })
    session.say('user', 'hello')
    await session.context()
    session.say('assistant', 'hi')
    session.say('user', 'what do you know?')
    await session.context() // nothing yet: the head is not written
    remember(session, aMemory('mem1', 'FACT one'))
    session.say('assistant', [call('c1')])
    session.say('tool', [result('c1', 'ok')])
    for (const context of [await session.context(), await session.cold()]) {
      expect(context.receipt.recall).toEqual({ status: 'replayed', items: [] })
      expect(JSON.stringify(context.messages)).not.toContain('FACT one')
    }
    expect(asked).toBe(2)
    const off = { sentUpTo: async () => 0 } // no receipts are kept: this process and the record still know
    Object.assign(session.source, off)
    expect((await session.context()).receipt.recall.status).toBe('replayed')
    session.setHead({ epoch: { ...(session.head().epoch as EpochRecord), sentUpTo: 3 } })
    expect((await session.cold()).receipt.recall.status).toBe('replayed')
    expect(asked).toBe(2)
  })

  test('are not recalled where the model has answered [INJ-1]', async () => {
    const session = remembering()
    remember(session, aMemory('mem1', 'FACT one'))
    session.say('user', 'hello')
    session.say('assistant', 'hi')
    expect((await session.context()).receipt.recall).toEqual({ status: 'replayed', items: [] })
  })

  test('find no place in a turn whose beginning was cut away, and the receipt says that the budget had none [INJ-1, TURN-3]', async () => {
    const session = remembering()
    session.say('user', 'hello')
    session.say('assistant', 'hi')
    remember(session, aMemory('mem1', 'FACT one'))
    session.say('user', 'look')
    for (let n = 0; n < 9; n++) {
      session.say('assistant', [call(`c${n}`)])
      session.say('tool', [result(`c${n}`, 'lorem ipsum '.repeat(150))])
    }
    const asked = { budgetTokens: 50_000, strategy: { name: 'hybrid', lowTokens: 400, highTokens: 1_200 } } as const
    const { receipt, messages } = await session.context(asked)
    expect(session.head().epoch?.keepUserSeq).toBe(3)
    expect(receipt.recall.items).toMatchObject([{ id: 'mem1', outcome: 'budget' }])
    expect(JSON.stringify(messages)).not.toContain('FACT one')
    expect(session.head().epoch?.injections).toEqual([])
    expect((await session.context(asked)).receipt.recall.status).toBe('replayed')
  })

  test('are placed only if the live window lacks them; an evicted one may come again [INJ-1]', async () => {
    const session = remembering()
    remember(session, aMemory('mem1', 'she lives in Lisbon'))
    session.say('user', 'where?')
    await session.context()
    session.say('assistant', 'in Lisbon')
    session.say('user', 'and again?')
    const again = await session.context()
    expect(again.receipt.recall.items).toMatchObject([{ id: 'mem1', outcome: 'live' }])
    expect(JSON.stringify(again.messages).match(/she lives/g)).toHaveLength(1)
    for (let n = 0; n < 30; n++) session.say(n % 2 === 0 ? 'assistant' : 'user', 'lorem ipsum '.repeat(60))
    session.say('assistant', 'yes')
    session.say('user', 'where was it?')
    const later = await session.context({ budgetTokens: 3_000 })
    expect(later.receipt.epoch.began).toBe(true)
    expect(later.receipt.recall.items).toMatchObject([{ id: 'mem1', outcome: 'injected' }])
  })

  test('stand in the user role, after the history and before the pending text; never in system, never inside a turn [INJ-2]', async () => {
    const session = remembering()
    session.say('user', 'hello')
    session.say('assistant', 'hi')
    remember(session, aMemory('mem1', 'FACT one'))
    session.say('user', 'what do you know?')
    const sent = await chat(session, { system: 'Be kind.' })
    expect(sent.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'user'])
    expect(sent[3]?.content).toContain('FACT one')
    remember(session, aMemory('mem2', 'FACT two'))
    session.say('assistant', [call('c1')])
    session.say('tool', [result('c1', 'ok')])
    const inside = await chat(session, { system: 'Be kind.' })
    expect(inside.slice(0, 5)).toEqual(sent)
    expect(JSON.stringify(inside)).not.toContain('FACT two')
  })

  test('are fenced blocks: current preferences whatever the query, and recalled data, each with a nonce of its own [INJ-3]', async () => {
    const preference = aMemory('pref1', 'answer briefly', { kind: 'procedural' })
    const session = remembering({ preferences: () => [preference] })
    remember(session, preference, aMemory('mem1', 'a fact'))
    session.say('user', 'zzz')
    const { receipt, messages } = await session.context({ format: 'openai-chat', model: 'gpt-4o' })
    const blocks = (messages as Sent[]).slice(0, 2).map(({ content }) => /^<recollect:([a-z-]+) ([\w-]{22}) /.exec(content))
    expect(blocks.map((found) => found?.[1])).toEqual(['preferences', 'recalled-data'])
    expect(new Set(blocks.map((found) => found?.[2])).size).toBe(2)
    expect(receipt.recall.items.map(({ id, outcome, authority, evidence }) => [id, outcome, authority, evidence])).toEqual([
      ['pref1', 'injected', 'typed', ['s-0#3']],
      ['mem1', 'injected', 'typed', ['s-0#3']],
    ])
  })

  test('that recall names again though they are live are not placed again [INJ-1]', async () => {
    const session = remembering()
    const known = aMemory('mem1', 'she lives in Lisbon')
    remember(session, known)
    session.say('user', 'where?')
    await session.context()
    session.say('assistant', 'in Lisbon')
    session.say('user', 'and again?')
    const hit = { record: known, list: known.list, rank: 1, relevance: 0.9, score: 1, arms: {}, duplicates: 0 }
    Object.assign(session.source, {
      recall: async () => ({ result: { hits: [hit], abstained: false, floor: 0.3, degraded: [], upTo: 1 }, live: [] }),
    })
    const { receipt, messages } = await session.context()
    expect(receipt.recall.items).toMatchObject([{ id: 'mem1', outcome: 'live' }])
    expect(JSON.stringify(messages).match(/she lives/g)).toHaveLength(1)
  })

  test.each([
    ['short', 30, 'be brief', 15],
    ['long', 8, 'answer in short words '.repeat(40), 3],
  ])('of %s preferences so many of the newest stand in a block as 600 tokens hold [POI-14]', async (_, count, text, placed) => {
    const preferences = Array.from({ length: count }, (_, n) => aMemory(`pref${n}`, text, { kind: 'procedural' }))
    const session = remembering({ preferences: () => preferences })
    remember(session, ...preferences)
    session.say('user', 'zzz')
    const { receipt } = await session.context({ budgetTokens: 30_000 })
    expect(receipt.recall.items.filter(({ outcome }) => outcome === 'injected').map(({ id }) => id)).toEqual(
      preferences.slice(0, placed).map(({ id }) => id),
    )
  })

  test('a record that takes the place of a live one is placed whatever its rank, and says what it supersedes [INJ-5]', async () => {
    let answer: MemoryRecord[] = []
    const session = remembering({ recall: () => answer })
    const old = aMemory('mem1', 'she lives in Lisbon')
    answer = [old]
    remember(session, old)
    session.say('user', 'where does she live?')
    await session.context()
    session.say('assistant', 'in Lisbon')
    const moved = aMemory('mem2', 'she lives in Porto', { supersedes: ['mem1'] })
    answer = []
    remember(session, { ...old, supersededBy: 'mem2', ended: 'superseded' }, moved)
    session.say('user', 'something else')
    const { receipt, messages } = await session.context({ recall: { maxItems: 0, maxTokens: 0 } }) // over the caps, too
    expect(receipt.recall.items).toMatchObject([{ id: 'mem2', outcome: 'supersedes' }])
    expect(JSON.stringify(messages)).toContain('\\"supersedes\\":[\\"mem1\\"]')
    expect(receipt.epoch.began).toBe(false)
  })

  test.each(['unavailable', 'invalid_input'] as const)(
    'recall that fails gives none, and the receipt says so; with onFailure fail the call throws: %s [INJ-7]',
    async (code) => {
      const failing = remembering({
        recall: () => {
          throw new RecollectError(code, 'the store is down', 'Wait.')
        },
      })
      failing.say('user', 'hello')
      const telemetry = recordingTelemetry()
      const omitted = await failing.context({}, { telemetry })
      expect(telemetry.counted('recollect_degraded_total')).toBe(1)
      expect([omitted.receipt.recall, omitted.degraded]).toEqual([{ status: 'unavailable', items: [] }, ['recall']])
      await expect(failing.context({ recall: { onFailure: 'fail' } })).rejects.toMatchObject({ code })
    },
  )

  test('recall that is late gives none, and the receipt says so [INJ-7]', async () => {
    const late = remembering()
    let given: AbortSignal | undefined
    Object.assign(late.source, { recall: (_query: string, { signal }: { signal: AbortSignal }) => new Promise(() => (given = signal)) })
    late.say('user', 'hello')
    const waiting = late.context()
    while (late.clock.sleeping < 2) await setImmediate() // the context's own timer is set after a turn of the loop
    late.clock.advance(2_000)
    expect((await waiting).receipt.recall.status).toBe('timeout')
    expect(given?.aborted).toBe(true) // nobody waits for it any more
  })

  test('with recall off none is asked for [INJ-7]', async () => {
    const session = remembering()
    remember(session, aMemory('mem1', 'a fact'))
    session.say('user', 'hello')
    const { receipt, messages } = await session.context({ recall: false })
    expect([receipt.recall, messages.length]).toEqual([{ status: 'off', items: [] }, 1])
  })
})

describe('session state', () => {
  test('is one block at the start of an epoch, then a block for each change before the next user message; no change, no block [INJ-6]', async () => {
    const session = tableSession()
    session.patch({ plan: 'A' })
    session.say('user', 'start')
    const first = await chat(session)
    expect(first[0]?.content).toContain('\\"plan\\":\\"A\\"')
    session.say('assistant', 'ok')
    session.patch({ plan: 'B' })
    session.patch({ step: 2 })
    session.say('user', 'next')
    const second = await chat(session)
    expect(second.slice(0, 2)).toEqual(first)
    const changes = second[3]?.content.split('\n').filter((line) => line.startsWith('{'))
    expect(changes?.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['change:4', 'change:5'])
    expect(second).toHaveLength(5)
    session.say('assistant', 'done')
    session.say('user', 'more')
    expect(await chat(session)).toHaveLength(7)
    session.say('assistant', 'done')
    session.patch({ step: 3 })
    session.say('user', 'and more')
    const blocks = (await chat(session)).flatMap(({ content }) => /^<recollect:session-state ([\w-]{22}) /.exec(content)?.[1] ?? [])
    expect([blocks.length, new Set(blocks).size]).toEqual([3, 3]) // each with a nonce of its own
  })

  test('stays out with state: false, and a changed choice begins a new epoch [INJ-6]', async () => {
    const session = tableSession()
    session.patch({ plan: 'A' })
    session.say('user', 'start')
    expect(JSON.stringify(await chat(session, { state: false }))).not.toContain('plan')
    expect((await session.context({ format: 'openai-chat', model: 'gpt-4o' })).receipt.epoch.cause).toBe('policy')
  })
})
