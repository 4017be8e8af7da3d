// The built-in strategies run the contract that strategies of others run, and a bad one is found out.
import { describe, expect, test } from 'vitest'
import { hybrid, slidingWindow, summary, type Strategy } from '../../src/context/policy/strategies.ts'
import { strategyContract, type StrategySession } from '../../src/testing/index.ts'
import { tableSession } from '../context/session-table.ts'

async function sessionWith(strategy: Strategy): Promise<StrategySession> {
  const session = tableSession()
  return {
    append: async ({ role, text, parts }) => session.say(role, parts ?? text ?? ''),
    context: (options) => session.context({ ...options, strategy, format: 'neutral' }),
  }
}

for (const strategy of [
  hybrid(),
  summary(),
  summary({ keepTurns: 0 }),
  slidingWindow(),
  slidingWindow({ last: { messages: 3 } }),
  hybrid({ lowTokens: 300, highTokens: 900 }),
])
  strategyContract({ strategy, open: () => sessionWith(strategy), cases: 25 }, { describe, test })

/** The outcomes of the contract's tests, one after another. */
async function outcomesOf(strategy: Strategy): Promise<boolean[]> {
  const tests: (() => Promise<void>)[] = []
  const add = Object.assign((_name: string, body: () => Promise<void>) => void tests.push(body), { skip: () => {} })
  strategyContract({ strategy, open: () => sessionWith(strategy), cases: 5 }, { describe: (_name, body) => body(), test: add })
  const outcomes: boolean[] = []
  for (const run of tests)
    outcomes.push(
      await run().then(
        () => true,
        () => false,
      ),
    )
  return outcomes
}

describe('the contract', () => {
  test('fails a strategy that cuts inside a turn, and one that is not pure [STR-5]', async () => {
    const inside: Strategy = {
      name: 'inside',
      options: null,
      plan: ({ turns }) => ({ keepFrom: (turns.at(-1)?.firstSeq ?? 0) + 1, summarize: false }),
    }
    expect(await outcomesOf(inside)).toEqual([false, false])
    let calls = 0
    const moody: Strategy = {
      name: 'moody',
      options: null,
      plan: ({ turns }) => ({ keepFrom: turns[calls++ % turns.length]?.firstSeq ?? 0, summarize: false }),
    }
    expect((await outcomesOf(moody))[0]).toBe(false)
    expect(await outcomesOf(hybrid())).toEqual([true, true])
  })
})
