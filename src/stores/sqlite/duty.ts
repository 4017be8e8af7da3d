// The lease of the one process that moves the WAL under load (SQL-7).
import { limits } from '../../core/limits.ts'
import type { Lease, LeaseName } from '../../ports/log-store.ts'
import { isFree, releaseLease, renewLease, takeLease } from './leases.ts'
import type { Statements } from './statements.ts'
import type { Writes } from './writes.ts'

const name: LeaseName = { tenantId: '~system', ownerId: '~system', purpose: 'checkpoint' }

export function checkpointDuty(statements: Statements, writes: Writes, now: () => number) {
  let held: Lease | undefined

  async function take(): Promise<boolean> {
    if (held !== undefined && now() < held.expiresAt - limits.checkpointLeaseMs / 2) return true
    const { fence } = held ?? {}
    if (fence !== undefined && (await writes.add(() => renewLease(statements, fence, limits.checkpointLeaseMs, now())))) {
      held = { fence, expiresAt: now() + limits.checkpointLeaseMs }
      return true
    }
    if (!isFree(statements, name, now())) return false
    held = await writes.add(() => takeLease(statements, name, limits.checkpointLeaseMs, now(), 0))
    return held !== undefined
  }

  async function release(): Promise<void> {
    const { fence } = held ?? {}
    held = undefined
    if (fence !== undefined) await writes.add(() => releaseLease(statements, fence, now()))
  }

  // A store that cannot write for the moment is not on duty; the lease then ends by itself.
  return { onDuty: () => take().catch(() => false), offDuty: () => release().catch(() => {}) }
}
