// The session surface, by type: what an application holds of one session, and what operators see of many.
import type { EpochCause, EpochRecord, Receipt, ReceiptUsage, StrategyName, ToolDefinition, Usage } from '../core/context.ts'
import type { DeletionReceipt } from '../core/deletion.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { LoggedMessage, MessageInput } from '../core/message.ts'
import type { Context, ContextOptions } from '../context/policy/context-options.ts'
import type { ReceiptDiff } from '../context/receipts/diff-receipts.ts'
import type { Course } from '../context/receipts/why.ts'
import type { Fence, PageRequest } from '../ports/log-store.ts'
import type { Alignment, SentHistory } from './input/align-history.ts'

export interface SessionOptions {
  /** at most 200 code points */
  title?: string
  /** at most 16 KiB */
  metadata?: JsonObject
  class?: 'standard'
  /** default 30 days */
  idleMs?: number
  /** default 365 days; never moves */
  absoluteMs?: number
  formation?: 'on' | 'off'
  model?: string
  strategy?: StrategyName | ({ name: StrategyName } & Record<string, Json>)
  system?: string
  tools?: readonly ToolDefinition[]
}

/** Times in ms since 1970. */
export interface SessionInfo {
  readonly id: string
  /** seq of the last entry */
  readonly version: number
  /** + 1 at every change: what `ifRevision` is compared with */
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
  /** the next append moves it, at most to the absolute end */
  readonly expiresAt?: number
  readonly class: string
  readonly formation: 'on' | 'off'
  readonly title?: string
  readonly metadata?: JsonObject
  /** `messages` of the current path, where the log was read for them; `tokens` estimated, once something is known of them; `bytes` as stored, sealed. */
  readonly size: { readonly messages?: number; readonly entries: number; readonly bytes: number; readonly tokens?: number }
  /** seqs up to which the log was read */
  readonly cursors: { readonly formed: number; readonly summarized: number }
  readonly epoch?: { readonly no: number; readonly cause: EpochCause; readonly startedAt: number; readonly keepFrom: number }
  readonly forkedFrom?: { readonly session: string; readonly atSeq: number }
}

export interface AppendMessagesOptions {
  expectedVersion?: number
  fence?: Fence
  /** What unlabelled user text counts as; the gateway's keys say so (POI-1). Default `user-typed`. */
  userText?: 'user-typed' | 'paste'
  /** What follows this seq leaves the path in the same step: an edit and its rewind are one. */
  rewindTo?: number
}
export interface AppendedMessages {
  readonly version: number
  readonly revision: number
  readonly seqs: readonly number[]
  readonly ids: readonly string[]
  readonly added: number
}

/** `next` of an answer is the next page's `after`, or with `desc` its `upTo`. */
export interface MessagePage {
  /** seqs from the next one on */
  after?: number
  /** and up to this one */
  upTo?: number
  /** 1 to 200, default 50 */
  limit?: number
  order?: 'asc' | 'desc'
}

export interface Session {
  readonly id: string
  /** As every call of a session. @throws `not_found` once it has expired or was deleted */
  info(): Promise<SessionInfo>
  /** All messages or none, durable when it returns, idempotent by message id (SES-1). @throws `invalid_input` · `conflict` on another version or a stale fence · `payload_too_large` · `limit_exceeded` over a quota */
  append(messages: MessageInput | readonly MessageInput[], options?: AppendMessagesOptions): Promise<AppendedMessages>
  /** Messages of the current path, by seq: what was rewound or redacted is not among them. */
  messages(page?: MessagePage): Promise<{ items: readonly LoggedMessage[]; next?: number }>
  /** @throws `not_found`, also for what was rewound or redacted */
  message(id: string): Promise<LoggedMessage>
  /** Redacts one message for good, after a tombstone; records that rest on it alone are forgotten. @throws `not_found` · `unavailable` where the audit log cannot be written */
  redact(messageId: string): Promise<DeletionReceipt>
  /** `revision` is the seq of the last change (SES-3). */
  state(): Promise<{ revision: number; state: Json }>
  /** A merge patch (RFC 7396). @throws `conflict` on another revision or a stale fence · `payload_too_large` for a state of over 64 KiB */
  patchState(patch: Json, options?: { ifRevision?: number; fence?: Fence }): Promise<{ revision: number; state: Json }>
  /** Replaces the state; a member that is null is one that is not there. @throws as `patchState` */
  putState(state: Json, options?: { ifRevision?: number; fence?: Fence }): Promise<{ revision: number; state: Json }>
  /** Title and metadata; null removes one. @throws `conflict` on another revision */
  update(patch: { title?: string | null; metadata?: JsonObject | null }, options?: { ifRevision?: number }): Promise<SessionInfo>
  /** What the session is opened with for the next context: a new setup entry if it differs. */
  setup(setup: Pick<SessionOptions, 'model' | 'strategy' | 'system' | 'tools'>): Promise<void>
  /** The turn lease (NODE-4), renewed every third of its time until it is ended; `renew: false` for a holder that is elsewhere. @throws `conflict` while another holds it; with `whenBusy: 'wait'` after 30 s */
  turn(options?: TurnOptions): Promise<Turn>
  /** Ends a turn that was taken over HTTP, by its id. */
  endTurn(turnId: string): Promise<void>
  /** What follows the seq no longer counts, and stays in the log; 0: all of it (SES-2). @throws `invalid_input` on a seq the log has not · `conflict` on another revision or a stale fence */
  rewind(toSeq: number, options?: { ifRevision?: number; fence?: Fence }): Promise<SessionInfo>
  /** A new session with the entries up to this seq, under their own ids. The same call finishes one that was cut off. @throws `invalid_input` · `conflict` where another session has the id · `limit_exceeded` over a quota */
  fork(atSeq: number, options?: { id?: string }): Promise<Session>
  /** Which of the messages that a client sent are new (OAI-8). Writes nothing. */
  align(sent: readonly MessageInput[], said?: SentHistory): Promise<SessionAlignment>
  /** What the model gets for the next call, and why (context.md §1). */
  context(options?: ContextOptions): Promise<Context>
  /** Begins a new epoch at the next context. */
  newEpoch(): Promise<void>
  /** The offline sheet of the whole path, as the next epoch would show it (SUM-1, SUM-5). `sources`: seqs. */
  summary(): Promise<{ sheet: Json; text: string; upTo: number; epoch?: number; sources: readonly number[] }>
  /** What each context had in it: the newest 1,000 of the session (REC-1). `get` and `diff` throw `not_found` for one that is not kept. */
  readonly receipts: {
    /** Newest first; `tokens` as predicted, `injected` memories, `billed` once usage was reported. */
    list(page?: PageRequest): Promise<{
      items: readonly { id: string; at: number; upTo: number; epoch: number; tokens: number; injected: number; billed: boolean }[]
      cursor?: string
    }>
    get(id: string): Promise<{ receipt: Receipt; usage?: ReceiptUsage }>
    diff(a: string, b: string): Promise<ReceiptDiff>
  }
  /** Where a seq of this session, or a memory by its id, stood at each kept call, when it left, and by which cause (REC-3). @throws `invalid_input` */
  why(of: number | string): Promise<Course>
  /** Stores the usage that a provider reported for a receipt's call, and moves the anchor (REC-2). Idempotent. */
  reconcile(receiptId: string, usage: Usage | null, options?: { answer?: string }): Promise<ReceiptUsage>
  /** The epoch in force, as the head holds it. */
  epoch(): Promise<EpochRecord | undefined>
  /** The session, its receipts and, but for `memories: 'keep'`, what rests on it alone (ERA-4); with a receipt that proves it. */
  delete(options?: { memories?: 'forget' | 'keep' }): Promise<DeletionReceipt>
}

export interface SessionAlignment extends Alignment {
  /** of the last message that stays */
  readonly toSeq: number
  /** seq of the first message that stays and that no answer follows */
  readonly unansweredFrom?: number
  readonly version: number
}

export interface TurnOptions {
  /** `wait`: in order of arrival, at most 30 s */
  whenBusy?: 'refuse' | 'wait'
  /** 1 s to 10 min, default 30 s */
  ttlMs?: number
  /** gives up a wait */
  signal?: AbortSignal
  /** every third of its time while this process holds it, at most 10 min; default true */
  renew?: boolean
}
export interface Turn {
  /** opaque: names the lease and its number */
  readonly id: string
  readonly fence: Fence
  readonly expiresAt: number
  end(): Promise<void>
}

export interface SweepReport {
  readonly dryRun: boolean
  readonly looked: number
  readonly deleted: number
  readonly failed: number
  readonly recordsExpired: number
  readonly more: boolean
  /** with dryRun */
  readonly items: readonly {
    readonly tenantId: string
    readonly ownerId: string
    readonly session: string
    readonly expiresAt: number
    /** Known while the session is still there; what has expired already shows its name and its end only. */
    readonly class?: string
    readonly entries?: number
    readonly bytes?: number
    readonly unformed?: number
  }[]
}

/** The four figures of OBS-8, each rate with its count; a rate of nothing is null. */
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
