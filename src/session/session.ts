// One session in a caller's hand: each method names whose it is and where, and goes to the file that knows how.
import type { Json } from '../core/json.ts'
import { refOf } from '../core/log-ref.ts'
import { alignSession } from './align-session.ts'
import { deleteSession, redactMessage } from './delete-session.ts'
import { forkSession, rewindSession } from './branch.ts'
import { appendMessages, readMessage, readMessages } from './messages.ts'
import { changeSetup, patchState, putState, readState } from './state.ts'
import { checkMetadata, checkTitle, sessionInfo, setupOf } from './session-info.ts'
import type { At, SessionParts } from './session-parts.ts'
import type { Session } from './session-types.ts'
import { contextCalls } from './context-calls.ts'

export function sessionAt(parts: SessionParts, at: At): Session {
  const { scope, id } = at
  const ref = refOf(scope, 'session', id)
  return {
    id,
    async info() {
      const loaded = await parts.logs.load(ref)
      return sessionInfo(id, loaded, loaded.fold.messages.length)
    },
    append: (messages, options) => appendMessages(parts, at, messages, options),
    messages: (page) => readMessages(parts, at, page),
    message: (messageId) => readMessage(parts, at, messageId),
    redact: (messageId) => redactMessage(parts, at, messageId),
    state: () => readState(parts, at),
    patchState: (patch: Json, swap) => patchState(parts, at, patch, swap),
    putState: (state: Json, swap) => putState(parts, at, state, swap),
    async update({ title, metadata }, { ifRevision } = {}) {
      const changes = {
        ...(title === undefined ? {} : { title: title === null ? undefined : checkTitle(title) }),
        ...(metadata === undefined ? {} : { metadata: metadata === null ? undefined : checkMetadata(metadata) }),
      }
      const changed = await parts.logs.change(ref, ({ body }) => withoutUndefined({ ...body, ...changes }), ifRevision)
      return sessionInfo(id, changed)
    },
    async setup(setup) {
      const checked = setupOf(setup)
      if (checked !== undefined) await changeSetup(parts, at, checked)
    },
    async turn(options = {}) {
      await parts.logs.head(ref)
      return parts.turns.take(scope, ref, options)
    },
    endTurn: (turnId) => parts.turns.end(scope, ref, turnId),
    rewind: (toSeq, options) => rewindSession(parts, at, toSeq, options),
    fork: async (atSeq, options) => sessionAt(parts, { scope, id: await forkSession(parts, at, atSeq, options) }),
    align: (sent, said) => alignSession(parts, at, sent, said),
    delete: (options) => deleteSession(parts, at, options),
    ...contextCalls(parts, at),
  }
}

const withoutUndefined = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T
