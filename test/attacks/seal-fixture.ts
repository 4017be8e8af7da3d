// What the tests of sealing share: a sealed store over a memory store, with everything beneath it in reach.
import { mint, mintAny } from '../../src/security/mint.ts'
import { createKeyRing, type KeyRingParts } from '../../src/security/keys/key-ring.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { sealedStore, type SealedStore, type SealedStoreOptions } from '../../src/security/sealing/sealed-store.ts'
import { refOf, type LogKind } from '../../src/core/log-ref.ts'
import { fromUtf8, toUtf8 } from '../../src/core/json.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock, recordingTelemetry, seededRandom } from '../../src/testing/index.ts'

export const start = Date.UTC(2100, 0, 1)

export interface WorldOptions {
  readonly seal?: 'on' | 'off'
  readonly ring?: Partial<KeyRingParts>
  readonly store?: Partial<SealedStoreOptions>
  readonly data?: LogStore
  readonly seed?: number
}

/** Data and key store in memory, a ring, and the wrapper over the data. */
export function world(options: WorldOptions = {}) {
  const clock = manualClock(start)
  const random = seededRandom(options.seed ?? 1)
  const telemetry = recordingTelemetry()
  const data = options.data ?? memoryStore({ clock, random })
  const keyStore = options.ring?.store ?? memoryStore({ clock, random })
  const provider = options.ring?.provider ?? memoryKeyProvider({ random })
  const ring = createKeyRing({ store: keyStore, provider, clock, random, mint: mintAny, ...options.ring })
  const wrap = (inner: LogStore, more: Partial<SealedStoreOptions> = {}): SealedStore =>
    sealedStore(inner, ring, { seal: options.seal ?? 'on', random, telemetry, ...options.store, ...more })
  const alice = mint('acme', 'alice')
  return {
    clock,
    random,
    telemetry,
    data,
    keyStore,
    provider,
    ring,
    wrap,
    store: wrap(data),
    keys: wrap(keyStore),
    alice,
    session: (id = 's1', scope = alice) => refOf(scope, 'session', id),
  }
}

export const logIn = (tenantId: string, ownerId: string, kind: LogKind, logId: string) => refOf(mint(tenantId, ownerId), kind, logId)
export const entry = (id: string, text: string) => ({ id, body: toUtf8(text) })
export const head = (text = '') => ({ body: toUtf8(text) })
export const textOf = (body: Uint8Array) => fromUtf8(body)

/** The same store with some answers changed: how a test plays somebody who writes to the store. */
export const tampered = (inner: LogStore, changes: Partial<LogStore>): LogStore => ({ ...inner, ...changes })
