// The audit trail of a tenant, for tests: as it stands in an unsealed store, and a store in which it cannot be written.
import { RecollectError } from '../../src/core/errors.ts'
import type { LogStore } from '../../src/ports/log-store.ts'

export interface TrailEvent {
  readonly actor?: string
  readonly role?: string
  readonly action: string
  readonly decision: string
  readonly reason?: string
  readonly target?: { readonly kind: string; readonly pseudonym: string }
  readonly counts?: Readonly<Record<string, number>>
}

export async function trail(store: LogStore, tenantId = 'default'): Promise<readonly TrailEvent[]> {
  const owner = { tenantId, ownerId: '~audit' }
  const events: TrailEvent[] = []
  for (const { logId } of (await store.list(owner, 'audit')).items)
    for (const { body } of await store.read({ ...owner, kind: 'audit', logId })) events.push(eventIn(body))
  return events
}

export const eventIn = (body: Uint8Array): TrailEvent => JSON.parse(Buffer.from(body).toString('utf8').split('\n')[0] as string) as TrailEvent

/** The store with a fuse: of the writes to the audit trail, so many go through. */
export function withFuse(store: LogStore): { readonly store: LogStore; readonly fuse: { left: number } } {
  const fuse = { left: Number.POSITIVE_INFINITY }
  const append: LogStore['append'] = async (ref, ...rest) => {
    if (ref.kind === 'audit' && fuse.left-- <= 0) throw new RecollectError('unavailable', 'the disk of the audit trail is gone', 'Later.')
    return store.append(ref, ...rest)
  }
  return { store: { ...store, append }, fuse }
}
