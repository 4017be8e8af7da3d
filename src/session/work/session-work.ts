// What follows a turn's end: memories end and are formed, and the session's size goes into its head (NODE-8, FORM-1, LIFE-4, OBS-8).
import { refOf } from '../../core/log-ref.ts'
import { memoryLogId } from '../../core/memory.ts'
import type { Scope } from '../../core/scope.ts'
import type { FormSource, Formation } from '../../formation/formation.ts'
import type { Upkeep } from '../../formation/upkeep.ts'
import type { WorkLease } from '../../formation/work-lease.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { Recall } from '../../recall/recall-types.ts'
import type { SessionLogs } from '../logs/session-logs.ts'
import type { SessionSizes } from '../logs/session-sizes.ts'
import type { SessionWork } from './jobs.ts'

/** The session as formation reads it, by its cursor; the cursor takes the size along, so that a turn costs one swap. */
export function formSource(logs: SessionLogs, sizes: SessionSizes): FormSource {
  return {
    load: (scope, sessionId) => logs.load(refOf(scope, 'session', sessionId)),
    async moveCursor(scope, sessionId, formedUpTo) {
      const ref = refOf(scope, 'session', sessionId)
      const tokens = await sizes.of(ref)
      await logs.change(ref, ({ body }) => (body.formedUpTo >= formedUpTo ? undefined : { ...body, formedUpTo, tokens }))
    },
  }
}

export interface LongTermWork {
  readonly memories: LogStore
  readonly telemetry: Telemetry
  readonly formation: Formation
  readonly recall: Recall
  readonly upkeep: Pick<Upkeep, 'expireRecords'>
  readonly work: WorkLease
}

export function sessionWork(logs: SessionLogs, sizes: SessionSizes, longTerm: LongTermWork): SessionWork {
  const { formation, recall, upkeep, work, telemetry } = longTerm
  return async (scope, sessionId) => {
    const { head, body } = await logs.head(refOf(scope, 'session', sessionId))
    await upkeep.expireRecords(scope) // first, so that nothing is taken for said again by a record past its life
    if (body.formation === 'off') await keepSize(scope, sessionId)
    else {
      telemetry.gauge('recollect_job_lag_entries', head.version - body.formedUpTo, { job: 'formation' })
      const { formed } = await formation.formSession(scope, sessionId)
      if (formed > 0) await work.hold(scope, (fence) => recall.saveSnapshot(scope, fence)) // where it is due (NODE-3)
      if (formed > 0) await observeOwner(scope)
    }
    await observeSession(scope, sessionId)
  }

  async function keepSize(scope: Scope, sessionId: string): Promise<void> {
    const ref = refOf(scope, 'session', sessionId)
    const tokens = await sizes.of(ref)
    await logs.change(ref, ({ body }) => (body.tokens?.upTo === tokens.upTo ? undefined : { ...body, tokens }))
  }

  async function observeSession(scope: Scope, sessionId: string): Promise<void> {
    const { head, body } = await logs.head(refOf(scope, 'session', sessionId))
    telemetry.observe('recollect_session_bytes', head.bytes)
    if (body.tokens === undefined) return
    telemetry.observe('recollect_session_messages', body.tokens.messages)
    telemetry.observe('recollect_session_tokens', body.tokens.count)
  }

  async function observeOwner(scope: Scope): Promise<void> {
    telemetry.observe('recollect_owner_records', (await recall.partition(scope)).size)
    telemetry.observe('recollect_owner_bytes', (await longTerm.memories.head(refOf(scope, 'memory', memoryLogId)))?.bytes ?? 0)
  }
}
