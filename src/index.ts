// The package's root: `createRecollect`, the error, and the types of what it gives. Loads no third party and no database (REL-2).
import type { RecollectOptions } from './create-recollect.ts'
import type { Recollect } from './recollect.ts'

/** Opens the stores and starts background work; the engine is loaded at the first call. @throws `invalid_input` on a setting · `integrity_failure` where sealed data has no key · `unavailable` */
export const createRecollect = async (options: RecollectOptions = {}): Promise<Recollect> =>
  (await import('./create-recollect.ts')).createRecollect(options)

export type { GivenStore, RecollectOptions } from './create-recollect.ts'
export { RecollectError, errorCodes, isRecollectError, type ErrorCode } from './core/errors.ts'
export type { Authority, Origin } from './core/authority.ts'
export type { EpochRecord, Format, Receipt, ReceiptUsage, StrategyName, ToolDefinition, Usage } from './core/context.ts'
export type { Json, JsonObject } from './core/json.ts'
export type { MemoryKind, MemoryRecord } from './core/memory.ts'
export type { LoggedMessage, Message, MessageInput, Part, PartInput, Span, SpanInput } from './core/message.ts'
export { hybrid, slidingWindow, summary, type Strategy } from './context/policy/strategies.ts'
export type { Tokenizer } from './ports/token-counter.ts'
export type { ModelProfile, ModelProfileInput } from './context/prompt/profiles.ts'
export type { Context, ContextDefaults, ContextOptions } from './context/policy/context-options.ts'
export type { ReceiptDiff } from './context/receipts/diff-receipts.ts'
export type { Explanation, Hit, SearchOptions, SearchResult } from './recall/search-types.ts'
export type * from './recollect.ts'
