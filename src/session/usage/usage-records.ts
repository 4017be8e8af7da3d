// The part of the figures that comes from long-term memory, and the sum of two owners' figures (OBS-8).
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import { memoryLogId } from '../../core/memory.ts'
import type { Scope } from '../../core/scope.ts'
import type { SessionParts } from '../session-parts.ts'
import type { UsageFigures } from '../session-types.ts'

/** What of the owner's long-term memory goes into the figures. */
export interface RecordFigures {
  readonly records: number
  readonly recordBytes: number
  readonly byKind: Readonly<Record<string, number>>
  readonly byAuthority: Readonly<Record<string, number>>
  /** When a record stops being true, or undefined while no end is known. */
  validUntil(id: string): number | undefined
}

export const noRecords: RecordFigures = { records: 0, recordBytes: 0, byKind: {}, byAuthority: {}, validUntil: () => undefined }

export async function recordFigures(parts: SessionParts, scope: Scope): Promise<RecordFigures> {
  const head = await parts.memories.head(refOf(scope, 'memory', memoryLogId))
  if (head === undefined) return noRecords
  const memory = await parts.recall.partition(scope)
  const [byKind, byAuthority] = [{} as Record<string, number>, {} as Record<string, number>]
  const ends = new Map<string, number>()
  let records = 0
  for (let before: number | undefined; ;) {
    const page = memory.list({ status: 'all', now: parts.clock.now() }, { limit: limits.pageItemsMost, ...(before === undefined ? {} : { before }) })
    for (const record of page) {
      records++
      byKind[record.kind] = (byKind[record.kind] ?? 0) + 1
      byAuthority[record.authority] = (byAuthority[record.authority] ?? 0) + 1
      if (record.validUntil !== undefined) ends.set(record.id, record.validUntil)
    }
    before = page.at(-1)?.seq
    if (before === undefined) return { records, recordBytes: head.bytes, byKind, byAuthority, validUntil: (id) => ends.get(id) }
  }
}

/** Counts add up, and rates are taken anew from the counts. The share of a quota is the higher of the two. */
export function addFigures(a: UsageFigures, b: UsageFigures): UsageFigures {
  const retrieval = added(a.retrieval, b.retrieval)
  const injection = added(a.injection, b.injection)
  const tokens = added(a.tokens, b.tokens)
  const predicted = predictedOfBilled(a.tokens) + predictedOfBilled(b.tokens)
  return {
    memory: {
      ...added(a.memory, b.memory),
      byKind: added(a.memory.byKind, b.memory.byKind),
      byAuthority: added(a.memory.byAuthority, b.memory.byAuthority),
      quotaShare: Math.max(a.memory.quotaShare, b.memory.quotaShare),
    },
    retrieval: {
      ...retrieval,
      abstentionRate: rate(retrieval.abstained, retrieval.recalls),
      staleRate: rate(retrieval.stale, retrieval.recalledRecords),
    },
    tokens: { ...tokens, errorRatio: predicted === 0 ? null : tokens.billed / predicted - 1 },
    injection: {
      ...injection,
      injectedShare: rate(injection.turnsInjected, injection.turns),
      repeatRate: rate(injection.repeats, injection.injections),
      citedRate: rate(injection.cited, injection.answered),
    },
  }
}

const predictedOfBilled = ({ billed, errorRatio }: UsageFigures['tokens']) => (errorRatio === null ? 0 : billed / (errorRatio + 1))

/** Every number of either; what is none stays as it is in the second. */
function added<T extends object>(a: T, b: T): T {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof T)[]
  return Object.fromEntries(
    names.map((name) => [name, typeof (a[name] ?? b[name]) === 'number' ? Number(a[name] ?? 0) + Number(b[name] ?? 0) : b[name]]),
  ) as T
}

/** null where there was nothing to count: a rate comes with its count. */
export const rate = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)
