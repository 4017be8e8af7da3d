// The memory store over a room that somebody else may look into: the contract does, for what is left after a deletion.
import type { Random } from '../../core/ids.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { checkedStore } from '../checked-store.ts'
import { storeTime } from '../store-time.ts'
import { memoryLeases } from './leases.ts'
import { pageOf } from './listings.ts'
import { logCalls } from './log-calls.ts'
import { copyOfHead, isOver } from './log.ts'
import type { MemoryRoom } from './room.ts'

export interface MemoryStoreParts {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly room: MemoryRoom
}

export function memoryStoreIn({ clock, random, room }: MemoryStoreParts): LogStore {
  const now = storeTime(clock)
  const leases = memoryLeases()

  return checkedStore({
    info: { name: 'memory', durable: false, shared: false },
    ...logCalls({ now, room, leases, random }),
    async list(scope, kind, page = {}) {
      const mine = room.logsOf(scope).filter((log) => log.ref.kind === kind && !isOver(log, now()))
      const { items, ...rest } = pageOf('list', mine, ({ head, ref }) => [head.createdAt, ref.logId], page, 'down')
      return { ...rest, items: items.map((log) => ({ ...copyOfHead(log), logId: log.ref.logId })) }
    },
    async expired(at, page = {}) {
      const due = room.everyLog().flatMap(({ ref, head: { expiresAt } }) => (expiresAt !== undefined && expiresAt <= at ? [{ ref, expiresAt }] : []))
      return pageOf('expired', due, ({ ref, expiresAt }) => [expiresAt, ref.tenantId, ref.ownerId, ref.kind, ref.logId], page)
    },
    async owners(page = {}) {
      return pageOf('owners', room.owners(), ({ tenantId, ownerId }) => [tenantId, ownerId], page)
    },
    lease: async (name, ttlMs) => leases.take(name, ttlMs, now()),
    renew: async (fence, ttlMs) => leases.renew(fence, ttlMs, now()),
    release: async (fence) => leases.release(fence, now()),
    async erase(scope) {
      leases.dropOwner(scope)
      return room.removeOwner(scope)
    },
    close: async () => room.clear(),
  })
}
