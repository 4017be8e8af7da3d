// An owner's sessions: open, get, list. The whole of `session/` comes together here.
import { checkFields } from '../core/check-fields.ts'
import { checkId } from '../core/ids.ts'
import { refOf } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import type { PageRequest } from '../ports/log-store.ts'
import type { AuditActor } from '../security/audit/actor.ts'
import { listSessions, openSession } from './open-session.ts'
import { sessionAt } from './session.ts'
import { openFields, sessionPageFields } from './input/session-fields.ts'
import type { SessionParts } from './session-parts.ts'
import type { Session, SessionInfo, SessionOptions } from './session-types.ts'

export interface Sessions {
  open(name: string | undefined, options?: SessionOptions): Promise<{ session: Session; made: boolean }>
  get(id: string): Promise<Session>
  list(page?: PageRequest & { readonly updatedAfter?: number }): Promise<{ items: readonly SessionInfo[]; cursor?: string }>
}

export function createSessions(parts: SessionParts, scope: Scope, by: AuditActor): Sessions {
  return {
    async open(name, options) {
      checkFields(options, openFields, 'the options of a session')
      const { id, made } = await openSession(parts, scope, name, options)
      return { session: sessionAt(parts, { scope, id }, by), made }
    },
    async get(id) {
      await parts.logs.head(refOf(scope, 'session', checkId(id, 'the session id')))
      return sessionAt(parts, { scope, id }, by)
    },
    async list(page) {
      checkFields(page, sessionPageFields, 'the page')
      return listSessions(parts, scope, page)
    },
  }
}
