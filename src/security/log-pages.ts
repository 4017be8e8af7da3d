// The entries of a log up to its version, page by page: one that ends before it is damaged, and never taken for a shorter one (LOG-17, SEAL-9).
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { LogRef } from '../core/log-ref.ts'
import type { LogStore, StoredEntry } from '../ports/log-store.ts'

/** Entries with `after < seq ≤ upTo`, in order. @throws `integrity_failure` where they end before */
export async function* logPages(
  store: LogStore,
  ref: LogRef,
  after: number,
  upTo: number,
  limit: number = limits.readEntriesMost,
): AsyncGenerator<readonly StoredEntry[]> {
  for (let at = after; at < upTo;) {
    const page = await store.read(ref, { after: at, upTo, limit })
    const last = page.at(-1)
    if (last === undefined)
      throw new RecollectError(
        'integrity_failure',
        `a ${ref.kind} log ends at seq ${at}, and its head says ${upTo}`,
        'Restore the store from a backup; nothing was changed.',
      )
    yield page
    at = last.seq
  }
}
