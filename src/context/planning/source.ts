// What a context needs of a session and of recall. The session manager implements it; a test gives it a table.
import type { EpochRecord, Receipt, ReceiptUsage, SummaryPointer } from '../../core/context.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { SessionFold, SessionHead } from '../../core/session.ts'
import type { Head } from '../../ports/log-store.ts'
import type { Standing } from '../../recall/recall-types.ts'
import type { SearchOptions, SearchResult } from '../../recall/search-types.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'

/** A session as of one `head` call: the head, its opened body, and the fold of the log up to `head.version` (NODE-2). */
export interface LoadedSession {
  readonly head: Head
  readonly body: SessionHead
  readonly fold: SessionFold
}

/** A candidate for injection, or one that was left out because it stands in the context already (RCL-6). */
export interface RecallForContext {
  readonly result: SearchResult
  readonly live: readonly string[] // record ids left out: their text stands in the kept turns, or they are in the live window
}

export interface ContextSource {
  readonly ref: LogRef // of the session log; `ref.logId` is the session id
  readonly keys: OwnerKeys // once it is loaded
  /** @throws `not_found` once deleted or expired */
  load(): Promise<LoadedSession>
  /** Swaps epoch and summary into the head body that was loaded. @throws `conflict` if the head has another revision by now (EPO-4) */
  swapHead(loaded: LoadedSession, change: { readonly epoch?: EpochRecord; readonly summary?: SummaryPointer }): Promise<void>
  /** Recall over the owner's long-term memory, without what stands in the kept turns of this session (`keptSeqs`, from `keepFrom` on) or in `liveIds`. */
  recall(query: string, options: SearchOptions & { readonly keepFrom: number; readonly liveIds: ReadonlySet<string> }): Promise<RecallForContext>
  /** Records by id, for blocks that are rendered anew; forgotten, expired and unknown ones are left out (EPO-3). */
  records(ids: readonly string[]): Promise<ReadonlyMap<string, MemoryRecord>>
  /** Of these ids, what is forgotten or expired, and what has taken the place of the others; reads no record. */
  standing(ids: Iterable<string>): Promise<Standing>
  /** Current `procedural` records of level `typed` or higher, newest first, at most 20 (INJ-3). */
  preferences(): Promise<readonly MemoryRecord[]>
  /** Starts or awaits the append of a receipt, by the deployment's `receipts` setting (REC-1). */
  saveReceipt(receipt: Receipt): Promise<void>
  /** The newest seq that a kept receipt covers; 0 without any. */
  sentUpTo(): Promise<number>
  loadReceipt(id: string): Promise<{ readonly receipt: Receipt; readonly usage?: ReceiptUsage } | undefined>
  saveUsage(usage: ReceiptUsage, receipt: Receipt): Promise<void>
}
