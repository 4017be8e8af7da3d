// An owner's long-term memory, by type (MEM-3).
import type { Authority, Origin } from '../core/authority.ts'
import type { DeletionReceipt } from '../core/deletion.ts'
import type { MemoryKind, MemoryRecord } from '../core/memory.ts'
import type { PageRequest } from '../ports/log-store.ts'
import type { Explanation, SearchOptions, SearchResult } from '../recall/search-types.ts'

/** Times in ms since 1970. */
export interface RememberOptions {
  /** default episodic */
  kind?: MemoryKind
  /** what it is a value of, at most 64 code points; an older value stands beside it, unless `supersedes` names it */
  slot?: string
  /** at most 400 code points */
  value?: string
  validFrom?: number
  validUntil?: number
  /** semantic or procedural records of the same level or lower (MEM-2, POI-9) */
  supersedes?: readonly string[]
  /** can only lower: default user-typed (POI-1) */
  origin?: Origin
  /** the same id again is the same record */
  id?: string
}

export interface MemoryFilter {
  kind?: MemoryKind
  slot?: string
  origin?: Origin
  authority?: Authority
  session?: string
  /** default current */
  status?: 'current' | 'ended' | 'all'
  validAt?: number
}

export interface Memories {
  /** Stores what the caller says, word for word; durable when it returns. @throws `invalid_input` · `payload_too_large` · `limit_exceeded` */
  remember(text: string, options?: RememberOptions): Promise<{ outcome: 'stored'; id: string; record: MemoryRecord }>
  /** Nothing over the floor is an answer: `abstained`, with what the best one lacked. @throws `invalid_input` · `timeout` */
  search(query: string, options?: SearchOptions): Promise<SearchResult>
  /** Newest first. @throws `invalid_input` on a filter or cursor that is none */
  list(filter?: MemoryFilter, page?: PageRequest): Promise<{ items: readonly MemoryRecord[]; cursor?: string }>
  /** @throws `not_found` */
  get(id: string): Promise<MemoryRecord>
  /** One record, its vector, and what was derived from it alone; does not come back by formation (ERA-3). `sources`: the messages it was said in as well. @throws `not_found` */
  forget(id: string, options?: { sources?: boolean }): Promise<DeletionReceipt>
  /** Why a record was found or not: the step that dropped it, and the figures up to there (ABS-3). Does not throw for one that is not there. */
  explain(query: string, id: string, options?: SearchOptions): Promise<Explanation>
  /** Waits until what was said has been formed. */
  settled(): Promise<void>
}
