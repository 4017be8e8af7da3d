// The one store port: a scoped log with a head (design §4; types, bounds and promises by storage.md §1).
import type { LogKind, LogRef } from '../core/log-ref.ts'
import type { Owner } from '../core/scope.ts'

/** One record. The caller gives the id; the same id in the same log means the same record. */
export interface Entry {
  readonly id: string
  readonly body: Uint8Array
}
export interface StoredEntry extends Entry {
  /** from 1, without gaps; an empty body means redacted */
  readonly seq: number
}

/** ms; `inMs` counts from the store's clock, `notAfter` caps it. */
export type Expires = 'never' | { readonly at: number } | { readonly inMs: number; readonly notAfter?: number }

/** `createdAt` and `revision` are for moves and import only; `createdAt` is never in the future. */
export interface Init {
  readonly body: Uint8Array
  readonly expires?: Expires
  readonly createdAt?: number
  readonly revision?: number
}
/** What is left out stays. */
export interface HeadPatch {
  readonly body?: Uint8Array
  readonly expires?: Expires
}

/** What is known of a log without reading it. `body` is opaque; the rest is clear, for expiry and paging. */
export interface Head {
  /** last seq */
  readonly version: number
  /** from 1, + 1 at every change */
  readonly revision: number
  /** random 48 bits, given when the log is made */
  readonly birth: number
  /** bodies redacted or replaced */
  readonly rewrites: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt?: number
  /** with a body */
  readonly entries: number
  /** of their bodies */
  readonly bytes: number
  readonly body: Uint8Array
}

/** `purpose`: 'work', 'turn/' + session id, 'summary/' + session id; store-wide leases have the tenant ~system. */
export interface LeaseName {
  readonly tenantId: string
  readonly ownerId: string
  readonly purpose: string
}
/** Name and number of a lease, carried by its holder's writes. */
export interface Fence {
  readonly name: LeaseName
  readonly number: number
}
/** Plain data: another process may renew and release by the fence. */
export interface Lease {
  readonly fence: Fence
  readonly expiresAt: number
}

export interface AppendOptions {
  readonly expectedVersion?: number
  readonly fence?: Fence
  readonly head?: HeadPatch & { readonly ifRevision?: number }
}
/** `seqs`: one an entry given, in that order; a known id: where it stands. `added`: how many were new. */
export interface Appended {
  readonly head: Head
  readonly seqs: readonly number[]
  readonly added: number
}
export interface ReadOptions {
  /** exclusive; default 0 */
  readonly after?: number
  /** inclusive; default the version */
  readonly upTo?: number
  /** default 1,000, at most 5,000 */
  readonly limit?: number
}
/** The same text sealed anew, or none: redacted for good. */
export interface Rewrite {
  readonly seq: number
  readonly body?: Uint8Array
}
export interface Snapshot {
  readonly name: string
  readonly upTo: number
  readonly chunks: readonly Uint8Array[]
}
export interface PageRequest {
  /** 1–200, default 50 */
  readonly limit?: number
  readonly cursor?: string
}
export interface Page<T> {
  readonly items: readonly T[]
  /** a page may be short; only a missing cursor is the end */
  readonly cursor?: string
}
export interface ErasureCount {
  readonly logs: number
  readonly entries: number
  readonly snapshots: number
  readonly bytes: number
}
export interface StoreInfo {
  readonly name: string
  /** a fulfilled write survives the kill of every process and the loss of power */
  readonly durable: boolean
  /** other processes may use the same store */
  readonly shared: boolean
}

/**
 * Opaque records in order, and a head, one log an address. Every method is required; `info` says how well, never whether.
 *
 * Every call is one step on one log, seen whole or not at all (LOG-4; `erase` is a sequence of such steps), and durable when it
 * returns where `info.durable` (LOG-5). Every later call sees it (LOG-6). Bodies are copied in and out (LOG-2). What has expired
 * is absent for every call but `expired`, `delete` and `erase`, and stays so (LOG-28). Bounds of LOG-3 are checked before any I/O.
 * That a scope was minted is checked by the sealing wrapper; a driver reads its two fields (storage §1.2).
 *
 * Every method may throw `invalid_input`, `payload_too_large`, `unavailable`, `timeout`, `integrity_failure`; others are named.
 * After `unavailable` or `timeout` the write may or may not have happened; the same call is then safe to make again (LOG-5).
 */
export interface LogStore {
  readonly info: StoreInfo

  /** Makes the log, or returns the one that is there and ignores `init`. What has expired under the ref is removed first, with ids and snapshots; the new log has a new `birth` (LOG-10). */
  open(ref: LogRef, init: Init): Promise<Head>

  /** `undefined` if never made, deleted, expired or foreign: the four are the same answer (LOG-11). */
  head(ref: LogRef): Promise<Head | undefined>

  /**
   * Adds entries to the end: all or none, in the order given, without gaps (LOG-12 to LOG-16).
   *
   * Ids the log has seen are skipped, for its whole life, also after redaction. What is left is checked against the fence,
   * `expectedVersion` and `head.ifRevision`, in this order. If nothing is new, none of these is checked, no patch is made, and the
   * head comes back as it is with the old seqs: a retry of a success is a success. A patch with `body` needs `ifRevision`.
   *
   * @throws `not_found` without a log · `conflict` on a stale fence, another version or another revision
   */
  append(ref: LogRef, entries: readonly Entry[], options?: AppendOptions): Promise<Appended>

  /** Ascending seqs with `after < seq ≤ upTo`: the first `limit`, or fewer to stay under 16 MiB (LOG-17). @throws `not_found` without a log */
  read(ref: LogRef, options?: ReadOptions): Promise<readonly StoredEntry[]>

  /** Swaps by `revision` (LOG-18). @throws `not_found` · `conflict` on another revision */
  updateHead(ref: LogRef, expectedRevision: number, patch: HeadPatch): Promise<Head>

  /**
   * With a body: the same text sealed anew. Without: redacted for good; seq and id stay, and every snapshot of the log is dropped in the
   * same step (LOG-19). A redacted seq is skipped by a redaction and `conflict` for a replacement; a seq above `version` is `invalid_input`.
   *
   * @throws `not_found` · `conflict`
   */
  rewrite(ref: LogRef, changes: readonly Rewrite[]): Promise<void>

  /** Replaces a snapshot whole (LOG-20). Changes no field of the head. @throws `not_found` · `conflict` on a stale fence · `invalid_input` if `upTo` is above the version */
  saveSnapshot(ref: LogRef, snapshot: Snapshot, options: { readonly fence: Fence }): Promise<void>

  /** All chunks in order, or `undefined`; derived data may be dropped at any time (LOG-21). */
  loadSnapshot(ref: LogRef, name: string): Promise<Snapshot | undefined>

  /** The logs of one owner and kind, newest made first, by (createdAt, logId): a log that lasts through a walk comes once (LOG-22). */
  list(scope: Owner, kind: LogKind, page?: PageRequest): Promise<Page<Head & { readonly logId: string }>>

  /** What expires at or before `at`, soonest first, over all owners; for background work only (LOG-23). */
  expired(at: number, page?: PageRequest): Promise<Page<{ readonly ref: LogRef; readonly expiresAt: number }>>

  /** Every (tenant, owner) that has a log, in a fixed order; for background work only (LOG-24). */
  owners(page?: PageRequest): Promise<Page<Owner>>

  /** The lease to one caller, `undefined` at once to the others. Numbers of a name only grow (LOG-25). */
  lease(name: LeaseName, ttlMs: number): Promise<Lease | undefined>
  /** False once the lease is lost. Any process may, by the fence. */
  renew(fence: Fence, ttlMs: number): Promise<boolean>
  /** By a former holder: does nothing. */
  release(fence: Fence): Promise<void>

  /** Removes the log with entries, ids and snapshots; true if there was one. An expired log is removed too, and the answer is false, but true with `ifExpired`, which leaves a live log alone (LOG-26). */
  delete(ref: LogRef, options?: { readonly ifExpired?: boolean }): Promise<boolean>

  /** Every log of the owner, all kinds, in bounded steps, and the owner's leases. May be called again after a crash (LOG-27). */
  erase(scope: Owner): Promise<ErasureCount>

  /** Waits for running calls; after it every call is `unavailable`; twice is fine (LOG-29). */
  close(): Promise<void>
}
