// Recall over one owner's memory: reads what is fresh, searches without waiting, answers with plain records (memory.md §8).
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { isAlive, type MemoryRecord } from '../core/memory.ts'
import { requireScope, type Scope } from '../core/scope.ts'
import { late } from '../ports/clock.ts'
import { createDeadlines, type Deadlines } from '../ports/deadlines.ts'
import { noteDegraded, type Telemetry } from '../ports/telemetry.ts'
import { createAnalyzer } from './text/analyze.ts'
import { sharedKernel } from './kernel/kernel.ts'
import { ownerMemory, preferencesOf } from './partition/owner-memory.ts'
import { createPartitionCache } from './partition/partition-cache.ts'
import type { Partition } from './partition/partition.ts'
import { createQueryVectors } from './search/query-vectors.ts'
import type { Moment, Recall, RecallParts } from './recall-types.ts'
import { recordOf, rowOf } from './partition/row-table.ts'
import { createScratch } from './kernel/scratch.ts'
import { askedOf, type Asked } from './search/search-options.ts'
import { fateOutside, searchPartition } from './search/search-partition.ts'
import type { Found, SearchInput } from './search/search-run.ts'
import type { SearchOptions, SearchResult } from './search-types.ts'
import { snapshotOf } from './partition/snapshot.ts'
import { standsInContext } from './search/stands-in-context.ts'

type More = Pick<SearchInput, 'isLive' | 'explainId'>

export function createRecall(parts: RecallParts): Recall {
  const { memories, keys, clock, telemetry, embedder } = parts
  const analyzer = createAnalyzer(parts.stemmers, embedder?.nearWords)
  const scratch = createScratch()
  const model = embedder === undefined ? undefined : { id: embedder.info.id, dimensions: embedder.info.dimensions }
  const tools = { kernel: sharedKernel(), analyzer, model }
  const cache = createPartitionCache({ memories, clock, telemetry, tools, maxBytes: parts.partitionCacheBytes ?? limits.partitionCacheBytes })
  const deadlines = createDeadlines(clock)
  const vectors = embedder === undefined ? undefined : createQueryVectors(embedder, deadlines, parts.random)

  const vectorOf = async (scope: Scope, asked: Asked) =>
    asked.arms === 'lexical' ? undefined : await vectors?.of(scope, asked.query.slice(0, limits.queryCharacters), asked.signal)
  const run = async (scope: Scope, asked: Asked, fresh: () => Promise<Partition>, more: More = {}) => {
    // the vector first: from the partition on, nothing waits, so nothing can free it
    const vector = await vectorOf(scope, asked)
    const partition = await fresh()
    asked.signal?.throwIfAborted()
    if (vectors !== undefined && vector === undefined && asked.arms !== 'lexical') noteDegraded(telemetry, 'embedder')
    const input = { partition, asked, vector, scratch, now: clock.now(), ...more }
    return { input, found: searchPartition(input), result: resultOf(partition, asked, vector !== undefined) }
  }
  const within = <T>(asked: Asked, work: Promise<T>): Promise<T> => withinTime(deadlines, telemetry, asked, work)

  const moment = (scope: Scope): Moment => {
    const fresh = cache.moment(scope)
    return {
      async forContext(query, options, kept) {
        const asked = askedOf(query, options, parts.floor)
        const isLive = standsInContext(kept, await keys.ownerKeys(scope))
        const { found, result } = await within(asked, run(scope, asked, fresh, { isLive }))
        return { result: result(found), live: found.live }
      },
      async records(ids) {
        const { rows } = await fresh()
        const now = clock.now()
        const found = new Map<string, MemoryRecord>()
        for (const id of ids) {
          const record = recordOf(rows, id)
          if (record !== undefined && isAlive(record, now)) found.set(id, record)
        }
        return found
      },
      async standing(ids) {
        const { rows: table } = await fresh()
        const now = clock.now()
        const gone = new Set<string>()
        const successors: string[] = []
        for (const id of ids) {
          const row = rowOf(table, id)
          if (row === undefined || now >= table.rows.expiresAt[row]!) gone.add(id)
          else {
            const successor = table.changes.get(row)?.supersededBy
            if (successor !== undefined) successors.push(successor)
          }
        }
        return { gone, successors }
      },
      preferences: async () => preferencesOf(await fresh(), clock.now(), limits.preferenceItems),
    }
  }

  return {
    async search(scope, query, options) {
      const asked = askedOf(query, options, parts.floor)
      const { found, result } = await within(
        asked,
        run(requireScope(scope), asked, () => cache.fresh(scope)),
      )
      return result(found)
    },
    moment: (scope) => moment(requireScope(scope)),
    async explain(scope, query, id, options: SearchOptions = {}) {
      const asked = askedOf(query, { ...options, explain: true }, parts.floor)
      const { input, found } = await within(
        asked,
        run(requireScope(scope), asked, () => cache.fresh(scope), { explainId: id }),
      )
      return found.explanations[0] ?? fateOutside(input, id)
    },
    partition: async (scope) => ownerMemory(await cache.fresh(requireScope(scope))),
    async saveSnapshot(scope, fence) {
      const { ref, partition, birth } = await cache.held(requireScope(scope))
      if (birth === 0 || !isSnapshotDue(partition)) return false
      const snapshot = snapshotOf(partition, birth)
      const { unsaved } = partition
      await memories.saveSnapshot(ref, snapshot, { fence })
      partition.unsaved -= unsaved // a save that failed is due again
      return true
    },
    drop(owner) {
      cache.drop(owner)
      vectors?.drop(owner)
    },
    holds: (owner) => cache.holds(owner) + (vectors?.holds(owner) ?? 0),
    get bytes() {
      return cache.bytes
    },
  }
}

/** NODE-3: once the tail passes 10 % or 500 records. */
const isSnapshotDue = ({ unsaved, rows }: Partition): boolean =>
  unsaved > 0 && unsaved >= Math.min(limits.partitionTail, limits.partitionTailShare * rows.live)

/** What a search says beside its hits. Taken before anything waits. */
function resultOf(partition: Partition, asked: Asked, hasVector: boolean): (found: Found) => SearchResult {
  const wantsVectors = asked.arms !== 'lexical' && partition.tools.model !== undefined
  const degraded = wantsVectors && (!hasVector || partition.rows.foreignVectors > 0) ? (['embedder'] as const) : []
  const { upTo } = partition.rows
  return ({ hits, why, cut, explanations }) => ({
    hits,
    abstained: hits.length === 0,
    floor: asked.floor,
    ...(why === undefined ? {} : { why }),
    degraded,
    ...(cut ? { cut: 'query' as const } : {}),
    upTo,
    ...(asked.explain ? { explanations } : {}),
  })
}

async function withinTime<T>(deadlines: Deadlines, telemetry: Telemetry, { timeoutMs }: Asked, work: Promise<T>): Promise<T> {
  const first = await deadlines.within(timeoutMs, work)
  if (first !== late) return first
  noteDegraded(telemetry, 'recall')
  throw new RecollectError('timeout', `the search took longer than ${timeoutMs} ms`, 'Send it again, or give it more time with timeoutMs.', {
    limit: timeoutMs,
  })
}
