// Group commit: all writes of one turn of the event loop share one transaction and one flush (SQL-5).
import { limits } from '../../core/limits.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Head } from '../../ports/log-store.ts'
import type { KnownLog, KnownLogs } from './known-logs.ts'
import type { Synchronous } from './open-database.ts'
import { asRecollectError, isBusy, isFailedFlush, lockedTooLong, writesStopped } from './sqlite-errors.ts'
import { rollBack, type Statements } from './statements.ts'
import { realMs, retryAfterMs } from './waiting.ts'

/** What a write sees of the transaction it is part of. */
export interface Group {
  readonly now: number // ms of the store's clock, the same for the whole group
  /** Puts a changed head in memory; its row is written once, at the end of the group. */
  save(log: KnownLog, head: Head): void
  /** The log is being removed: a head that waits to be written for it is not. */
  drop(log: { readonly key: number }): void
}
/** Checks all before it writes anything: a job that throws a RecollectError leaves no trace, and the others of its group stand. */
export type Job<T> = (group: Group) => T

export interface Writes {
  /** Fulfilled after the commit that holds the job has returned. `bytes`: of the bodies it writes. */
  add<T>(job: Job<T>, bytes?: number): Promise<T>
  /** As `add`, for what a power cut may take back: a group of such jobs alone is committed without a flush. */
  addUnflushed<T>(job: Job<T>): Promise<T>
  /** No more writes: the disk failed (DRV-6). */
  stop(cause: unknown): void
}

interface Waiting {
  readonly job: Job<unknown>
  readonly bytes: number
  readonly flush: boolean
  readonly since: number
  readonly resolve: (value: never) => void
  readonly reject: (error: RecollectError) => void
}
type Outcome = { readonly value: unknown } | { readonly refused: RecollectError }

export interface WritesParts {
  readonly statements: Statements
  readonly synchronous: Synchronous
  readonly logs: KnownLogs
  readonly now: () => number
  readonly share: () => number // random in [0, 1)
  /** Why the store takes no writes just now, or undefined (SQL-7). */
  readonly refusal: () => RecollectError | undefined
  /** Told after each commit: how many writes, and the bytes of their bodies. */
  readonly committed: (writes: number, bytes: number) => void
}

export function createWrites({ statements, synchronous, logs, now, share, refusal, committed }: WritesParts): Writes {
  let queue: Waiting[] = []
  let scheduled = false
  let stopped: RecollectError | undefined

  function schedule(waitMs?: number): void {
    if (scheduled || queue.length === 0) return
    scheduled = true
    if (waitMs === undefined) setImmediate(flush)
    else setTimeout(flush, waitMs)
  }

  function flush(): void {
    scheduled = false
    const refused = stopped ?? refusal()
    if (refused !== undefined) return rejectAll(takeGroup(queue.length), refused)
    const group = takeGroup(groupSize(queue))
    try {
      const outcomes = flushedIfAsked(group)
      settle(group, outcomes)
      committed(
        group.length,
        group.reduce((sum, one) => sum + one.bytes, 0),
      )
    } catch (error) {
      failed(group, error)
    }
    schedule()
  }

  function takeGroup(count: number): Waiting[] {
    const group = queue.slice(0, count)
    queue = queue.slice(count)
    return group
  }

  function flushedIfAsked(group: readonly Waiting[]): Outcome[] {
    if (synchronous !== 'full' || group.some(({ flush }) => flush)) return inOneTransaction(group)
    statements.flushLater.run()
    try {
      return inOneTransaction(group)
    } finally {
      statements.flushAtCommit.run()
    }
  }

  /** All of the group or none of it; throws what SQLite threw, with nothing written. */
  function inOneTransaction(group: readonly Waiting[]): Outcome[] {
    statements.begin.run()
    try {
      logs.freshen()
      const changed = new Map<number, KnownLog>()
      const inside: Group = {
        now: now(),
        save(log, head) {
          log.head = head
          changed.set(log.key, log)
        },
        drop: (log) => void changed.delete(log.key),
      }
      const outcomes = group.map(({ job }): Outcome => outcomeOf(job, inside))
      for (const log of changed.values()) saveHead(log)
      statements.commit.run()
      logs.trim()
      return outcomes
    } catch (error) {
      logs.clear()
      rollBack(statements)
      throw error
    }
  }

  function saveHead({ key, head }: KnownLog): void {
    const { version, revision, rewrites, updatedAt, expiresAt, entries, bytes, body } = head
    statements.saveHead.run(version, revision, rewrites, updatedAt, expiresAt ?? null, entries, bytes, body, key)
  }

  function failed(group: Waiting[], error: unknown): void {
    if (!isBusy(error)) {
      if (isFailedFlush(error)) stopped = writesStopped(error)
      return rejectAll(group, stopped ?? asRecollectError(error))
    }
    const late = (one: Waiting) => realMs() - one.since >= limits.callMs
    for (const one of group.filter(late)) one.reject(lockedTooLong(Math.round(realMs() - one.since), limits.callMs, error))
    queue = [...group.filter((one) => !late(one)), ...queue]
    schedule(retryAfterMs(share()))
  }

  const wait = <T>(job: Job<T>, bytes: number, flush: boolean): Promise<T> =>
    new Promise((resolve, reject) => {
      if (queue.length >= limits.queuedWrites) return reject(tooManyWaiting(queue.length))
      queue.push({ job, bytes, flush, since: realMs(), resolve, reject })
      schedule()
    })

  return {
    add: (job, bytes = 0) => wait(job, bytes, true),
    addUnflushed: (job) => wait(job, 0, false),
    stop(cause) {
      stopped ??= writesStopped(cause)
    },
  }
}

function outcomeOf(job: Job<unknown>, group: Group): Outcome {
  try {
    return { value: job(group) }
  } catch (error) {
    if (error instanceof RecollectError) return { refused: error }
    throw error
  }
}

function settle(group: readonly Waiting[], outcomes: readonly Outcome[]): void {
  outcomes.forEach((outcome, i) => {
    const one = group[i] as Waiting
    if ('refused' in outcome) one.reject(outcome.refused)
    else one.resolve(outcome.value as never)
  })
}

const tooManyWaiting = (given: number) =>
  new RecollectError('unavailable', `at most ${limits.queuedWrites} writes wait for the disk; ${given} do`, 'Make the same call again in a moment.', {
    limit: limits.queuedWrites,
    given,
  })

function rejectAll(group: readonly Waiting[], error: RecollectError): void {
  for (const one of group) one.reject(error)
}

/** How many from the front share the next commit: at least one. */
function groupSize(queue: readonly Waiting[]): number {
  let bytes = 0
  const most = Math.min(queue.length, limits.groupAppends)
  for (let i = 0; i < most; i++) {
    bytes += queue[i]?.bytes ?? 0
    if (bytes > limits.groupBytes) return Math.max(i, 1)
  }
  return most
}
