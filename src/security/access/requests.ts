// Requests that carry a key of their client's: sent again, on any node and after a crash, they have one effect (GW-6). A log a key, with a life of
// its own, in the store of sessions; its head says what was asked, and its one entry what was answered.
import { checkFields } from '../../core/check-fields.ts'
import { RecollectError } from '../../core/errors.ts'
import { fromUtf8, toUtf8, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { Mint } from '../../core/scope.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { OwnerKeyRing } from '../keys/key-ring.ts'
import { reserved } from '../reserved.ts'

export interface KeyedRequest {
  readonly tenantId: string
  /** Whose the answer is, and with whom it goes; none: the tenant's. */
  readonly ownerId?: string
  /** What the key is for, and the key. */
  readonly name: readonly string[]
  /** What must be the same again. */
  readonly body: string
}

/** An id that follows from the request and a place in it: what runs again after a crash makes the same ids. */
export type TagOf = (place: string) => string

export interface Requests {
  /**
   * Runs what the key is for, unless it has run: then what was kept comes again, for 24 h. A run that threw is no answer.
   *
   * @throws `conflict` while it runs, on any node · `invalid_input` where the key came with another body
   */
  run<T extends Json>(request: KeyedRequest, work: (tagOf: TagOf) => Promise<T>): Promise<{ readonly kept: T; readonly replayed: boolean }>
}

const answerId = 'answer'

export function createRequests(parts: { readonly store: LogStore; readonly ring: OwnerKeyRing; readonly mint: Mint }): Requests {
  const { store, ring, mint } = parts
  return {
    async run<T extends Json>(request: KeyedRequest, work: (tagOf: TagOf) => Promise<T>) {
      const { tenantId, ownerId = reserved.requests, name, body } = request ?? {}
      checkFields({ name: name ?? null, body: body ?? null }, { name: 'texts', body: 'text' }, 'a keyed request')
      const scope = mint(tenantId, ownerId)
      const keys = await ring.ownerKeys(scope)
      const tagOf: TagOf = (place) => keys.tag('id', ['request', place, ...name])
      const id = tagOf('log')
      const asked = keys.tag('id', ['request-body', body])
      const lease = await store.lease({ tenantId, ownerId, purpose: `request/${id}` }, limits.requestLeaseMs)
      if (lease === undefined)
        throw new RecollectError('conflict', 'a request with this Idempotency-Key is still running', 'Wait for its answer, then send it again.')
      try {
        const ref = refOf(scope, 'part', `~request-${id}`)
        const head = await store.open(ref, { body: toUtf8(asked), expires: { inMs: limits.idempotencyMs } })
        if (fromUtf8(head.body) !== asked)
          throw new RecollectError('invalid_input', 'this Idempotency-Key was used with another body', 'Use a new key for a new request.')
        const [answer] = head.version === 0 ? [] : await store.read(ref)
        if (answer !== undefined) return { kept: JSON.parse(fromUtf8(answer.body)) as T, replayed: true }
        const kept = await work(tagOf)
        await store.append(ref, [{ id: answerId, body: toUtf8(JSON.stringify(kept)) }])
        return { kept, replayed: false }
      } finally {
        await store.release(lease.fence)
      }
    },
  }
}
