// The background job: read a window, form, embed, append once, move the cursor last (FORM-1, FORM-2, FORM-7). Killed anywhere and run again, the log is the same.
import { limits } from '../core/limits.ts'
import type { Scope } from '../core/scope.ts'
import type { SessionFold, SessionHead } from '../core/session.ts'
import type { Head } from '../ports/log-store.ts'
import type { KeyRing } from '../security/keys/owner-keys.ts'
import { eventId } from './event-id.ts'
import { formRecords } from './form-records.ts'
import { checkRoom, noneKnown, sessionKey, type KnownRecords } from './known-records.ts'
import type { MemoryLogs, NewEvent } from './memory-log.ts'
import type { ToolResultMode } from '../core/memory.ts'
import { recordVectors, type EmbedParts } from './record-vectors.ts'
import { windowOf } from './window.ts'
import type { WorkLease } from './work-lease.ts'

/** What formation needs of a session; the session manager offers it. */
export interface FormSource {
  /** @throws `not_found` once deleted or expired */
  load(scope: Scope, sessionId: string): Promise<{ readonly head: Head; readonly body: SessionHead; readonly fold: SessionFold }>
  /** Swaps the cursor forward; a cursor that is there already, or further, is left. */
  moveCursor(scope: Scope, sessionId: string, formedUpTo: number): Promise<void>
}

export interface FormationParts extends EmbedParts {
  readonly logs: MemoryLogs
  readonly work: WorkLease
  readonly keys: KeyRing
  readonly source: FormSource
  readonly quotaRecords: number
  readonly toolResults?: ToolResultMode // default off (FORM-4)
}

export interface Formation {
  /** Forms everything from the cursor of a session that forms to its version. @throws what a store throws; the cursor then stands where it stood */
  formSession(scope: Scope, sessionId: string): Promise<{ readonly formed: number; readonly cursor: number }>
}

export function createFormation(parts: FormationParts): Formation {
  const { logs, work, source, telemetry } = parts

  /** One window under the lease; undefined when there is nothing left to do. */
  async function formWindow(scope: Scope, sessionId: string): Promise<{ formed: number; cursor: number } | undefined> {
    const { head, body, fold } = await source.load(scope, sessionId)
    const keys = await parts.keys.ownerKeys(scope)
    const known = (await logs.load(scope))?.known ?? noneKnown()
    const ended = retractions(known, sessionId, head.birth, fold, parts.clock.now())
    const window = windowOf(fold, body.formedUpTo)
    if (window === undefined && ended.length === 0) return undefined
    const input = {
      session: sessionId,
      birth: head.birth,
      messages: window?.messages ?? [],
      known,
      keys,
      now: parts.clock.now(),
      toolResults: parts.toolResults ?? 'off',
    }
    const formed = formRecords(input)
    if (ended.length > 0) await appendAll(scope, ended) // also where there is no room to form
    // The cursor stays: the job waits, and forms on once there is room (FORM-7, LIFE-11).
    if (formed.fresh.length > 0) checkRoom(parts.quotaRecords, known.records.size + formed.fresh.length)
    const events = [...formed.events, ...(await recordVectors(parts, formed.fresh))]
    await appendAll(scope, events)
    const cursor = window?.upTo ?? body.formedUpTo
    await source.moveCursor(scope, sessionId, cursor)
    telemetry.count('recollect_records_formed_total', formed.fresh.length)
    return { formed: formed.fresh.length, cursor }
  }

  async function appendAll(scope: Scope, events: readonly NewEvent[]): Promise<void> {
    for (let at = 0; at < events.length; at += limits.appendEntries) await logs.append(scope, events.slice(at, at + limits.appendEntries))
  }

  /** Records that have no vector yet: at most one window's worth a run. */
  async function addMissingVectors(scope: Scope): Promise<void> {
    const { embedder } = parts
    const known = (await logs.load(scope))?.known
    if (embedder === undefined || known === undefined || known.withoutVector.size === 0) return
    const ids = [...known.withoutVector].slice(0, limits.formMessages)
    const entries = await logs.read(
      scope,
      ids.map((id) => known.records.get(id)?.seqs[0] as number),
    )
    const fresh = entries.flatMap(({ event }) => (event?.type === 'record' ? [event.record] : []))
    const events = await recordVectors(parts, fresh)
    if (events.length > 0) await logs.append(scope, events)
  }

  return {
    async formSession(scope, sessionId) {
      let formed = 0
      for (;;) {
        const done = await work.hold(scope, () => formWindow(scope, sessionId))
        if (done === undefined) break
        formed += done.formed
      }
      await work.hold(scope, () => addMissingVectors(scope))
      const { body } = await source.load(scope, sessionId)
      return { formed, cursor: body.formedUpTo }
    },
  }
}

/** Records whose evidence lies wholly in what was rewound end, and are recalled no more (SES-2). */
function retractions(known: KnownRecords, session: string, birth: number, fold: SessionFold, now: number): NewEvent[] {
  const ids = known.bySession.get(sessionKey(session, birth)) ?? new Set()
  const rewound = (seq: number) => fold.gone.get(seq) === 'rewound'
  return [...ids].flatMap((id) => {
    const record = known.records.get(id)
    if (record === undefined || record.ended || record.madeBy === 'caller' || record.madeBy === 'person') return []
    if (!record.evidence.every((one) => one.log === session && one.birth === birth && rewound(one.seq))) return []
    return [{ id: eventId(id, 'retracted'), event: { type: 'end' as const, recordId: id, validUntil: now, why: 'retracted' as const } }]
  })
}
