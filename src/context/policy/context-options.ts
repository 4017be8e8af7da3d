// What a caller asks of a context, and what it gets (context.md §1).
import type { Format, Receipt, ReceiptUsage, StrategyName, ToolDefinition, Usage } from '../../core/context.ts'
import type { Json } from '../../core/json.ts'
import type { MessageInput } from '../../core/message.ts'
import type { ModelProfile } from '../prompt/profiles.ts'
import type { Strategy } from './strategies.ts'

export interface ContextOptions {
  /** profile id, model name, or a profile. Default: the session's, else 'generic' */
  model?: string | ModelProfile
  /** all input of the call. Default min(32,000, window − reserve) */
  budgetTokens?: number
  /** default 4,096; at most half the window */
  reserveOutputTokens?: number
  /** default 'hybrid' */
  strategy?: Strategy | StrategyName | ({ name: StrategyName } & Record<string, Json>)
  /** default: the profile's */
  format?: Format
  system?: string
  /** default: what the session was opened with */
  tools?: readonly ToolDefinition[]
  recall?: false | { query?: string; maxItems?: number; maxTokens?: number; onFailure?: 'omit' | 'fail' }
  /** session state goes in; default true */
  state?: boolean
  /** seqs that stay verbatim, at most 32 */
  pins?: readonly number[]
  /** complete turns kept verbatim at eviction; default 2 */
  minTurns?: number
  /** computes all and writes nothing */
  preview?: boolean
  /** only with preview: planned as if appended (CTX-1) */
  messages?: readonly MessageInput[]
  signal?: AbortSignal
  /** default 10,000 */
  timeoutMs?: number
}

/** What the contexts of a deployment are made by, where neither the call nor the session's setup says otherwise. A budget is clipped to the model's window. */
export type ContextDefaults = Pick<
  ContextOptions,
  'model' | 'budgetTokens' | 'reserveOutputTokens' | 'strategy' | 'recall' | 'state' | 'minTurns' | 'timeoutMs'
>

export interface Context {
  /** in the asked format */
  readonly messages: readonly unknown[]
  readonly system?: unknown
  readonly tools?: readonly unknown[]
  readonly cacheHints: readonly { readonly index: number; readonly ttlSeconds: number }[]
  /** HMAC of the session id */
  readonly cacheKey: string
  readonly tokens: { readonly predicted: number; readonly low: number; readonly high: number; readonly hard: number }
  readonly receipt: Receipt
  /** After the call: what the provider billed, or that it refused for length (TOK-9). */
  reconcile(
    usage: Usage | null | { overflow: true; actualTokens?: number; limitTokens?: number },
    options?: { answer?: string },
  ): Promise<ReceiptUsage>
  /** 'recall', 'embedder' */
  readonly degraded: readonly string[]
}
