// The memory store with a way to look underneath, for the contract's hooks.
import type { Random } from '../../src/core/ids.ts'
import { toUtf8 } from '../../src/core/json.ts'
import { limits } from '../../src/core/limits.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { memoryStoreIn } from '../../src/stores/memory/memory-store.ts'
import { memoryRoom, type MemoryRoom } from '../../src/stores/memory/room.ts'
import type { ManualClock, StoreContract } from '../../src/testing/index.ts'

/** Makes memory stores, and remembers the room of each. */
export function memoryStores(clock: ManualClock, random: Random) {
  const rooms = new WeakMap<LogStore, MemoryRoom>()

  const create = (): LogStore => {
    const room = memoryRoom(limits.memoryStoreBytes)
    const store = memoryStoreIn({ clock, random, room })
    rooms.set(store, room)
    return store
  }
  const roomOf = (store: LogStore) => rooms.get(store) as MemoryRoom
  return { create, roomOf }
}

export function rawRows(room: MemoryRoom): Uint8Array[] {
  return room
    .everyLog()
    .flatMap(({ ref, head, entries, seqOf, snapshots }) => [
      toUtf8(JSON.stringify(ref)),
      head.body,
      ...entries.flatMap(({ id, body }) => [toUtf8(id), body]),
      ...[...seqOf.keys()].map(toUtf8),
      ...[...snapshots.values()].flatMap(({ name, chunks }) => [toUtf8(name), ...chunks]),
    ])
}

/** As if `version` entries of `bytes` bytes had been there before. */
export function raised(room: MemoryRoom, ref: Parameters<MemoryRoom['logOf']>[0], { version, bytes }: { version: number; bytes: number }): void {
  const log = room.logOf(ref)
  if (log === undefined) throw new Error('raise an open log')
  log.entries.length = version
  log.head = { ...log.head, version, bytes }
}

/** What the memory store has no hook for, with the reason. */
export const memorySkips: NonNullable<StoreContract['skip']> = {
  restart: 'a memory store ends with its process',
  secondProcess: 'a memory store is of one process',
  takeAway: 'nothing lies underneath a memory store that could be lost by itself',
}
