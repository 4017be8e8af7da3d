// The bench a case works at: a fresh store, a fresh scope, and a short hand for one log.
import assert from 'node:assert/strict'
import { isRecollectError, type ErrorCode } from '../../core/errors.ts'
import { fromUtf8, toUtf8 } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { refOf, type LogKind, type LogRef } from '../../core/log-ref.ts'
import type { Owner, Scope } from '../../core/scope.ts'
import type {
  Appended,
  AppendOptions,
  Entry,
  Head,
  Init,
  Lease,
  LogStore,
  Page,
  PageRequest,
  ReadOptions,
  StoredEntry,
} from '../../ports/log-store.ts'
import type { ManualClock } from '../manual-clock.ts'
import type { HookName, StoreContract, StoreHooks } from './contract.ts'

export const bytes = toUtf8
export const text = fromUtf8

/** An entry whose body is a text. */
export const entry = (id: string, body = `body of ${id}`): Entry => ({ id, body: bytes(body) })

/** Entries `m1` … `mN`, or of another name. */
export const entries = (count: number, name = 'm', from = 1): Entry[] => Array.from({ length: count }, (_, i) => entry(`${name}${from + i}`))

export const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)

/** The error of `code` that the call must give. */
export async function refused(code: ErrorCode, call: Promise<unknown>): Promise<Error> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  assert.ok('error' in outcome, `the call should be refused with ${code}, and was not`)
  assert.ok(isRecollectError(outcome.error), `the call should be refused with ${code}, and failed with ${String(outcome.error)}`)
  assert.equal(outcome.error.code, code, outcome.error.message)
  return outcome.error
}

/** One log of a bench: the calls of the port without the ref, by names and texts. */
export interface BenchLog {
  readonly ref: LogRef
  open(init?: Partial<Init>): Promise<Head>
  head(): Promise<Head | undefined>
  append(list: readonly Entry[], options?: AppendOptions): Promise<Appended>
  read(options?: ReadOptions): Promise<readonly StoredEntry[]>
  /** `m1`, `m2`: the ids, in order. */
  ids(options?: ReadOptions): Promise<string[]>
  texts(options?: ReadOptions): Promise<string[]>
  seqs(options?: ReadOptions): Promise<number[]>
  redact(...seqs: number[]): Promise<void>
  /** A snapshot of one chunk by the owner's work lease, which is taken and given back. */
  snapshot(name: string, chunk?: string, upTo?: number): Promise<void>
}

export interface Bench {
  readonly store: LogStore
  readonly clock: ManualClock
  /** Tenant and owner of this case alone. */
  readonly scope: Owner
  /** A log of the case's scope, opened. */
  log(logId?: string, init?: Partial<Init>): Promise<BenchLog>
  /** Any log, not opened. */
  at(address?: { tenant?: string; owner?: string; kind?: LogKind; logId?: string }): BenchLog
  scopeOf(tenant: string, owner: string): Bench['scope']
  /** A name of a tenant or owner of this case alone, for cases over several. */
  readonly name: string
  /** A lease of the case's owner that must be free. */
  lease(purpose?: string, ttlMs?: number): Promise<Lease>
  /** Whether the store keeps bodies as they are given. */
  readonly plain: boolean
  /** Bytes that a body may have beyond LOG-3: 64 of a driver, 0 of a wrapped store. */
  readonly allowed: number
  /** Whether `given` bytes are what bodies of these lengths take; a wrapper's seals add up to 64 a body. */
  takes(given: number, lengths: readonly number[]): boolean
  /** All pages of a listing, one after another. */
  pages<T>(listing: (page: PageRequest) => Promise<Page<T>>, limit?: number): Promise<T[]>
  hook<N extends HookName>(name: N): NonNullable<StoreHooks[N]>
  /** Restarts the store; logs of this bench then use the new one. */
  restart(): Promise<void>
  /** Whether `marker` stands in any raw row. */
  lies(marker: string): Promise<boolean>
  /** Makes a call whose reply is lost: it was carried out, and rejects with `unavailable`. */
  withoutReply(call: (store: LogStore) => Promise<unknown>): Promise<void>
}

/** Over a store that `contract.create` made. `name` is of this case alone. */
export function benchOf(contract: StoreContract, made: LogStore, name: string): Bench {
  let store = made
  const scopeOf = (tenantId: string, ownerId: string) => contract.scope?.(tenantId, ownerId) ?? { tenantId, ownerId }
  const scope = scopeOf(`tenant ${name}`, `owner ${name}`)
  const allowed = contract.scope === undefined ? limits.sealBytesAllowed : 0

  const refFrom = (of: Bench['scope'], kind: LogKind, logId: string): LogRef =>
    contract.scope === undefined ? { tenantId: of.tenantId, ownerId: of.ownerId, kind, logId } : refOf(of as Scope, kind, logId)

  const lease: Bench['lease'] = async (purpose = 'work', ttlMs = 60_000) => {
    const taken = await store.lease({ tenantId: scope.tenantId, ownerId: scope.ownerId, purpose }, ttlMs)
    assert.ok(taken, 'the lease should be free')
    return taken
  }

  const at: Bench['at'] = ({ tenant = scope.tenantId, owner = scope.ownerId, kind = 'session', logId = 'log' } = {}) =>
    logOf(() => store, refFrom(scopeOf(tenant, owner), kind, logId))

  return {
    get store() {
      return store
    },
    clock: contract.clock,
    scope,
    scopeOf,
    name,
    plain: contract.scope === undefined,
    allowed,
    at,
    lease,
    async log(logId = 'log', init = {}) {
      const log = at({ logId })
      await log.open(init)
      return log
    },
    takes(given, lengths) {
      const plain = lengths.reduce((sum, length) => sum + length, 0)
      return contract.scope === undefined ? given === plain : given >= plain && given <= plain + lengths.length * limits.sealBytesAllowed
    },
    pages: everyPage,
    hook(hookName) {
      const hook = contract[hookName]
      assert.ok(hook, `the contract of ${contract.name} has no hook ${hookName}`)
      return hook
    },
    async restart() {
      assert.ok(contract.restart)
      store = await contract.restart(store)
    },
    async lies(marker) {
      assert.ok(contract.raw)
      const rows = await contract.raw(store)
      return rows.some((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength).includes(marker))
    },
    async withoutReply(call) {
      if (contract.loseReply === undefined) return void (await call(store))
      contract.loseReply(store)
      await refused('unavailable', call(store))
    },
  }
}

// A store that never ends its pages must fail a case, not hang it.
const pagesMost = 5_000

async function everyPage<T>(listing: (page: PageRequest) => Promise<Page<T>>, limit?: number): Promise<T[]> {
  const items: T[] = []
  let request: PageRequest = limit === undefined ? {} : { limit }
  for (let pages = 0; pages < pagesMost; pages++) {
    const page = await listing(request)
    items.push(...page.items)
    if (page.cursor === undefined) return items
    request = { ...request, cursor: page.cursor }
  }
  return assert.fail(`a listing has no end after ${pagesMost} pages`)
}

function logOf(store: () => LogStore, ref: LogRef): BenchLog {
  const read = async (options?: ReadOptions) => store().read(ref, options)
  return {
    ref,
    read,
    open: async (init = {}) => store().open(ref, { body: new Uint8Array(0), ...init }),
    head: async () => store().head(ref),
    append: async (list, options) => store().append(ref, list, options),
    ids: async (options) => (await read(options)).map(({ id }) => id),
    texts: async (options) => (await read(options)).map(({ body }) => text(body)),
    seqs: async (options) => (await read(options)).map(({ seq }) => seq),
    redact: async (...seqs) =>
      store().rewrite(
        ref,
        seqs.map((seq) => ({ seq })),
      ),
    async snapshot(name, chunk = `snapshot ${name}`, upTo = 0) {
      const taken = await store().lease({ tenantId: ref.tenantId, ownerId: ref.ownerId, purpose: 'work' }, 60_000)
      assert.ok(taken, 'the work lease should be free')
      await store().saveSnapshot(ref, { name, upTo, chunks: [bytes(chunk)] }, { fence: taken.fence })
      await store().release(taken.fence)
    },
  }
}
