// The calls that write: each is one job in a group commit, but `erase` and large snapshots, which are several.
import { limits } from '../../core/limits.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { append, rewrite } from './entries.ts'
import { reclaimLeases, releaseLease, renewLease, takeLease } from './leases.ts'
import type { Store } from './read-calls.ts'
import { saveSnapshot } from './snapshots.ts'
import { deleteLog, eraseOwner, openLog, updateHead } from './whole-logs.ts'

type WriteCalls = Omit<LogStore, 'info' | 'close' | 'head' | 'read' | 'loadSnapshot' | 'list' | 'expired' | 'owners'>

export function writeCalls(store: Store): WriteCalls {
  const { statements, writes, checkpoints, now, random } = store
  const birth = () => Buffer.from(random(6)).readUIntBE(0, 6)
  let highestLease = 0
  let reclaimedAt = 0

  return {
    open: (ref, init) => writes.add(openLog(store, { ...ref }, { ...init, body: copied(init.body) }, birth), init.body.length),
    append(ref, entries, options = {}) {
      const own = entries.map(({ id, body }) => ({ id, body: copied(body) }))
      return writes.add(append(store, ref, own, { ...options, ...(options.head && { head: ownPatch(options.head) }) }), sizeOf(own))
    },
    updateHead: (ref, expectedRevision, patch) => writes.add(updateHead(store, ref, expectedRevision, ownPatch(patch)), patch.body?.length),
    async rewrite(ref, changes) {
      const own = changes.map(({ seq, body }) => (body === undefined ? { seq } : { seq, body: copied(body) }))
      if (await writes.add(rewrite(store, ref, own), sizeOf(own))) checkpoints.emptySoon()
    },
    saveSnapshot: (ref, snapshot, { fence }) => saveSnapshot(store, writes, ref, { ...snapshot, chunks: snapshot.chunks.map(copied) }, fence),

    // A power cut ends every process that could hold a lease, and numbers go on from the time: there is nothing to flush.
    lease: (name, ttlMs) =>
      writes.addUnflushed(() => {
        const at = now()
        if (at - reclaimedAt >= limits.leaseRowKeptMs / 24) reclaimLeases(statements, (reclaimedAt = at))
        const lease = takeLease(statements, name, ttlMs, at, highestLease)
        highestLease = Math.max(highestLease, lease?.fence.number ?? 0)
        return lease
      }),
    renew: (fence, ttlMs) => writes.addUnflushed(() => renewLease(statements, fence, ttlMs, now())),
    release: (fence) => writes.addUnflushed(() => releaseLease(statements, fence, now())),

    async delete(ref, { ifExpired = false } = {}) {
      const { removed, answer } = await writes.add(deleteLog(store, ref, ifExpired))
      if (removed) checkpoints.emptySoon()
      return answer
    },
    async erase(scope) {
      const count = await eraseOwner(store, writes, scope)
      await (count.logs > 0 ? checkpoints.scour() : checkpoints.empty())
      return count
    },
  }
}

const copied = (body: Uint8Array): Uint8Array => new Uint8Array(body)

const ownPatch = <T extends { readonly body?: Uint8Array }>(patch: T): T =>
  patch.body === undefined ? patch : { ...patch, body: copied(patch.body) }

const sizeOf = (bodies: readonly { readonly body?: Uint8Array }[]): number => bodies.reduce((sum, { body }) => sum + (body?.length ?? 0), 0)
