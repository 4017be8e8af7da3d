// Contexts through the library: what the model sees comes from the log, its receipt is kept, and the figures follow from it.
import * as o200k from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { recordingTelemetry } from '../../src/testing/recording-telemetry.ts'
import { aWorld, backends, codeOf, start } from './library-world.ts'

const textIn = (messages: readonly unknown[]): string => JSON.stringify(messages)

describe.each(backends)('on %s', (backend) => {
  const aSession = async (options = {}) => {
    const world = await aWorld(backend, options)
    const session = await world.recollect.user('alice').session('s', { system: 'Be kind.' })
    await session.append([
      { role: 'user', text: 'I moved to Lisbon.' },
      { role: 'assistant', text: 'Welcome to Lisbon!' },
      { role: 'user', text: 'Where do I live?' },
    ])
    return { ...world, session }
  }

  test('a context holds the messages of the log in order, and its receipt names how far it reaches [CTX-1]', async () => {
    const { session } = await aSession()
    const context = await session.context({ budgetTokens: 2_000, recall: false })
    const text = textIn(context.messages)
    expect(text.indexOf('I moved')).toBeLessThan(text.indexOf('Welcome'))
    expect(text.indexOf('Welcome')).toBeLessThan(text.indexOf('Where do I live'))
    expect(context.receipt).toMatchObject({ session: 's', upTo: (await session.info()).version, epoch: { no: 1, cause: 'first' } })
  })

  test('a tokenizer that was passed in counts exactly, but for a model whose profile asks for the estimate [TOK-1]', async () => {
    const profiles = [{ id: 'plain', match: ['plain'], tokens: { counter: 'classes' as const } }]
    const { session } = await aSession({ tokenizer: o200k, profiles })
    const text = 'หนังสือเล่มนี้ดีมาก <|endoftext|>'
    await session.append({ role: 'user', text })
    const texts = ['I moved to Lisbon.', 'Welcome to Lisbon!', 'Where do I live?', text, 'Be kind.']
    const estimated = async (model: string) => (await session.context({ recall: false, model, preview: true })).receipt.budget['estimated']
    const exactly = texts.reduce((sum, one) => sum + 4 + o200k.encode(one, { disallowedSpecial: new Set() }).length, 0)
    expect(await estimated('gpt-4o')).toBe(exactly)
    expect(await estimated('nobody-knows')).toBe(exactly)
    expect(await estimated('plain-1')).not.toBe(exactly)
    const usual = await aSession({ profiles })
    await usual.session.append({ role: 'user', text })
    expect((await usual.session.context({ recall: false, preview: true })).receipt.budget['estimated']).toBe(await estimated('plain-1'))
    for (const wrong of [{}, 'o200k', null, { encode: 4 }]) expect(await codeOf(aWorld(backend, { tokenizer: wrong as never }))).toBe('invalid_input')
  })

  test('a call goes before the session, the session before the deployment, and a default is clipped to the window of the model [CTX-6]', async () => {
    const recall = { maxItems: 2, onFailure: 'fail' as const }
    const context = { budgetTokens: 200_000, strategy: { name: 'hybrid' as const, lowTokens: 900 }, minTurns: 1, recall, timeoutMs: 5_000 }
    const { recollect } = await aWorld(backend, { context })
    const [plain, own] = [await recollect.user('alice').session('plain'), await recollect.user('alice').session('own', { strategy: 'summary' })]
    for (const session of [plain, own]) await session.append({ role: 'user', text: 'hello' })
    const madeBy = async (session: typeof own, options = {}) => {
      const { budget, strategy } = (await session.context({ preview: true, ...options })).receipt
      return [strategy.name, budget['budget']]
    }
    expect(await madeBy(plain)).toEqual(['hybrid', 128_000 - 4_096])
    expect(await madeBy(plain, { model: 'gpt-5' })).toEqual(['hybrid', 200_000])
    expect(await madeBy(own)).toEqual(['summary', 128_000 - 4_096])
    expect(await madeBy(own, { strategy: 'slidingWindow', budgetTokens: 3_000 })).toEqual(['slidingWindow', 3_000])
    for (const wrong of [
      { minTurns: -1 },
      { strategy: 'best' },
      { budget: 1 },
      { budgetTokens: 1 },
      { timeoutMs: 0 },
      { recall: { maxItems: 101 } },
      { pins: [1] },
    ])
      expect(await codeOf(aWorld(backend, { context: wrong as never }))).toBe('invalid_input')
    for (const wrong of [{ id: 'a', windowToken: 1 }, { match: ['a'] }, { id: 'a', cache: { ttl: 1 } }, { id: 'a', tokens: { counter: 'best' } }])
      expect(await codeOf(aWorld(backend, { profiles: [wrong as never] }))).toBe('invalid_input')
  })

  test('a receipt is kept, listed newest first, compared, and goes with its session [REC-1] [LIFE-3]', async () => {
    const { session, recollect } = await aSession()
    const first = await session.context({ recall: false })
    await session.append({ role: 'assistant', text: 'In Lisbon.' })
    const second = await session.context({ recall: false })
    await recollect.settled()
    expect((await session.receipts.list()).items.map((item) => item.id)).toEqual([second.receipt.id, first.receipt.id])
    expect((await session.receipts.get(first.receipt.id)).receipt).toEqual(first.receipt)
    expect((await session.receipts.diff(first.receipt.id, second.receipt.id)).a).toBe(first.receipt.id)
    expect((await session.why(2)).stretches).toMatchObject([{ sent: true, calls: expect.any(Number), from: { receipt: first.receipt.id } }])
    expect(await codeOf(session.why(0))).toBe('invalid_input')
    const page = await session.receipts.list({ limit: 1 })
    expect((await session.receipts.list({ limit: 1, cursor: page.cursor as string })).items.map((item) => item.id)).toEqual([first.receipt.id])
    expect(await codeOf(session.receipts.get('nowhere'))).toBe('not_found')
    expect(await codeOf(session.receipts.list({ cursor: 'x' }))).toBe('invalid_input')
    expect((await session.delete()).removed[0]).toMatchObject({ store: 'sessions', logs: 2 })
    const left = (await recollect.user('alice').erase({ dryRun: true })).removed.reduce((sum, one) => sum + one.logs, 0)
    expect(left).toBe(1) // the memory log
    const again = await recollect.user('alice').session('s')
    expect((await again.receipts.list()).items).toEqual([])
  })

  test('the sweeper takes the receipts of a session that is over, and those of no other [LIFE-3]', async () => {
    const { recollect, clock } = await aWorld(backend, { receipts: 'durable' })
    const [over, live] = [await recollect.user('alice').session('over', { idleMs: 60_000 }), await recollect.user('alice').session('live')]
    for (const session of [over, live]) {
      await session.append({ role: 'user', text: 'x' })
      await session.context({ recall: false })
    }
    clock.advance(60_000)
    expect((await recollect.sweep()).deleted).toBe(1)
    expect((await live.receipts.list()).items).toHaveLength(1)
    clock.set(start) // what was left behind would show itself again
    expect(await recollect.user('alice').erase({ dryRun: true })).toMatchObject({
      removed: [{ logs: 2 }, ...(backend === 'memory' ? [{ logs: 0 }] : [])],
    })
  })

  test.each(['made anew', 'left'])(
    'receipts of a session that expired unswept and was then %s are not read under its name, and go when that is deleted [LIFE-3]',
    async (then) => {
      const { recollect, clock } = await aWorld(backend, { receipts: 'durable' })
      const user = recollect.user('alice')
      const first = await user.session('s', { idleMs: 60_000 })
      await first.append({ role: 'user', text: 'x' })
      await first.context({ recall: false })
      clock.advance(60_000)
      if (then === 'made anew') expect((await (await user.session('s')).receipts.list()).items).toEqual([])
      await first.delete()
      clock.set(start) // what was left behind would show itself again
      expect((await user.erase({ dryRun: true })).removed.map(({ logs }) => logs)).toEqual(backend === 'memory' ? [0, 0] : [0])
    },
  )

  test('usage that was reported stands beside its receipt, once [REC-2]', async () => {
    const { session } = await aSession()
    const { receipt } = await session.context({ recall: false })
    const usage = await session.reconcile(receipt.id, { inputTokens: 40, outputTokens: 5 })
    expect(await session.reconcile(receipt.id, { inputTokens: 99, outputTokens: 9 })).toEqual(usage)
    expect((await session.receipts.get(receipt.id)).usage).toMatchObject({ billed: { inputTokens: 40, outputTokens: 5 } })
    expect((await session.receipts.list()).items[0]).toMatchObject({ billed: true })
  })

  test('a message that was given out cannot be changed for the next context [LOW-2]', async () => {
    const { session } = await aSession()
    for (const format of ['neutral', 'openai-chat'] as const) {
      const last = (await session.context({ recall: false, format })).messages.at(-1) as { role: string }
      expect(() => (last.role = 'system')).toThrow(TypeError)
    }
  })

  test('a preview plans messages as if they were appended, by the rules of an append [CTX-1]', async () => {
    const { session } = await aSession()
    const messages = Array.from({ length: 450 }, (_, i) => ({ role: i % 2 === 0 ? ('assistant' as const) : ('user' as const), text: `said ${i}` }))
    const preview = await session.context({ preview: true, messages, recall: false, budgetTokens: 100_000 })
    for (let at = 0; at < messages.length; at += 150) await session.append(messages.slice(at, at + 150))
    expect((await session.context({ recall: false, budgetTokens: 100_000 })).messages).toEqual(preview.messages)
    const raised = [
      { role: 'assistant' as const, parts: [{ type: 'text' as const, text: 'x', spans: [{ start: 0, end: 1, origin: 'user-typed' as const }] }] },
    ]
    expect(await codeOf(session.context({ preview: true, messages: raised }))).toBe('invalid_input')
  })

  test('a preview writes nothing, also for a session that is not there [OAI-23]', async () => {
    const { session, recollect } = await aSession()
    const user = recollect.user('alice')
    await recollect.settled()
    const { revision } = await session.info()
    const messages = [{ role: 'user', text: 'And my diet?' }] as const
    expect(textIn((await session.context({ preview: true, messages, recall: false })).messages)).toContain('And my diet?')
    expect(textIn((await user.preview('s', { messages, recall: false, rewindTo: 2 })).messages)).not.toContain('Where do I live')
    expect(textIn((await user.preview(undefined, { messages, recall: false })).messages)).toContain('And my diet?')
    expect(textIn((await user.preview('nowhere', { messages, recall: false })).messages)).toContain('And my diet?')
    await recollect.settled()
    expect((await session.receipts.list()).items).toEqual([])
    expect((await user.sessions.list()).items.map((item) => item.id)).toEqual(['s'])
    expect((await session.messages()).items).toHaveLength(3)
    expect((await session.info()).revision).toBe(revision)
  })

  test('an epoch that is ended by request begins anew at the next context [EPO-10]', async () => {
    const { session } = await aSession()
    await session.newEpoch()
    expect(await session.epoch()).toBeUndefined()
    await session.context({ recall: false })
    await session.newEpoch()
    const { receipt } = await session.context({ recall: false })
    expect(receipt.epoch).toMatchObject({ no: 2, cause: 'asked', began: true })
    expect(await session.epoch()).toMatchObject({ no: 2 })
  })

  test('a summary names the messages that it rests on [SUM-3]', async () => {
    const { session } = await aSession()
    await session.append({ role: 'user', text: 'Remember: the invoice INV-2041 is due on 2026-03-01.' })
    const { text, sources, upTo } = await session.summary()
    expect(text).toContain('INV-2041')
    expect(sources).toContain(upTo)
  })

  test('a receipt names the memory that came nearest and was under the floor [REC-3]', async () => {
    const { session, recollect } = await aSession()
    const { id } = await recollect.user('alice').memories.remember('The kitchen tiles are blue.')
    await session.append({ role: 'user', text: 'Are there blue whales?' })
    expect((await session.context()).receipt.recall).toMatchObject({ status: 'ran', items: [{ id, outcome: 'floor' }] })
  })

  test('the figures of a session follow from its head and receipts, and sum up to the owner and to all [OBS-8]', async () => {
    const { session, recollect } = await aSession({ receipts: 'durable' })
    const context = await session.context({ recall: false })
    await session.reconcile(context.receipt.id, { inputTokens: 40, outputTokens: 5, cacheReadTokens: 10 })
    const other = await recollect.user('bob').session('t')
    await other.append({ role: 'user', text: 'x' })
    await other.context({ recall: false })
    await recollect.settled()
    const figures = await recollect.user('alice').usage({ session: 's' })
    expect(figures.memory).toMatchObject({ sessions: 1, messages: 3 })
    expect(figures.memory.tokens).toBeGreaterThan(0)
    expect((await session.info()).size.tokens).toBe(figures.memory.tokens)
    expect(figures.tokens).toMatchObject({ calls: 1, billedCalls: 1, billed: 40, cacheRead: 10, output: 5, estimated: context.tokens.predicted })
    expect(await recollect.user('alice').usage()).toMatchObject({ tokens: figures.tokens })
    expect(await recollect.totals()).toMatchObject({ memory: { sessions: 2, messages: 4 }, tokens: { calls: 2, billed: 40 } })
    expect((await recollect.user('alice').usage({ since: start + 1 })).tokens.calls).toBe(0)
    expect(await codeOf(recollect.user('alice').usage({ session: 'nowhere' }))).toBe('not_found')
  })

  test('the metrics say what the figures say [OBS-8]', async () => {
    const telemetry = recordingTelemetry()
    const { session, recollect } = await aSession({ telemetry, receipts: 'durable' })
    await recollect.user('alice').memories.remember('I prefer trains to planes.')
    await session.append({ role: 'user', text: 'Do I prefer trains to planes?' })
    const { receipt } = await session.context()
    await session.reconcile(receipt.id, { inputTokens: 40, outputTokens: 5, cacheReadTokens: 10 }, { answer: 'You prefer trains to planes.' })
    await session.context()
    await recollect.settled()
    const { tokens, injection, retrieval, memory } = await recollect.user('alice').usage()
    const kind = (name: string) => telemetry.counted('recollect_tokens_total', { kind: name })
    expect([kind('estimated'), kind('full_history'), kind('billed'), kind('output'), kind('cache_read')]).toEqual([
      tokens.estimated,
      tokens.fullHistory,
      tokens.billed,
      tokens.output,
      tokens.cacheRead,
    ])
    expect(injection.injections).toBeGreaterThan(0)
    expect(telemetry.counted('recollect_turns_total')).toBe(injection.turns)
    expect(telemetry.counted('recollect_turns_injected_total')).toBe(injection.turnsInjected)
    expect(telemetry.counted('recollect_injections_total')).toBe(injection.injections)
    expect(telemetry.counted('recollect_injections_cited_total')).toBe(injection.cited)
    expect(telemetry.counted('recollect_recalls_total')).toBe(retrieval.recalls)
    expect(telemetry.values('recollect_token_estimate_error_ratio')).toHaveLength(1)
    expect(telemetry.values('recollect_session_messages').at(-1)).toBe(memory.messages)
    expect(telemetry.values('recollect_owner_records').at(-1)).toBe(memory.records)
  })
})

test('a session keeps its strategy and its options in another process; another choice for one call begins an epoch [STR-3]', async () => {
  const world = await aWorld('sqlite')
  const session = await world.recollect.user('alice').session('s', { strategy: { name: 'slidingWindow', last: { turns: 1 } } })
  await session.append([
    { role: 'user', text: 'first' },
    { role: 'assistant', text: 'yes' },
    { role: 'user', text: 'second' },
  ])
  const { receipt } = await session.context({ recall: false })
  expect(receipt.strategy.name).toBe('slidingWindow')
  const again = await (await world.reopen()).user('alice').session('s')
  const kept = (await again.context({ recall: false })).receipt
  expect(kept).toMatchObject({ strategy: receipt.strategy, epoch: { no: receipt.epoch.no } })
  const changed = (await again.context({ recall: false, strategy: { name: 'slidingWindow', last: { turns: 2 } } })).receipt
  expect(changed.epoch).toMatchObject({ no: receipt.epoch.no + 1, cause: 'policy' })
  expect((await again.context({ recall: false, strategy: 'hybrid' })).receipt).toMatchObject({
    strategy: { name: 'hybrid' },
    epoch: { cause: 'policy' },
  })
})
