// The owner's lease `work`: background jobs, forgetting, deleting and erasing take it, so that none of them meets another half done (NODE-7, ERA-1).
import { RecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import { requireScope, type Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Fence, LogStore } from '../ports/log-store.ts'

export interface WorkLease {
  /** Runs while the lease is held, and gives it back. @throws `conflict` if it is not free within 10 s */
  hold<T>(scope: Scope, run: (fence: Fence) => Promise<T>): Promise<T>
}

export function workLease(store: LogStore, clock: Clock, random: Random): WorkLease {
  return {
    async hold(scope, run) {
      const { tenantId, ownerId } = requireScope(scope)
      const name = { tenantId, ownerId, purpose: 'work' }
      const until = clock.now() + limits.workWaitMs
      for (;;) {
        const lease = await store.lease(name, limits.workLeaseMs)
        if (lease !== undefined) {
          try {
            return await run(lease.fence)
          } finally {
            await store.release(lease.fence).catch(() => {}) // it ends by itself; what was done stands
          }
        }
        if (clock.now() >= until)
          throw new RecollectError(
            'conflict',
            `other work on this owner's memory did not end within ${limits.workWaitMs} ms`,
            'Try again in a minute.',
            { limit: limits.workWaitMs },
          )
        await clock.sleep(5 + ((random(1)[0] as number) % limits.workRetryMs))
      }
    },
  }
}
