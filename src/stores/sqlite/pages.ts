// The three walks: the logs of an owner, what expires, the owners. Each goes by key, never by offset (LOG-22 to LOG-24).
import type { LogKind, LogRef } from '../../core/log-ref.ts'
import type { Owner } from '../../core/scope.ts'
import type { Head } from '../../ports/log-store.ts'
import type { SqlRow } from './client.ts'
import { decodeHead, integerOf, textOf } from './rows.ts'
import type { Statements } from './statements.ts'

type Key = readonly (string | number)[]

/** A page from one row more than it shows: the cursor is there only if something follows. */
function pageOf<T>(
  rows: readonly SqlRow[],
  limit: number,
  item: (row: SqlRow) => T,
  keyOf: (row: SqlRow) => Key,
): { items: T[]; next: Key | undefined } {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { items: shown.map(item), next: last && keyOf(last) }
}

export function listPage(statements: Statements, scope: Owner, kind: LogKind, limit: number, after: Key | undefined, now: number) {
  const ask = [scope.tenantId, scope.ownerId, kind, now]
  const rows = after === undefined ? statements.listFirst.all(...ask, limit + 1) : statements.listAfter.all(...ask, ...after, limit + 1)
  return pageOf<Head & { readonly logId: string }>(
    rows as SqlRow[],
    limit,
    (row) => ({ ...decodeHead(row), logId: textOf(row, 'log') }),
    (row) => [integerOf(row, 'created_at'), textOf(row, 'log')],
  )
}

export function expiredPage(statements: Statements, at: number, limit: number, after: Key | undefined) {
  const rows = statements.expiredFrom.all(at, at, ...(after ?? [Number.MIN_SAFE_INTEGER, '', '', '', '']), limit + 1) as SqlRow[]
  return pageOf(
    rows,
    limit,
    (row) => ({ ref: refFrom(row), expiresAt: integerOf(row, 'expires_at') }),
    (row) => {
      const { tenantId, ownerId, kind, logId } = refFrom(row)
      return [integerOf(row, 'expires_at'), tenantId, ownerId, kind, logId]
    },
  )
}

const refFrom = (row: SqlRow): LogRef => ({
  tenantId: textOf(row, 'tenant'),
  ownerId: textOf(row, 'owner'),
  kind: textOf(row, 'kind') as LogKind,
  logId: textOf(row, 'log'),
})

/** Owners one by one, leaping over the logs of each. */
export function ownersPage(statements: Statements, limit: number, after: Key | undefined) {
  const rows: SqlRow[] = []
  let [tenantId, ownerId] = [String(after?.[0] ?? ''), String(after?.[1] ?? '')]
  while (rows.length <= limit) {
    const row = statements.ownerAfter.get(tenantId, ownerId) as SqlRow | undefined
    if (row === undefined) break
    rows.push(row)
    tenantId = textOf(row, 'tenant')
    ownerId = textOf(row, 'owner')
  }
  return pageOf(rows, limit, ownerFrom, (row) => Object.values(ownerFrom(row)))
}

const ownerFrom = (row: SqlRow) => ({ tenantId: textOf(row, 'tenant'), ownerId: textOf(row, 'owner') })
