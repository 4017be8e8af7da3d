// Which records a search may return at all: not past their life, not ended, and what the options ask (RCL-11, SUP-6). Pure.
import { authorities } from '../../core/authority.ts'
import { memoryKinds } from '../../core/memory.ts'
import type { Partition } from '../partition/partition.ts'
import { nextEndOf, recordAt, rowState, type RowTable } from '../partition/row-table.ts'
import { isAllowed, type Asked } from './search-options.ts'
import type { Fate } from '../search-types.ts'

const episodic = memoryKinds.indexOf('episodic')

/** Why the row is left out before any ranking, or undefined. */
export function refusalOf(table: RowTable, row: number, asked: Asked, now: number): Fate | undefined {
  const { rows } = table
  const state = rows.state[row]!
  if ((state & rowState.gone) !== 0) return 'no such record'
  if (now >= rows.expiresAt[row]!) return 'expired'
  const ended = (state & rowState.ended) !== 0
  if (rows.kind[row] === episodic) {
    if (ended) return 'ended'
  } else if (asked.validAt === undefined) {
    if (ended || now >= rows.validUntil[row]!) return 'ended'
  } else if (asked.validAt < rows.validFrom[row]! || asked.validAt >= rows.validUntil[row]!) return 'ended'
  return passes(table, row, asked) ? undefined : 'filtered'
}

function passes(table: RowTable, row: number, asked: Asked): boolean {
  const { rows } = table
  if (asked.since !== undefined && rows.saidAt[row]! < asked.since) return false
  if (asked.until !== undefined && rows.saidAt[row]! > asked.until) return false
  if (asked.kinds !== undefined && !asked.kinds.includes(memoryKinds[rows.kind[row]!]!)) return false
  if (!isAllowed(asked, authorities[rows.authority[row]!]!)) return false
  if (asked.speaker !== undefined && rows.speaker[row] !== table.speakers.find(asked.speaker)) return false
  if (asked.subject === undefined && asked.slot === undefined) return true
  const record = recordAt(table, row)
  return (asked.subject === undefined || record.subject === asked.subject) && (asked.slot === undefined || record.slot === asked.slot)
}

const filters = ['validAt', 'since', 'until', 'kinds', 'minAuthority', 'speaker', 'subject', 'slot'] as const

/** The test of a unit of the group, or undefined where every unit passes: most searches filter nothing, and nothing has ended. */
export function admission(partition: Partition, group: number, asked: Asked, now: number): ((unit: number) => boolean) | undefined {
  const { rows } = partition
  const plain = filters.every((name) => asked[name] === undefined) && rows.endedRows === 0 && now < nextEndOf(rows)
  if (plain) return undefined
  const { row } = partition.groups[group]!.units
  return (unit) => refusalOf(rows, row[unit]!, asked, now) === undefined
}
