// Opens what the options name: data stores, key store, key provider; by default two SQLite files and a key file beside them.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { isRecollectError, RecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeyProvider } from '../ports/key-provider.ts'
import type { LogStore } from '../ports/log-store.ts'
import { fileKeyProvider } from '../security/keys/file-key-provider.ts'
import { checkKeyStore, holdsData } from '../security/keys/key-store-check.ts'
import { checkedStore } from '../stores/checked-store.ts'
import { answering } from './brought-parts.ts'
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
  const closeAll = () => endAll([...new Set(opened)])
  const inFile = async (file: string): Promise<GivenStore> => {
    // Loaded here, so that whoever brings stores of their own loads no database (REL-2).
    const { sqliteStore } = await import('../stores/sqlite/index.ts')
    const store = await sqliteStore({ path: file, ...world })
    return { store, place: file, files: () => store.files(), emptyWal: () => store.emptyWal() }
  }
  const checked = new Map<LogStore, LogStore>() // one that is given twice stays one
  const given = (one: LogStore | GivenStore | undefined): GivenStore | undefined => {
    if (one === undefined) return undefined
    const { store, ...placed } = 'store' in one ? one : { store: one }
    // It waits for its own calls at the close (LOG-29): one that hangs is not waited for here as well, for ever.
    const held = checked.get(store) ?? { ...checkedStore(store), close: async () => store.close() }
    checked.set(store, held)
    return { ...placed, store: held }
  }
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
      (options.keyProvider && answering(options.keyProvider)) ??
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
    return { sessions, memories, keys, keyProvider, sharedKeyStore: shared, close: () => endAll([...new Set(opened), keyProvider]) }
  } catch (error) {
    await closeAll().catch(() => {}) // why it did not start says more
    throw error
  }
}

/** In this order, and each of them whatever becomes of the others. */
async function endAll(parts: readonly { close(): Promise<void> }[]): Promise<void> {
  const failed: unknown[] = []
  for (const part of parts) await part.close().catch((error: unknown) => failed.push(error))
  if (failed.length === 0) return
  if (isRecollectError(failed[0])) throw failed[0]
  throw new RecollectError(
    'unavailable',
    'a store or the key provider did not close',
    'Its own error is the cause of this one; all else is closed.',
    {
      cause: failed[0],
    },
  )
}
