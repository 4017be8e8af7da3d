// What follows a turn's end: memories are formed, and the session's size goes into its head (NODE-8, FORM-1, OBS-8).
import { refOf } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import type { FormSource, Formation } from '../formation/formation.ts'
import type { WorkLease } from '../formation/work-lease.ts'
import type { Recall } from '../recall/recall-types.ts'
import type { SessionLogs } from './session-logs.ts'
import type { SessionSizes } from './session-sizes.ts'
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
  readonly formation: Formation
  readonly recall: Recall
  readonly work: WorkLease
}

export function sessionWork(logs: SessionLogs, sizes: SessionSizes, { formation, recall, work }: LongTermWork): SessionWork {
  return async (scope, sessionId) => {
    const { body } = await logs.head(refOf(scope, 'session', sessionId))
    if (body.formation === 'off') return keepSize(scope, sessionId)
    const { formed } = await formation.formSession(scope, sessionId)
    if (formed > 0) await work.hold(scope, (fence) => recall.saveSnapshot(scope, fence)) // where it is due (NODE-3)
  }

  async function keepSize(scope: Scope, sessionId: string): Promise<void> {
    const ref = refOf(scope, 'session', sessionId)
    const tokens = await sizes.of(ref)
    await logs.change(ref, ({ body }) => (body.tokens?.upTo === tokens.upTo ? undefined : { ...body, tokens }))
  }
}
