// The merge of lists that never change their own order.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeLists, roomOf, type Mergeable } from './merge.ts'

const one = (id: string, relevance: number, saidAt = 0): Mergeable => ({ id, relevance, saidAt })
const ids = (...lists: Mergeable[][]) => mergeLists(lists).map(({ id }) => id)

test('the list whose next hit is more relevant goes next; ties go to the newer, then by id [RCL-5]', () => {
  expect(ids([one('t1', 0.5), one('t2', 0.9)], [one('a1', 0.6), one('a2', 0.1)])).toEqual(['a1', 't1', 't2', 'a2'])
  expect(ids([one('old', 0.5, 1)], [one('new', 0.5, 2)])).toEqual(['new', 'old'])
  expect(ids([one('b', 0.5, 1)], [one('a', 0.5, 1)])).toEqual(['a', 'b'])
})

test('limit is the room of the trusted list; the others have half and a quarter, rounded up [RCL-5]', () => {
  expect([1, 5, 8, 100].map((limit) => (['trusted', 'assistant', 'untrusted'] as const).map((list) => roomOf(list, limit)))).toEqual([
    [1, 1, 1],
    [5, 3, 2],
    [8, 4, 2],
    [100, 50, 25],
  ])
})

test('every list keeps its order, and nothing is lost or made [RCL-5]', () => {
  const list = fc.array(fc.record({ id: fc.uuid(), relevance: fc.double({ min: 0, max: 1, noNaN: true }), saidAt: fc.nat(5) }), { maxLength: 8 })
  fc.assert(
    fc.property(list, list, list, (...lists) => {
      const merged = mergeLists(lists)
      for (const part of lists) expect(merged.filter((item) => part.includes(item))).toEqual(part)
      expect(merged.length).toBe(lists.flat().length)
    }),
  )
})
