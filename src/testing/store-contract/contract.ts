// What a driver brings to the contract (storage §1.5).
import type { LogRef } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { ManualClock } from '../manual-clock.ts'

/** Something that lies in the backend under a log, one row or key by itself. */
export type Row = { readonly ref: LogRef; readonly seq: number } | { readonly ref: LogRef; readonly snapshot: string; readonly chunk: number }

/**
 * What a case may need beyond the port. A driver gives a hook, or says in `skip` why it cannot: those cases are then shown as skipped, with
 * the reason. `store` is always one that `create` made, and no other hook runs meanwhile.
 */
export interface StoreHooks {
  /** Ends the store as a process would, and opens the same data again. */
  restart?(store: LogStore): Promise<LogStore>
  /** The same data by another process. Its `close` ends that process. */
  secondProcess?(store: LogStore): Promise<LogStore>
  /** Every row, or every key and value, of the backend as bytes, names and ids among them. */
  raw?(store: LogStore): Promise<readonly Uint8Array[]>
  /** Removes one row underneath the store, as a fault of the backend would. */
  takeAway?(store: LogStore, row: Row): Promise<void>
  /** Lets an empty log, which the store has not looked at since it made it, count as one with so many entries and bytes before. */
  raise?(store: LogStore, ref: LogRef, numbers: { readonly version: number; readonly bytes: number }): Promise<void>
  /** The next call is carried out, and its reply is lost: it rejects with `unavailable`. Without this hook the contract loses the reply itself. */
  loseReply?(store: LogStore): void
}

export type HookName = Exclude<keyof StoreHooks, 'loseReply'>
export type CaseId = `LOG-C${number}`

export interface StoreContract extends StoreHooks {
  readonly name: string
  /** The clock of the stores, by hand. Start it in 2100, so that a backend's own expiry does not interfere. */
  readonly clock: ManualClock
  /** An empty store, for one case; the case closes it. */
  create(): Promise<LogStore>
  /** Minted scopes, where the store is wrapped. Bodies may then not be larger than LOG-3 says, and take some bytes more than they have. */
  scope?(tenantId: string, ownerId: string): Scope
  /** Why a hook is missing, or a case cannot hold. */
  readonly skip?: { readonly [what in HookName | CaseId]?: string }
}

/** The functions of a test runner. Vitest's fit as they are; `node:test`'s are the default. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  test: ((name: string, body: () => Promise<void>) => unknown) & { skip(name: string, body: () => Promise<void>): unknown }
}
