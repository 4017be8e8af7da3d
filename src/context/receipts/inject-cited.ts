// How many of the memories put into a turn its answer used: lexical, and called so (OBS-8). Pure.
import type { MemoryRecord } from '../../core/memory.ts'

// Words of four letters or more, and all with a digit: shorter ones tell nothing.
const terms = (text: string): Set<string> =>
  new Set(
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]*\p{N}[\p{L}\p{N}]*|\p{L}{4,}/gu) ?? [],
  )

/** Memories of whose distinctive terms, those that the turn's own messages lack, the answer holds at least half. */
export function citedCount(memories: readonly Pick<MemoryRecord, 'text'>[], turn: readonly string[], answer: string): number {
  const said = terms(turn.join('\n'))
  const answered = terms(answer)
  return memories.filter(({ text }) => {
    const distinctive = [...terms(text)].filter((term) => !said.has(term))
    const found = distinctive.filter((term) => answered.has(term)).length
    return distinctive.length > 0 && found * 2 >= distinctive.length
  }).length
}
