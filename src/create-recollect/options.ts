// What `createRecollect` takes. Every field has a default; none at all is a working embedded set-up.
import { checkFields, type Fields } from '../core/check-fields.ts'
import { RecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import type { ContextDefaults } from '../context/policy/context-options.ts'
import { checkDefaults } from '../context/policy/policy.ts'
import { extendProfiles, type ModelProfileInput } from '../context/prompt/profiles.ts'
import type { Strategy } from '../context/policy/strategies.ts'
import { toolResultModes, type ToolResultMode } from '../core/memory.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeyProvider } from '../ports/key-provider.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Embedder } from '../ports/models.ts'
import type { Policy } from '../ports/policy.ts'
import type { Tokenizer } from '../ports/token-counter.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { StoreOnDisk } from '../security/erasure/erasure-parts.ts'
import type { QuotaLimits } from '../session/changes/quotas.ts'
import type { ReceiptMode } from '../session/logs/receipts.ts'
import type { Lives } from '../session/session-parts.ts'
import { checkPorts } from './port-shapes.ts'

/** A store, and what is known of where it lies. `place`: what one backup takes together. */
export interface GivenStore extends StoreOnDisk {
  readonly store: LogStore
  readonly place?: string
}

export interface RecollectOptions {
  /** Folder of the SQLite file that holds sessions and memories. Default `./.recollect`, made on first start. */
  readonly dataDir?: string
  /** Folder of the key file and the key store, which lie apart from the data (SEAL-2). Default: the data folder's name and `-keys`. */
  readonly keysDir?: string
  /** Stores of one's own, in place of the SQLite files. Short-term and long-term memory may lie in one or in two. They are closed with Recollect. */
  readonly stores?: { readonly sessions?: LogStore | GivenStore; readonly memories?: LogStore | GivenStore; readonly keys?: LogStore | GivenStore }
  /** Holds the key-encryption keys. Default: a local file in `keysDir`. */
  readonly keyProvider?: KeyProvider
  /** Keys beside the data, or keys that do not outlive a restart: both undo what sealing is for, and health says so (SEAL-17). */
  readonly allowSharedKeyStore?: boolean
  /** `off`: bodies lie in clear. Audited, and shown by health (SEAL-1). Default `on`. */
  readonly seal?: 'on' | 'off'
  /** Default `bundled`; `off`: recall by words alone. */
  readonly embedder?: 'bundled' | 'off' | Embedder
  /** Default `background`; `durable`: a context waits for its receipt; `off`: none is kept (REC-1). */
  readonly receipts?: ReceiptMode
  /** Rows that are added to the model profiles, or replace them. */
  readonly profiles?: readonly ModelProfileInput[]
  /** Counts tokens exactly, such as the module `gpt-tokenizer/encoding/o200k_base`. Default: an estimate by classes of characters (TOK-1). */
  readonly tokenizer?: Tokenizer
  /** Strategies of one's own, usable by name. */
  readonly strategies?: readonly Strategy[]
  /** How contexts are made where neither the call nor the session says otherwise. */
  readonly context?: ContextDefaults
  /** Which tool results form memories; they stay untrusted. Default `off` (FORM-4). */
  readonly formation?: { readonly toolResults?: ToolResultMode }
  /** `floor`: relevance under which nothing is returned where the call names none, 0 to 1, default 0.3 (ABS-2). `partitionCacheBytes`: default 1 GiB (PART-6). */
  readonly recall?: { readonly floor?: number; readonly partitionCacheBytes?: number }
  /** Default lives of a session: idle 30 days, absolute 365 (ACC-10). */
  readonly lives?: Partial<Lives>
  readonly quotas?: Partial<QuotaLimits>
  /** false: formation and sweeping wait until `settled` and `sweep` are called. Default true. */
  readonly background?: boolean
  readonly policy?: Policy
  /** Begins the API keys: `rec_live_` or `rec_test_`. Default `live`. */
  readonly keyMode?: 'live' | 'test'
  readonly clock?: Clock
  readonly random?: Random
  readonly telemetry?: Telemetry
}

const fields: Fields = {
  dataDir: 'text',
  keysDir: 'text',
  stores: 'object',
  keyProvider: 'object',
  allowSharedKeyStore: 'flag',
  seal: ['on', 'off'],
  embedder: 'any',
  receipts: ['background', 'durable', 'off'],
  profiles: 'objects',
  tokenizer: 'any',
  strategies: 'objects',
  context: 'object',
  formation: 'object',
  recall: 'object',
  lives: 'object',
  quotas: 'object',
  background: 'flag',
  policy: 'object',
  keyMode: ['live', 'test'],
  clock: 'object',
  random: 'any',
  telemetry: 'object',
}
const numbersOf = (names: readonly string[]): Fields => Object.fromEntries(names.map((name) => [name, 'number']))

/** @throws `invalid_input` on an unknown option, or one of another kind */
export function checkOptions(options: RecollectOptions): void {
  checkFields(options ?? null, fields, 'the options of createRecollect')
  const { embedder, lives, quotas, stores, tokenizer, context, profiles = [], strategies = [] } = options
  checkFields(stores, { sessions: 'object', memories: 'object', keys: 'object' }, 'stores')
  checkPorts(options)
  checkFields(options.formation, { toolResults: toolResultModes }, 'formation')
  checkFields(options.recall, numbersOf(['floor', 'partitionCacheBytes']), 'recall')
  const { floor = 0, partitionCacheBytes = 1 } = options.recall ?? {}
  if (!(floor >= 0 && floor <= 1)) throw new RecollectError('invalid_input', 'recall.floor is from 0 to 1', 'Leave it out for 0.3; 0 turns it off.')
  if (!(partitionCacheBytes >= 0))
    throw new RecollectError('invalid_input', 'recall.partitionCacheBytes is a number of bytes from 0', 'Leave it out for 1 GiB.')
  checkFields(lives, numbersOf(['idleMs', 'absoluteMs']), 'lives')
  checkFields(quotas, numbersOf(['sessionEntries', 'sessionBytes', 'ownerSessions', 'ownerBytes', 'ownerRecords']), 'quotas')
  if (typeof embedder === 'string') checkFields({ embedder }, { embedder: ['bundled', 'off'] }, 'the options of createRecollect')
  if (tokenizer !== undefined && typeof (tokenizer as Partial<Tokenizer> | null)?.encode !== 'function')
    throw new RecollectError(
      'invalid_input',
      'tokenizer has no function encode',
      'Give the module of a tokenizer, such as gpt-tokenizer/encoding/o200k_base.',
    )
  checkDefaults({ profiles: extendProfiles(profiles), strategies, ...(context === undefined ? {} : { defaults: context }) })
}
