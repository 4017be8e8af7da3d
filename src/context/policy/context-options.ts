// What a caller asks of a context, and what it gets (context.md §1).
import type { Format, Receipt, ReceiptUsage, StrategyName, ToolDefinition, Usage } from '../../core/context.ts'
import type { Json } from '../../core/json.ts'
import type { MessageInput } from '../../core/message.ts'
import type { ModelProfile } from '../prompt/profiles.ts'
import type { Strategy } from './strategies.ts'

export interface ContextOptions {
  model?: string | ModelProfile // profile id, model name, or a profile. Default: the session's, else 'generic'
  budgetTokens?: number // all input of the call. Default min(32,000, window − reserve)
  reserveOutputTokens?: number // default 4,096; at most half the window
  strategy?: Strategy | StrategyName | ({ name: StrategyName } & Record<string, Json>) // default 'hybrid'
  format?: Format // default: the profile's
  system?: string
  tools?: readonly ToolDefinition[] // default: what the session was opened with
  recall?: false | { query?: string; maxItems?: number; maxTokens?: number; onFailure?: 'omit' | 'fail' }
  state?: boolean // session state goes in; default true
  pins?: readonly number[] // seqs that stay verbatim, at most 32
  minTurns?: number // complete turns kept verbatim at eviction; default 2
  preview?: boolean // computes all and writes nothing
  messages?: readonly MessageInput[] // only with preview: planned as if appended (CTX-1)
  signal?: AbortSignal
  timeoutMs?: number // default 10,000
}

/** What the contexts of a deployment are made by, where neither the call nor the session's setup says otherwise. A budget is clipped to the model's window. */
export type ContextDefaults = Pick<
  ContextOptions,
  'model' | 'budgetTokens' | 'reserveOutputTokens' | 'strategy' | 'recall' | 'state' | 'minTurns' | 'timeoutMs'
>

export interface Context {
  readonly messages: readonly unknown[] // in the asked format
  readonly system?: unknown
  readonly tools?: readonly unknown[]
  readonly cacheHints: readonly { readonly index: number; readonly ttlSeconds: number }[]
  readonly cacheKey: string // HMAC of the session id
  readonly tokens: { readonly predicted: number; readonly low: number; readonly high: number; readonly hard: number }
  readonly receipt: Receipt
  /** After the call: what the provider billed, or that it refused for length (TOK-9). */
  reconcile(
    usage: Usage | null | { overflow: true; actualTokens?: number; limitTokens?: number },
    options?: { answer?: string },
  ): Promise<ReceiptUsage>
  readonly degraded: readonly string[] // 'recall', 'embedder'
}
