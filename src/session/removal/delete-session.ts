// Deleting a session, and redacting one message of it (ERA-1, ERA-4): what rests on it alone goes first, so that a call cut off is taken up again.
import { isRecollectError } from '../../core/errors.ts'
import type { DeletionReceipt, Probe, Removed } from '../../core/deletion.ts'
import { refOf, type LogRef } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import type { Lost } from '../../formation/upkeep.ts'
import type { AuditActor } from '../../security/audit/actor.ts'
import { sessionPseudonym } from '../../security/keys/pseudonyms.ts'
import { canRead } from '../../security/erasure/residue.ts'
import { redactEntries, together, type Redacted } from '../../security/erasure/redact-entries.ts'
import { carryOut, type RemovalResult } from '../../security/erasure/removal.ts'
import { readMessage } from '../changes/messages.ts'
import { receiptPlace } from '../logs/receipt-log.ts'
import { encodeEntries, type OpenedHead } from '../logs/session-logs.ts'
import type { At, SessionParts } from '../session-parts.ts'
import { removeReceipts } from './remove-receipts.ts'

/** @throws `conflict` if the owner's background work does not end within 10 s · `unavailable` if the audit log cannot be written */
export async function deleteSession(
  parts: SessionParts,
  { scope, id }: At,
  by: AuditActor,
  options: { memories?: 'forget' | 'keep' } = {},
): Promise<DeletionReceipt> {
  const requestedAt = parts.clock.now()
  const ref = refOf(scope, 'session', id)
  const target = { kind: 'session', pseudonym: sessionPseudonym(await parts.keys.ownerKeys(scope), id) }
  return parts.upkeep.exclusively(scope, () =>
    carryOut(parts, scope, { by, action: 'session.delete', verb: 'delete', target, requestedAt }, async () => {
      const seen = await parts.logs.peek(ref)
      await removeReceipts(parts, scope, new Set([id])) // of sessions that expired under this name
      const done = seen === undefined ? nothing : await removeSession(parts, scope, ref, seen, options.memories ?? 'forget')
      if (seen === undefined) await parts.sessions.delete(ref) // what has expired still takes space
      parts.logs.drop(ref)
      return done
    }),
  )
}

const nothing: RemovalResult = { removed: [], records: 0, rederived: 0, keptWhy: [], probes: [] }

/** Under the owner's lease: memories that rest on it, its receipts, then itself. */
async function removeSession(
  parts: SessionParts,
  scope: Scope,
  ref: LogRef,
  { head, body }: OpenedHead,
  memories: 'forget' | 'keep',
): Promise<RemovalResult> {
  const lost = await parts.upkeep.loseEvidence(scope, { session: ref.logId, birth: head.birth }, memories)
  const place = receiptPlace(scope, await parts.keys.ownerKeys(scope), ref.logId, head.birth, body.absoluteAt)
  await parts.receipts.settled(place.ref)
  const receipts = await parts.sessions.head(place.ref)
  await parts.sessions.delete(place.ref)
  parts.receipts.drop(place.ref)
  await parts.sessions.delete(ref)
  parts.quotas.grew(scope, { sessions: -1, bytes: -parts.quotas.weightOf(head) })
  const logs = [{ ref, head }, ...(receipts === undefined ? [] : [{ ref: place.ref, head: receipts }])]
  const probe = await probeLogs(parts.sessions, logs)
  return resultOf(lost, [{ removed: sumOf(logs.map((log) => log.head)), probes: [probe] }])
}

/** A log that another call has made anew since then is not the one that went. */
async function probeLogs(store: LogStore, logs: readonly { readonly ref: LogRef; readonly head: Head }[]): Promise<Probe> {
  let found = 0
  for (const { ref, head } of logs) {
    const now = await store.head(ref)
    if (now === undefined ? await canRead(store, ref) : now.birth === head.birth) found++
  }
  return { place: 'sessions: logs', lookedFor: logs.length, found }
}

/** Redacts one message for good; its tombstone takes effect at once. @throws `not_found` if the path has no such message · as `deleteSession` */
export async function redactMessage(parts: SessionParts, at: At, by: AuditActor, messageId: string): Promise<DeletionReceipt> {
  const { scope, id } = at
  const requestedAt = parts.clock.now()
  const session = sessionPseudonym(await parts.keys.ownerKeys(scope), id)
  return parts.upkeep.exclusively(scope, async () => {
    const { seq } = await findAlsoTombstoned(parts, at, messageId)
    const target = { kind: 'message', pseudonym: `${session}.${seq}` }
    return carryOut(parts, scope, { by, action: 'session.redact', verb: 'redact', target, requestedAt }, async () => {
      const { redacted, birth } = await redactSeqs(parts, at, [seq])
      return resultOf(await parts.upkeep.loseEvidence(scope, { session: id, birth, seqs: [seq] }, 'forget'), [redacted])
    })
  })
}

const resultOf = (lost: Lost, own: readonly Redacted[]): RemovalResult => ({
  ...together([...own, ...lost.redacted]),
  records: lost.records,
  rederived: lost.rederived,
  keptWhy: lost.kept,
})

/** Under the owner's lease: a tombstone that names the seqs, then their redaction (SEAL-12). */
async function redactSeqs(
  parts: SessionParts,
  { scope, id }: At,
  seqs: readonly number[],
): Promise<{ readonly redacted: Redacted; readonly birth: number }> {
  const ref = refOf(scope, 'session', id)
  const seen = await parts.logs.head(ref)
  const entry = { type: 'tombstone', seqs, why: 'redacted', at: parts.clock.now() } as const
  await parts.logs.append(ref, seen, encodeEntries([{ id: `~redact.${seqs[0]}.${seqs.length}.${seqs.at(-1)}`, entry }]))
  const redacted = await redactEntries({ name: 'sessions', store: parts.sessions, snapshotNames: [] }, ref, seqs)
  parts.logs.drop(ref)
  parts.quotas.forget(scope)
  return { redacted, birth: seen.head.birth }
}

/** Under the owner's lease: the messages that a memory was said in, wherever they still stand, and what rests on them alone. */
export async function redactSources(
  parts: SessionParts,
  scope: Scope,
  sources: readonly { readonly session: string; readonly birth: number; readonly seq: number }[],
): Promise<readonly { readonly redacted: Redacted; readonly lost: Lost }[]> {
  const done: { redacted: Redacted; lost: Lost }[] = []
  for (const id of new Set(sources.map((source) => source.session))) {
    const seen = await parts.logs.peek(refOf(scope, 'session', id))
    const seqs = sources.filter((source) => source.session === id && source.birth === seen?.head.birth).map((source) => source.seq)
    if (seen === undefined || seqs.length === 0) continue
    const distinct = [...new Set(seqs)].toSorted((a, b) => a - b)
    const { redacted, birth } = await redactSeqs(parts, { scope, id }, distinct)
    done.push({ redacted, lost: await parts.upkeep.loseEvidence(scope, { session: id, birth, seqs: distinct }, 'forget') })
  }
  return done
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

const sumOf = (heads: readonly Head[]): Removed => ({
  store: 'sessions',
  logs: heads.length,
  entries: heads.reduce((sum, head) => sum + head.entries, 0),
  snapshots: 0, // logs of sessions and receipts have none
  bytes: heads.reduce((sum, head) => sum + head.bytes, 0),
})
