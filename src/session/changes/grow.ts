// Writing what makes a session grow: weighed against its quotas and its owner's first, then stored (LIFE-11).
import { isRecollectError } from '../../core/errors.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import { encodeBody, type SessionHead } from '../../core/session.ts'
import type { Appended, Entry } from '../../ports/log-store.ts'
import { encodeEntries, type NewEntry, type OpenedHead, type SessionAppend } from '../logs/session-logs.ts'
import type { Growth } from './quotas.ts'
import type { SessionParts } from '../session-parts.ts'

type Growing = Pick<SessionParts, 'logs' | 'quotas'>

/** `SessionLogs.append`, if there is room. A retry of what stands in the log already needs none, and stays a success (LOG-12). */
export async function appendWithin(
  { logs, quotas }: Growing,
  scope: Scope,
  ref: LogRef,
  seen: OpenedHead,
  entries: readonly NewEntry[],
  options?: SessionAppend,
): Promise<Appended> {
  const encoded = encodeEntries(entries)
  const growth = growthOf(quotas, encoded)
  try {
    await quotas.sessionRoom(scope, seen.head, growth)
  } catch (error) {
    if (!isRecollectError(error, 'limit_exceeded')) throw error
    const { fold } = await logs.load(ref)
    const said = entries.filter(({ entry }) => entry.type === 'message')
    if (said.length === 0 || !said.every(({ id }) => fold.ids.has(id))) throw error
  }
  const appended = await logs.append(ref, seen, encoded, options)
  if (appended.added > 0) quotas.grew(scope, growth)
  return appended
}

/** `SessionLogs.change` by what a caller gave, if there is room for it. */
export async function changeWithin(
  { logs, quotas }: Growing,
  scope: Scope,
  ref: LogRef,
  change: (body: SessionHead) => SessionHead,
  ifRevision?: number,
): Promise<OpenedHead> {
  let bytes = 0
  const weighed = async ({ head, body }: OpenedHead) => {
    const changed = change(body)
    bytes = encodeBody(changed).length - head.body.length
    if (bytes > 0) await quotas.sessionRoom(scope, head, { bytes })
    return changed
  }
  const changed = await logs.change(ref, weighed, ifRevision)
  quotas.grew(scope, { bytes })
  return changed
}

export const growthOf = (quotas: SessionParts['quotas'], entries: readonly Entry[]): Growth & { readonly bytes: number } => ({
  entries: entries.length,
  bytes: quotas.weigh(entries.map(({ body }) => body)),
})
