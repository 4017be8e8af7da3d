// Background work after a turn's end: which sessions have some, when it is due, and what became of it. The work itself is found by cursor, so nothing is lost here (NODE-7, NODE-8).
import { isRecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { ownerKey, type Owner, type Scope } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { createAlarm } from './alarm.ts'

/** What a session's turn end leads to; run again after a failure, from its own cursor. */
export type SessionWork = (scope: Scope, sessionId: string) => Promise<void>

export interface Jobs {
  /** The session has work: from now on, or once its turn can be taken as ended (1 s after its last entry). */
  due(scope: Scope, sessionId: string, when: 'now' | 'idle'): void
  /** Runs what is due or will be, for one owner or for all, and waits for it. @throws what a job failed with */
  settled(scope?: Scope): Promise<void>
  /** Forgets the owner's work, and waits for what is running. */
  dropOwner(owner: Owner): Promise<void>
  /** How many sessions of the owner wait or are at work. */
  holds(owner: Owner): number
  /** ms since the oldest work that waits was due; 0 if none is. */
  lagMs(): number
  /** Ends the runner; what is running is waited for. */
  close(): Promise<void>
}

interface Pending {
  readonly scope: Scope
  readonly sessionId: string
  readonly dueAt: number
  readonly failures: number
}

export interface JobParts {
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly work: SessionWork
  /** false: work waits until `settled` is called. */
  readonly background: boolean
}

export function createJobs(parts: JobParts): Jobs {
  const { clock, telemetry } = parts
  const pending = new Map<string, Pending>()
  const lanes = ownerLanes()
  const alarm = createAlarm(clock, startDue)
  let closed = false
  const count = (outcome: 'done' | 'gone' | 'failed' | 'dropped') => telemetry.count('recollect_job_runs_total', 1, { job: 'session', outcome })

  function add(job: Pending): void {
    if (closed) return
    const key = keyOf(job.scope, job.sessionId)
    // Over the bound the newcomer is left out: its session finds the work again by its cursor when it is next opened or written.
    if (!pending.has(key) && pending.size >= limits.jobsPending) return count('dropped')
    pending.set(key, job)
    if (parts.background) alarm.at(job.dueAt)
  }

  async function runOne(job: Pending): Promise<void> {
    pending.delete(keyOf(job.scope, job.sessionId)) // what came due while it waited for its lane is done now
    try {
      await parts.work(job.scope, job.sessionId)
      count('done')
    } catch (error) {
      if (isRecollectError(error, 'not_found')) return count('gone') // deleted, expired or erased meanwhile
      count('failed')
      telemetry.log('warn', 'job_failed', { code: isRecollectError(error) ? error.code : 'internal' })
      // It may have come due anew while it ran.
      if (!pending.has(keyOf(job.scope, job.sessionId))) add({ ...job, failures: job.failures + 1, dueAt: clock.now() + backOffMs(job.failures) })
      throw error
    }
  }

  function start(job: Pending): Promise<void> {
    pending.delete(keyOf(job.scope, job.sessionId))
    return lanes.run(ownerKey(job.scope), () => runOne(job))
  }

  function startDue(): void {
    for (const job of pending.values()) {
      if (job.dueAt > clock.now()) alarm.at(job.dueAt)
      else if (lanes.busy() >= limits.jobsAtOnce) alarm.at(clock.now() + limits.jobRetryMs)
      else void start(job).catch(() => {}) // counted, and due again after its back-off
    }
  }

  return {
    due(scope, sessionId, when) {
      if ((pending.get(keyOf(scope, sessionId))?.failures ?? 0) > 0) return // its back-off goes on
      add({ scope, sessionId, dueAt: clock.now() + (when === 'now' ? 0 : limits.turnEndIdleMs), failures: 0 })
    },
    async settled(scope) {
      const owner = scope === undefined ? undefined : ownerKey(scope)
      for (;;) {
        const jobs = [...pending.values()].filter((job) => owner === undefined || ownerKey(job.scope) === owner)
        if (jobs.length === 0 && lanes.busy(owner) === 0) return
        await Promise.all([...jobs.map(start), lanes.ended(owner)])
      }
    },
    async dropOwner(owner) {
      for (const [key, job] of pending) if (ownerKey(job.scope) === ownerKey(owner)) pending.delete(key)
      await lanes.ended(ownerKey(owner))
    },
    holds: (owner) => [...pending.values()].filter((job) => ownerKey(job.scope) === ownerKey(owner)).length + lanes.busy(ownerKey(owner)),
    lagMs: () => [...pending.values()].reduce((most, job) => Math.max(most, clock.now() - job.dueAt), 0),
    async close() {
      closed = true
      alarm.stop()
      pending.clear()
      await lanes.ended()
    },
  }
}

/** FORM-7: 1 s, doubled at each failure, up to 10 minutes. */
const backOffMs = (failures: number): number => Math.min(limits.formRetryMsMost, limits.formRetryMsLeast * 2 ** failures)

/** One thing after the other for each owner, since an owner's jobs share one lease (NODE-7); each caller waits for its own. */
function ownerLanes() {
  const running = new Map<string, Promise<void>>()
  return {
    run(owner: string, work: () => Promise<void>): Promise<void> {
      const done = (running.get(owner) ?? Promise.resolve()).then(work)
      const ended: Promise<void> = done
        .catch(() => {})
        .then(() => {
          if (running.get(owner) === ended) running.delete(owner)
        })
      running.set(owner, ended)
      return done
    },
    busy: (owner?: string): number => (owner === undefined ? running.size : running.has(owner) ? 1 : 0),
    async ended(owner?: string): Promise<void> {
      await (owner === undefined ? Promise.all(running.values()) : running.get(owner))
    },
  }
}

const keyOf = (scope: Scope, sessionId: string) => `${ownerKey(scope).length}:${ownerKey(scope)}${sessionId}`
