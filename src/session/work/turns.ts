// The turn lease: one holder a session, who waits in order of arrival, and how a turn ends from any process (NODE-4).
import { base64url, fromBase64url } from '../../core/bytes.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { fromUtf8, toUtf8 } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { LogRef } from '../../core/log-ref.ts'
import type { Scope } from '../../core/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fence, Lease, LogStore } from '../../ports/log-store.ts'
import type { Turn, TurnOptions } from '../session-types.ts'
import { busy, leaseName, turnQueue } from './turn-queue.ts'

export interface Turns {
  /** @throws `conflict` when busy, or not free within 30 s · `limit_exceeded` with 8 waiting already */
  take(scope: Scope, ref: LogRef, options: TurnOptions): Promise<Turn>
  /** Ends a turn by its id; a turn that is over already stays so. @throws `invalid_input` on an id that is none of this session */
  end(scope: Scope, ref: LogRef, turnId: string): Promise<void>
  close(): void
}

export function sessionTurns(store: LogStore, clock: Clock, random: Random, onEnd: (scope: Scope, sessionId: string) => void): Turns {
  const closed = new AbortController()
  const kept = new Set<AbortController>() // of the turns whose leases are renewed: a signal that lives as long as the process would gather one for each
  const queue = turnQueue(store, clock, random, closed.signal)

  function turnOf(scope: Scope, ref: LogRef, lease: Lease, ttlMs: number, renew: boolean): Turn {
    const held = new AbortController()
    const turn = {
      id: turnIdOf(lease.fence.number, ref.logId),
      fence: lease.fence,
      expiresAt: lease.expiresAt,
      async end() {
        held.abort(null)
        await store.release(lease.fence)
        queue.wakeFirst(ref)
        onEnd(scope, ref.logId)
      },
    }
    if (renew && !closed.signal.aborted) {
      kept.add(held)
      void keepLease(lease.fence, ttlMs, held.signal).finally(() => kept.delete(held))
    }
    return turn
  }

  /** Every third of its time, for as long as a turn may last at all: a holder that was forgotten loses it then. */
  async function keepLease(fence: Fence, ttlMs: number, signal: AbortSignal): Promise<void> {
    const until = clock.now() + limits.turnHeldMs
    for (;;) {
      await clock.sleep(Math.floor(ttlMs / 3), signal, 'background')
      if (signal.aborted || clock.now() > until) return
      // A failed call is tried again at the next third; a lease that is lost is found by the fence of the next append.
      const renewed = await store.renew(fence, ttlMs).catch(() => true)
      if (!renewed) return
    }
  }

  return {
    async take(scope, ref, { whenBusy = 'refuse', ttlMs = limits.turnLeaseMs, signal, renew = true }) {
      if (!Number.isInteger(ttlMs) || ttlMs < limits.leaseMsLeast || ttlMs > limits.leaseMsMost)
        throw new RecollectError(
          'invalid_input',
          `ttlMs is from ${limits.leaseMsLeast} to ${limits.leaseMsMost}`,
          'Give a time in that range, or none.',
        )
      const first = queue.isWaited(ref) ? undefined : await store.lease(leaseName(ref), ttlMs)
      if (first !== undefined) return turnOf(scope, ref, first, ttlMs, renew)
      if (whenBusy !== 'wait') throw busy('now')
      return turnOf(scope, ref, await queue.wait(ref, ttlMs, signal), ttlMs, renew)
    },

    async end(scope, ref, turnId) {
      await store.release({ name: leaseName(ref), number: turnNumber(turnId, ref.logId) })
      queue.wakeFirst(ref)
      onEnd(scope, ref.logId)
    },

    close() {
      closed.abort()
      for (const held of kept) held.abort(null)
    },
  }
}

/** Opaque to callers; name and number of the lease, so that any process can end the turn. */
const turnIdOf = (number: number, sessionId: string): string => base64url(toUtf8(JSON.stringify([number, sessionId])))

function turnNumber(turnId: string, sessionId: string): number {
  try {
    const [number, session] = JSON.parse(fromUtf8(fromBase64url(turnId))) as unknown[]
    if (session === sessionId && Number.isSafeInteger(number)) return number as number
  } catch {
    // falls through: what does not parse is not an id of ours
  }
  throw new RecollectError('invalid_input', 'this is no turn of this session', 'Give the id that the turn was taken with.')
}
