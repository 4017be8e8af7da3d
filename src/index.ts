// The package's root: `createRecollect`, the error, and the types of what it gives. Loads no third party and no database (REL-2).
import type { RecollectOptions } from './create-recollect.ts'
import { requireNode } from './core/node-version.ts'
import type { Recollect } from './recollect.ts'

/**
 * Opens the stores and starts background work; the engine is loaded at the first call.
 *
 * @throws `invalid_input` on a setting, or a Node that is too old · `integrity_failure` where sealed data has no key · `unavailable`
 */
export async function createRecollect(options: RecollectOptions = {}): Promise<Recollect> {
  requireNode(process.versions.node)
  return (await import('./create-recollect.ts')).createRecollect(options)
}

export type { GivenStore, RecollectOptions } from './create-recollect.ts'
export { RecollectError, errorCodes, isRecollectError, type ErrorCode } from './core/errors.ts'
export type { Authority, Origin } from './core/authority.ts'
export type {
  EpochRecord,
  Format,
  Receipt,
  ReceiptPart,
  ReceiptRecallItem,
  ReceiptUsage,
  StrategyName,
  ToolDefinition,
  Usage,
} from './core/context.ts'
export type { Json, JsonObject } from './core/json.ts'
export type { MemoryKind, MemoryRecord } from './core/memory.ts'
export type { LoggedMessage, Message, MessageInput, Part, PartInput, Role, Span, SpanInput } from './core/message.ts'
export { hybrid, slidingWindow, summary, type Plan, type PlanInput, type Strategy, type TurnView } from './context/policy/strategies.ts'
export type { ModelProfile, ModelProfileInput } from './context/prompt/profiles.ts'
export type { Context, ContextDefaults, ContextOptions } from './context/policy/context-options.ts'
export type { ReceiptDiff } from './context/receipts/diff-receipts.ts'
export type { Explanation, Hit, SearchOptions, SearchResult } from './recall/search-types.ts'
export type {
  AppendedMessages,
  AppendMessagesOptions,
  AuditInput,
  AuditTrail,
  Course,
  CredentialInfo,
  CredentialRequest,
  Credentials,
  DeletionReceipt,
  ErasureReceipt,
  Health,
  KeyedRequest,
  Memories,
  MemoryFilter,
  MessagePage,
  Recollect,
  RememberOptions,
  Removed,
  Requests,
  SealedTokens,
  Session,
  SessionAlignment,
  SessionInfo,
  SessionOptions,
  SweepReport,
  TagOf,
  TokenBinding,
  Turn,
  TurnOptions,
  UsageFigures,
  User,
} from './recollect.ts'

// What an application may bring: stores, keys, models, a policy, and the world.
export type { Random } from './core/ids.ts'
export type { LogRef } from './core/log-ref.ts'
export type { Clock } from './ports/clock.ts'
export type { KeyContext, KeyProvider, WrappedKey } from './ports/key-provider.ts'
export type * from './ports/log-store.ts'
export type { Embedder } from './ports/models.ts'
export type { Action, Actor, Grant, Policy, Target } from './ports/policy.ts'
export type { Labels, LogFields, LogLevel, Telemetry } from './ports/telemetry.ts'
export type { Tokenizer } from './ports/token-counter.ts'
