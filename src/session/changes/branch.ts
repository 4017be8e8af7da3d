// Two ways to go on from an earlier place: rewind, which leaves the rest out of the path (SES-2), and fork, which copies up to it (SES-5).
import type { EpochRecord } from '../../core/context.ts'
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { checkId, madeId, madeSessionId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { refOf, type LogRef } from '../../core/log-ref.ts'
import { encodeBody, encodeSessionEntry, type SessionHead } from '../../core/session.ts'
import type { Entry, Fence, StoredEntry } from '../../ports/log-store.ts'
import { logPages } from '../../security/log-pages.ts'
import { appendWithin } from './grow.ts'
import { sessionInfo } from '../session-info.ts'
import { encodeEntries, otherRevision, type OpenedHead } from '../logs/session-logs.ts'
import type { At, SessionParts } from '../session-parts.ts'
import type { SessionInfo } from '../session-types.ts'

/** @throws `conflict` on another revision · `invalid_input` on a seq the log has not */
export async function rewindSession(
  parts: SessionParts,
  { scope, id }: At,
  toSeq: number,
  options: { readonly ifRevision?: number; readonly fence?: Fence } = {},
): Promise<SessionInfo> {
  const ref = refOf(scope, 'session', id)
  const { ifRevision, fence } = options
  const seen = await parts.logs.head(ref)
  checkSeq(toSeq, 0, seen.head.version, 'toSeq')
  if (ifRevision !== undefined && ifRevision !== seen.head.revision) throw otherRevision(ifRevision, seen.head.revision)
  const entry = { type: 'rewind', toSeq, at: parts.clock.now() } as const
  await appendWithin(parts, scope, ref, seen, [{ id: madeId('~rewind', parts.random), entry }], {
    ...(ifRevision === undefined ? {} : { ifRevision }),
    ...(fence === undefined ? {} : { fence }),
  })
  parts.jobs.due(scope, id, 'now') // records that rest on what was rewound end
  const loaded = await parts.logs.load(ref)
  return sessionInfo(id, loaded, loaded.fold.messages.length)
}

/** A new session with entries 1 to `atSeq`, or with none at 0; the same call finishes one that was cut off. Gives its id. */
export async function forkSession(parts: SessionParts, { scope, id }: At, atSeq: number, options: { readonly id?: string } = {}): Promise<string> {
  const source = refOf(scope, 'session', id)
  const seen = await parts.logs.head(source)
  checkSeq(atSeq, 0, seen.head.version, 'atSeq')
  const forkId = options.id === undefined ? madeSessionId(parts.random) : checkId(options.id, 'the id of the fork')
  const fork = refOf(scope, 'session', forkId)
  const begun = (await parts.logs.peek(fork)) ?? (await beginFork(parts, seen, { scope, id }, atSeq, fork))
  const { forkedFrom } = begun.body
  if (forkedFrom?.session !== id || forkedFrom.atSeq !== atSeq)
    throw new RecollectError('conflict', 'there is another session under the id of the fork', 'Choose another id, or leave it out.')
  if (forkedFrom.done) return forkId
  const blanks = await copyEntries(parts, source, fork, begun.head.version, atSeq)
  await redactCopies(parts, fork, begun, blanks, atSeq)
  await finishFork(parts, fork, seen.body, atSeq)
  return forkId
}

async function beginFork(parts: SessionParts, seen: OpenedHead, { scope, id }: At, atSeq: number, fork: LogRef): Promise<OpenedHead> {
  // By its share of the entries: how large each of them is would have to be read.
  const copied = Math.round((seen.head.bytes * atSeq) / Math.max(1, seen.head.version))
  const bytes = copied + parts.quotas.weightOf(seen.head) - seen.head.bytes
  await parts.quotas.sessionRoom(scope, undefined, { sessions: 1, entries: atSeq, bytes })
  const now = parts.clock.now()
  const { idleMs, absoluteAt } = seen.body
  const body: SessionHead = {
    v: 1,
    opening: madeId('opn', parts.random),
    class: seen.body.class,
    idleMs,
    absoluteAt: now + (absoluteAt - seen.head.createdAt), // expiry counts anew
    formation: seen.body.formation,
    formedUpTo: atSeq,
    forkedFrom: { session: id, atSeq, done: false },
  }
  await parts.sessions.open(fork, { body: encodeBody(body), expires: { inMs: idleMs, notAfter: body.absoluteAt } })
  parts.quotas.grew(scope, { sessions: 1, bytes })
  const begun = await parts.logs.peek(fork)
  if (begun === undefined) throw new RecollectError('conflict', 'the fork was deleted while it was made', 'Fork again.')
  return begun
}

/** Copies with seq and id, in batches; gives the seqs of redacted places, which hold a filler until they are redacted again. */
async function copyEntries(parts: SessionParts, source: LogRef, fork: LogRef, done: number, atSeq: number): Promise<readonly number[]> {
  const redacted = await redactedUpTo(parts, source, atSeq)
  for await (const page of logPages(parts.sessions, source, done, atSeq, limits.appendEntries))
    for (const batch of batches(page, redacted)) await parts.sessions.append(fork, batch)
  // What was redacted while it was copied must not live on in the copy: the next call looks again.
  if ((await redactedUpTo(parts, source, atSeq)).size !== redacted.size)
    throw new RecollectError('conflict', 'something of the session was redacted while it was copied', 'Call fork again: it finishes what was begun.')
  return [...redacted].toSorted((a, b) => a - b)
}

/** By tombstone, also where the redaction that it announces is still to come. */
async function redactedUpTo(parts: SessionParts, source: LogRef, atSeq: number): Promise<ReadonlySet<number>> {
  const { gone } = (await parts.logs.load(source)).fold
  return new Set([...gone].flatMap(([seq, why]) => (why === 'redacted' && seq <= atSeq ? [seq] : [])))
}

const filler = encodeSessionEntry({ type: 'foreign', name: 'redacted', data: null })

function batches(page: readonly StoredEntry[], redacted: ReadonlySet<number>): readonly (readonly Entry[])[] {
  const out: Entry[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { seq, id, body } of page) {
    const copy = redacted.has(seq) ? filler : body
    if (bytes + copy.length > limits.appendBytes) {
      out.push([])
      bytes = 0
    }
    out.at(-1)?.push({ id, body: copy })
    bytes += copy.length
  }
  return out
}

async function redactCopies(parts: SessionParts, fork: LogRef, begun: OpenedHead, blanks: readonly number[], atSeq: number): Promise<void> {
  if (blanks.length === 0) return
  const entry = { type: 'tombstone', seqs: blanks, why: 'redacted', at: parts.clock.now() } as const
  await parts.logs.append(fork, begun, encodeEntries([{ id: `~fork.${atSeq}.${blanks.length}`, entry }]))
  for (let i = 0; i < blanks.length; i += limits.appendEntries)
    await parts.sessions.rewrite(
      fork,
      blanks.slice(i, i + limits.appendEntries).map((seq) => ({ seq })),
    )
}

/** What was placed before later messages is not of the branch. */
const upToSeq = (epoch: EpochRecord, atSeq: number): EpochRecord => ({
  ...epoch,
  injections: epoch.injections.filter(({ beforeSeq }) => beforeSeq <= atSeq),
})

/** The head body last: until then nobody sees the fork. */
async function finishFork(parts: SessionParts, fork: LogRef, from: SessionHead, atSeq: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const now = await parts.logs.peek(fork)
    if (now === undefined) throw new RecollectError('conflict', 'the fork was deleted while it was made', 'Fork again.')
    if (now.body.forkedFrom?.done !== false) return
    const { title, metadata, epoch, summary } = from
    const body: SessionHead = {
      ...now.body,
      ...(title === undefined ? {} : { title }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(epoch === undefined || epoch.keepFrom > atSeq ? {} : { epoch: upToSeq(epoch, atSeq) }), // a branch before it begins a new one (EPO-7)
      ...(summary === undefined || summary.upTo > atSeq ? {} : { summary }),
      forkedFrom: { ...now.body.forkedFrom, done: true },
    }
    try {
      await parts.sessions.updateHead(fork, now.head.revision, { body: encodeBody(body) })
      return
    } catch (error) {
      if (!isRecollectError(error, 'conflict') || attempt === limits.swapAttempts) throw error
    }
  }
}

export function checkSeq(seq: unknown, least: number, most: number, what: string): void {
  if (!Number.isInteger(seq) || (seq as number) < least || (seq as number) > most)
    throw new RecollectError('invalid_input', `${what} is a seq from ${least} to ${most}`, 'Give the seq of an entry that the session has.', {
      limit: most,
      ...(typeof seq === 'number' ? { given: seq } : {}),
    })
}
