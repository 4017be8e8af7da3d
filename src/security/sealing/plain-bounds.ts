// The size bounds of LOG-3 as the caller of the wrapper sees them; a driver below allows a little more, for the seal. Counts and ranges are the driver's.
// Each check gives a copy: the wrapper waits for keys before it seals, and the caller may change its buffers meanwhile (LOG-2).
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { Entry, HeadPatch, Rewrite } from '../../ports/log-store.ts'

const invalid = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)
const tooLarge = (what: string, limit: number, given: number) =>
  new RecollectError('payload_too_large', `${what} has at most ${limit} bytes; got ${given}`, 'Send less at once, or in several calls.', {
    limit,
    given,
  })

function checkBytes(body: unknown, what: string, most: number): number {
  if (!(body instanceof Uint8Array)) throw invalid(`${what} must be bytes`, 'Give a Uint8Array.')
  if (body.length > most) throw tooLarge(what, most, body.length)
  return body.length
}

function checkSum(bodies: Iterable<Uint8Array>, what: string, each: number, most: number): void {
  let sum = 0
  for (const body of bodies) sum += checkBytes(body, what, each)
  if (sum > most) throw tooLarge('a call', most, sum)
}

const checkCount = (list: unknown, what: string, most: number): void => {
  if (!Array.isArray(list)) throw invalid(`${what} must be a list`, 'Give an array.')
  if (list.length > most) throw invalid(`a call has at most ${most} ${what}; got ${list.length}`, 'Send them in several calls.')
}

export function checkedEntries(entries: readonly Entry[]): Entry[] {
  checkCount(entries, 'entries', limits.appendEntries)
  for (const entry of entries) {
    if (typeof entry?.id !== 'string') throw invalid('an entry needs an id', 'Give each entry an id of 1 to 200 bytes.')
    if (entry.body?.length === 0) throw invalid('an entry body is empty', 'Give at least one byte: an empty body means redacted.') // LOG-2
  }
  checkSum(
    entries.map((entry) => entry.body),
    'an entry',
    limits.entryBytes,
    limits.appendBytes,
  )
  return entries.map(({ id, body }) => ({ id, body: body.slice() }))
}

export function checkedHeadBody(body: Uint8Array): Uint8Array {
  checkBytes(body, 'a head body', limits.headBytes)
  return body.slice()
}

export const checkedPatch = <P extends HeadPatch>(patch: P): P => (patch.body === undefined ? patch : { ...patch, body: checkedHeadBody(patch.body) })

export function checkedChanges(changes: readonly Rewrite[]): Rewrite[] {
  checkCount(changes, 'changes', limits.appendEntries)
  const bodies = changes.flatMap((change) => (change.body === undefined ? [] : [change.body]))
  if (bodies.some((body) => body.length === 0)) throw invalid('a replacement body is empty', 'Leave the body out to redact.')
  checkSum(bodies, 'an entry', limits.entryBytes, limits.appendBytes)
  return changes.map(({ seq, body }) => (body === undefined ? { seq } : { seq, body: body.slice() }))
}

export function checkedChunks(chunks: readonly Uint8Array[]): Uint8Array[] {
  checkCount(chunks, 'chunks', limits.snapshotChunks)
  if (chunks.some((chunk) => chunk?.length === 0)) throw invalid('a snapshot chunk is empty', 'Give at least one byte.')
  checkSum(chunks, 'a snapshot chunk', limits.snapshotChunkBytes, limits.snapshotBytes)
  return chunks.map((chunk) => chunk.slice())
}
