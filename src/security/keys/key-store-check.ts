// Whether the key store may stand beside these data stores: a data store may not outlive its keys, and one backup may not hold both (SEAL-17).
import { RecollectError } from '../../core/errors.ts'
import type { LogStore } from '../../ports/log-store.ts'

/** `place`: what a backup takes as one thing, such as a file or a database; undefined if it lies in memory. */
export interface PlacedStore {
  readonly store: LogStore
  readonly place?: string
}

/**
 * Says whether keys and data share one place, which only `allowSharedKeyStore` permits; health shows it.
 *
 * @throws `invalid_input` if a durable data store has keys that are not, or a shared place was not allowed
 */
export function checkKeyStore(keys: PlacedStore, data: readonly PlacedStore[], allowSharedKeyStore: boolean): { readonly shared: boolean } {
  if (!keys.store.info.durable && data.some(({ store }) => store.info.durable) && !allowSharedKeyStore)
    throw new RecollectError(
      'invalid_input',
      'the data is durable and the key store is not: after a restart nothing could be read',
      'Give a durable key store, or createRecollect({ allowSharedKeyStore: true }).',
    )
  const shared = data.some(({ store, place }) => store === keys.store || (place !== undefined && place === keys.place))
  if (shared && keys.store.info.durable && !allowSharedKeyStore)
    throw new RecollectError(
      'invalid_input',
      'keys and data lie in one place, so one stolen copy holds both',
      'Give the key store a file or database of its own, or createRecollect({ allowSharedKeyStore: true }).',
    )
  return { shared }
}

/** True once any store holds a log: then a missing key file is a fault (SEAL-2). */
export async function holdsData(stores: readonly LogStore[]): Promise<boolean> {
  for (const store of stores) if ((await store.owners({ limit: 1 })).items.length > 0) return true
  return false
}
