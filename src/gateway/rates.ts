// Token buckets and counts in flight, in each process (security 5.4, ACC-7, ACC-11).
import { RecollectError } from '../core/errors.ts'
import { limits, minuteMs } from '../core/limits.ts'
import type { Clock } from '../ports/clock.ts'

interface Bucket {
  tokens: number
  at: number
}

export interface Rates {
  /** Takes one; throws `limit_exceeded` with the seconds to wait when there is none. */
  take(name: string, key: string, perMinute: number): void
  /** True if one could be taken, without taking it. */
  has(name: string, key: string, perMinute: number): boolean
}

export function createRates(clock: Clock): Rates {
  const buckets = new Map<string, Bucket>()
  const filled = (id: string, perMinute: number): Bucket => {
    const now = clock.now()
    const bucket = buckets.get(id) ?? { tokens: perMinute, at: now }
    bucket.tokens = Math.min(perMinute, bucket.tokens + (Math.max(0, now - bucket.at) * perMinute) / minuteMs)
    bucket.at = now
    buckets.delete(id)
    buckets.set(id, bucket)
    if (buckets.size > limits.ratesKept) buckets.delete(buckets.keys().next().value as string)
    return bucket
  }
  return {
    take(name, key, perMinute) {
      const bucket = filled(`${name} ${key}`, perMinute)
      if (bucket.tokens < 1) throw tooMany(name, perMinute, (1 - bucket.tokens) / perMinute)
      bucket.tokens -= 1
    },
    has: (name, key, perMinute) => filled(`${name} ${key}`, perMinute).tokens >= 1,
  }
}

const tooMany = (name: string, perMinute: number, minutes: number): RecollectError =>
  new RecollectError('limit_exceeded', `${name}: at most ${perMinute} a minute`, 'Wait as long as Retry-After says, and send less.', {
    limit: perMinute,
    given: perMinute + 1,
    details: { retryAfterSeconds: Math.max(1, Math.ceil(minutes * 60)) },
  })

export interface InFlight {
  /** Counts a request in; gives what counts it out. Throws `unavailable` at once over a bound: there is no queue (GW-11). */
  enter(owner: string): () => void
  readonly count: number
  /** When none is left. */
  empty(): Promise<void>
}

export function createInFlight(): InFlight {
  const owners = new Map<string, number>()
  let all = 0
  let waiting: (() => void)[] = []
  return {
    get count() {
      return all
    },
    empty: () => (all === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
    enter(owner) {
      const own = owners.get(owner) ?? 0
      if (all >= limits.processInFlight) throw busy('this process', limits.processInFlight)
      if (own >= limits.ownerInFlight) throw busy('this owner', limits.ownerInFlight)
      all++
      owners.set(owner, own + 1)
      let left = false
      return () => {
        if (left) return
        left = true
        all--
        const now = (owners.get(owner) ?? 1) - 1
        if (now === 0) owners.delete(owner)
        else owners.set(owner, now)
        if (all > 0) return
        for (const resolve of waiting) resolve()
        waiting = []
      }
    },
  }
}

const busy = (who: string, limit: number): RecollectError =>
  new RecollectError('unavailable', `${who} has ${limit} requests in flight`, 'Wait for an answer before you send the next request.', {
    limit,
    given: limit + 1,
  })
