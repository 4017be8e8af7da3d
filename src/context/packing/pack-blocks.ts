// The blocks that Recollect places itself: memories and summary here, the session state beside it. Rendered from the logs each time; a record keeps only refs and hashes (EPO-3).
import { lowest, type Authority } from '../../core/authority.ts'
import type { BlockType, EpochRecord, TokenClass } from '../../core/context.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import { fenceBlock, type FenceItem } from '../../security/data-fence.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'

export interface RenderedBlock {
  readonly type: 'preferences' | 'recalled-data' | 'session-summary' | 'session-state'
  readonly class: TokenClass
  readonly text: string
  readonly hash: string
  readonly authority: Authority // the lowest in it
  readonly change?: 'cut'
}

export type MemoryBlockType = 'preferences' | 'recalled-data'

export interface BlockRendering {
  readonly record: Pick<EpochRecord, 'fenceKey'>
  readonly keys: OwnerKeys
}

/** The bytes of one block; its id names it within the epoch (INJ-3). */
export const fenced = (type: BlockType, blockId: string, items: readonly FenceItem[], { record }: Pick<BlockRendering, 'record'>): string =>
  fenceBlock({ fenceKey: record.fenceKey, blockId, type, items })

export const block = (
  type: RenderedBlock['type'],
  tokenClass: TokenClass,
  blockId: string,
  items: readonly FenceItem[],
  by: BlockRendering,
): RenderedBlock => {
  const text = fenced(type, blockId, items, by)
  return { type, class: tokenClass, text, hash: by.keys.tag('id', ['block', text]), authority: lowest(items.map(({ authority }) => authority)) }
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
