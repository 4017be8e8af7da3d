// Events that may wait: kept for at most a second, then written together; and one line of writes a tenant (AUD-5).
import { limits } from '../../core/limits.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { TimedEvent } from './audit-chains.ts'

type Write = (tenantId: string, events: readonly TimedEvent[]) => Promise<void>

export interface AuditQueue {
  /** Written within 1 s. Over the bound the newest are left out, and counted. */
  wait(tenantId: string, events: readonly TimedEvent[]): void
  /** Written now, behind this tenant's earlier writes. @throws what the write throws */
  now(tenantId: string, events: readonly TimedEvent[]): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

/** Writes of one tenant follow on each other; those of others do not wait for them. */
function inLines(write: Write) {
  const lines = new Map<string, Promise<void>>()
  return {
    write(tenantId: string, events: readonly TimedEvent[]): Promise<void> {
      const mine = (lines.get(tenantId) ?? Promise.resolve()).then(() => write(tenantId, events))
      const settled = mine
        .catch(() => {}) // told to whoever waits for this write, not to the next
        .finally(() => {
          if (lines.get(tenantId) === settled) lines.delete(tenantId)
        })
      lines.set(tenantId, settled)
      return mine
    },
    settled: async () => void (await Promise.all(lines.values())),
  }
}

export function auditQueue(write: Write, { clock, telemetry }: { readonly clock: Clock; readonly telemetry: Telemetry }): AuditQueue {
  const lines = inLines(write)
  const waiting = new Map<string, readonly TimedEvent[]>()
  const stop = new AbortController()
  let count = 0
  let timer: Promise<void> | undefined

  function wait(tenantId: string, events: readonly TimedEvent[]): void {
    const kept = events.slice(0, Math.max(0, limits.auditWaiting - count))
    if (kept.length < events.length) telemetry.count('recollect_audit_dropped_total', events.length - kept.length)
    if (kept.length === 0) return
    waiting.set(tenantId, [...(waiting.get(tenantId) ?? []), ...kept])
    count += kept.length
    timer ??= clock.sleep(limits.auditBatchMs, stop.signal).then(() => {
      timer = undefined
      return flush()
    })
  }

  async function flush(): Promise<void> {
    const batches = Array.from(waiting)
    waiting.clear()
    count = 0
    await Promise.all(batches.map(([tenantId, events]) => flushTenant(tenantId, events)))
  }

  /** What cannot be written waits on, unless this is the end. */
  async function flushTenant(tenantId: string, events: readonly TimedEvent[]): Promise<void> {
    for (let start = 0; start < events.length; start += limits.appendEntries) {
      try {
        await lines.write(tenantId, events.slice(start, start + limits.appendEntries))
      } catch {
        telemetry.count('recollect_audit_failures_total')
        if (!stop.signal.aborted) wait(tenantId, events.slice(start))
        return
      }
    }
  }

  return {
    wait,
    now: (tenantId, events) => lines.write(tenantId, events),
    flush,
    async close() {
      stop.abort()
      await timer
      await flush()
      await lines.settled()
    },
  }
}
