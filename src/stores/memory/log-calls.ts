// The calls on one log of the memory store. Each runs to its end without waiting, so it is seen whole or not at all (LOG-4).
import type { Random } from '../../core/ids.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Fence, LogStore } from '../../ports/log-store.ts'
import { isOwnFence } from '../own-fence.ts'
import { aboveVersion, noLog, staleFence } from '../store-errors.ts'
import type { Leases } from './leases.ts'
import * as logs from './log.ts'
import type { MemoryRoom } from './room.ts'

export interface LogCallParts {
  readonly now: () => number
  readonly room: MemoryRoom
  readonly leases: Leases
  readonly random: Random
}

export type LogCalls = Pick<LogStore, 'open' | 'head' | 'append' | 'read' | 'updateHead' | 'rewrite' | 'saveSnapshot' | 'loadSnapshot' | 'delete'>

export function logCalls({ now, room, leases, random }: LogCallParts): LogCalls {
  const live = (ref: LogRef): logs.MemoryLog => {
    const log = room.logOf(ref)
    if (log === undefined || logs.isOver(log, now())) throw noLog()
    return log
  }

  const checkFence = (ref: LogRef, fence: Fence): void => {
    if (!isOwnFence(ref, fence) || !leases.stands(fence)) throw staleFence()
  }

  return {
    async open(ref, init) {
      const found = room.logOf(ref)
      if (found !== undefined && !logs.isOver(found, now())) return logs.copyOfHead(found)
      const log = logs.madeLog(ref, init, now(), birthFrom(random))
      if (found !== undefined) room.remove(ref)
      room.add(log)
      return logs.copyOfHead(log)
    },
    async head(ref) {
      const log = room.logOf(ref)
      return log === undefined || logs.isOver(log, now()) ? undefined : logs.copyOfHead(log)
    },
    async append(ref, entries, options = {}) {
      const log = live(ref)
      const added = logs.newEntries(log, entries)
      if (added.length > 0) {
        if (options.fence !== undefined) checkFence(ref, options.fence)
        logs.checkAppend(log, options)
        const brings = added.reduce((sum, entry) => sum + logs.rowSize(entry) + entry.body.length, options.head?.body?.length ?? 0)
        room.change(log, brings, () => logs.addEntries(log, added, options.head ?? {}, now()))
      }
      const seqs = entries.map((entry) => log.seqOf.get(entry.id) as number)
      return { head: logs.copyOfHead(log), seqs, added: added.length }
    },
    async read(ref, options = {}) {
      return logs.entriesOf(live(ref), options)
    },
    async updateHead(ref, expectedRevision, patch) {
      const log = live(ref)
      room.change(log, patch.body?.length ?? 0, () => logs.swapHead(log, expectedRevision, patch, now()))
      return logs.copyOfHead(log)
    },
    async rewrite(ref, changes) {
      const log = live(ref)
      const planned = logs.plannedChanges(log, changes)
      const brings = planned.reduce((sum, { body }) => sum + (body?.length ?? 0), 0)
      if (planned.length > 0) room.change(log, brings, () => logs.rewriteEntries(log, planned, now()))
    },
    async saveSnapshot(ref, snapshot, { fence }) {
      const log = live(ref)
      checkFence(ref, fence)
      if (snapshot.upTo > log.head.version) throw aboveVersion('upTo', snapshot.upTo, log.head.version)
      room.change(log, logs.snapshotSize(snapshot), () => logs.keepSnapshot(log, snapshot))
    },
    async loadSnapshot(ref, name) {
      const log = room.logOf(ref)
      const snapshot = log === undefined || logs.isOver(log, now()) ? undefined : log.snapshots.get(name)
      return snapshot && logs.copyOfSnapshot(snapshot)
    },
    async delete(ref, { ifExpired = false } = {}) {
      const log = room.logOf(ref)
      if (log === undefined) return false
      const over = logs.isOver(log, now())
      if (ifExpired && !over) return false
      room.remove(ref)
      return ifExpired || !over
    },
  }
}

// 48 bits, so that it is an exact number.
const birthFrom = (random: Random): number => random(6).reduce((sum, byte) => sum * 256 + byte, 0)
