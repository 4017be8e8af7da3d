// A partition that grows: when its tail is merged (PART-3).
import { expect, test } from 'vitest'
import { recordBody } from '../../../test/builders/recall.ts'
import type { DecodedMemory } from '../../core/memory.ts'
import { createKernel } from '../kernel/kernel.ts'
import { createAnalyzer } from '../text/analyze.ts'
import { addEntries, createPartition, indexRows } from './partition.ts'

test('the tail of a list is merged at a tenth of it, or at 500 records, and not before [PART-3]', () => {
  const partition = createPartition({ kernel: createKernel({ simd: false }), analyzer: createAnalyzer(), model: undefined })
  let seq = 0
  const record = (): DecodedMemory => ({ seq: ++seq, id: `e${seq}`, event: { type: 'record', record: recordBody(seq, { text: `note ${seq}` }) } })
  /** What is in the tail once so many were added. */
  const add = (count: number) => {
    addEntries(partition, Array.from({ length: count }, record))
    indexRows(partition)
    return partition.groups[0]?.indexes[0]?.tailUnits
  }
  expect([add(90), add(9), add(1)]).toEqual([0, 9, 0])
  expect([add(5_900), add(499), add(1)]).toEqual([0, 499, 0])
})
