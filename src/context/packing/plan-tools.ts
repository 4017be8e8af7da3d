// What planning measures and renders with, and what it keeps from one plan to the next: estimates by message, sheets by cursor. Derived data, bounded.
import { limits } from '../../core/limits.ts'
import type { EpochRecord } from '../../core/context.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { LoggedMessage, Message } from '../../core/message.ts'
import type { SessionFold } from '../../core/session.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import { offlineSheet } from '../../summary/offline-sheet.ts'
import { renderSheet } from '../../summary/render.ts'
import type { Sheet } from '../../summary/sheet.ts'
import type { TokenCounter } from '../../ports/token-counter.ts'
import { countMessage, countSystem, countTools } from '../counting/count.ts'
import { memoryBlock, memoryItem, summaryBlock, type MemoryBlockType, type RenderedBlock } from './pack-blocks.ts'
import { stateBlock } from './pack-state.ts'
import type { Policy } from '../policy/policy.ts'
import type { ModelProfile } from '../prompt/profiles.ts'

interface RenderedSummary {
  readonly block: RenderedBlock
  readonly summary: NonNullable<EpochRecord['summary']>
  readonly baseId?: string
}

export interface PlanTools {
  readonly keys: OwnerKeys
  readonly counter: TokenCounter
  fixedTokens(): number // system and tools; estimated, as all below
  tokensOf(logged: LoggedMessage): number
  /** Of the session state's block; `roomTokens` where it is over them. */
  stateTokens(roomTokens: number): { readonly tokens: number; readonly roomTokens?: number }
  memoryTokens(record: MemoryRecord): number
  /** A block of memories with its tokens; rendered once a plan. */
  memoriesBlock(
    type: MemoryBlockType,
    beforeSeq: number,
    records: readonly MemoryRecord[],
    fenceKey: string,
  ): { readonly block: RenderedBlock; readonly tokens: number }
  /** The block that stands for all messages before `keepFrom`; undefined if there are none, or nothing in them is worth a line. */
  summaryOf(keepFrom: number, budgetTokens: number, record: Pick<EpochRecord, 'fenceKey'>): RenderedSummary | undefined
}

/** What outlives a plan: dropping it changes nothing. */
export interface PlanMemo {
  readonly tokens: WeakMap<ModelProfile, WeakMap<Message, number>>
  readonly sheets: Map<string, Sheet>
}

export const createPlanMemo = (): PlanMemo => ({ tokens: new WeakMap(), sheets: new Map() })

export function planTools(policy: Policy, fold: SessionFold, keys: OwnerKeys, counter: TokenCounter, memo: PlanMemo): PlanTools {
  const { profile } = policy
  const blockTokens = (text: string) => countMessage({ parts: [{ type: 'text', text, spans: [] }] }, profile, counter)
  const counts = memo.tokens.get(profile) ?? new WeakMap<Message, number>()
  memo.tokens.set(profile, counts)
  const blocks = new Map<string, ReturnType<PlanTools['memoriesBlock']>>()
  const sheetUpTo = (upTo: number): Sheet => {
    const messages = fold.messages.filter(({ seq }) => seq <= upTo && !policy.systemSeqs.includes(seq))
    const key = `${upTo}:${messages.length}:${messages.at(-1)?.message.id ?? ''}:${fold.tombstoned.size}`
    const known = memo.sheets.get(key)
    if (known !== undefined) return known
    const sheet = offlineSheet({ messages, upTo, tag: (fields) => keys.tag('id', fields) })
    if (memo.sheets.size >= limits.sheetsKept) memo.sheets.delete(memo.sheets.keys().next().value as string)
    memo.sheets.set(key, sheet)
    return sheet
  }
  return {
    keys,
    counter,
    fixedTokens: () => countTools(policy.tools, counter) + countSystem(policy.system, profile, counter),
    tokensOf: ({ message }) => {
      const known = counts.get(message)
      if (known !== undefined) return known
      const tokens = countMessage(message, profile, counter)
      counts.set(message, tokens)
      return tokens
    },
    stateTokens: (roomTokens) => {
      const by = { record: { fenceKey: '' }, keys }
      const block = fold.stateSeq > 0 ? stateBlock(fold.stateChanges, fold.stateSeq, by, { tokens: roomTokens, counter }) : undefined
      if (block === undefined) return { tokens: 0 }
      return { tokens: blockTokens(block.text), ...(block.change === undefined ? {} : { roomTokens }) }
    },
    memoryTokens: (record) => counter.count(JSON.stringify(memoryItem(record))),
    memoriesBlock: (type, beforeSeq, records, fenceKey) => {
      const key = `${fenceKey} ${type} ${beforeSeq} ${records.map(({ id }) => id).join(' ')}`
      const known = blocks.get(key)
      if (known !== undefined) return known
      const block = memoryBlock(type, beforeSeq, records, { record: { fenceKey }, keys })
      const made = { block, tokens: Math.ceil(blockTokens(block.text)) }
      blocks.set(key, made)
      return made
    },
    summaryOf: (keepFrom, budgetTokens, record) => {
      const upTo = fold.messages.findLast(({ seq }) => seq < keepFrom && !policy.systemSeqs.includes(seq))?.seq
      if (upTo === undefined || budgetTokens <= 0) return undefined
      const sheet = sheetUpTo(upTo)
      const rendered = renderSheet(sheet, { budgetTokens, counter })
      if (rendered.items.length === 0) return undefined
      const block = summaryBlock(rendered.items, { record, keys })
      const summary = {
        id: sheet.id,
        upTo,
        hash: block.hash,
        tokens: Math.ceil(blockTokens(block.text)),
        budgetTokens,
        dropped: rendered.dropped,
        madeBy: 'offline',
        provisional: false,
      } as const
      return { block, summary, ...(sheet.baseId === undefined ? {} : { baseId: sheet.baseId }) }
    },
  }
}
