// A Recollect for the tests of the library: on memory or on SQLite files, with a clock by hand and seeded randomness.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { createRecollect, type Recollect, type RecollectOptions } from '../../src/index.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryKeyProvider } from '../../src/security/index.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

export const start = Date.UTC(2026, 0, 5, 12)
export const backends = ['memory', 'sqlite'] as const
export type Backend = (typeof backends)[number]

export interface World {
  readonly recollect: Recollect
  readonly clock: ManualClock
  /** Closes, and opens again on the same files: as after a restart. SQLite only. */
  reopen(): Promise<Recollect>
  readonly dataDir: string
}

export async function aWorld(backend: Backend, options: RecollectOptions = {}): Promise<World> {
  const clock = manualClock(start)
  const random = seededRandom(7)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'recollect-library-'))
  const dataDir = path.join(folder, 'data')
  const made = async () => createRecollect({ clock, random, background: false, embedder: 'off', ...storesFor(backend, clock, dataDir), ...options })
  let recollect = await made()
  onTestFinished(async () => {
    await recollect.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    recollect,
    clock,
    dataDir,
    async reopen() {
      await recollect.close()
      recollect = await made()
      return recollect
    },
  }
}

const storesFor = (backend: Backend, clock: ManualClock, dataDir: string): RecollectOptions =>
  backend === 'sqlite' ? { dataDir } : { stores: memoryStores(clock), keyProvider: memoryKeyProvider({ random: seededRandom(11) }) }

export const memoryStores = (clock: ManualClock): { sessions: LogStore; memories: LogStore; keys: LogStore } => ({
  sessions: memoryStore({ clock, random: seededRandom(1) }),
  memories: memoryStore({ clock, random: seededRandom(2) }),
  keys: memoryStore({ clock, random: seededRandom(3) }),
})

/** For several processes over the same stores: one clock, one key provider. */
export const sharedOptions = (clock: ManualClock) =>
  ({
    clock,
    random: seededRandom(7),
    background: false,
    embedder: 'off',
    keyProvider: memoryKeyProvider({ random: seededRandom(11) }),
  }) as const

/** The code that a call was refused with; fails if it went through. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (error) {
    return (error as { code?: string }).code ?? `no code: ${String(error)}`
  }
  return 'went through'
}

/** A store whose calls of some names stop working after so many: as if the process had been killed there. */
export function dyingAfter(store: LogStore, calls: number, counted: readonly (keyof LogStore)[]): LogStore & { revive(): void; used(): number } {
  let left = calls
  let used = 0
  const dead = () => Promise.reject(new Error('killed'))
  const wrapped = Object.fromEntries(
    Object.entries(store).map(([name, value]) => [
      name,
      typeof value !== 'function'
        ? value
        : (...given: unknown[]) => {
            if (counted.includes(name as keyof LogStore)) {
              used++
              if (left <= 0) return dead()
              left--
            }
            return (value as (...all: unknown[]) => unknown)(...given)
          },
    ]),
  ) as unknown as LogStore
  return Object.assign(wrapped, { revive: () => void (left = Number.POSITIVE_INFINITY), used: () => used })
}

export const texts = (
  items: readonly { readonly message: { readonly parts: readonly { readonly type: string; readonly text?: string }[] } }[],
): string[] => items.map(({ message }) => message.parts.map((part) => part.text ?? part.type).join(' '))
