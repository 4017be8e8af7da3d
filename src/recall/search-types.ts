// What a search takes and gives (RCL-11, ABS-2, ABS-3).
import type { Authority, RecallList } from '../core/authority.ts'
import type { MemoryKind, MemoryRecord } from '../core/memory.ts'

/** Times in ms since 1970. */
export interface SearchOptions {
  /** 1–100, default 8: of the trusted list; the others add to it (RCL-5) */
  limit?: number
  kinds?: readonly MemoryKind[]
  /** what was true then, ended or not; default: what has not ended */
  validAt?: number
  /** said at or after */
  since?: number
  /** said at or before */
  until?: number
  speaker?: string
  subject?: string
  slot?: string
  minAuthority?: Authority
  arms?: 'hybrid' | 'lexical' | 'dense'
  /** 0–1, default 0.3; 0 turns it off */
  floor?: number
  explain?: boolean
  /** default 2 s */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface Hit {
  readonly record: MemoryRecord
  readonly list: RecallList
  /** from 1, in the merged result */
  readonly rank: number
  /** ABS-1, 0–1 */
  readonly relevance: number
  /** of its list's order; comparable within the list only */
  readonly score: number
  /** own BM25, cosine */
  readonly arms: { readonly lexical?: number; readonly dense?: number }
  /** near copies that stand behind it (RCL-9) */
  readonly duplicates: number
}

export interface SearchResult {
  readonly hits: readonly Hit[]
  readonly abstained: boolean
  readonly floor: number
  /** when abstained: the best candidate, and what it lacked */
  readonly why?: { readonly id: string; readonly relevance: number; readonly lacked: string }
  readonly degraded: readonly ('embedder' | 'deadline')[]
  /** the query was longer than the arms take */
  readonly cut?: 'query'
  /** the memory log's version that was searched */
  readonly upTo: number
  /** with `explain` */
  readonly explanations?: readonly Explanation[]
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
  /** 'duplicate of' which record */
  readonly of?: string
  readonly list?: RecallList
  readonly rank?: number
  readonly relevance?: number
  readonly score?: number
  readonly lexical?: { readonly rank: number; readonly score: number }
  readonly dense?: { readonly rank: number; readonly score: number }
  /** words of the query that its list has never seen, each with the term of the record that counts instead (RCL-2) */
  readonly nearWords?: Readonly<Record<string, string>>
  /** what the score is made of (RCL-2) */
  readonly features?: Readonly<Record<string, number>>
  /** what the relevance is made of (ABS-1) */
  readonly quantities?: Readonly<Record<string, number>>
}
