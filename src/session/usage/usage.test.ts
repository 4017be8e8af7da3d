import { describe, expect, test } from 'vitest'
import type { Receipt, ReceiptUsage } from '../../core/context.ts'
import type { SearchResult } from '../../recall/search-types.ts'
import { recordingTelemetry } from '../../testing/recording-telemetry.ts'
import { countContext, countRecall, countUsage, createSessionMemo } from './count-figures.ts'
import type { KeptReceipt } from '../logs/receipt-log.ts'
import { figuresOf, type SessionShare } from './usage.ts'
import { addFigures, noRecords } from './usage-records.ts'

const item = (id: string, outcome: string) => ({ id, outcome })

function aCall({
  seq = 1,
  at = 10,
  predicted = 100,
  status = 'ran',
  items = [] as readonly { id: string; outcome: string }[],
  usage = undefined as Partial<ReceiptUsage> | undefined,
}): KeptReceipt {
  const receipt = {
    id: `r${seq}`,
    at,
    upTo: seq,
    recall: { status, items },
    tokens: { predicted, byClass: { system: 10, tools: 5 } },
    budget: { estimated: 50 },
  } as unknown as Receipt
  return usage === undefined ? { seq, receipt } : { seq, receipt, usage: { receiptId: receipt.id, at, billed: null, ...usage } }
}

const aShare = (receipts: readonly KeptReceipt[], history = (upTo: number) => upTo * 100): SessionShare => ({
  head: { head: { bytes: 1_000 }, body: {} } as SessionShare['head'],
  messages: 4,
  tokens: 40,
  receipts,
  history,
})
const quota = { bytes: 500, limit: 1_000 }
const billed = (inputTokens: number) => ({ inputTokens, outputTokens: 7, cacheReadTokens: 20, cacheWriteTokens: 30 })

describe('the four figures', () => {
  test('memory size sums sessions, and shows the share of the quota [OBS-8]', () => {
    const { memory } = figuresOf(
      [aShare([]), aShare([])],
      { ...noRecords, records: 3, recordBytes: 30, byKind: { episodic: 3 }, byAuthority: { typed: 3 } },
      quota,
    )
    expect(memory).toEqual({
      sessions: 2,
      messages: 8,
      bytes: 2_000,
      tokens: 80,
      records: 3,
      recordBytes: 30,
      byKind: { episodic: 3 },
      byAuthority: { typed: 3 },
      quotaShare: 0.5,
    })
  })

  test('a recall with nothing over the floor abstained; a record past its end was stale [OBS-8]', () => {
    const calls = [
      aCall({ at: 10, items: [item('a', 'injected'), item('b', 'live'), item('c', 'floor')] }),
      aCall({ at: 20, items: [item('b', 'injected')] }),
      aCall({ items: [item('c', 'floor')] }),
      aCall({ status: 'replayed', items: [item('a', 'injected')] }),
      aCall({ status: 'off' }),
    ]
    const ends: Record<string, number> = { a: 11, b: 20 }
    const { retrieval } = figuresOf([aShare(calls)], { ...noRecords, validUntil: (id) => ends[id] }, quota)
    expect(retrieval).toEqual({ recalls: 3, abstained: 1, abstentionRate: 1 / 3, recalledRecords: 3, stale: 1, staleRate: 1 / 3 })
  })

  test('tokens: what was billed where it is known, and what the full history would have been [OBS-8]', () => {
    const calls = [
      aCall({ seq: 1, predicted: 100, usage: { billed: billed(110) } }),
      aCall({ seq: 2, predicted: 200 }),
      aCall({ seq: 3, predicted: 100, usage: { billed: null } }),
    ]
    const { tokens } = figuresOf([aShare(calls)], noRecords, quota)
    // 15 of system and tools, and the log scaled as the plan was: predicted over estimated.
    const history = 15 + 2 * 100 + (15 + 4 * 200) + (15 + 2 * 300)
    expect(tokens).toMatchObject({
      estimated: 400,
      billed: 110,
      cacheRead: 20,
      cacheWrite: 30,
      output: 7,
      fullHistory: history,
      saved: history - 410,
      calls: 3,
      billedCalls: 1,
    })
    expect(tokens.errorRatio).toBeCloseTo(0.1)
  })

  test('what was saved may be negative, and is shown so [OBS-8]', () => {
    expect(figuresOf([aShare([aCall({ predicted: 500 })], () => 0)], noRecords, quota).tokens.saved).toBe(15 - 500)
  })

  test('injections are counted a turn, repeats within a session, citations among answered ones [OBS-8]', () => {
    const first = aShare([
      aCall({ seq: 1, items: [item('a', 'injected'), item('b', 'injected')], usage: { answered: true, cited: 1 } }),
      aCall({ seq: 1, items: [item('a', 'injected')] }), // asked again before anything was said
      aCall({ seq: 2, status: 'replayed', items: [item('a', 'injected')] }),
      aCall({ seq: 3, items: [item('a', 'injected')] }),
      aCall({ seq: 4, items: [item('b', 'live')] }),
    ])
    const { injection } = figuresOf([first, aShare([aCall({ items: [item('a', 'injected')] })])], noRecords, quota)
    expect(injection).toEqual({
      turns: 4,
      turnsInjected: 3,
      injectedShare: 0.75,
      injections: 4,
      repeats: 1,
      repeatRate: 0.25,
      answered: 2,
      cited: 1,
      citedRate: 0.5,
    })
  })

  test('with nothing to count every rate is null, not zero [OBS-8]', () => {
    const { retrieval, tokens, injection } = figuresOf([], noRecords, { bytes: 0, limit: 0 })
    expect([
      retrieval.abstentionRate,
      retrieval.staleRate,
      tokens.errorRatio,
      injection.injectedShare,
      injection.repeatRate,
      injection.citedRate,
    ]).toEqual([null, null, null, null, null, null])
  })

  test("the sum of two owners' figures is that of all their calls [OBS-8]", () => {
    const [a, b] = [
      [aCall({ predicted: 100, items: [item('a', 'injected')], usage: { billed: billed(150), answered: true, cited: 1 } })],
      [aCall({ seq: 2, predicted: 300, usage: { billed: billed(290) } }), aCall({ status: 'off' })],
    ]
    const of = (...shares: SessionShare[]) => figuresOf(shares, { ...noRecords, byKind: { episodic: 1 } }, quota)
    const sum = addFigures(of(aShare(a)), of(aShare(b)))
    const whole = of(aShare(a), aShare(b))
    expect(sum.tokens.errorRatio).toBeCloseTo(whole.tokens.errorRatio as number)
    expect({ ...sum.tokens, errorRatio: 0 }).toEqual({ ...whole.tokens, errorRatio: 0 })
    expect([sum.retrieval, sum.injection]).toEqual([whole.retrieval, whole.injection])
    expect(sum.memory).toMatchObject({ sessions: 2, byKind: { episodic: 2 }, quotaShare: 0.5 })
  })
})

describe('the metrics', () => {
  const calls = [
    aCall({
      seq: 1,
      items: [item('a', 'injected'), item('b', 'injected'), item('c', 'floor')],
      usage: { billed: billed(110), answered: true, cited: 1 },
    }),
    aCall({ seq: 1, items: [item('a', 'injected')] }), // asked again before anything was said
    aCall({ seq: 2, status: 'replayed', items: [item('a', 'injected')], usage: { billed: billed(90), answered: true, cited: 1 } }), // the turn goes on
    aCall({ seq: 3, predicted: 300, items: [item('a', 'injected'), item('d', 'injected')], usage: { billed: null, answered: true, cited: 2 } }),
    aCall({ seq: 4, items: [item('b', 'live')], usage: { billed: null, answered: false } }),
    aCall({ seq: 5, items: [item('c', 'floor')] }),
    aCall({ seq: 6, status: 'off' }),
  ]
  const ends: Record<string, number> = { a: 10, b: 11, d: 9 }

  test('say of the same calls what the figures say [OBS-8]', () => {
    const telemetry = recordingTelemetry()
    const [share, memo] = [aShare(calls), createSessionMemo()]
    for (const { receipt, usage } of calls) {
      const hits = receipt.recall.items
        .filter(({ outcome }) => outcome !== 'floor')
        .map(({ id }) => ({ record: { id, ...(ends[id] === undefined ? {} : { validUntil: ends[id] }) } }))
      if (receipt.recall.status === 'ran') countRecall(telemetry, { hits, abstained: hits.length === 0 } as unknown as SearchResult, receipt.at)
      countContext(telemetry, receipt, memo, share.history(receipt.upTo))
      if (usage !== undefined) countUsage(telemetry, receipt, usage)
    }
    const { retrieval, tokens, injection } = figuresOf([share], { ...noRecords, validUntil: (id) => ends[id] }, quota)
    const counted = (name: string) => telemetry.counted(`recollect_${name}_total`)
    expect(retrieval).toMatchObject({ recalls: 5, abstained: 1, recalledRecords: 6, stale: 4 })
    expect([counted('recalls'), counted('recalls_abstained'), counted('recalled_records'), counted('recalled_stale')]).toEqual([
      retrieval.recalls,
      retrieval.abstained,
      retrieval.recalledRecords,
      retrieval.stale,
    ])
    expect(injection).toMatchObject({ turns: 5, turnsInjected: 2, injections: 4, repeats: 1, answered: 4, cited: 3 })
    expect(['turns', 'turns_injected', 'injections', 'injections_repeat', 'injections_answered', 'injections_cited'].map(counted)).toEqual([
      injection.turns,
      injection.turnsInjected,
      injection.injections,
      injection.repeats,
      injection.answered,
      injection.cited,
    ])
    expect(telemetry.values('recollect_injected_memories')).toEqual([2, 2, 0, 0, 0])
    const kinds = ['estimated', 'billed', 'cache_read', 'cache_write', 'output', 'full_history'] as const
    expect(kinds.map((kind) => telemetry.counted('recollect_tokens_total', { kind }))).toEqual([
      tokens.estimated,
      tokens.billed,
      tokens.cacheRead,
      tokens.cacheWrite,
      tokens.output,
      tokens.fullHistory,
    ])
  })
})
