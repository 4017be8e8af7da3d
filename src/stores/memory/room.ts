// Where the logs of a memory store lie, by owner, and how many bytes they take (DRV-7).
import { refKey, type LogRef } from '../../core/log-ref.ts'
import { ownerKey, type Owner } from '../../core/scope.ts'
import type { ErasureCount } from '../../ports/log-store.ts'
import { storeFull } from '../store-errors.ts'
import { sizeOf, type MemoryLog } from './log.ts'

interface OwnerLogs {
  readonly owner: Owner
  readonly logs: Map<string, MemoryLog>
}

export type MemoryRoom = ReturnType<typeof memoryRoom>

/** A change is refused before it begins if the bytes it brings would not fit beside what is there. */
export function memoryRoom(maxBytes: number) {
  const owners = new Map<string, OwnerLogs>()
  const every = new Map<string, MemoryLog>() // the same logs: one look for each call
  let used = 0

  const fit = (bytes: number) => {
    if (used + bytes > maxBytes) throw storeFull(maxBytes)
  }

  return {
    logOf: (ref: LogRef): MemoryLog | undefined => every.get(refKey(ref)),
    logsOf: (scope: Owner): MemoryLog[] => [...(owners.get(ownerKey(scope))?.logs.values() ?? [])],
    everyLog: (): MemoryLog[] => [...every.values()],
    owners: () => [...owners.values()].map(({ owner }) => owner),

    add(log: MemoryLog): void {
      const size = sizeOf(log)
      fit(size)
      used += size
      const { tenantId, ownerId } = log.ref
      const mine = owners.get(ownerKey(log.ref)) ?? { owner: Object.freeze({ tenantId, ownerId }), logs: new Map<string, MemoryLog>() }
      mine.logs.set(refKey(log.ref), log)
      every.set(refKey(log.ref), log)
      owners.set(ownerKey(log.ref), mine)
    },
    /** Runs `act` on a log if the bytes that it brings fit. */
    change(log: MemoryLog, brings: number, act: () => void): void {
      fit(brings)
      const before = sizeOf(log)
      act()
      used += sizeOf(log) - before
    },
    remove(ref: LogRef): void {
      const mine = owners.get(ownerKey(ref))
      const log = mine?.logs.get(refKey(ref))
      if (mine === undefined || log === undefined) return
      used -= sizeOf(log)
      every.delete(refKey(ref))
      mine.logs.delete(refKey(ref))
      if (mine.logs.size === 0) owners.delete(ownerKey(ref))
    },
    removeOwner(scope: Owner): ErasureCount {
      const gone = [...(owners.get(ownerKey(scope))?.logs.values() ?? [])]
      used -= sum(gone.map(sizeOf))
      for (const { ref } of gone) every.delete(refKey(ref))
      owners.delete(ownerKey(scope))
      return {
        logs: gone.length,
        entries: sum(gone.map((log) => log.head.entries)),
        snapshots: sum(gone.map((log) => log.snapshots.size)),
        bytes: sum(gone.map((log) => log.head.bytes)),
      }
    },
    clear(): void {
      owners.clear()
      every.clear()
      used = 0
    },
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
