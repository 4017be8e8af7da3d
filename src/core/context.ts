// What a context is made of, as data that the log's head and receipts hold: epoch record, summary pointer, receipt, usage (context.md §1, §4, §9).
import type { Authority } from './authority.ts'
import type { JsonObject } from './json.ts'

export const formats = ['neutral', 'openai-chat'] as const
export type Format = (typeof formats)[number]

/** A tool the model may call, as the caller gave it; counted and sent as it is. */
export type ToolDefinition = JsonObject

export const strategyNames = ['slidingWindow', 'summary', 'hybrid'] as const
export type StrategyName = (typeof strategyNames)[number]

/** Why an epoch began (context §4.1). */
export const epochCauses = [
  'forgotten',
  'changed',
  'overflow',
  'hard',
  'model',
  'system',
  'tools',
  'policy',
  'first',
  'highWater',
  'cold',
  'recallUnavailable',
  'branch',
  'asked',
  'full',
] as const
export type EpochCause = (typeof epochCauses)[number]

export const blockTypes = ['preferences', 'recalled-data', 'session-summary', 'session-state', 'quoted-data'] as const
export type BlockType = (typeof blockTypes)[number]

/** A block frozen into an epoch: refs, numbers and a hash; never text (EPO-3, INJ-4). */
export interface InjectedBlock {
  readonly type: BlockType
  readonly items: readonly { readonly log?: string; readonly seq: number; readonly id: string }[]
  readonly tokens: number
  readonly hash: string
}

export interface EpochRecord {
  readonly no: number
  readonly cause: EpochCause
  readonly startedAt: number
  readonly renderVersion: number
  /** 128 random bits, base64url */
  readonly fenceKey: string
  readonly profileId: string
  readonly family: string
  readonly policyHash: string
  readonly systemHash: string
  readonly toolsHash: string
  readonly keepFrom: number
  /** user message of a turn that was cut (TURN-3) */
  readonly keepUserSeq?: number
  readonly pins: readonly number[]
  readonly summary?: {
    readonly id: string
    readonly upTo: number
    readonly hash: string
    readonly tokens: number
    /** it was rendered within so many, and is so again */
    readonly budgetTokens: number
    /** items of the sheet that found no room */
    readonly dropped: number
    readonly madeBy: 'offline' | 'model'
    readonly provisional: boolean
  }
  /** last seq when the epoch began: a late result up to it stands in its place (TURN-5) */
  readonly startedUpTo: number
  /** of the session log when the epoch began: a new one ends it (`forgotten`) */
  readonly tombstones: number
  /** why the next context begins a new epoch: `asked`, `overflow` */
  readonly due?: EpochCause
  /** last state change folded into the block at epoch start (INJ-6) */
  readonly stateSeq: number
  /** what that block may take, where the state is over its share (BUD-2) */
  readonly stateTokens?: number
  /** kept turns before this seq are over the low watermark: `minTurns` alone keeps them */
  readonly leastBefore?: number
  readonly maskResultsBefore?: number
  readonly cut: readonly { readonly seq: number; readonly head: number; readonly tail: number }[]
  readonly reasoningFrom: number
  readonly lowTokens: number
  readonly highTokens: number
  readonly gapTokens: number
  /** g and c of WAT-3 */
  readonly tokensPerTurn: number
  readonly callsPerTurn: number
  readonly injections: readonly { readonly beforeSeq: number; readonly blocks: readonly InjectedBlock[] }[]
  /** of the session log when the record was written: a redaction since ends the epoch */
  readonly rewrites: number
  readonly sentUpTo: number
  readonly prefixHash: string
  readonly anchor?: Anchor
}

/** The usage of an earlier call, from which the next is predicted (TOK-6). */
export interface Anchor {
  readonly receiptId: string
  readonly upTo: number
  readonly inputTokens: number
  /** without reasoning */
  readonly outputTokens: number
  /** the counter's estimate of what `inputTokens` billed */
  readonly estimatedTokens: number
  readonly ratio: number
  /** decayed; `ratio` is their quotient */
  readonly sums: readonly [billed: number, estimated: number]
  readonly samples: number
  /** in a row (TOK-9) */
  readonly overflows?: number
}

/** The newest summary of a session: derived data with a cursor. */
export interface SummaryPointer {
  readonly id: string
  readonly baseId?: string
  readonly upTo: number
  readonly hash: string
  readonly tokens: number
  readonly madeBy: 'offline' | 'model'
}

export interface Usage {
  /** cached included */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly reasoningTokens?: number
}

export const tokenClasses = ['tools', 'system', 'pin', 'summary', 'state', 'message', 'preferences', 'recalled-data'] as const
export type TokenClass = (typeof tokenClasses)[number]

export interface ReceiptPart {
  readonly class: TokenClass
  readonly why: 'fixed' | 'pinned' | 'recent' | 'min-turns' | 'pending' | 'summary' | 'recall' | 'state-start' | 'state-change'
  readonly change?: 'masked' | 'cut' | 'fenced' | 'placeholder' | 'reasoning-dropped'
  readonly savedTokens?: number
  readonly seqs?: readonly [number, number]
  readonly tokens: number
  readonly hash?: string
  readonly authority?: Authority
}

export interface ReceiptRecallItem {
  readonly id: string
  readonly outcome: 'injected' | 'live' | 'budget' | 'floor' | 'supersedes'
  readonly score?: number
  readonly rank?: number
  readonly origin?: string
  readonly authority?: Authority
  readonly evidence?: readonly string[]
}

/** Was this memory placed anew, also as the successor of a live record (INJ-5)? */
export const isPlaced = ({ outcome }: ReceiptRecallItem): boolean => outcome === 'injected' || outcome === 'supersedes'

/** Did this memory stand in the prompt: placed anew, or still live from an earlier context? */
export const isInPrompt = (item: ReceiptRecallItem): boolean => isPlaced(item) || item.outcome === 'live'

/** Ids of the memories that this context placed anew. */
export const placedIds = ({ recall }: Receipt): readonly string[] => recall.items.filter(isPlaced).map(({ id }) => id)

/** What went into one context, what stayed out, and why. Ids, seqs, numbers, HMACs and reasons; never text (context §9). */
export interface Receipt {
  readonly v: 1
  readonly id: string
  readonly at: number
  readonly session: string
  readonly upTo: number
  readonly model: { readonly profile: string; readonly name?: string; readonly format: string }
  readonly strategy: { readonly name: string; readonly policyHash: string }
  readonly epoch: {
    readonly no: number
    readonly cause: string
    readonly began: boolean
    readonly prefixHash: string
    readonly provisional?: boolean
  }
  readonly budget: Readonly<Record<string, number>>
  readonly tokens: {
    readonly predicted: number
    readonly low: number
    readonly high: number
    readonly byClass: Readonly<Partial<Record<TokenClass, number>>>
  }
  readonly parts: readonly ReceiptPart[]
  readonly evicted: readonly {
    readonly seqs: readonly [number, number]
    readonly into: 'summary' | 'log-only' | 'redacted' | 'rewound' | 'no-message'
    readonly summaryId?: string
  }[]
  readonly summary?: {
    readonly id?: string
    readonly upTo?: number
    readonly madeBy?: 'offline' | 'model'
    readonly dropped?: number
    readonly gates?: Readonly<Record<string, number>>
  }
  readonly recall: { readonly status: 'ran' | 'replayed' | 'off' | 'unavailable' | 'timeout'; readonly items: readonly ReceiptRecallItem[] }
  readonly cache: {
    readonly possible?: boolean
    readonly expectedReadTokens?: number
    readonly expectedCost?: number
    readonly slideCost?: number
    readonly fullCost?: number
  }
  /** steps of the ladder that were taken (BUD-3) */
  readonly degraded: readonly number[]
  readonly repairs: readonly { readonly rule: string; readonly seq: number }[]
}

/** What `reconcile` stored beside a receipt, as entry `<id>.usage` (REC-2). */
export interface ReceiptUsage {
  readonly receiptId: string
  readonly at: number
  /** null: the provider reported none (OAI-17) */
  readonly billed: Usage | null
  /** billed ÷ predicted − 1 */
  readonly errorRatio?: number
  readonly hitRate?: number
  readonly cost?: number
  readonly miss?: { readonly firstDifferent?: number }
  /** injections of this turn that the answer used (OBS-8) */
  readonly cited?: number
  readonly answered?: boolean
}

/** The entries of a receipt log. */
export type ReceiptEntry =
  | { readonly type: 'receipt'; readonly receipt: Receipt }
  | { readonly type: 'usage'; readonly usage: ReceiptUsage }
  | { readonly type: 'tombstone'; readonly seqs: readonly number[]; readonly why: string; readonly at: number }
