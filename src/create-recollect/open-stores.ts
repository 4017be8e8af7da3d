// Opens what the options name: data stores, key store, key provider; by default two SQLite files and a key file beside them.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { RecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeyProvider } from '../ports/key-provider.ts'
import type { LogStore } from '../ports/log-store.ts'
import { fileKeyProvider } from '../security/keys/file-key-provider.ts'
import { checkKeyStore, holdsData } from '../security/keys/key-store-check.ts'
import type { GivenStore, RecollectOptions } from './options.ts'

export interface OpenStores {
  readonly sessions: GivenStore
  readonly memories: GivenStore
  readonly keys: GivenStore
  readonly keyProvider: KeyProvider
  readonly sharedKeyStore: boolean
  /** Each store once, data before keys. */
  close(): Promise<void>
}

export async function openStores(options: RecollectOptions, world: { readonly clock: Clock; readonly random: Random }): Promise<OpenStores> {
  const dataDir = path.resolve(options.dataDir ?? '.recollect')
  const keysDir = path.resolve(options.keysDir ?? `${dataDir}-keys`)
  const opened: LogStore[] = []
  const closeAll = async () => {
    for (const store of new Set(opened)) await store.close()
  }
  const inFile = async (file: string): Promise<GivenStore> => {
    // Loaded here, so that whoever brings stores of their own loads no database (REL-2).
    const { sqliteStore } = await import('../stores/sqlite/index.ts')
    const store = await sqliteStore({ path: file, ...world })
    return { store, place: file, files: () => store.files(), emptyWal: () => store.emptyWal() }
  }
  const given = (store: LogStore | GivenStore | undefined): GivenStore | undefined =>
    store === undefined ? undefined : 'store' in store ? store : { store }
  const kept = (store: GivenStore): GivenStore => {
    opened.push(store.store)
    return store
  }
  try {
    const { stores = {} } = options
    const dataFile =
      stores.sessions !== undefined && stores.memories !== undefined ? undefined : kept(await inFile(path.join(dataDir, 'recollect.db')))
    const sessions = kept(given(stores.sessions) ?? (dataFile as GivenStore))
    const memories = kept(given(stores.memories) ?? (dataFile as GivenStore))
    const keyFile = path.join(keysDir, 'keys.db')
    let found = given(stores.keys)
    const fits = (store: GivenStore) => checkKeyStore(store, [sessions, memories], options.allowSharedKeyStore ?? false)
    if (found !== undefined) fits(kept(found))
    const openKeys = async (): Promise<GivenStore> => (found ??= kept(await inFile(keyFile)))
    // The key first: a start that refuses for want of it has made no key store (SEAL-2).
    const keyProvider =
      options.keyProvider ??
      (await fileKeyProvider({
        path: path.join(keysDir, 'key.json'),
        random: world.random,
        now: world.clock.now,
        async sealedData() {
          if (await holdsData([sessions.store, memories.store])) return true
          return (found !== undefined || existsSync(keyFile)) && holdsData([(await openKeys()).store])
        },
        uid: process.getuid?.(),
      }))
    const isFirst = found === undefined && !existsSync(keyFile)
    if (isFirst && options.seal !== 'off' && (await holdsData([sessions.store, memories.store])))
      throw new RecollectError(
        'integrity_failure',
        `the key store ${keyFile} is missing, and there is sealed data`,
        'Restore the keys folder from your copy; without it the data cannot be read. Nothing was changed.',
      )
    const keys = await openKeys()
    const { shared } = fits(keys)
    const close = async () => {
      await closeAll()
      await keyProvider.close()
    }
    return { sessions, memories, keys, keyProvider, sharedKeyStore: shared, close }
  } catch (error) {
    await closeAll()
    throw error
  }
}
