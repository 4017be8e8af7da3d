// From settings to a running Recollect and its gateway: the one place that turns names into parts.
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { createRecollect, type RecollectOptions } from '../create-recollect.ts'
import type { GivenStore } from '../create-recollect/options.ts'
import { systemClock } from '../create-recollect/system-clock.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Recollect } from '../recollect.ts'
import type { Configuration } from './load.ts'
import type { SettingName } from './settings.ts'

export const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes))

const quotaNames = ['sessionEntries', 'sessionBytes', 'ownerSessions', 'ownerBytes', 'ownerRecords'] as const

/** @throws what `createRecollect` throws */
export async function openRecollect(
  configuration: Configuration,
  world: { readonly clock: Clock; readonly telemetry: Telemetry },
  background = true,
): Promise<Recollect> {
  const stores: Record<string, GivenStore> = {}
  const opened = new Map<string, GivenStore>() // two names of one file are one store
  try {
    for (const which of ['sessions', 'memories', 'keys'] as const) {
      const url = configuration.get(`stores.${which}`) as string | undefined
      if (url === undefined) continue
      const store = opened.get(url) ?? (await storeOf(url, world.clock))
      if (url !== 'memory:') opened.set(url, store)
      stores[which] = store
    }
  } catch (error) {
    for (const { store } of Object.values(stores)) await store.close()
    throw error
  }
  const options: RecollectOptions = {
    ...world,
    background,
    dataDir: configuration.get('dataDir'),
    seal: configuration.get('seal'),
    embedder: configuration.get('embedder'),
    receipts: configuration.get('receipts'),
    context: contextDefaults(configuration),
    formation: { toolResults: configuration.get('formation.toolResults') },
    recall: { floor: configuration.get('recall.floor'), partitionCacheBytes: configuration.get('recall.partitionCacheBytes') },
    profiles: configuration.get('context.profiles'),
    quotas: Object.fromEntries(quotaNames.map((name) => [name, configuration.get(`limits.${name}`)])),
    lives: { idleMs: configuration.get('expiry.idleMs'), absoluteMs: configuration.get('expiry.absoluteMs') },
    ...(Object.keys(stores).length === 0 ? {} : { stores }),
    ...(configuration.get('stores.keys') === 'memory:' ? { allowSharedKeyStore: true } : {}),
  }
  return createRecollect(options)
}

/** What is not set is left out: the engine has the defaults. */
function contextDefaults({ get }: Configuration): RecollectOptions['context'] & object {
  const given = (names: Readonly<Record<string, SettingName>>) =>
    Object.fromEntries(Object.entries(names).flatMap(([name, setting]) => (get(setting) === undefined ? [] : [[name, get(setting)]])))
  return {
    ...given({
      model: 'context.model',
      budgetTokens: 'context.budgetTokens',
      reserveOutputTokens: 'context.reserveOutputTokens',
      strategy: 'context.strategy',
      minTurns: 'context.minTurns',
      state: 'context.state',
      timeoutMs: 'context.timeoutMs',
    }),
    recall:
      get('recall.mode') === 'off' ? false : given({ maxItems: 'recall.maxItems', maxTokens: 'recall.maxTokens', onFailure: 'recall.onFailure' }),
  }
}

/** The three stores by name, each with its file; none for a store in memory. */
export function storePlaces(configuration: Configuration): { readonly name: 'sessions' | 'memories' | 'keys'; readonly file?: string }[] {
  const dataDir = path.resolve(configuration.get('dataDir'))
  return (['sessions', 'memories', 'keys'] as const).map((name) => {
    const url = configuration.get(`stores.${name}`) as string | undefined
    if (url === 'memory:') return { name }
    const usual = name === 'keys' ? path.join(`${dataDir}-keys`, 'keys.db') : path.join(dataDir, 'recollect.db')
    return { name, file: url === undefined ? usual : url.slice('sqlite:'.length) }
  })
}

/** A SQLite file by itself, without Recollect around it; closed at the end. */
export async function withStore<T>(file: string, use: (store: LogStore) => Promise<T>): Promise<T> {
  const { store } = await storeOf(`sqlite:${file}`, systemClock)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

async function storeOf(url: string, clock: Clock): Promise<GivenStore> {
  if (url === 'memory:') return { store: (await import('../stores/memory/index.ts')).memoryStore({ clock }) }
  const file = path.resolve(url.slice('sqlite:'.length))
  const store = await (await import('../stores/sqlite/index.ts')).sqliteStore({ path: file, clock, random })
  return { store, place: file, files: () => store.files(), emptyWal: () => store.emptyWal() }
}
