// Heads and ids that this process has read, valid while `PRAGMA data_version` stands still (SQL-4).
import { refKey, type LogRef } from '../../core/log-ref.ts'
import { limits } from '../../core/limits.ts'
import type { Head } from '../../ports/log-store.ts'
import type { SqlRow } from './client.ts'
import { decodeHead, integerOf, optionalInteger, textOf } from './rows.ts'
import type { Statements } from './statements.ts'

export interface KnownLog {
  readonly key: number
  readonly address: string
  head: Head
  expiryMark: number | undefined
  ids: Map<string, number> | undefined // id → seq; all of the log, or none
  seenAt: number // how many foreign changes had been seen when it was last compared with the file
  weighed: Weight // what it counts for in the bounds
}
interface Weight {
  readonly ids: number
  readonly headBytes: number
}

export interface KnownLogs {
  /** Looks whether another connection has written since; call it at the start of each read and write. */
  freshen(): void
  /** The log under a ref, from memory or the file; expired or not. */
  find(ref: LogRef): KnownLog | undefined
  /** Every id of the log with its seq, read from the index alone the first time. */
  idsOf(log: KnownLog): Map<string, number>
  forget(log: { readonly address: string }): void
  /** After a rollback nothing in memory can be trusted. */
  clear(): void
  /** Lets the least recently used go. Only between transactions: a changed head must not be read anew before it is saved. */
  trim(): void
}

const nothing: Weight = { ids: 0, headBytes: 0 }
const rowBytes = 512 // what a head costs in memory beside its body, roughly

export function createKnownLogs(statements: Statements, bounds: Weight = { ids: limits.knownIds, headBytes: limits.sqliteHeadBytes }): KnownLogs {
  const logs = new Map<string, KnownLog>() // in order of last use
  const touched = new Set<KnownLog>()
  let held = nothing
  let dataVersion: unknown
  let changes = 0

  function weigh(log: KnownLog, weight: Weight): void {
    held = { ids: held.ids + weight.ids - log.weighed.ids, headBytes: held.headBytes + weight.headBytes - log.weighed.headBytes }
    log.weighed = weight
  }
  function forget(log: { readonly address: string }): void {
    const known = logs.get(log.address)
    if (known === undefined) return
    logs.delete(log.address)
    touched.delete(known)
    weigh(known, nothing)
  }
  function fromFile(ref: LogRef, address: string, known: KnownLog | undefined): KnownLog | undefined {
    const row = statements.headOf.get(ref.tenantId, ref.ownerId, ref.kind, ref.logId) as SqlRow | undefined
    const key = row === undefined ? undefined : integerOf(row, 'key')
    if (known !== undefined && known.key !== key) forget(known)
    if (row === undefined || key === undefined) return undefined
    const log =
      known?.key === key ? known : { key, address, ids: undefined, weighed: nothing, head: decodeHead(row), expiryMark: undefined, seenAt: 0 }
    if (log.ids !== undefined) addIds(log.ids, statements, key, log.head.version)
    return Object.assign(log, { head: decodeHead(row), expiryMark: optionalInteger(row, 'expiry_mark'), seenAt: changes })
  }

  return {
    freshen() {
      const found = (statements.dataVersion.get() as SqlRow)['data_version']
      if (found !== dataVersion) changes++
      dataVersion = found
    },
    find(ref) {
      const address = refKey(ref)
      const known = logs.get(address)
      const log = known?.seenAt === changes ? known : fromFile(ref, address, known)
      if (log === undefined) return undefined
      logs.delete(address)
      logs.set(address, log)
      touched.add(log)
      return log
    },
    idsOf: (log) => (log.ids ??= addIds(new Map(), statements, log.key, 0)),
    forget,
    clear() {
      logs.clear()
      touched.clear()
      held = nothing
    },
    trim() {
      for (const log of touched) weigh(log, { ids: log.ids?.size ?? 0, headBytes: rowBytes + log.head.body.length })
      touched.clear()
      for (const log of logs.values()) {
        if (held.ids <= bounds.ids && held.headBytes <= bounds.headBytes) return
        forget(log)
      }
    },
  }
}

function addIds(ids: Map<string, number>, statements: Statements, key: number, after: number): Map<string, number> {
  for (const row of statements.idsAfter.all(key, after) as SqlRow[]) ids.set(textOf(row, 'id'), integerOf(row, 'seq'))
  return ids
}
