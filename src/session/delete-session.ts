// Deleting a session, and redacting one message of it (ERA-1, ERA-4): what rests on it alone goes first, so that a call cut off is taken up again.
import { isRecollectError } from '../core/errors.ts'
import type { DeletionReceipt, Removed } from '../core/deletion.ts'
import { madeId } from '../core/ids.ts'
import { refOf } from '../core/log-ref.ts'
import type { Head } from '../ports/log-store.ts'
import { sessionPseudonym } from '../security/pseudonyms.ts'
import { readMessage } from './messages.ts'
import { receiptPlace } from './receipts.ts'
import type { At, LostEvidence, SessionParts } from './session-parts.ts'

const nothingLost: LostEvidence = { records: 0, rederived: 0, kept: [] }

/** @throws `conflict` if the owner's background work does not end within 10 s */
export async function deleteSession(parts: SessionParts, { scope, id }: At, options: { memories?: 'forget' | 'keep' } = {}): Promise<DeletionReceipt> {
  const { memories = 'forget' } = options
  const requestedAt = parts.clock.now()
  const ref = refOf(scope, 'session', id)
  const keys = await parts.keys.ownerKeys(scope)
  return parts.upkeep.exclusively(scope, async () => {
    const seen = await parts.logs.peek(ref)
    const removed: Removed[] = []
    let lost = nothingLost
    if (seen !== undefined) {
      const { head, body } = seen
      lost = await parts.upkeep.loseEvidence(scope, { session: id, birth: head.birth }, memories)
      const place = receiptPlace(scope, keys, id, head.birth, body.absoluteAt)
      await parts.receipts.settled(place.ref)
      const receipts = await parts.sessions.head(place.ref)
      await parts.sessions.delete(place.ref)
      parts.receipts.drop(place.ref)
      await parts.sessions.delete(ref)
      parts.quotas.grew(scope, { sessions: -1, bytes: -head.bytes })
      removed.push(sumOf(parts.sessions.info.name, [head, receipts]))
    } else await parts.sessions.delete(ref) // what has expired still takes space
    parts.logs.drop(ref)
    return receiptOf(parts, { scope, id }, 'delete', requestedAt, sessionPseudonym(keys, id), removed, lost)
  })
}

/** Redacts one message for good; its tombstone takes effect at once. @throws `not_found` if the path has no such message */
export async function redactMessage(parts: SessionParts, at: At, messageId: string): Promise<DeletionReceipt> {
  const { scope, id } = at
  const requestedAt = parts.clock.now()
  const ref = refOf(scope, 'session', id)
  const keys = await parts.keys.ownerKeys(scope)
  return parts.upkeep.exclusively(scope, async () => {
    const { seq } = await findAlsoTombstoned(parts, at, messageId)
    const seen = await parts.logs.head(ref)
    const entry = { type: 'tombstone', seqs: [seq], why: 'redacted', at: parts.clock.now() } as const
    await parts.logs.append(ref, seen, [{ id: `~redact.${seq}`, entry }])
    const lost = await parts.upkeep.loseEvidence(scope, { session: id, birth: seen.head.birth, seqs: [seq] }, 'forget')
    await parts.sessions.rewrite(ref, [{ seq }])
    parts.logs.drop(ref)
    const now = await parts.logs.head(ref)
    const bytes = Math.max(0, seen.head.bytes - now.head.bytes)
    const removed = [{ store: parts.sessions.info.name, logs: 0, entries: 1, snapshots: 0, bytes }]
    return receiptOf(parts, at, 'redact', requestedAt, `${sessionPseudonym(keys, id)}.${seq}`, removed, lost)
  })
}

/** The message's seq, also where an earlier call was cut off after its tombstone. */
async function findAlsoTombstoned(parts: SessionParts, at: At, messageId: string): Promise<{ readonly seq: number }> {
  try {
    return await readMessage(parts, at, messageId)
  } catch (error) {
    const { fold } = await parts.logs.load(refOf(at.scope, 'session', at.id))
    const seq = fold.ids.get(messageId)
    if (!isRecollectError(error, 'not_found') || seq === undefined || fold.gone.get(seq) === undefined) throw error
    return { seq }
  }
}

async function receiptOf(
  parts: SessionParts,
  { scope }: At,
  verb: 'delete' | 'redact',
  requestedAt: number,
  target: string,
  removed: readonly Removed[],
  lost: LostEvidence,
): Promise<DeletionReceipt> {
  const entries = removed.reduce((sum, one) => sum + one.entries, 0)
  await parts.audit.record({
    tenantId: scope.tenantId,
    actor: 'in-process',
    action: `session.${verb}`,
    target: { kind: verb === 'delete' ? 'session' : 'message', pseudonym: target },
    decision: 'done',
    counts: { entries, records: lost.records },
  })
  const auditHead = await parts.audit.head(scope.tenantId)
  return parts.signed.sign<DeletionReceipt>(scope.tenantId, {
    id: madeId('del', parts.random),
    verb,
    target,
    requestedAt,
    completedAt: parts.clock.now(),
    removed,
    records: lost.records,
    rederived: lost.rederived,
    keptWhy: lost.kept,
    ...(auditHead === undefined ? {} : { auditHead }),
  })
}

function sumOf(store: string, heads: readonly (Head | undefined)[]): Removed {
  const there = heads.filter((head) => head !== undefined)
  return {
    store,
    logs: there.length,
    entries: there.reduce((sum, head) => sum + head.entries, 0),
    snapshots: 0,
    bytes: there.reduce((sum, head) => sum + head.bytes, 0),
  }
}
