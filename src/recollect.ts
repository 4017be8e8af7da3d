// The public surface, by type: what `createRecollect` gives, and what every surface above is built on.
import type { Authority, Origin } from './core/authority.ts'
import type { EpochCause, EpochRecord, Format, Receipt, ReceiptUsage, StrategyName, ToolDefinition, Usage } from './core/context.ts'
import type { Json, JsonObject } from './core/json.ts'
import type { MemoryKind, MemoryRecord } from './core/memory.ts'
import type { LoggedMessage, MessageInput } from './core/message.ts'
import type { Fence, PageRequest } from './ports/log-store.ts'
import type { Actor, Grant, Policy, Role } from './ports/policy.ts'
import type { Context, ContextOptions } from './context/context-options.ts'
import type { ReceiptDiff } from './context/diff-receipts.ts'
import type { SearchOptions, SearchResult, Explanation } from './recall/search-types.ts'

export interface Recollect {
  /** The owner's data in the tenant `default`. @throws `invalid_input` on a bad id (ISO-6) */
  user(ownerId: string): User
  tenant(tenantId: string): { user(ownerId: string): User }
  readonly credentials: Credentials
  readonly policy: Policy
  readonly tokens: SealedTokens
  readonly audit: AuditTrail
  /** What expires now or by a time, or its removal (LIFE-7, LIFE-9). Across owners: for operators. */
  sweep(options?: { dryRun?: boolean; until?: number }): Promise<SweepReport>
  /** Sums over all owners, without ids (OBS-8). */
  totals(): Promise<UsageFigures>
  health(): Promise<Health>
  /** Texts to vectors by the configured embedder; `unavailable` without one. */
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
  /** Opens a session, or takes it up again (ACC-8). Without a name an id is made. Options hold when it is made. */
  session(name?: string, options?: SessionOptions): Promise<Session>
  readonly sessions: {
    /** The session if it is there, with whether this call made it. */
    open(name: string | undefined, options?: SessionOptions): Promise<{ session: Session; made: boolean }>
    /** @throws `not_found`, also for what expired or is somebody else's */
    get(id: string): Promise<Session>
    list(page?: PageRequest & { updatedAfter?: number }): Promise<{ items: readonly SessionInfo[]; cursor?: string }>
  }
  readonly memories: Memories
  /** The four figures of OBS-8, for the owner or one session. */
  usage(options?: { session?: string; since?: number }): Promise<UsageFigures>
  /** Removes everything of the owner, and proves it (ERA-5 to ERA-7). `dryRun` only counts. */
  erase(options?: { dryRun?: boolean }): Promise<ErasureReceipt>
  /** The owner's pseudonym for logs (ERA-9). */
  pseudonym(): Promise<string>
}

export interface SessionOptions {
  title?: string // at most 200 code points
  metadata?: JsonObject // at most 16 KiB
  class?: 'standard'
  idleMs?: number // default 30 days
  absoluteMs?: number // default 365 days; never moves
  formation?: 'on' | 'off'
  model?: string
  strategy?: StrategyName | ({ name: StrategyName } & Record<string, Json>)
  system?: string
  tools?: readonly ToolDefinition[]
}

export interface SessionInfo {
  readonly id: string
  readonly version: number
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt?: number
  readonly class: string
  readonly formation: 'on' | 'off'
  readonly title?: string
  readonly metadata?: JsonObject
  readonly size: { readonly messages?: number; readonly entries: number; readonly bytes: number; readonly tokens?: number }
  readonly cursors: { readonly formed: number; readonly summarized: number }
  readonly epoch?: { readonly no: number; readonly cause: EpochCause; readonly startedAt: number; readonly keepFrom: number }
  readonly forkedFrom?: { readonly session: string; readonly atSeq: number }
}

export interface AppendMessagesOptions {
  expectedVersion?: number
  fence?: Fence
  /** What unlabelled user text counts as; the gateway's keys say so (POI-1). Default `user-typed`. */
  userText?: 'user-typed' | 'paste'
}
export interface AppendedMessages {
  readonly version: number
  readonly revision: number
  readonly seqs: readonly number[]
  readonly ids: readonly string[]
  readonly added: number
}

export interface Session {
  readonly id: string
  info(): Promise<SessionInfo>
  /** All messages or none, durable when it returns, idempotent by message id (SES-1). @throws `conflict` · `payload_too_large` · `limit_exceeded` · `not_found` once expired */
  append(messages: MessageInput | readonly MessageInput[], options?: AppendMessagesOptions): Promise<AppendedMessages>
  /** Messages of the current path, by seq. */
  messages(page?: {
    after?: number
    upTo?: number
    limit?: number
    order?: 'asc' | 'desc'
  }): Promise<{ items: readonly LoggedMessage[]; next?: number }>
  message(id: string): Promise<LoggedMessage>
  /** Redacts one message for good, after a tombstone; records that rest on it alone are forgotten. */
  redact(messageId: string): Promise<DeletionReceipt>
  /** `revision` is the seq of the last change (SES-3). */
  state(): Promise<{ revision: number; state: Json }>
  patchState(patch: Json, options?: { ifRevision?: number; fence?: Fence }): Promise<{ revision: number; state: Json }>
  putState(state: Json, options?: { ifRevision?: number; fence?: Fence }): Promise<{ revision: number; state: Json }>
  update(patch: { title?: string | null; metadata?: JsonObject | null }, options?: { ifRevision?: number }): Promise<SessionInfo>
  /** What the session is opened with for the next context: a new setup entry if it differs. */
  setup(setup: { model?: string; strategy?: SessionOptions['strategy']; system?: string; tools?: readonly ToolDefinition[] }): Promise<void>
  /** The turn lease (NODE-4). */
  turn(options?: { whenBusy?: 'refuse' | 'wait'; ttlMs?: number; signal?: AbortSignal }): Promise<Turn>
  /** Ends a turn that was taken over HTTP, by its id. */
  endTurn(turnId: string): Promise<void>
  rewind(toSeq: number, options?: { ifRevision?: number; fence?: Fence }): Promise<SessionInfo>
  fork(atSeq: number, options?: { id?: string }): Promise<Session>
  /** What the model gets for the next call, and why (context.md §1). */
  context(options?: ContextOptions): Promise<Context>
  /** Begins a new epoch at the next context. */
  newEpoch(): Promise<void>
  summary(): Promise<{ sheet: Json; text: string; upTo: number; epoch?: number; sources: readonly number[] }>
  readonly receipts: {
    list(
      page?: PageRequest,
    ): Promise<{
      items: readonly { id: string; at: number; upTo: number; epoch: number; tokens: number; injected: number; billed: boolean }[]
      cursor?: string
    }>
    get(id: string): Promise<{ receipt: Receipt; usage?: ReceiptUsage }>
    diff(a: string, b: string): Promise<ReceiptDiff>
  }
  /** Stores the usage that a provider reported for a receipt's call, and moves the anchor (REC-2). Idempotent. */
  reconcile(receiptId: string, usage: Usage | null, options?: { answer?: string }): Promise<ReceiptUsage>
  /** The epoch in force, as the head holds it. */
  epoch(): Promise<EpochRecord | undefined>
  delete(options?: { memories?: 'forget' | 'keep' }): Promise<DeletionReceipt>
}

export interface Turn {
  readonly id: string // opaque: names the lease and its number
  readonly fence: Fence
  readonly expiresAt: number
  end(): Promise<void>
}

export interface Memories {
  /** Stores what the caller says, word for word (MEM-3). `origin` can only lower (POI-1). */
  remember(
    text: string,
    options?: {
      kind?: MemoryKind
      slot?: string
      value?: string
      validFrom?: number
      validUntil?: number
      supersedes?: readonly string[]
      origin?: Origin
      id?: string
    },
  ): Promise<{ outcome: 'stored'; id: string; record: MemoryRecord }>
  search(query: string, options?: SearchOptions): Promise<SearchResult>
  list(
    filter?: {
      kind?: MemoryKind
      slot?: string
      origin?: Origin
      authority?: Authority
      session?: string
      status?: 'current' | 'ended' | 'all'
      validAt?: number
    },
    page?: PageRequest,
  ): Promise<{ items: readonly MemoryRecord[]; cursor?: string }>
  get(id: string): Promise<MemoryRecord>
  /** One record, its vector, and what was derived from it alone; does not come back by formation (ERA-3). */
  forget(id: string, options?: { sources?: boolean }): Promise<DeletionReceipt>
  explain(query: string, id: string, options?: SearchOptions): Promise<Explanation>
  /** Waits until what was said has been formed. */
  settled(): Promise<void>
}

// --- what deletion answers (ERA-6) --------------------------------------------------------------------------------------------

export interface Removed {
  readonly store: string
  readonly logs: number
  readonly entries: number
  readonly snapshots: number
  readonly bytes: number
}
export interface DeletionReceipt {
  readonly id: string
  readonly verb: 'forget' | 'delete' | 'redact' | 'erase'
  readonly target: string // a pseudonym; never a clear id
  readonly requestedAt: number
  readonly completedAt: number
  readonly removed: readonly Removed[]
  readonly records: number // memory records that went
  readonly rederived: number
  readonly keptWhy: readonly { readonly what: string; readonly why: string }[]
  readonly injectedInto?: readonly string[] // sessions in whose prompts a forgotten record stood
  readonly auditHead?: { readonly count: number; readonly hash: string }
  readonly mac: string
}
export interface ErasureReceipt extends DeletionReceipt {
  readonly verb: 'erase'
  readonly dataKeys: number
  readonly probes: readonly { readonly place: string; readonly lookedFor: number; readonly found: number }[]
  readonly notProbed: readonly { readonly place: string; readonly why: string; readonly goneBy?: number }[]
  readonly clean: boolean
  readonly dryRun: boolean
}

// --- what operators use -------------------------------------------------------------------------------------------------------

export interface SweepReport {
  readonly dryRun: boolean
  readonly looked: number
  readonly deleted: number
  readonly failed: number
  readonly recordsExpired: number
  readonly more: boolean
  readonly items: readonly {
    readonly tenantId: string
    readonly ownerId: string
    readonly session: string
    readonly class: string
    readonly expiresAt: number
    readonly entries: number
    readonly bytes: number
    readonly unformed: number
  }[] // with dryRun
}

/** The four figures of OBS-8, each rate with its count. */
export interface UsageFigures {
  readonly memory: {
    readonly sessions: number
    readonly messages: number
    readonly bytes: number
    readonly tokens: number
    readonly records: number
    readonly recordBytes: number
    readonly byKind: Readonly<Record<string, number>>
    readonly byAuthority: Readonly<Record<string, number>>
    readonly quotaShare: number
  }
  readonly retrieval: {
    readonly recalls: number
    readonly abstained: number
    readonly abstentionRate: number | null
    readonly recalledRecords: number
    readonly stale: number
    readonly staleRate: number | null
  }
  readonly tokens: {
    readonly estimated: number
    readonly billed: number
    readonly cacheRead: number
    readonly cacheWrite: number
    readonly output: number
    readonly fullHistory: number
    readonly saved: number
    readonly errorRatio: number | null
    readonly calls: number
    readonly billedCalls: number
  }
  readonly injection: {
    readonly turns: number
    readonly turnsInjected: number
    readonly injectedShare: number | null
    readonly injections: number
    readonly repeats: number
    readonly repeatRate: number | null
    readonly answered: number
    readonly cited: number
    readonly citedRate: number | null
  }
}

export interface Health {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly state: 'ok' | 'warn' | 'fail' }[]
  readonly details: JsonObject // only for `metrics.read`
}

/** A credential as it is shown: never its secret. */
export interface CredentialInfo {
  readonly id: string
  readonly name: string
  readonly tenantId: string
  readonly ownerId?: string
  readonly roles: readonly Role[]
  readonly grants: readonly Grant[]
  readonly userText: 'user-typed' | 'paste'
  readonly person: boolean
  readonly createdAt: number
  readonly expiresAt: number
  readonly lastUsedAt?: number
  readonly revokedAt?: number
}
export interface CredentialRequest {
  name: string
  ownerId?: string
  roles: readonly Role[]
  grants?: readonly Grant[]
  userText: 'user-typed' | 'paste' // stated at issue, without a default (POI-1)
  expiresAt?: number
}
export interface Credentials {
  /** The actor behind a secret, or undefined: missing, malformed, unknown, expired and revoked are one answer (ACC-7). */
  authenticate(secret: string): Promise<{ actor: Actor; credential: CredentialInfo } | undefined>
  /** The secret is shown once. @throws `content_refused` if it asks for more than `issuer` has (ACC-3) */
  create(tenantId: string, request: CredentialRequest, issuer?: Actor): Promise<{ credential: CredentialInfo; secret: string }>
  list(tenantId: string, page?: PageRequest): Promise<{ items: readonly CredentialInfo[]; cursor?: string }>
  rotate(tenantId: string, id: string, issuer?: Actor): Promise<{ credential: CredentialInfo; secret: string }>
  revoke(tenantId: string, id: string, issuer?: Actor): Promise<void>
}

/** Tokens bound to purpose, scope, route and filter, with an end (SEAL-22). A changed, expired or foreign token does not open: one answer. */
export interface SealedTokens {
  seal(binding: TokenBinding, payload: Json, ttlMs: number): Promise<string>
  open(binding: TokenBinding, token: string): Promise<Json | undefined>
}
export interface TokenBinding {
  readonly purpose: 'cursor' | 'response-id'
  readonly tenantId: string
  readonly ownerId: string
  readonly route: string
  readonly filter: string
}

export interface AuditTrail {
  /** Queued and written within 1 s: authentication results, denials, reads by readers, limit hits (AUD-5). */
  note(event: AuditInput): void
  /** Written before it returns. @throws `unavailable` if the log cannot be written */
  record(event: AuditInput): Promise<void>
  verify(tenantId: string, month?: string): Promise<{ ok: boolean; checked: number; head?: { count: number; hash: string }; firstBad?: number }>
}
export interface AuditInput {
  readonly tenantId: string
  readonly actor?: string // credential id, or `in-process`
  readonly role?: string
  readonly action: string
  readonly target?: { readonly kind: string; readonly pseudonym: string }
  readonly decision: 'allow' | 'deny' | 'done' | 'failed'
  readonly reason?: string
  readonly counts?: Readonly<Record<string, number>>
}
