// A fence counts for the logs of its own owner only: lease and log lie in one shard, and no call crosses shards (design §4, LOG-C60).
import type { LogRef } from '../core/log-ref.ts'
import type { Fence } from '../ports/log-store.ts'

export const isOwnFence = (ref: LogRef, { name }: Fence): boolean => name.tenantId === ref.tenantId && name.ownerId === ref.ownerId
