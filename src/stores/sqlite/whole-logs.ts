// Open, update, delete, erase: what happens to a log as a whole (LOG-10, LOG-18, LOG-26, LOG-27).
import { limits } from '../../core/limits.ts'
import { refKey, type LogKind, type LogRef } from '../../core/log-ref.ts'
import type { Owner } from '../../core/scope.ts'
import type { ErasureCount, Head, HeadPatch, Init } from '../../ports/log-store.ts'
import { damaged, inTheFuture } from '../store-errors.ts'
import { expiryOf } from '../store-time.ts'
import type { SqlRow } from './client.ts'
import { checkRevision, patched } from './entries.ts'
import { liveLog, type Tables } from './live-log.ts'
import { isOver } from './expiry.ts'
import type { KnownLog } from './known-logs.ts'
import { givenOut, integerOf, textOf } from './rows.ts'
import { dropSnapshots } from './snapshots.ts'
import type { Group, Job, Writes } from './writes.ts'

export const openLog =
  (tables: Tables, ref: LogRef, init: Init, birth: () => number): Job<Head> =>
  (group) => {
    const found = tables.logs.find(ref)
    if (found !== undefined && !isOver(found.head, group.now)) return givenOut(found.head)
    const createdAt = init.createdAt ?? group.now
    if (createdAt > group.now) throw inTheFuture()
    if (found !== undefined) dropLog(tables, found)
    const { tenantId, ownerId, kind, logId } = ref
    const expiresAt = expiryOf(init.expires, group.now) ?? null
    tables.statements.makeLog.run(tenantId, ownerId, kind, logId, init.revision ?? 1, birth(), createdAt, group.now, expiresAt, expiresAt, init.body)
    const made = tables.logs.find(ref)
    if (made === undefined) throw damaged('a log that was just made is not there')
    return givenOut(made.head)
  }

export const updateHead =
  (tables: Tables, ref: LogRef, expectedRevision: number, patch: HeadPatch): Job<Head> =>
  (group) => {
    const log = liveLog(tables, ref, group.now)
    checkRevision(log.head, expectedRevision)
    group.save(log, patched(tables, log, log.head, patch, group.now))
    return givenOut(log.head)
  }

/** `removed`: something is gone from the file; `answer`: what the caller is told. */
export const deleteLog =
  (tables: Tables, ref: LogRef, ifExpired: boolean): Job<{ removed: boolean; answer: boolean }> =>
  (group) => {
    const log = tables.logs.find(ref)
    if (log === undefined) return { removed: false, answer: false }
    const over = isOver(log.head, group.now)
    if (ifExpired && !over) return { removed: false, answer: false }
    group.drop(log)
    dropLog(tables, log)
    return { removed: true, answer: ifExpired || !over }
  }

function dropLog({ statements, logs }: Tables, log: Pick<KnownLog, 'key' | 'address'>): number {
  const snapshots = dropSnapshots(statements, log.key)
  statements.dropEntries.run(log.key)
  statements.dropLog.run(log.key)
  logs.forget(log)
  return snapshots
}

/** The owner's leases first, which shuts out late workers; then the logs that were there, in bounded steps. */
export async function eraseOwner(tables: Tables, writes: Writes, scope: Owner): Promise<ErasureCount> {
  const { tenantId, ownerId } = scope
  const lastKey = await writes.add(() => {
    tables.statements.dropLeases.run(tenantId, ownerId)
    return (tables.statements.lastLogKey.get(tenantId, ownerId) as SqlRow)['key']
  })
  const total = { logs: 0, entries: 0, snapshots: 0, bytes: 0 }
  if (typeof lastKey !== 'number') return total
  for (;;) {
    const step = await writes.add((group) => eraseStep(tables, group, tenantId, ownerId, lastKey))
    if (step.logs === 0) return total
    total.logs += step.logs
    total.entries += step.entries
    total.snapshots += step.snapshots
    total.bytes += step.bytes
  }
}

function eraseStep(tables: Tables, group: Group, tenantId: string, ownerId: string, lastKey: number): ErasureCount {
  const step = { logs: 0, entries: 0, snapshots: 0, bytes: 0 }
  let seqs = 0
  for (const row of tables.statements.logsOfOwner.all(tenantId, ownerId, lastKey, limits.eraseLogsAStep) as SqlRow[]) {
    seqs += integerOf(row, 'version')
    if (step.logs > 0 && seqs > limits.eraseEntriesAStep) break
    const address = refKey({ tenantId, ownerId, kind: textOf(row, 'kind') as LogKind, logId: textOf(row, 'log') })
    const log = { key: integerOf(row, 'key'), address }
    group.drop(log)
    step.snapshots += dropLog(tables, log)
    step.logs++
    step.entries += integerOf(row, 'entries')
    step.bytes += integerOf(row, 'bytes')
  }
  return step
}
