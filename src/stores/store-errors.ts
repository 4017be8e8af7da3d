// How drivers say no, in one voice: no id, no bytes, no driver text in a message (LOG-8).
import { RecollectError } from '../core/errors.ts'

export const noLog = () => new RecollectError('not_found', 'there is no such log', 'Open it first; it may have been deleted or have expired.')

export const staleFence = () => new RecollectError('conflict', 'the fence is stale', 'The lease was lost; take it again and read anew.')

export const otherVersion = (expected: number, version: number) =>
  new RecollectError('conflict', `the log is at version ${version}; expected ${expected}`, 'Read what was added, and decide anew.', {
    details: { version, expected },
  })

export const otherRevision = (expected: number, revision: number) =>
  new RecollectError('conflict', `the head is at revision ${revision}; expected ${expected}`, 'Read the head, and decide anew.', {
    details: { revision, expected },
  })

export const alreadyRedacted = () => new RecollectError('conflict', 'an entry to replace was redacted', 'Leave it out: what is redacted stays so.')

export const aboveVersion = (what: string, given: number, version: number) =>
  new RecollectError('invalid_input', `${what} is at most the version, ${version}; got ${given}`, 'Name entries that the log has.', {
    limit: version,
    given,
  })

export const inTheFuture = () => new RecollectError('invalid_input', 'createdAt is in the future', 'Give the time at which the log was first made.')

export const storeFull = (limit: number) =>
  new RecollectError('unavailable', `the store holds at most ${limit} bytes`, 'Delete what is not needed, or use a store on disk.', { limit })

export const damaged = (what: string, cause?: unknown) =>
  new RecollectError('integrity_failure', `stored data is damaged: ${what}`, 'Restore the store from a backup, and look for a cause in the disk.', {
    cause,
  })

export const storeFailed = (cause: unknown) =>
  new RecollectError('unavailable', 'the store could not answer', 'Try again; the same call is safe to make again.', { cause })
