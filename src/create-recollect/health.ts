// Whether Recollect can serve now, by asking each part it stands on: within a bound, and not more often than every 2 s (GW-16).
import type { Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { inTime, type Clock } from '../ports/clock.ts'
import type { KeyProvider } from '../ports/key-provider.ts'
import type { Health } from '../recollect.ts'
import type { OpenStores } from './open-stores.ts'
import type { RecollectOptions } from './options.ts'
import type { WatchedEmbedder } from './watched-embedder.ts'

type Check = Health['checks'][number]

export interface HealthParts {
  readonly options: RecollectOptions
  readonly stores: OpenStores
  readonly embedder: WatchedEmbedder | undefined
  readonly clock: Clock
  readonly random: Random
  /** ms since the oldest background work was due. */
  readonly jobLagMs: () => number
}

/** One look serves everybody who asks within 2 s of its start: `/readyz` is open to all. */
export function createHealth(parts: HealthParts): () => Promise<Health> {
  const { clock, random, stores, jobLagMs, options, embedder } = parts
  const asked = [
    ...(['sessions', 'memories', 'keys'] as const).map((name) => asking(name, clock, () => stores[name].store.owners({ limit: 1 }))),
    asking('key-provider', clock, () => wrapOnce(stores.keyProvider, random)),
  ]
  const look = async (): Promise<Health> => {
    const checks = [
      ...(await Promise.all(asked.map((ask) => ask()))),
      warning('job-lag', jobLagMs() > limits.jobLagMs), // requests are answered meanwhile: what was said is remembered later
      warning('key-store-apart', stores.sharedKeyStore),
      warning('embedder', options.embedder !== 'off' && embedder?.failing !== false),
      warning('seal', options.seal === 'off'),
    ]
    return { ready: checks.every((check) => check.state !== 'fail'), checks, details: detailsOf(parts) }
  }
  let last: { readonly at: number; readonly health: Promise<Health> } | undefined
  return () => {
    const now = clock.now()
    if (last === undefined || now - last.at >= limits.healthCachedMs || now < last.at) last = { at: now, health: look() }
    return last.health
  }
}

const warning = (name: string, warn: boolean): Check => ({ name, state: warn ? 'warn' : 'ok' })

/** One question at a time: a part that hangs has failed until it answers, and collects no more of them. */
function asking(name: string, clock: Clock, ask: () => Promise<unknown>): () => Promise<Check> {
  let open: Promise<boolean> | undefined
  const answer = async (): Promise<boolean> => {
    try {
      await ask()
      return true
    } catch {
      return false
    } finally {
      open = undefined
    }
  }
  return async () => {
    const ok = await inTime(clock, limits.healthCheckMs, (open ??= answer()))
    return { name, state: ok === true ? 'ok' : 'fail' }
  }
}

/** A key of nobody, there and back: who can wrap and not unwrap can read nothing. */
async function wrapOnce(provider: KeyProvider, random: Random): Promise<void> {
  const context = { tenantId: '~system', ownerId: '~system', purpose: 'data-key', version: 1 } as const
  await provider.unwrap(await provider.wrap(random(32), context), context)
}

const detailsOf = ({ options, stores, embedder }: HealthParts): Health['details'] => ({
  sessions: stores.sessions.store.info.name,
  memories: stores.memories.store.info.name,
  keys: stores.keys.store.info.name,
  keyProvider: stores.keyProvider.info.name,
  durable: stores.sessions.store.info.durable && stores.memories.store.info.durable,
  embedder: embedder?.info.id ?? 'none',
  seal: options.seal ?? 'on',
})
