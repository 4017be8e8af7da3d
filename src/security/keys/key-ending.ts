// The end of an owner's keys, in three steps that may each be the last before a crash: close, destroy, remove (ERA-5).
import { RecollectError, isRecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { refKey } from '../../core/log-ref.ts'
import type { Owner } from '../../core/scope.ts'
import { ownerKeysFrom } from './derive.ts'
import { closingEntry, foldKeyLog, type ClosingMark, type KeyLog } from './key-log.ts'
import { keyLogOf, readKeyLog, unwrapped, type KeyShelf } from './loaded-keys.ts'
import type { OwnerKeys } from './owner-keys.ts'

/** What the key log holds now, also when closed. */
export async function lookAtKeyLog(shelf: KeyShelf, owner: Owner): Promise<KeyLog | undefined> {
  const ref = keyLogOf(shelf, owner)
  return (await shelf.store.head(ref)) === undefined ? undefined : foldKeyLog(await readKeyLog(shelf.store, ref))
}

/** Gives the mark that stands: the first one wins. By the version and revision that were seen, so that a new key or a changed head is seen first (LIFE-6). */
export async function closeKeyLog(
  shelf: KeyShelf,
  owner: Owner,
  mark: (keys: OwnerKeys | undefined, dataKeys: number) => ClosingMark,
): Promise<ClosingMark> {
  const ref = keyLogOf(shelf, owner)
  for (let attempt = 0; attempt < limits.closeAttempts; attempt++) {
    const { version, revision } = await shelf.store.open(ref, { body: new Uint8Array(0), expires: 'never' })
    const log = foldKeyLog(await readKeyLog(shelf.store, ref))
    if (log.closed !== undefined) return log.closed
    const keys = log.subject === undefined ? undefined : ownerKeysFrom(await unwrapped(shelf.provider, owner, log.subject))
    const closing = mark(keys, log.data.length)
    try {
      await shelf.store.append(ref, [closingEntry(closing)], { expectedVersion: version, head: { ifRevision: revision } })
    } catch (error) {
      if (!isRecollectError(error, 'conflict')) throw error
    }
    shelf.cache.delete(refKey(ref))
  }
  const closed = (await lookAtKeyLog(shelf, owner))?.closed
  if (closed !== undefined) return closed
  throw new RecollectError('conflict', `the key log kept changing over ${limits.closeAttempts} attempts`, 'Try again.')
}

/** Redacts every wrapped key; the mark that closes the log stays. */
export async function destroyKeys(shelf: KeyShelf, owner: Owner): Promise<void> {
  const ref = keyLogOf(shelf, owner)
  const { wraps } = (await lookAtKeyLog(shelf, owner)) ?? { wraps: [] }
  if (wraps.length > 0)
    await shelf.store.rewrite(
      ref,
      wraps.map(({ seq }) => ({ seq })),
    )
  shelf.cache.delete(refKey(ref))
}

export async function removeKeyLog(shelf: KeyShelf, owner: Owner): Promise<void> {
  const ref = keyLogOf(shelf, owner)
  await shelf.store.delete(ref)
  shelf.cache.delete(refKey(ref))
}
