// What a search takes and gives (RCL-11, ABS-2, ABS-3).
import type { Authority, RecallList } from '../core/authority.ts'
import type { MemoryKind, MemoryRecord } from '../core/memory.ts'

/** Times in ms since 1970. */
export interface SearchOptions {
  limit?: number // 1–100, default 8: of the trusted list; the others add to it (RCL-5)
  kinds?: readonly MemoryKind[]
  validAt?: number // what was true then, ended or not; default: what has not ended
  since?: number // said at or after
  until?: number // said at or before
  speaker?: string
  subject?: string
  slot?: string
  minAuthority?: Authority
  arms?: 'hybrid' | 'lexical' | 'dense'
  floor?: number // 0–1, default 0.3; 0 turns it off
  explain?: boolean
  timeoutMs?: number // default 2 s
  signal?: AbortSignal
}

export interface Hit {
  readonly record: MemoryRecord
  readonly list: RecallList
  readonly rank: number // from 1, in the merged result
  readonly relevance: number // ABS-1, 0–1
  readonly score: number // of its list's order; comparable within the list only
  readonly arms: { readonly lexical?: number; readonly dense?: number } // own BM25, cosine
  readonly duplicates: number // near copies that stand behind it (RCL-9)
}

export interface SearchResult {
  readonly hits: readonly Hit[]
  readonly abstained: boolean
  readonly floor: number
  readonly why?: { readonly id: string; readonly relevance: number; readonly lacked: string } // when abstained: the best candidate, and what it lacked
  readonly degraded: readonly ('embedder' | 'deadline')[]
  readonly cut?: 'query' // the query was longer than the arms take
  readonly upTo: number // the memory log's version that was searched
  readonly explanations?: readonly Explanation[] // with `explain`
}

/** The step that dropped a record, or that it was returned (ABS-3). */
export type Fate =
  | 'returned'
  | 'not in candidates'
  | 'ended'
  | 'duplicate of'
  | 'diversity'
  | 'floor'
  | 'limit'
  | 'other list'
  | 'expired'
  | 'not yet embedded'
  | 'filtered'
  | 'no such record'

export interface Explanation {
  readonly id: string
  readonly fate: Fate
  readonly of?: string // 'duplicate of' which record
  readonly list?: RecallList
  readonly rank?: number
  readonly relevance?: number
  readonly score?: number
  readonly lexical?: { readonly rank: number; readonly score: number }
  readonly dense?: { readonly rank: number; readonly score: number }
  readonly features?: Readonly<Record<string, number>> // what the score is made of (RCL-2)
  readonly quantities?: Readonly<Record<string, number>> // what the relevance is made of (ABS-1)
}
