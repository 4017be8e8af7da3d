// The public surface, by type: what `createRecollect` gives, and what every surface above is built on.
import type { ErasureReceipt } from './core/deletion.ts'
import type { JsonObject } from './core/json.ts'
import type { PageRequest } from './ports/log-store.ts'
import type { Actor, Policy } from './ports/policy.ts'
import type { Context, ContextOptions } from './context/policy/context-options.ts'
import type { Memories } from './formation/memory-types.ts'
import type { AuditTrail } from './security/audit/audit-log.ts'
import type { Credentials } from './security/access/credentials.ts'
import type { Requests } from './security/access/requests.ts'
import type { SealedTokens } from './security/keys/sealed-token.ts'
import type { Session, SessionInfo, SessionOptions, SweepReport, UsageFigures } from './session/session-types.ts'

export type { DeletionReceipt, ErasureReceipt, Removed } from './core/deletion.ts'
export type { Memories, MemoryFilter, RememberOptions } from './formation/memory-types.ts'
export type {
  AppendedMessages,
  AppendMessagesOptions,
  MessagePage,
  Session,
  SessionAlignment,
  SessionInfo,
  SessionOptions,
  SweepReport,
  Turn,
  TurnOptions,
  UsageFigures,
} from './session/session-types.ts'

export type { Explanation, Hit, SearchOptions, SearchResult } from './recall/search-types.ts'
export { checkHistory, inAppends } from './session/input/in-appends.ts'
export { sameMessage, type Alignment, type SentHistory } from './session/input/align-history.ts'
export type { Context, ContextOptions } from './context/policy/context-options.ts'
export type { Course } from './context/receipts/why.ts'
export { countTokens } from './context/counting/count.ts'
export { raiseOpenAiChat } from './context/prompt/raise-openai-chat.ts'

export interface Recollect {
  /**
   * The owner's data in the tenant `default`. `actor`, as `credentials.authenticate` gives it, stands in the audit trail for what is done
   * through this user; without one the program itself acts (AUD-2).
   *
   * @throws `invalid_input` on a bad id (ISO-6) · `forbidden` on an actor of another tenant, or one that was not authenticated
   */
  user(ownerId: string, actor?: Actor): User
  /** As `user`, in another tenant: the same owner id there is somebody else. @throws `invalid_input` on a bad id */
  tenant(tenantId: string): { user(ownerId: string, actor?: Actor): User }
  /** API keys of tenants, for whoever serves others (ACC-4). */
  readonly credentials: Credentials
  /** The policy that was given, or the table of roles. Whatever throws, is late or knows no such action is a denial (ACC-2). */
  readonly policy: Policy
  /** What clients carry and cannot read, such as cursors (SEAL-22). */
  readonly tokens: SealedTokens
  /** One effect for a request that is sent again under its client's key (GW-6). */
  readonly requests: Requests
  readonly audit: AuditTrail
  /**
   * Removes what has expired, of all owners: for operators (LIFE-7, LIFE-9). `dryRun` lists it instead, also what expires by `until` (ms since
   * 1970). `more` in the report: there is more than one pass takes; call again.
   *
   * @throws `conflict` while another sweep runs, on any node · `invalid_input` on an `until` that is ahead, without `dryRun`
   */
  sweep(options?: { dryRun?: boolean; until?: number }): Promise<SweepReport>
  /** Sums over all owners, without ids (OBS-8). */
  totals(): Promise<UsageFigures>
  /** Each part by name and state; asks the stores and the key provider, and waits at most 1 s for each (GW-16). */
  health(): Promise<Health>
  /** Texts to vectors of unit length, one a text, in order, by the configured embedder. @throws `unavailable` without one, or where it fails */
  embed(texts: readonly string[], kind: 'query' | 'record'): Promise<{ model: string; vectors: readonly Float32Array[] }>
  /** Waits until background work has caught up: for tests and scripts. */
  settled(): Promise<void>
  /** Ends background work, writes what waits, closes the stores. Twice is fine. */
  close(): Promise<void>
}

/** One owner's data. Made by `recollect.user`; carries the scope. */
export interface User {
  readonly tenantId: string
  readonly ownerId: string
  /**
   * Opens a session, or takes it up again (ACC-8). Without a name an id is made. Options hold when it is made.
   *
   * @throws `invalid_input` on a bad name (ISO-6) or option · `limit_exceeded` over a quota · `conflict` while a fork of that name is made
   */
  session(name?: string, options?: SessionOptions): Promise<Session>
  readonly sessions: {
    /** The session if it is there, with whether this call made it. */
    open(name: string | undefined, options?: SessionOptions): Promise<{ session: Session; made: boolean }>
    /** @throws `not_found`, also for what expired or is somebody else's */
    get(id: string): Promise<Session>
    /** Newest made first; `updatedAfter` in ms since 1970. A page may be short: only a missing cursor is the end. */
    list(page?: PageRequest & { updatedAfter?: number }): Promise<{ items: readonly SessionInfo[]; cursor?: string }>
  }
  /** What a context would be, for a session that may not be there yet; writes nothing. `rewindTo`: as if rewound first. */
  preview(session: string | undefined, options: ContextOptions & { rewindTo?: number }): Promise<Context>
  readonly memories: Memories
  /** The four figures of OBS-8, for the owner or one session, from a time on (ms since 1970). @throws `not_found` for a session that is not there */
  usage(options?: { session?: string; since?: number }): Promise<UsageFigures>
  /**
   * Removes everything of the owner, and proves it (ERA-5 to ERA-7). `dryRun` only counts. After a failure or a crash call it again: it goes on.
   *
   * @throws `conflict` if the owner's background work does not end in time · `unavailable` if the audit log or a store cannot be written
   */
  erase(options?: { dryRun?: boolean }): Promise<ErasureReceipt>
  /** The owner's pseudonym for logs (ERA-9). */
  pseudonym(): Promise<string>
}

// --- what operators use -------------------------------------------------------------------------------------------------------

export interface Health {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly state: 'ok' | 'warn' | 'fail' }[]
  /** only for `metrics.read` */
  readonly details: JsonObject
}

// What `security/` makes, by name.
export type { AuditInput, AuditTrail } from './security/audit/audit-log.ts'
export type { CredentialInfo, CredentialRequest, Credentials } from './security/access/credentials.ts'
export type { KeyedRequest, Requests, TagOf } from './security/access/requests.ts'
export type { SealedTokens, TokenBinding } from './security/keys/sealed-token.ts'
