// What a session's contexts keep between calls: derived data only, so that dropping it changes nothing but the time (P2, P11).
import type { MemoryRecord } from '../../core/memory.ts'
import type { LoweredMemo } from './pack-lower.ts'
import type { Packed } from './pack.ts'
import { createPlanMemo, type PlanMemo } from './plan-tools.ts'
import type { HashMemo } from '../policy/policy-memo.ts'

/** Opaque to the session, which holds one for each session it has in memory and drops it with the session. */
export interface ContextCache extends HashMemo, LoweredMemo {
  readonly memo: PlanMemo
  records: ReadonlyMap<string, MemoryRecord> // of the newest epoch's injections; a record's text never changes (MEM-1)
  packed: Packed | undefined // the newest epoch: one, so the cache is as large as what it sends
}

export const createContextCache = (): ContextCache => ({
  memo: createPlanMemo(),
  hashes: new Map(),
  toolHashes: new WeakMap(),
  records: new Map(),
  packed: undefined,
  lowered: undefined,
})
