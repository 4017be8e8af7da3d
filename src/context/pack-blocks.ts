// The blocks that Recollect places itself: memories, summary, state. Rendered from the logs each time; a record keeps only refs and hashes (EPO-3).
import type { BlockType, EpochRecord, TokenClass } from '../core/context.ts'
import { mergePatch, type StateChange } from '../core/session.ts'
import type { Json } from '../core/json.ts'
import type { MemoryRecord } from '../core/memory.ts'
import { fenceBlock, type FenceItem } from '../security/data-fence.ts'
import type { OwnerKeys } from '../security/owner-keys.ts'

export interface RenderedBlock {
  readonly type: 'preferences' | 'recalled-data' | 'session-summary' | 'session-state'
  readonly class: TokenClass
  readonly text: string
  readonly hash: string
}

export type MemoryBlockType = 'preferences' | 'recalled-data'

export interface BlockRendering {
  readonly record: Pick<EpochRecord, 'fenceKey'>
  readonly keys: OwnerKeys
}

/** The bytes of one block; its id names it within the epoch (INJ-3). */
export const fenced = (type: BlockType, blockId: string, items: readonly FenceItem[], { record }: Pick<BlockRendering, 'record'>): string =>
  fenceBlock({ fenceKey: record.fenceKey, blockId, type, items })

const block = (
  type: RenderedBlock['type'],
  tokenClass: TokenClass,
  blockId: string,
  items: readonly FenceItem[],
  by: BlockRendering,
): RenderedBlock => {
  const text = fenced(type, blockId, items, by)
  return { type, class: tokenClass, text, hash: by.keys.tag('id', ['block', text]) }
}

export const memoryBlock = (type: MemoryBlockType, beforeSeq: number, records: readonly MemoryRecord[], by: BlockRendering): RenderedBlock =>
  block(type, type, `${type}:${beforeSeq}`, records.map(memoryItem), by)

export const memoryItem = (record: MemoryRecord): FenceItem => ({
  id: record.id,
  kind: record.kind,
  origin: record.origin,
  authority: record.authority,
  date: new Date(record.saidAt).toISOString().slice(0, 10),
  ...(record.supersedes === undefined || record.supersedes.length === 0 ? {} : { supersedes: record.supersedes }),
  text: record.text,
})

export const summaryBlock = (items: readonly FenceItem[], by: BlockRendering): RenderedBlock =>
  block('session-summary', 'summary', 'summary', items, by)

/** INJ-6: the whole state as of a change. Nothing to show: no block. */
export function stateBlock(changes: readonly StateChange[], upTo: number, by: BlockRendering): RenderedBlock | undefined {
  const state = changes.filter(({ seq }) => seq <= upTo).reduce<Json>((sum, { patch }) => mergePatch(sum, patch), null)
  if (state === null || (typeof state === 'object' && Object.keys(state).length === 0)) return undefined
  return block('session-state', 'state', 'state', [stateItem(`state:${upTo}`, state)], by)
}

/** Changes since, as patches, in one block. */
export const stateChangeBlock = (changes: readonly StateChange[], by: BlockRendering): RenderedBlock =>
  block(
    'session-state',
    'state',
    `state:${changes.at(-1)?.seq ?? 0}`,
    changes.map(({ seq, patch }) => stateItem(`change:${seq}`, patch)),
    by,
  )

// The application's own words about the session: neither the user's nor the model's.
const stateItem = (id: string, value: Json): FenceItem => ({
  id,
  kind: 'state',
  origin: 'unknown',
  authority: 'untrusted',
  text: JSON.stringify(value),
})
