// The store in memory: the contract in its plainest form, and the model that other drivers are compared with (DRV-7).
import { randomBytes } from 'node:crypto'
import type { Random } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { memoryStoreIn } from './memory-store.ts'
import { memoryRoom } from './room.ts'

export interface MemoryStoreOptions {
  readonly clock: Pick<Clock, 'now'>
  /** For the `birth` of logs; the system's by default. */
  readonly random?: Random
  /** Bytes of names and bodies it holds at most; then writes are `unavailable`. 1 GiB by default. */
  readonly maxBytes?: number
}

/** A store that lives as long as this object, for one process: `durable: false`, `shared: false`. */
export const memoryStore = ({ clock, random = randomBytes, maxBytes = limits.memoryStoreBytes }: MemoryStoreOptions): LogStore =>
  memoryStoreIn({ clock, random, room: memoryRoom(maxBytes) })
