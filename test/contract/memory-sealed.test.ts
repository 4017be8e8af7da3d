// The store contract on the memory store under the sealing wrapper, and under the wrapper without sealing (DRV-1, SEAL-1).
import { describe, test } from 'vitest'
import type { LogStore } from '../../src/ports/log-store.ts'
import { createKeyRing } from '../../src/security/keys/key-ring.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { mintAny } from '../../src/security/mint.ts'
import { sealedStore } from '../../src/security/sealing/sealed-store.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { losingReplies, manualClock, recordingTelemetry, seededRandom, storeContract, type LosingReplies } from '../../src/testing/index.ts'
import { memorySkips, memoryStores, raised, rawRows } from './memory-parts.ts'

const random = seededRandom(2)

for (const seal of ['on', 'off'] as const) {
  const clock = manualClock(Date.UTC(2100, 0, 1))
  const { create, roomOf } = memoryStores(clock, random)
  const inside = new WeakMap<LogStore, LogStore>()
  const innerOf = (store: LogStore) => inside.get(store) as LogStore
  const replies = new WeakMap<LogStore, LosingReplies>()

  storeContract(
    {
      name: `memory, wrapped with sealing ${seal}`,
      clock,
      scope: mintAny,
      async create() {
        const inner = create()
        const lossy = losingReplies(inner)
        const keys = memoryStore({ clock })
        const ring = createKeyRing({ store: keys, provider: memoryKeyProvider({ random }), clock, random, mint: mintAny })
        const store = sealedStore(lossy, ring, { seal, random, telemetry: recordingTelemetry() })
        inside.set(store, inner)
        replies.set(store, lossy)
        return store
      },
      raw: async (store) => rawRows(roomOf(innerOf(store))),
      raise: async (store, ref, numbers) => raised(roomOf(innerOf(store)), ref, numbers),
      loseReply: (store) => replies.get(store)?.loseNext(),
      skip: memorySkips,
    },
    { describe, test },
  )
}
