// Deleting a session, and redacting one message of it (ERA-1, ERA-4): what rests on it alone goes first, so that a call cut off is taken up again.
import { isRecollectError } from '../core/errors.ts'
import type { DeletionReceipt, Removed } from '../core/deletion.ts'
import { madeId } from '../core/ids.ts'
import { refOf } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import type { Head } from '../ports/log-store.ts'
import type { Lost } from '../formation/upkeep.ts'
import { sessionPseudonym } from '../security/pseudonyms.ts'
import { readMessage } from './messages.ts'
import { receiptPlace } from './receipt-log.ts'
import type { At, SessionParts } from './session-parts.ts'

const nothingLost: Lost = { records: 0, rederived: 0, kept: [] }

/** @throws `conflict` if the owner's background work does not end within 10 s */
export async function deleteSession(
  parts: SessionParts,
  { scope, id }: At,
  options: { memories?: 'forget' | 'keep' } = {},
): Promise<DeletionReceipt> {
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
  const keys = await parts.keys.ownerKeys(scope)
  return parts.upkeep.exclusively(scope, async () => {
    const { seq } = await findAlsoTombstoned(parts, at, messageId)
    const { removed, birth } = await redactSeqs(parts, at, [seq])
    const lost = await parts.upkeep.loseEvidence(scope, { session: id, birth, seqs: [seq] }, 'forget')
    return receiptOf(parts, at, 'redact', requestedAt, `${sessionPseudonym(keys, id)}.${seq}`, [removed], lost)
  })
}

/** Under the owner's lease: a tombstone that names the seqs, then their redaction (SEAL-12). */
async function redactSeqs(
  parts: SessionParts,
  { scope, id }: At,
  seqs: readonly number[],
): Promise<{ readonly removed: Removed; readonly birth: number }> {
  const ref = refOf(scope, 'session', id)
  const seen = await parts.logs.head(ref)
  const entry = { type: 'tombstone', seqs, why: 'redacted', at: parts.clock.now() } as const
  await parts.logs.append(ref, seen, [{ id: `~redact.${seqs[0]}.${seqs.length}.${seqs.at(-1)}`, entry }])
  const before = (await parts.logs.head(ref)).head
  await parts.sessions.rewrite(
    ref,
    seqs.map((seq) => ({ seq })),
  )
  parts.logs.drop(ref)
  const { head } = await parts.logs.head(ref)
  const removed = { store: parts.sessions.info.name, logs: 0, entries: before.entries - head.entries, snapshots: 0, bytes: before.bytes - head.bytes }
  return { removed, birth: head.birth }
}

/** Under the owner's lease: the messages that a memory was said in, wherever they still stand; gives how many went. */
export async function redactSources(
  parts: SessionParts,
  scope: Scope,
  sources: readonly { readonly session: string; readonly birth: number; readonly seq: number }[],
): Promise<number> {
  let went = 0
  for (const id of new Set(sources.map((source) => source.session))) {
    const seen = await parts.logs.peek(refOf(scope, 'session', id))
    const seqs = sources.filter((source) => source.session === id && source.birth === seen?.head.birth).map((source) => source.seq)
    if (seen === undefined || seqs.length === 0) continue
    const distinct = [...new Set(seqs)].toSorted((a, b) => a - b)
    const { removed, birth } = await redactSeqs(parts, { scope, id }, distinct)
    await parts.upkeep.loseEvidence(scope, { session: id, birth, seqs: distinct }, 'forget')
    went += removed.entries
  }
  return went
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
  lost: Lost,
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
