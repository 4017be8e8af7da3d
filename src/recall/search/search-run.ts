// What the steps of one search hand to each other.
import type { RecallList } from '../../core/authority.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { Int16Vector } from '../../core/quantize.ts'
import type { FeatureView, ListSpreads } from './fuse.ts'
import type { Partition } from '../partition/partition.ts'
import type { Scratch } from '../kernel/scratch.ts'
import type { Asked } from './search-options.ts'
import type { Explanation, Hit, SearchResult } from '../search-types.ts'
import type { Ranked, Selection } from './select.ts'

export interface SearchInput {
  readonly partition: Partition
  readonly asked: Asked
  readonly vector: Int16Vector | undefined // undefined: words alone
  readonly scratch: Scratch
  readonly now: number
  /** True for a record that stands in the context already (RCL-6). */
  readonly isLive?: (record: MemoryRecord) => boolean
  /** Explain this record alone. */
  readonly explainId?: string
}

export interface Found {
  readonly hits: readonly Hit[]
  readonly live: readonly string[]
  readonly why: SearchResult['why']
  readonly cut: boolean
  readonly explanations: readonly Explanation[]
}

/** A list's part of a search. Good until the next group is searched, which uses the same arrays. */
export interface ListRun {
  readonly list: RecallList
  readonly view: FeatureView
  readonly spreads: ListSpreads
  readonly ranked: Ranked
  readonly selection: Selection
  readonly recordOf: (unit: number) => MemoryRecord
}
