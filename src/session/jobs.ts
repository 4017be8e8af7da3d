// Background work after a turn's end: which sessions have some, when it is due, and what became of it. The work itself is found by cursor, so nothing is lost here (NODE-7, NODE-8).
import { isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** What a session's turn end leads to; run again after a failure, from its own cursor. */
export type SessionWork = (scope: Scope, sessionId: string) => Promise<void>

export interface Jobs {
  /** The session has work: from now on, or once its turn can be taken as ended (1 s after its last entry). */
  due(scope: Scope, sessionId: string, when: 'now' | 'idle'): void
  /** Runs what is due or will be, for one owner or for all, and waits for it. @throws what a job failed with */
  settled(scope?: Scope): Promise<void>
  /** Forgets the owner's work, and waits for what is running. */
  dropOwner(owner: { readonly tenantId: string; readonly ownerId: string }): Promise<void>
  /** How many sessions of the owner wait or are at work. */
  holds(owner: { readonly tenantId: string; readonly ownerId: string }): number
  /** Ends the runner; what is running is waited for. */
  close(): Promise<void>
}

interface Pending {
  readonly scope: Scope
  readonly sessionId: string
  dueAt: number
  failures: number
}

export function createJobs(parts: {
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly work: SessionWork
  /** false: work waits until `settled` is called. */
  readonly background: boolean
}): Jobs {
  const { clock, telemetry, work } = parts
  const pending = new Map<string, Pending>()
  const running = new Map<string, Promise<void>>() // by owner: an owner's jobs share one lease (NODE-7)
  const closed = new AbortController()
  let alarm: { readonly at: number; readonly cancel: AbortController } | undefined

  async function runOne(job: Pending): Promise<void> {
    pending.delete(keyOf(job.scope, job.sessionId))
    try {
      await work(job.scope, job.sessionId)
      telemetry.count('recollect_job_runs_total', 1, { job: 'session', outcome: 'done' })
    } catch (error) {
      telemetry.count('recollect_job_runs_total', 1, { job: 'session', outcome: isRecollectError(error, 'not_found') ? 'gone' : 'failed' })
      if (isRecollectError(error, 'not_found')) return // deleted, expired or erased meanwhile
      const backOff = Math.min(limits.formRetryMsMost, limits.formRetryMsLeast * 2 ** job.failures)
      const again = pending.get(keyOf(job.scope, job.sessionId)) // it may have come due anew while it ran
      if (again === undefined) add({ ...job, failures: job.failures + 1, dueAt: clock.now() + backOff })
      throw error
    }
  }

  /** One job after the other for an owner; each caller waits for its own. */
  function queue(job: Pending): Promise<void> {
    const owner = ownerOf(job.scope)
    const done = (running.get(owner) ?? Promise.resolve()).then(() => runOne(job))
    const quiet: Promise<void> = done.catch(() => {}).then(() => {
      if (running.get(owner) === quiet) running.delete(owner)
    })
    running.set(owner, quiet)
    return done
  }

  function add(job: Pending): void {
    if (closed.signal.aborted) return
    const key = keyOf(job.scope, job.sessionId)
    // Over the bound the newcomer is left out: its session finds the work again by its cursor when it is next opened or written.
    if (!pending.has(key) && pending.size >= limits.jobsPending) return telemetry.count('recollect_job_runs_total', 1, { job: 'session', outcome: 'dropped' })
    pending.set(key, job)
    wakeAt(job.dueAt)
  }

  function wakeAt(at: number): void {
    if (!parts.background || closed.signal.aborted || (alarm !== undefined && alarm.at <= at)) return
    alarm?.cancel.abort()
    const mine = { at, cancel: new AbortController() }
    alarm = mine
    const signal = AbortSignal.any([mine.cancel.signal, closed.signal])
    void clock.sleep(at - clock.now(), signal, 'background').then(() => {
      if (alarm !== mine) return
      alarm = undefined
      if (!closed.signal.aborted) startDue()
    })
  }

  function startDue(): void {
    let next: number | undefined
    for (const job of [...pending.values()]) {
      if (job.dueAt > clock.now()) next = Math.min(next ?? job.dueAt, job.dueAt)
      else if (running.size >= limits.jobsAtOnce) next = clock.now() + limits.jobRetryMs
      else void start(job).catch(() => {}) // counted, and due again after its back-off
    }
    if (next !== undefined) wakeAt(next)
  }

  function start(job: Pending): Promise<void> {
    pending.delete(keyOf(job.scope, job.sessionId))
    return queue(job)
  }

  return {
    due(scope, sessionId, when) {
      const known = pending.get(keyOf(scope, sessionId))
      const dueAt = clock.now() + (when === 'now' ? 0 : limits.turnEndIdleMs)
      if (known !== undefined && known.failures > 0) return // its back-off goes on
      add({ scope, sessionId, dueAt, failures: 0 })
    },

    async settled(scope) {
      const mine = (job: Pending) => scope === undefined || ownerOf(job.scope) === ownerOf(scope)
      for (;;) {
        const jobs = [...pending.values()].filter(mine)
        const waits = [...running].flatMap(([owner, done]) => (scope === undefined || owner === ownerOf(scope) ? [done] : []))
        if (jobs.length === 0 && waits.length === 0) return
        await Promise.all([...jobs.map(start), ...waits])
      }
    },

    async dropOwner(owner) {
      const key = ownerOf(owner)
      for (const [name, job] of pending) if (ownerOf(job.scope) === key) pending.delete(name)
      await running.get(key)
    },

    holds: (owner) => [...pending.values()].filter((job) => ownerOf(job.scope) === ownerOf(owner)).length + (running.has(ownerOf(owner)) ? 1 : 0),

    async close() {
      closed.abort()
      pending.clear()
      await Promise.all(running.values())
    },
  }
}

const ownerOf = ({ tenantId, ownerId }: { readonly tenantId: string; readonly ownerId: string }) => `${tenantId.length}:${tenantId}${ownerId}`
const keyOf = (scope: Scope, sessionId: string) => `${ownerOf(scope).length}:${ownerOf(scope)}${sessionId}`
