// The one wrapper that every store call passes: it takes minted scopes and registered refs only, and seals the bodies (ISO-5, SEAL-1).
import type { Random } from '../core/ids.ts'
import { registerRef, requireRef, type LogKind, type LogRef } from '../core/log-ref.ts'
import { runningCalls } from '../core/running-calls.ts'
import { requireScope } from '../core/scope.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { clearLogs } from './clear-logs.ts'
import { headMemory } from './head-memory.ts'
import type { SealingRing } from './owner-keys.ts'
import { reserved } from './reserved.ts'
import { sealedLogs, type LogCalls } from './sealed-logs.ts'

export interface SealedStoreOptions {
  /** `off` still checks scopes and refs. A store is one or the other for its whole life (SEAL-1). */
  readonly seal: 'on' | 'off'
  readonly random: Random
  readonly telemetry: Telemetry
  /** Told of each snapshot that did not open and was dropped; for the audit log (SEAL-13). */
  readonly onDroppedSnapshot?: (ref: LogRef, name: string) => void
}

/** `forgetOwner` empties the wrapper's memory of one owner and says how many opened heads it held. */
export interface SealedStore extends LogStore {
  forgetOwner(owner: { readonly tenantId: string; readonly ownerId: string }): number
}

/**
 * A store as the engine sees it. Methods, bounds and errors are those of the port; besides, a scope that was not minted and a ref that was
 * not made by `refOf` are `forbidden`, and a body that does not open is `integrity_failure`: the call then returns nothing and has written nothing.
 */
export function sealedStore(inner: LogStore, ring: SealingRing, options: SealedStoreOptions): SealedStore {
  const memory = headMemory()
  const clear = clearLogs(inner, async (ref) => {
    if (!isKeyLog(ref)) await ring.sealKeys(ref, 'read')
  })
  const { random, telemetry, onDroppedSnapshot = () => {} } = options
  const sealed = sealedLogs({ inner, ring, random, memory, telemetry, onDroppedSnapshot })
  const callsOf = (owner: { readonly ownerId: string }): LogCalls => (options.seal === 'off' || isKeyLog(owner) ? clear : sealed)
  const logOf = (ref: LogRef) => callsOf(requireRef(ref))

  // Counted here too: a call that waits for its keys has not reached the store yet (LOG-29).
  const calls = runningCalls()

  return {
    info: inner.info,
    open: (ref, init) => calls.run(async () => logOf(ref).open(ref, init)),
    head: (ref) => calls.run(async () => logOf(ref).head(ref)),
    append: (ref, entries, appendOptions) => calls.run(async () => logOf(ref).append(ref, entries, appendOptions)),
    read: (ref, range) => calls.run(async () => logOf(ref).read(ref, range)),
    updateHead: (ref, expectedRevision, patch) => calls.run(async () => logOf(ref).updateHead(ref, expectedRevision, patch)),
    rewrite: (ref, changes) => calls.run(async () => logOf(ref).rewrite(ref, changes)),
    saveSnapshot: (ref, snapshot, fence) => calls.run(async () => logOf(ref).saveSnapshot(ref, snapshot, fence)),
    loadSnapshot: (ref, name) => calls.run(async () => logOf(ref).loadSnapshot(ref, name)),
    list: (scope, kind: LogKind, page) => calls.run(async () => callsOf(requireScope(scope)).list(scope, kind, page)),
    expired: (at, page) =>
      calls.run(async () => {
        const { items, ...rest } = await inner.expired(at, page)
        return { ...rest, items: items.map((item) => ({ ref: registerRef(item.ref), expiresAt: item.expiresAt })) }
      }),
    owners: (page) => calls.run(() => inner.owners(page)),
    lease: (name, ttlMs) => calls.run(() => inner.lease(name, ttlMs)),
    renew: (fence, ttlMs) => calls.run(() => inner.renew(fence, ttlMs)),
    release: (fence) => calls.run(() => inner.release(fence)),
    delete: (ref, deleteOptions) =>
      calls.run(async () => {
        const gone = await inner.delete(requireRef(ref), deleteOptions)
        if (gone) memory.forget(ref)
        return gone
      }),
    erase: (scope) =>
      calls.run(async () => {
        const count = await inner.erase(requireScope(scope))
        memory.forgetOwner(scope)
        return count
      }),
    close: () => calls.close(() => inner.close()),
    forgetOwner: (owner) => memory.forgetOwner(owner),
  }
}

// Logs under ~keys alone are not sealed: their wraps protect themselves (SEAL-17).
const isKeyLog = (owner: { readonly ownerId: string }) => owner.ownerId === reserved.keys
