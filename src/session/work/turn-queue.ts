// Who waits for the turn of a session: in order of arrival within this process, by trying again between processes (NODE-4).
import { RecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { refKey, type LogRef } from '../../core/log-ref.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Lease, LeaseName, LogStore } from '../../ports/log-store.ts'

export interface TurnQueue {
  /** Whether somebody of this process waits already: who comes now is behind them. */
  isWaited(ref: LogRef): boolean
  /** @throws `conflict` when not free within 30 s, or given up · `limit_exceeded` with 8 waiting already · `unavailable` at the close */
  wait(ref: LogRef, ttlMs: number, signal: AbortSignal | undefined): Promise<Lease>
  wakeFirst(ref: LogRef): void
}

// In order of arrival; aborting a place wakes it.
type Places = AbortController[]

export function turnQueue(store: LogStore, clock: Clock, random: Random, closed: AbortSignal): TurnQueue {
  const queues = new Map<string, Places>()
  // Between processes there is no order: each looks again after up to 250 ms.
  const jitter = () => 1 + Math.floor(((random(1)[0] as number) / 256) * limits.turnRetryMs)

  async function leaseInTurn(
    ref: LogRef,
    ttlMs: number,
    places: Places,
    mine: { place: AbortController },
    signal: AbortSignal | undefined,
  ): Promise<Lease> {
    for (const until = clock.now() + limits.turnWaitMs; ;) {
      if (signal?.aborted === true) throw new RecollectError('conflict', 'the wait for a turn was given up', 'Ask for the turn again.')
      const lease = places[0] === mine.place ? await store.lease(leaseName(ref), ttlMs) : undefined
      if (lease !== undefined) return lease
      if (closed.aborted) throw new RecollectError('unavailable', 'Recollect closed while a turn was waited for', 'Ask again once it is open.')
      const left = until - clock.now()
      if (left <= 0) throw busy(`within ${limits.turnWaitMs / 1_000} s`)
      await clock.sleep(Math.min(left, jitter()), AbortSignal.any([mine.place.signal, closed, ...(signal === undefined ? [] : [signal])]))
      if (mine.place.signal.aborted) places[places.indexOf(mine.place)] = mine.place = new AbortController()
    }
  }

  return {
    isWaited: (ref) => queues.has(refKey(ref)),
    wakeFirst: (ref) => queues.get(refKey(ref))?.[0]?.abort(),
    async wait(ref, ttlMs, signal) {
      const places = queues.get(refKey(ref)) ?? []
      if (places.length >= limits.turnWaiting) throw fullQueue(places.length + 1)
      queues.set(refKey(ref), places)
      const mine = { place: new AbortController() }
      places.push(mine.place)
      try {
        return await leaseInTurn(ref, ttlMs, places, mine, signal)
      } finally {
        places.splice(places.indexOf(mine.place), 1)
        if (places.length === 0) queues.delete(refKey(ref))
        else places[0]?.abort()
      }
    },
  }
}

export const leaseName = (ref: LogRef): LeaseName => ({ tenantId: ref.tenantId, ownerId: ref.ownerId, purpose: `turn/${ref.logId}` })

export const busy = (when: string) =>
  new RecollectError('conflict', `the session has a turn under way and was not free ${when}`, 'Wait for its end, or ask with whenBusy: wait.')

const fullQueue = (given: number) =>
  new RecollectError('limit_exceeded', `a session has at most ${limits.turnWaiting} waiting for a turn`, 'Try again once a turn has ended.', {
    limit: limits.turnWaiting,
    given,
  })
