// The one wrapper that every store call passes: it takes minted scopes and registered refs only, and seals the bodies (ISO-5, SEAL-1).
import { isRecollectError } from '../../core/errors.ts'
import type { Random } from '../../core/ids.ts'
import { registerRef, requireRef, type LogKind, type LogRef } from '../../core/log-ref.ts'
import { runningCalls } from '../../core/running-calls.ts'
import { requireScope, type Owner } from '../../core/scope.ts'
import type { LogStore } from '../../ports/log-store.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { Fault } from '../audit/audit-faults.ts'
import { clearLogs } from './clear-logs.ts'
import { headMemory } from './head-memory.ts'
import type { SealingRing } from '../keys/owner-keys.ts'
import { reserved } from '../reserved.ts'
import { sealedLogs, type LogCalls } from './sealed-logs.ts'

export interface SealedStoreOptions {
  /** `off` still checks scopes and refs. A store is one or the other for its whole life (SEAL-1). */
  readonly seal: 'on' | 'off'
  readonly random: Random
  readonly telemetry: Telemetry
  /** Told of each call that ends with `integrity_failure`, and of each snapshot that was dropped instead (SEAL-13); for the audit log (AUD-5). */
  readonly onFault?: (owner: Owner, fault: Fault) => void
}

export interface SealedStore extends LogStore {
  /** Empties the wrapper's memory of one owner. */
  forgetOwner(owner: Owner): void
  /** How many opened heads of the owner it holds. */
  holds(owner: Owner): number
  /** Waits for the calls of one owner that are on their way now: they may have had their keys already (ERA-5). */
  settled(owner: Owner): Promise<void>
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
  const { random, telemetry, onFault = () => {} } = options
  const sealed = sealedLogs({ inner, ring, random, memory, telemetry, onDroppedSnapshot: (ref) => onFault(ref, 'snapshot.dropped') })
  const callsOf = (owner: { readonly ownerId: string }): LogCalls => (options.seal === 'off' || isKeyLog(owner) ? clear : sealed)
  const logOf = (ref: LogRef) => callsOf(requireRef(ref))

  // Counted here too: a call that waits for its keys has not reached the store yet (LOG-29).
  const calls = runningCalls()

  const running = async <T>(owner: Owner, work: () => Promise<T>): Promise<T> => {
    try {
      return await calls.run(work, owner)
    } catch (error) {
      if (isRecollectError(error, 'integrity_failure')) onFault(owner, 'integrity.failed')
      throw error
    }
  }

  return {
    info: inner.info,
    open: (ref, init) => running(ref, async () => logOf(ref).open(ref, init)),
    head: (ref) => running(ref, async () => logOf(ref).head(ref)),
    append: (ref, entries, appendOptions) => running(ref, async () => logOf(ref).append(ref, entries, appendOptions)),
    read: (ref, range) => running(ref, async () => logOf(ref).read(ref, range)),
    updateHead: (ref, expectedRevision, patch) => running(ref, async () => logOf(ref).updateHead(ref, expectedRevision, patch)),
    rewrite: (ref, changes) => running(ref, async () => logOf(ref).rewrite(ref, changes)),
    saveSnapshot: (ref, snapshot, fence) => running(ref, async () => logOf(ref).saveSnapshot(ref, snapshot, fence)),
    loadSnapshot: (ref, name) => running(ref, async () => logOf(ref).loadSnapshot(ref, name)),
    list: (scope, kind: LogKind, page) => running(scope, async () => callsOf(requireScope(scope)).list(scope, kind, page)),
    expired: (at, page) =>
      calls.run(async () => {
        const { items, ...rest } = await inner.expired(at, page)
        return { ...rest, items: items.map((item) => ({ ref: registerRef(item.ref), expiresAt: item.expiresAt })) }
      }),
    owners: (page) => calls.run(() => inner.owners(page)),
    lease: (name, ttlMs) => running(name, () => inner.lease(name, ttlMs)),
    renew: (fence, ttlMs) => calls.run(() => inner.renew(fence, ttlMs)),
    release: (fence) => calls.run(() => inner.release(fence)),
    delete: (ref, deleteOptions) =>
      running(ref, async () => {
        const gone = await inner.delete(requireRef(ref), deleteOptions)
        if (gone) memory.forget(ref)
        return gone
      }),
    erase: (scope) =>
      running(scope, async () => {
        const count = await inner.erase(requireScope(scope))
        memory.forgetOwner(scope)
        return count
      }),
    close: () => calls.close(() => inner.close()),
    forgetOwner: (owner) => memory.forgetOwner(owner),
    holds: (owner) => memory.holds(owner),
    settled: (owner) => calls.settled(owner),
  }
}

// Logs under ~keys alone are not sealed: their wraps protect themselves (SEAL-17).
const isKeyLog = (owner: { readonly ownerId: string }) => owner.ownerId === reserved.keys
