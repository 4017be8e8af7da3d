import { expect, test } from 'vitest'
import { aMemory } from '../../../test/context/session-table.ts'
import { chooseInjection, dropLowest } from './inject.ts'

const room = { capTokens: 1_000, roomTokens: 1_000, maxItems: 8, tokensOf: () => 10 }
const named = (records: readonly { id: string }[]) => records.map(({ id }) => id)

test('a successor that the live window holds already is not placed again [INJ-1]', () => {
  const [told, fresh] = [aMemory('mem1', 'Lisbon', { supersedes: ['mem0'] }), aMemory('mem2', 'Porto', { supersedes: ['mem0'] })]
  const recalled = { status: 'ran', preferences: [], successors: [told, fresh], live: new Set(['mem0', 'mem1']) } as const
  expect(named(chooseInjection(7, recalled, room).recalled)).toEqual(['mem2'])
})

test('where the budget is short, recalled memories go before preferences, the lowest-ranked first [BUD-3]', () => {
  const [liking, best, second] = [aMemory('mem1', 'tea'), aMemory('mem2', 'Lisbon'), aMemory('mem3', 'Porto')]
  let injection = chooseInjection(7, { status: 'ran', preferences: [liking], successors: [best, second] }, room)
  const left: string[][] = []
  for (let n = 0; n < 3; n++) {
    injection = dropLowest(injection)
    left.push([...named(injection.preferences), ...named(injection.recalled)])
  }
  expect(left).toEqual([['mem1', 'mem2'], ['mem1'], []])
  expect(injection.items.map(({ outcome }) => outcome)).toEqual(['budget', 'budget', 'budget'])
})
