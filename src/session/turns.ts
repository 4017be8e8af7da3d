// The turn lease: one holder a session, who waits in order of arrival, and how a turn ends from any process (NODE-4).
import { base64url, fromBase64url } from '../core/bytes.ts'
import { RecollectError } from '../core/errors.ts'
import type { Random } from '../core/ids.ts'
import { fromUtf8, toUtf8 } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { refKey, type LogRef } from '../core/log-ref.ts'
import type { Scope } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Fence, Lease, LogStore } from '../ports/log-store.ts'
import type { Turn, TurnOptions } from './session-types.ts'

export interface Turns {
  /** @throws `conflict` when busy, or not free within 30 s · `limit_exceeded` with 8 waiting already */
  take(scope: Scope, ref: LogRef, options: TurnOptions): Promise<Turn>
  /** Ends a turn by its id; a turn that is over already stays so. @throws `invalid_input` on an id that is none of this session */
  end(scope: Scope, ref: LogRef, turnId: string): Promise<void>
  close(): void
}

interface Queue {
  readonly waiting: AbortController[] // in order of arrival; aborting one wakes it
}

export function sessionTurns(store: LogStore, clock: Clock, random: Random, onEnd: (scope: Scope, sessionId: string) => void): Turns {
  const queues = new Map<string, Queue>()
  const closed = new AbortController()

  const wakeFirst = (ref: LogRef) => queues.get(refKey(ref))?.waiting[0]?.abort()

  function turnOf(scope: Scope, ref: LogRef, lease: Lease, ttlMs: number, renew: boolean): Turn {
    const held = new AbortController()
    const turn = {
      id: turnIdOf(lease.fence.number, ref.logId),
      fence: lease.fence,
      expiresAt: lease.expiresAt,
      async end() {
        held.abort()
        await store.release(lease.fence)
        wakeFirst(ref)
        onEnd(scope, ref.logId)
      },
    }
    if (renew) void keepLease(lease.fence, ttlMs, AbortSignal.any([held.signal, closed.signal]))
    return turn
  }

  /** Every third of its time, for as long as a turn may last at all: a holder that was forgotten loses it then. */
  async function keepLease(fence: Fence, ttlMs: number, signal: AbortSignal): Promise<void> {
    const until = clock.now() + limits.turnHeldMs
    for (;;) {
      await clock.sleep(Math.floor(ttlMs / 3), signal, 'background')
      if (signal.aborted || clock.now() > until) return
      // A failed call is tried again at the next third; a lease that is lost is found by the fence of the next append.
      const kept = await store.renew(fence, ttlMs).catch(() => true)
      if (!kept) return
    }
  }

  async function wait(ref: LogRef, ttlMs: number, signal: AbortSignal | undefined): Promise<Lease> {
    const key = refKey(ref)
    const queue = queues.get(key) ?? { waiting: [] }
    if (queue.waiting.length >= limits.turnWaiting)
      throw new RecollectError('limit_exceeded', `a session has at most ${limits.turnWaiting} waiting for a turn`, 'Try again once a turn has ended.', {
        limit: limits.turnWaiting,
        given: queue.waiting.length + 1,
      })
    queues.set(key, queue)
    const until = clock.now() + limits.turnWaitMs
    let place = new AbortController()
    queue.waiting.push(place)
    try {
      for (;;) {
        if (signal?.aborted === true) throw new RecollectError('conflict', 'the wait for a turn was given up', 'Ask for the turn again.')
        if (queue.waiting[0] === place) {
          const lease = await store.lease(leaseName(ref), ttlMs)
          if (lease !== undefined) return lease
        }
        const left = until - clock.now()
        if (left <= 0 || closed.signal.aborted) throw busy('within 30 s')
        await clock.sleep(Math.min(left, jitter()), AbortSignal.any([place.signal, closed.signal, ...(signal === undefined ? [] : [signal])]))
        if (place.signal.aborted) place = renewed(queue, place)
      }
    } finally {
      queue.waiting.splice(queue.waiting.indexOf(place), 1)
      if (queue.waiting.length === 0) queues.delete(key)
      else queue.waiting[0]?.abort()
    }
  }

  // Between nodes there is no order: each looks again after up to 250 ms.
  const jitter = () => 1 + Math.floor(((random(1)[0] as number) / 256) * limits.turnRetryMs)

  return {
    async take(scope, ref, { whenBusy = 'refuse', ttlMs = limits.turnLeaseMs, signal, renew = true }) {
      if (!Number.isInteger(ttlMs) || ttlMs < limits.leaseMsLeast || ttlMs > limits.leaseMsMost)
        throw new RecollectError('invalid_input', `ttlMs is from ${limits.leaseMsLeast} to ${limits.leaseMsMost}`, 'Give a time in that range, or none.')
      const first = queues.has(refKey(ref)) ? undefined : await store.lease(leaseName(ref), ttlMs)
      if (first !== undefined) return turnOf(scope, ref, first, ttlMs, renew)
      if (whenBusy !== 'wait') throw busy('now')
      return turnOf(scope, ref, await wait(ref, ttlMs, signal), ttlMs, renew)
    },

    async end(scope, ref, turnId) {
      await store.release({ name: leaseName(ref), number: turnNumber(turnId, ref.logId) })
      wakeFirst(ref)
      onEnd(scope, ref.logId)
    },

    close: () => closed.abort(),
  }
}

function renewed(queue: Queue, place: AbortController): AbortController {
  const next = new AbortController()
  queue.waiting[queue.waiting.indexOf(place)] = next
  return next
}

const leaseName = (ref: LogRef) => ({ tenantId: ref.tenantId, ownerId: ref.ownerId, purpose: `turn/${ref.logId}` })

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

const busy = (when: string) => new RecollectError('conflict', `the session has a turn under way and was not free ${when}`, 'Wait for its end, or ask with whenBusy: wait.')
