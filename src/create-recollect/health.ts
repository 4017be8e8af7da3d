// Whether Recollect can serve now, by looking at each part it stands on; details are for operators (GW-16).
import type { Embedder } from '../ports/models.ts'
import type { Health } from '../recollect.ts'
import type { OpenStores } from './open-stores.ts'
import type { RecollectOptions } from './options.ts'

type Check = Health['checks'][number]

export async function checkHealth(options: RecollectOptions, stores: OpenStores, embedder: Embedder | undefined): Promise<Health> {
  const checks: Check[] = [
    await storeCheck('sessions', stores.sessions),
    await storeCheck('memories', stores.memories),
    await storeCheck('keys', stores.keys),
    { name: 'key-store-apart', state: stores.sharedKeyStore ? 'warn' : 'ok' },
    { name: 'embedder', state: embedder === undefined && options.embedder !== 'off' ? 'warn' : 'ok' },
    { name: 'seal', state: options.seal === 'off' ? 'warn' : 'ok' },
  ]
  return {
    ready: checks.every((check) => check.state !== 'fail'),
    checks,
    details: {
      sessions: stores.sessions.store.info.name,
      memories: stores.memories.store.info.name,
      keys: stores.keys.store.info.name,
      keyProvider: stores.keyProvider.info.name,
      durable: stores.sessions.store.info.durable && stores.memories.store.info.durable,
      embedder: embedder?.info.id ?? 'none',
      seal: options.seal ?? 'on',
    },
  }
}

async function storeCheck(name: string, { store }: OpenStores['sessions']): Promise<Check> {
  try {
    await store.owners({ limit: 1 })
    return { name, state: 'ok' }
  } catch {
    return { name, state: 'fail' }
  }
}
