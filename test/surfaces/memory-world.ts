// Long-term memory for tests that look into its log: unsealed memory stores that outlive a Recollect, and an embedder that can be down.
import { onTestFinished } from 'vitest'
import { decodeMemory } from '../../src/core/memory-events.ts'
import { memoryLogId, type MemoryEvent } from '../../src/core/memory.ts'
import { createRecollect, type Recollect, type RecollectOptions } from '../../src/index.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import type { Embedder } from '../../src/ports/models.ts'
import { memoryKeyProvider } from '../../src/security/index.ts'
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { memoryStores, start } from './library-world.ts'

export interface FlakyEmbedder extends Embedder {
  down: boolean
}

/** Counts letters: enough for a vector to be there or not. */
export function flakyEmbedder(id = 'letters-1'): FlakyEmbedder {
  return {
    down: false,
    info: { id, dimensions: 32, maxTokens: 128, local: true },
    async embed(texts) {
      if (this.down) throw new Error('the embedder is down')
      return texts.map(lettersOf)
    },
  }
}

function lettersOf(text: string): Float32Array {
  const vector = new Float32Array(32)
  for (const letter of text.toLowerCase()) vector[letter.charCodeAt(0) % 32] = (vector[letter.charCodeAt(0) % 32] as number) + 1
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}

/** Calls of both stores, counted together; the calls after `left` fail as if the process had been killed there. */
export interface Fuse {
  left: number
  used: number
}

const counted = [
  'open',
  'head',
  'append',
  'read',
  'updateHead',
  'rewrite',
  'lease',
  'renew',
  'release',
  'list',
  'delete',
  'erase',
  'saveSnapshot',
  'loadSnapshot',
]

/** `before`: dies before the call takes effect; `after`: it takes effect, and the caller never learns of it. */
function fused(store: LogStore, fuse: Fuse, when: 'before' | 'after'): LogStore {
  const call = (name: string, run: (...given: unknown[]) => unknown) => {
    if (name === 'close') return async () => {}
    if (!counted.includes(name)) return run
    return async (...given: unknown[]) => {
      fuse.used++
      fuse.left--
      if (when === 'after' && fuse.left === -1) await Promise.resolve(run(...given)).catch(() => {})
      if (fuse.left < 0) throw new Error('killed')
      return run(...given)
    }
  }
  const entries = Object.entries(store).map(([name, value]) => [name, typeof value === 'function' ? call(name, value) : value])
  return Object.fromEntries(entries) as LogStore
}

/** Stores that several worlds share, and that their owner closes; else each world has memory stores of its own. */
export interface MemoryStores {
  readonly raw?: ReturnType<typeof memoryStores>
  /** The calls of the key store count as well. */
  readonly fuseKeys?: boolean
}

export interface MemoryWorld {
  readonly clock: ManualClock
  readonly fuse: Fuse
  readonly recollect: Recollect
  readonly raw: ReturnType<typeof memoryStores>
  /** A new process on the same stores; the old one just stops. */
  restarted(more?: RecollectOptions): Promise<Recollect>
  /** What stands in the memory log of an owner, in order; a redacted entry has no event. */
  log(ownerId: string): Promise<readonly { readonly seq: number; readonly id: string; readonly event: MemoryEvent | undefined }[]>
}

export async function aMemoryWorld(
  options: RecollectOptions = {},
  when: 'before' | 'after' = 'before',
  stores: MemoryStores = {},
): Promise<MemoryWorld> {
  const clock = manualClock(start)
  const raw = stores.raw ?? memoryStores(clock)
  const fuse: Fuse = { left: Number.POSITIVE_INFINITY, used: 0 }
  const keyProvider = memoryKeyProvider({ random: seededRandom(11) })
  const made: Recollect[] = []
  const restarted = async (more: RecollectOptions = {}) => {
    const recollect = await createRecollect({
      clock,
      random: seededRandom(7 + made.length),
      background: false,
      embedder: 'off',
      seal: 'off',
      receipts: 'durable',
      keyProvider,
      stores: {
        sessions: fused(raw.sessions, fuse, when),
        memories: fused(raw.memories, fuse, when),
        keys: stores.fuseKeys === true ? fused(raw.keys, fuse, when) : { ...raw.keys, close: async () => {} },
      },
      ...options,
      ...more,
    })
    made.push(recollect)
    return recollect
  }
  onTestFinished(async () => {
    fuse.left = Number.POSITIVE_INFINITY
    for (const recollect of made) await recollect.close()
    if (stores.raw === undefined) for (const store of Object.values(raw)) await store.close()
  })
  return {
    clock,
    fuse,
    raw,
    recollect: await restarted(),
    restarted,
    async log(ownerId) {
      const ref = { tenantId: 'default', ownerId, kind: 'memory', logId: memoryLogId } as const
      if ((await raw.memories.head(ref)) === undefined) return []
      return (await raw.memories.read(ref, { limit: 5_000 })).map(decodeMemory)
    },
  }
}
