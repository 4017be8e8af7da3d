// Makes a context: reads, recalls, plans, writes the head, answers. What is decided is decided in `planContext`.
import type { Receipt } from '../core/context.ts'
import { base64url } from '../core/bytes.ts'
import { isRecollectError, RecollectError } from '../core/errors.ts'
import { madeId, type Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import type { MemoryRecord } from '../core/memory.ts'
import { textOf, type LoggedMessage } from '../core/message.ts'
import { late, type Clock } from '../ports/clock.ts'
import type { Deadlines } from '../ports/deadlines.ts'
import { noteDegraded, type Telemetry } from '../ports/telemetry.ts'
import type { TokenCounter } from '../ports/token-counter.ts'
import type { Context, ContextOptions } from './policy/context-options.ts'
import { classCounter } from './counting/count.ts'
import { injectionDue, liveIds, type Recalled } from './planning/inject.ts'
import type { ContextCache } from './packing/pack-cache.ts'
import { lowerPacked } from './packing/pack-lower.ts'
import { lookAhead, planContext, type PlanContextInput, type PlannedContext } from './planning/plan.ts'
import { policyHashes } from './policy/policy-memo.ts'
import { contextTimeout, resolvePolicy, type Policy, type PolicyTables } from './policy/policy.ts'
import { uncovered } from './packing/receipt-ranges.ts'
import { reconcile } from './receipts/reconcile.ts'
import type { ContextSource, LoadedSession, RecallForContext } from './planning/source.ts'

/** The world, the deployment's tables, and what the session keeps between its contexts. */
export interface ContextParts extends PolicyTables {
  readonly clock: Clock
  readonly deadlines: Deadlines // of recall
  readonly random: Random
  readonly telemetry: Telemetry
  readonly counter?: TokenCounter // exact, for the profiles that ask for it; default: the class counter (TOK-1)
  readonly cache: ContextCache
}

/**
 * What the model gets for the next call. Writes the session head at most once (CTX-3), and its receipt; a `preview` writes nothing.
 * @throws `invalid_input` on an option out of range, or a strategy that breaks STR-5 · `payload_too_large` if nothing more can be given up ·
 * `conflict` after 3 lost swaps · `timeout` · recall's own code with `onFailure: 'fail'`
 */
export async function makeContext(source: ContextSource, options: ContextOptions, given: ContextParts): Promise<Context> {
  // A preview starts from what is kept, and leaves it as it is: the session goes on from its contexts.
  const parts = options.preview === true ? { ...given, cache: { ...given.cache } } : given
  const deadline = deadlineOf(options, parts)
  try {
    return await withDeadline(contextBefore(source, options, parts, deadline), deadline)
  } finally {
    deadline.end()
  }
}

async function contextBefore(source: ContextSource, options: ContextOptions, parts: ContextParts, deadline: Deadline): Promise<Context> {
  for (let lost = 0; ; lost++) {
    const loaded = await source.load()
    const policy = resolvePolicy(options, loaded.fold, parts, policyHashes(source.keys, parts.cache))
    const asked = await ask(source, loaded, policy, parts, deadline)
    const planned = planContext(planInput(source, loaded, policy, asked, parts))
    if (options.preview === true) return contextOf(source, planned, policy, asked, parts, undefined)
    try {
      if (planned.write !== undefined) await source.swapHead(loaded, planned.write)
    } catch (error) {
      if (!isRecollectError(error, 'conflict') || lost + 1 >= limits.contextSwaps) throw error
      continue // EPO-4: the loser of a race reads the winner's record and plans again
    }
    parts.cache.packed = planned.packed
    parts.cache.records = withInjected(parts.cache.records, planned, asked)
    report(planned, parts.telemetry)
    await source.saveReceipt(planned.receipt)
    return contextOf(source, planned, policy, asked, parts, planned.receipt)
  }
}

/** What planning needs of long-term memory: the records that the epoch shows, and this turn's candidates. */
interface Asked {
  readonly memories: ReadonlyMap<string, MemoryRecord> | undefined
  readonly allThere: boolean // each record that the epoch shows
  readonly recalled: Recalled
  readonly degraded: readonly string[]
  readonly ahead?: PlanContextInput['ahead']
}

const nothing: Omit<Recalled, 'status'> = { preferences: [], successors: [] }

async function ask(source: ContextSource, view: LoadedSession, policy: Policy, parts: ContextParts, deadline: Deadline): Promise<Asked> {
  const { epoch } = view.body
  const shown = await shownRecords(source, view, policy, parts.cache)
  const memories = shown?.records
  const allThere = shown !== undefined && shown.records.size === shown.ids.size
  const unasked = (status: 'off' | 'replayed'): Asked => ({
    memories,
    allThere,
    recalled: { status, ...nothing },
    degraded: memories === undefined ? ['recall'] : [],
  })
  if (policy.recall === undefined) return unasked('off')
  const due = injectionDue(epoch, view.fold)
  if (due === undefined) return unasked('replayed')
  try {
    if (await wasSent(source, view, due.seq, parts.cache)) return unasked('replayed')
    const withoutMemories = { memories, allThere, recalled: { status: 'off' as const, ...nothing }, degraded: [] }
    const { keepFrom, ahead } = lookAhead(planInput(source, view, policy, withoutMemories, parts)) // recall leaves out what stands there
    const asking = candidates(source, view, policy, { due, keepFrom, shown }, deadline.signal)
    const recalled = await parts.deadlines.within(limits.recallMs, asking)
    if (recalled === late) throw new RecollectError('timeout', `recall took over ${limits.recallMs} ms`, 'Call again, or set recall: false.')
    return {
      memories,
      allThere,
      recalled,
      ahead,
      degraded: recalled.found?.result.degraded.map((what) => (what === 'deadline' ? 'recall' : what)) ?? [],
    }
  } catch (error) {
    if (policy.recall.onFailure === 'fail') throw error
    noteDegraded(parts.telemetry, 'recall')
    const status = isRecollectError(error, 'timeout') ? 'timeout' : 'unavailable'
    return { memories, allThere, recalled: { status, ...nothing }, degraded: ['recall'] }
  }
}

/** Whether the model has seen this message in the epoch, with something after it by now: then nothing may be put before it any more (EPO-1). */
async function wasSent(source: ContextSource, { body: { epoch }, fold }: LoadedSession, seq: number, { packed }: ContextCache): Promise<boolean> {
  if (epoch === undefined || fold.messages.at(-1)?.seq === seq) return false
  return epoch.sentUpTo >= seq || (packed?.fenceKey === epoch.fenceKey && packed.upTo >= seq) || (await source.sentUpTo()) >= seq
}

/** What the epoch shows of long-term memory: the records that are still there, and what has taken the place of some. */
interface Shown {
  readonly ids: ReadonlySet<string>
  readonly records: ReadonlyMap<string, MemoryRecord>
  readonly successors: readonly string[]
}

/** Unreadable: undefined, or the error if the caller asked for it (INJ-7). */
async function shownRecords(
  source: ContextSource,
  { body: { epoch }, fold }: LoadedSession,
  policy: Policy,
  cache: ContextCache,
): Promise<Shown | undefined> {
  const ids = liveIds(epoch, fold, 0)
  if (ids.size === 0) return { ids, records: new Map(), successors: [] }
  try {
    const { gone, successors } = await source.standing(ids)
    const known = cache.records
    const unread = [...ids].filter((id) => !known.has(id) && !gone.has(id))
    const isWhole = unread.length === 0 && known.size === ids.size - gone.size
    const read = unread.length === 0 ? known : await source.records(unread)
    const records = isWhole ? known : standingOf(ids, gone, known, read)
    cache.records = records
    return { ids, records, successors: [...new Set(successors)].filter((id) => !ids.has(id)) }
  } catch (error) {
    if (policy.recall?.onFailure === 'fail') throw error
    return undefined
  }
}

/** With this turn's, which recall has just read: the next context need not read them again. */
function withInjected(known: Shown['records'], { write }: PlannedContext, { recalled }: Asked): Shown['records'] {
  const injected = write?.epoch.injections.at(-1)
  if (injected === undefined || injected.beforeSeq !== recalled.beforeSeq) return known
  const hits = recalled.found?.result.hits.map(({ record }) => record) ?? []
  const read = new Map([...recalled.preferences, ...recalled.successors, ...hits].map((record) => [record.id, record]))
  const ids = injected.blocks.flatMap(({ items }) => items.map(({ id }) => id))
  return new Map([...known, ...[...read].filter(([id]) => ids.includes(id))])
}

/** A map of its own: another context of the session may hold the one that is known. */
function standingOf(ids: ReadonlySet<string>, gone: ReadonlySet<string>, known: Shown['records'], read: Shown['records']): Shown['records'] {
  const records = new Map<string, MemoryRecord>()
  for (const id of ids) {
    const record = gone.has(id) ? undefined : (known.get(id) ?? read.get(id))
    if (record !== undefined) records.set(id, record)
  }
  return records
}

async function candidates(
  source: ContextSource,
  view: LoadedSession,
  policy: Policy,
  { due, keepFrom, shown }: { readonly due: LoggedMessage; readonly keepFrom: number; readonly shown: Shown | undefined },
  signal: AbortSignal,
): Promise<Recalled> {
  const { epoch } = view.body
  const allKept = keepFrom <= (epoch?.injections[0]?.beforeSeq ?? 0)
  const live = shown !== undefined && allKept ? shown.ids : liveIds(epoch, view.fold, keepFrom)
  const query = (policy.recall?.query ?? textOf(due.message)).slice(0, limits.queryCharacters)
  const limit = policy.recall?.maxItems ?? 0
  const search = { ...(limit > 0 ? { limit } : {}), timeoutMs: limits.recallMs, signal, keepFrom, liveIds: live }
  const none: RecallForContext | undefined = undefined
  const [found, preferences, successors] = await Promise.all([
    query.trim() === '' || limit === 0 ? none : source.recall(query, search),
    source.preferences(),
    successorsOf(source, shown?.successors ?? []),
  ])
  return { status: 'ran', ...(found === undefined ? {} : { found }), preferences, successors, beforeSeq: due.seq, live }
}

/** INJ-5: the current records that have taken the place of what the context shows. */
async function successorsOf(source: ContextSource, ids: readonly string[]): Promise<readonly MemoryRecord[]> {
  if (ids.length === 0) return []
  const records = await source.records(ids)
  return [...records.values()].filter(({ ended, kind }) => ended === undefined && kind !== 'procedural')
}

function planInput(source: ContextSource, { head, body, fold }: LoadedSession, policy: Policy, asked: Asked, parts: ContextParts): PlanContextInput {
  return {
    session: source.ref.logId,
    fold,
    rewrites: head.rewrites,
    epoch: body.epoch,
    logTokens: body.tokens?.count,
    policy,
    recalled: asked.recalled,
    memories: asked.memories,
    allThere: asked.allThere,
    now: parts.clock.now(),
    random: { fenceKey: base64url(parts.random(16)), receiptId: madeId('rcp', parts.random) },
    keys: source.keys,
    counter: policy.profile.tokens.counter === 'o200k' ? (parts.counter ?? classCounter) : classCounter,
    memo: parts.cache.memo,
    before: parts.cache.packed,
    ahead: asked.ahead,
  }
}

function contextOf(
  source: ContextSource,
  planned: PlannedContext,
  policy: Policy,
  asked: Asked,
  parts: ContextParts,
  saved: Receipt | undefined,
): Context {
  const { receipt, packed, hard } = planned
  const lowered = lowerPacked(packed, policy, parts.cache)
  const { predicted, low, high } = receipt.tokens
  return {
    ...lowered,
    cacheKey: policyHashes(source.keys, parts.cache).tag(['cache-key', source.ref.logId]),
    tokens: { predicted, low, high, hard },
    receipt,
    reconcile: (usage, options) => {
      if (saved === undefined)
        throw new RecollectError('invalid_input', 'a preview has no receipt to reconcile', 'Make a context without preview, and reconcile that one.')
      return reconcile(source, saved.id, usage, options ?? {}, parts)
    },
    degraded: asked.degraded,
  }
}

/** REC-4: in production a receipt that does not cover its log is counted; the tests of `planContext` refuse it. */
function report({ receipt }: PlannedContext, telemetry: Telemetry): void {
  if (receipt.epoch.began && uncovered(receipt).length > 0) noteDegraded(telemetry, 'receipt')
}

interface Deadline {
  readonly ms: number
  readonly aborted: boolean
  readonly signal: AbortSignal
  readonly passed: Promise<'passed'>
  end(): void
}

function deadlineOf(options: ContextOptions, { clock, defaults }: ContextParts): Deadline {
  const timeoutMs = contextTimeout(options, defaults)
  const until = clock.now() + timeoutMs
  let ended: AbortController | undefined // made for the first who asks: most contexts have nobody to tell
  let over = false
  let both: AbortSignal | undefined
  const signal = () => {
    ended ??= new AbortController()
    if (over) ended.abort('made')
    return (both ??= options.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, options.signal]))
  }
  return {
    ms: timeoutMs,
    get aborted() {
      return options.signal?.aborted === true
    },
    get signal() {
      return signal()
    },
    get passed() {
      return clock.sleep(until - clock.now(), signal()).then(() => 'passed' as const)
    },
    end() {
      over = true
      ended?.abort('made')
    },
  }
}

async function withDeadline(made: Promise<Context>, deadline: Deadline): Promise<Context> {
  const soon = deadline.aborted ? undefined : await unlessLoopTurns(made)
  const first = soon ?? (await Promise.race([made, deadline.passed]))
  if (first !== 'passed') return first
  made.catch(() => undefined) // its answer is not waited for any more
  throw new RecollectError('timeout', `the context took over ${deadline.ms} ms, or was aborted`, 'Call again, or raise timeoutMs.')
}

/** Most contexts are made before the loop turns: only the others need a timer. */
async function unlessLoopTurns(made: Promise<Context>): Promise<Context | undefined> {
  let turn: NodeJS.Immediate | undefined
  const turned = new Promise<undefined>((resolve) => (turn = setImmediate(resolve, undefined)))
  try {
    return await Promise.race([made, turned])
  } finally {
    clearImmediate(turn)
  }
}
