// From settings to a running Recollect and its gateway: the one place that turns names into parts.
import { randomBytes } from 'node:crypto'
import { createRecollect, type RecollectOptions } from '../create-recollect.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Recollect } from '../recollect.ts'
import type { Configuration } from './load.ts'
import type { SettingName } from './settings.ts'

export const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes))

/** @throws what `createRecollect` throws */
export async function openRecollect(
  configuration: Configuration,
  world: { readonly clock: Clock; readonly telemetry: Telemetry },
  background = true,
): Promise<Recollect> {
  const stores: Record<string, LogStore> = {}
  for (const which of ['sessions', 'memories', 'keys'] as const) {
    const url = configuration.get(`stores.${which}` as SettingName) as string | undefined
    if (url !== undefined) stores[which] = await storeOf(url, world.clock)
  }
  const options: RecollectOptions = {
    ...world,
    background,
    dataDir: configuration.get('dataDir'),
    seal: configuration.get('seal'),
    embedder: configuration.get('embedder'),
    receipts: configuration.get('receipts'),
    lives: { idleMs: configuration.get('expiry.idleMs'), absoluteMs: configuration.get('expiry.absoluteMs') },
    ...(Object.keys(stores).length === 0 ? {} : { stores }),
    ...(configuration.get('stores.keys') === 'memory:' ? { allowSharedKeyStore: true } : {}),
  }
  return createRecollect(options)
}

async function storeOf(url: string, clock: Clock): Promise<LogStore> {
  if (url === 'memory:') return (await import('../stores/memory/index.ts')).memoryStore({ clock })
  return (await import('../stores/sqlite/index.ts')).sqliteStore({ path: url.slice('sqlite:'.length), clock, random })
}
