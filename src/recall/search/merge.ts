// Lists apart, then merged: each keeps its order, and the list whose next hit is more relevant goes next (RCL-5). Pure.
import type { RecallList } from '../../core/authority.ts'

/** How many hits a list may add: `limit` counts the trusted list. */
export const roomOf = (list: RecallList, limit: number): number =>
  list === 'trusted' ? limit : list === 'assistant' ? Math.ceil(limit / 2) : Math.ceil(limit / 4)

export interface Mergeable {
  readonly relevance: number
  readonly saidAt: number
  readonly id: string
}

/** Of equal relevance the newer goes first, then by id. */
export function mergeLists<T extends Mergeable>(lists: readonly (readonly T[])[]): T[] {
  const at = lists.map(() => 0)
  const out: T[] = []
  for (;;) {
    let first = -1
    for (const [i, list] of lists.entries()) {
      const next = list[at[i]!]
      if (next !== undefined && (first < 0 || goesBefore(next, lists[first]![at[first]!]!))) first = i
    }
    if (first < 0) return out
    out.push(lists[first]![at[first]!++]!)
  }
}

const goesBefore = (a: Mergeable, b: Mergeable): boolean =>
  a.relevance !== b.relevance ? a.relevance > b.relevance : a.saidAt !== b.saidAt ? a.saidAt > b.saidAt : a.id < b.id
