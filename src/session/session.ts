// One session in a caller's hand: each method names whose it is and where, and goes to the file that knows how.
import { checkFields } from '../core/check-fields.ts'
import type { Json } from '../core/json.ts'
import { refOf } from '../core/log-ref.ts'
import type { AuditActor } from '../security/audit/actor.ts'
import { alignSession } from './changes/align-session.ts'
import { deleteSession, redactMessage } from './removal/delete-session.ts'
import { forkSession, rewindSession } from './changes/branch.ts'
import { changeWithin } from './changes/grow.ts'
import { appendMessages, readMessage, readMessages } from './changes/messages.ts'
import { changeSetup, patchState, putState, readState } from './changes/state.ts'
import { checkMetadata, checkTitle, sessionInfo, setupOf } from './session-info.ts'
import type { At, SessionParts } from './session-parts.ts'
import * as fields from './input/session-fields.ts'
import type { Session } from './session-types.ts'
import { contextCalls } from './contexts/context-calls.ts'

export function sessionAt(parts: SessionParts, at: At, by: AuditActor): Session {
  const { scope, id } = at
  const ref = refOf(scope, 'session', id)
  return {
    id,
    async info() {
      const loaded = await parts.logs.load(ref)
      return sessionInfo(id, loaded, loaded.fold.messages.length)
    },
    async append(messages, options) {
      checkFields(options, fields.appendFields, 'the options of an append')
      return appendMessages(parts, at, messages, options)
    },
    async messages(page) {
      checkFields(page, fields.messagePageFields, 'the page')
      return readMessages(parts, at, page)
    },
    message: async (messageId) => readMessage(parts, at, messageId),
    redact: async (messageId) => redactMessage(parts, at, by, messageId),
    state: () => readState(parts, at),
    async patchState(patch: Json, swap) {
      checkFields(swap, fields.swapFields, 'the options of a state change')
      return patchState(parts, at, patch, swap)
    },
    async putState(state: Json, swap) {
      checkFields(swap, fields.swapFields, 'the options of a state change')
      return putState(parts, at, state, swap)
    },
    async update(patch, options) {
      checkFields(options, fields.updateSwapFields, 'the options of an update')
      checkFields(patch ?? null, { title: 'any', metadata: 'any' }, 'the update')
      const { title, metadata } = patch
      const changes = {
        ...(title === undefined ? {} : { title: title === null ? undefined : checkTitle(title) }),
        ...(metadata === undefined ? {} : { metadata: metadata === null ? undefined : checkMetadata(metadata) }),
      }
      const changed = await changeWithin(parts, scope, ref, (body) => withoutUndefined({ ...body, ...changes }), options?.ifRevision)
      return sessionInfo(id, changed)
    },
    async setup(setup) {
      checkFields(setup ?? null, fields.setupFields, 'the setup')
      const checked = setupOf(setup, parts.contexts.strategies)
      if (checked !== undefined) await changeSetup(parts, at, checked)
    },
    async turn(options) {
      checkFields(options, fields.turnFields, 'the options of a turn')
      await parts.logs.head(ref)
      return parts.turns.take(scope, ref, options ?? {})
    },
    endTurn: async (turnId) => parts.turns.end(scope, ref, turnId),
    async rewind(toSeq, options) {
      checkFields(options, fields.swapFields, 'the options of a rewind')
      return rewindSession(parts, at, toSeq, options)
    },
    async fork(atSeq, options) {
      checkFields(options, fields.forkFields, 'the options of a fork')
      return sessionAt(parts, { scope, id: await forkSession(parts, at, atSeq, options) }, by)
    },
    align: async (sent, said) => alignSession(parts, at, sent, said),
    async delete(options) {
      checkFields(options, fields.deleteFields, 'the options of a deletion')
      return deleteSession(parts, at, by, options)
    },
    ...contextCalls(parts, at),
  }
}

const withoutUndefined = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T
