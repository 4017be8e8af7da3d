// A partition read as memory: records by id and by filter, for the memories API and for contexts.
import { authorities, recallLists } from '../../core/authority.ts'
import { canonicalText } from '../../core/canonical-text.ts'
import { memoryKinds, type MemoryRecord } from '../../core/memory.ts'
import type { Partition } from './partition.ts'
import type { MemoryFilter, OwnerMemory } from '../recall-types.ts'
import { isThere, recordAt, recordOf, rowState, type RowTable } from './row-table.ts'

export function ownerMemory({ rows: table }: Partition): OwnerMemory {
  const { rows } = table
  return {
    get upTo() {
      return table.upTo
    },
    get size() {
      return table.live
    },
    get: (id) => recordOf(table, id),
    list(filter, { before = Infinity, limit }) {
      const found: MemoryRecord[] = []
      for (let row = rows.length - 1; row >= 0 && found.length < limit; row--) {
        if (rows.seq[row]! >= before || !isThere(table, row) || !mayPass(table, row, filter)) continue
        const record = recordAt(table, row)
        if ((filter.slot === undefined || record.slot === filter.slot) && (filter.origin === undefined || record.origin === filter.origin))
          found.push(record)
      }
      return found
    },
  }
}

/** What columns alone can tell. */
function mayPass(table: RowTable, row: number, filter: MemoryFilter): boolean {
  const { rows } = table
  if (filter.now >= rows.expiresAt[row]!) return false // what is past its life is not shown
  if (filter.kind !== undefined && memoryKinds[rows.kind[row]!] !== filter.kind) return false
  if (filter.authority !== undefined && authorities[rows.authority[row]!] !== filter.authority) return false
  if (filter.session !== undefined && rows.session[row] !== table.sessions.find(filter.session)) return false
  const ended = (rows.state[row]! & rowState.ended) !== 0 || filter.now >= rows.validUntil[row]!
  if (filter.status === 'current' && ended) return false
  if (filter.status === 'ended' && !ended) return false
  return filter.validAt === undefined || (filter.validAt >= rows.validFrom[row]! && filter.validAt < rows.validUntil[row]!)
}

/** INJ-3, POI-14: current `procedural` records of level `typed` or higher, newest first; what was said twice stands once (RCL-9). */
export function preferencesOf({ rows: table }: Partition, now: number, most: number): MemoryRecord[] {
  const { rows } = table
  const [procedural, trusted] = [memoryKinds.indexOf('procedural'), recallLists.indexOf('trusted')]
  const found = new Map<string, MemoryRecord>()
  const before = (row: number) => (row < 0 ? -1 : rows.kind.lastIndexOf(procedural, row)) // few of many
  for (let row = before(rows.length - 1); row >= 0 && found.size < most; row = before(row - 1)) {
    if (rows.list[row] !== trusted) continue
    if ((rows.state[row]! & (rowState.gone | rowState.ended)) !== 0 || now >= rows.expiresAt[row]! || now >= rows.validUntil[row]!) continue
    const record = recordAt(table, row)
    const said = canonicalText(record.text)
    if (!found.has(said)) found.set(said, record)
  }
  return [...found.values()]
}
