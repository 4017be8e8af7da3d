// What recall takes and gives: for the session manager (contexts), formation and the memories API.
import type { Authority, Origin } from '../core/authority.ts'
import type { Random } from '../core/ids.ts'
import type { MemoryKind, MemoryRecord } from '../core/memory.ts'
import type { LoggedMessage } from '../core/message.ts'
import type { Owner, Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Fence, LogStore } from '../ports/log-store.ts'
import type { Embedder } from '../ports/models.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { KeyRing } from '../security/keys/owner-keys.ts'
import type { Explanation, SearchOptions, SearchResult } from './search-types.ts'

/** Stems by language: `english`, `russian`, `greek`, `arabic`, … Passed in, since the engine imports no third party (LEX-2). */
export type Stemmers = Readonly<Record<string, (word: string) => string>>

export interface RecallParts {
  readonly memories: LogStore
  readonly keys: KeyRing
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly embedder?: Embedder // without one, words alone
  readonly stemmers?: Stemmers // without one, words as they are
  readonly partitionCacheBytes?: number // of all that a process keeps (PART-6)
  readonly floor?: number // of searches and contexts that name none (ABS-2)
}

/** What stands in the context already (RCL-6): the kept messages of this session by seq, and the records in the live window. */
export interface Kept {
  readonly session: string
  readonly birth: number
  readonly messages: readonly LoggedMessage[]
  readonly liveIds: ReadonlySet<string>
  /** Seqs that were rewound or redacted: what rests on them alone is about to go, and is not shown again meanwhile. */
  readonly gone?: { has(seq: number): boolean }
}

export interface Recall {
  /** @throws `invalid_input` on an empty query, an unknown option or one out of range (RCL-11) · `timeout` */
  search(scope: Scope, query: string, options?: SearchOptions): Promise<SearchResult>
  /** Why the record came back, or the step that dropped it (ABS-3). */
  explain(scope: Scope, query: string, id: string, options?: SearchOptions): Promise<Explanation>
  /** The owner's memory as several questions of one call see it: one `head` call for all (NODE-2). */
  moment(scope: Scope): Moment
  /** The owner's memory as of one `head` call (NODE-2). An owner without a memory log has an empty one. */
  partition(scope: Scope): Promise<OwnerMemory>
  /** Writes the partition as a snapshot of its log, under the owner's work lease; true if one was due: the tail passed 10 % or 500 records, or there was none (NODE-3). */
  saveSnapshot(scope: Scope, fence: Fence): Promise<boolean>
  /** Forgets what this process holds of the owner, at once (PART-6). */
  drop(owner: Owner): void
  /** How much of the owner this process holds: its partition, and vectors of its queries. */
  holds(owner: Owner): number
  /** Bytes of all partitions held. */
  readonly bytes: number
}

export interface Moment {
  /** As `search`, without what stands in the context already; `live` names what was left out for that. */
  forContext(query: string, options: SearchOptions, kept: Kept): Promise<{ readonly result: SearchResult; readonly live: readonly string[] }>
  /** Records by id; forgotten, expired and unknown ones are left out. */
  records(ids: readonly string[]): Promise<ReadonlyMap<string, MemoryRecord>>
  /** What `records` would leave out of these ids, and what has taken the place of the others; reads no record. */
  standing(ids: Iterable<string>): Promise<Standing>
  /** Current `procedural` records of level `typed` or higher, newest first, at most 20 (INJ-3). */
  preferences(): Promise<readonly MemoryRecord[]>
}

export interface Standing {
  readonly gone: ReadonlySet<string> // forgotten, expired or unknown
  readonly successors: readonly string[]
}

/** The fold of one owner's memory log up to `upTo`, read as it is needed. Valid until the next call that reads the log. */
export interface OwnerMemory {
  readonly upTo: number
  readonly size: number // records that are there
  /** Also what has ended or expired, until it is removed. */
  get(id: string): MemoryRecord | undefined
  /** Newest first, by seq; `before` is exclusive. At most `limit`. */
  list(filter: MemoryFilter, page: { readonly before?: number; readonly limit: number }): readonly MemoryRecord[]
}

export interface MemoryFilter {
  readonly kind?: MemoryKind
  readonly slot?: string
  readonly origin?: Origin
  readonly authority?: Authority
  readonly session?: string
  readonly status?: 'current' | 'ended' | 'all' // default `all`
  readonly validAt?: number
  readonly now: number
}
