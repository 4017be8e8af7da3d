// Opens a session or takes it up again by its name (ACC-8), and lists an owner's sessions.
import { isRecollectError, RecollectError } from '../core/errors.ts'
import { checkId, madeId, madeSessionId } from '../core/ids.ts'
import { refOf } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import { decodeBody, encodeBody, type SessionHead } from '../core/session.ts'
import type { PageRequest } from '../ports/log-store.ts'
import { appendWithin, growthOf } from './changes/grow.ts'
import { newSessionHead, sessionInfo, setupOf } from './session-info.ts'
import { encodeEntries, type NewEntry, type OpenedHead } from './logs/session-logs.ts'
import type { SessionParts } from './session-parts.ts'
import type { SessionInfo, SessionOptions } from './session-types.ts'
import { everyHead } from './logs/walks.ts'

export async function openSession(
  parts: SessionParts,
  scope: Scope,
  name: string | undefined,
  options: SessionOptions = {},
): Promise<{ readonly id: string; readonly made: boolean }> {
  const id = name === undefined ? madeSessionId(parts.random) : checkId(name, 'the session name')
  const ref = refOf(scope, 'session', id)
  const opening = madeId('opn', parts.random)
  const now = parts.clock.now()
  const body = newSessionHead(options, parts.lives, now, opening)
  const setup = setupOf(options, parts.contexts.strategies)
  const first: NewEntry[] = setup === undefined ? [] : [{ id: '~setup', entry: { type: 'setup', setup } }]
  let seen = await parts.logs.peek(ref)
  if (seen === undefined) {
    const head = encodeBody(body)
    const { bytes } = growthOf(parts.quotas, encodeEntries(first))
    await parts.quotas.sessionRoom(scope, undefined, { sessions: 1, entries: first.length, bytes: bytes + parts.quotas.weigh([head]) })
    await parts.sessions.open(ref, { body: head, expires: { inMs: body.idleMs, notAfter: body.absoluteAt } })
    seen = await parts.logs.peek(ref)
  }
  if (seen === undefined) throw new RecollectError('conflict', 'the session was deleted while it was opened', 'Open it again.')
  if (seen.body.forkedFrom?.done === false)
    throw new RecollectError(
      'conflict',
      'a fork is being made under this name',
      'Call fork again with the same source, seq and id: it finishes what was cut off.',
    )
  const made = seen.body.opening === opening
  if (made) parts.quotas.grew(scope, { sessions: 1, bytes: parts.quotas.weigh([seen.head.body]) })
  // Also where whoever made the session was cut off before its setup.
  if (first.length > 0 && seen.head.version === 0) await firstEntry(parts, scope, ref, seen, first)
  if (seen.body.formation === 'on' && seen.body.formedUpTo < seen.head.version) parts.jobs.due(scope, id, 'idle')
  return { id, made }
}

async function firstEntry(parts: SessionParts, scope: Scope, ref: ReturnType<typeof refOf>, seen: OpenedHead, first: readonly NewEntry[]) {
  try {
    await appendWithin(parts, scope, ref, seen, first, { expectedVersion: 0 })
  } catch (error) {
    if (!isRecollectError(error, 'conflict')) throw error // another opener was first
  }
}

/** Newest made first. A page may be short; only a missing cursor is the end. */
export async function listSessions(
  parts: SessionParts,
  scope: Scope,
  page: PageRequest & { readonly updatedAfter?: number } = {},
): Promise<{ items: readonly SessionInfo[]; cursor?: string }> {
  const { updatedAfter = Number.NEGATIVE_INFINITY, ...request } = page
  const found = await parts.sessions.list(scope, 'session', request)
  const items = found.items.flatMap((head) => {
    const body = decodeBody<SessionHead>(head.body, 'session head')
    return body.forkedFrom?.done === false || head.updatedAt <= updatedAfter ? [] : [sessionInfo(head.logId, { head, body })]
  })
  return found.cursor === undefined ? { items } : { items, cursor: found.cursor }
}

/** Work that an earlier process left is found by cursor: queues each session of the owner that is behind. */
export async function queueUnformed(parts: SessionParts, scope: Scope): Promise<void> {
  for await (const head of everyHead(parts.sessions, scope, 'session')) {
    const body = decodeBody<SessionHead>(head.body, 'session head')
    if (body.formation === 'on' && body.forkedFrom?.done !== false && body.formedUpTo < head.version) parts.jobs.due(scope, head.logId, 'now')
  }
}
