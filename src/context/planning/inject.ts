// Which memories go before the newest user message: only what the live window lacks, within its budget, frozen from then on (INJ-1 to INJ-7). Pure.
import { isPlaced, type EpochRecord, type InjectedBlock, type ReceiptRecallItem } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import type { MemoryRecord } from '../../core/memory.ts'
import type { LoggedMessage } from '../../core/message.ts'
import { indexFrom, type SessionFold } from '../../core/session.ts'
import type { Hit } from '../../recall/search-types.ts'
import { callsOf } from '../packing/pack-rounds.ts'
import type { RecallForContext } from './source.ts'

/** What recall gave for this call. `off`: the caller wanted none; `replayed`: this turn's memories were chosen before. */
export interface Recalled {
  readonly status: 'ran' | 'replayed' | 'off' | 'unavailable' | 'timeout'
  readonly found?: RecallForContext
  readonly preferences: readonly MemoryRecord[] // current ones, newest first
  readonly successors: readonly MemoryRecord[] // current records that replace a live one (INJ-5)
  readonly beforeSeq?: number // where it ran: the user message that it ran for
  readonly live?: ReadonlySet<string> // and what it took as live
}

/** The memories chosen for one message, in the order they stand; `items` say what became of each candidate. */
export interface Injection {
  readonly beforeSeq: number
  readonly preferences: readonly MemoryRecord[]
  readonly recalled: readonly MemoryRecord[]
  readonly items: readonly ReceiptRecallItem[]
}

export interface InjectionRoom {
  readonly capTokens: number // BUD-2: of this turn's memories
  readonly roomTokens: number // what is left under hard
  readonly maxItems: number
  readonly tokensOf: (record: MemoryRecord) => number
}

/** INJ-1: the newest user message, if the model has yet to answer it and no memories were chosen for it; also where calls and results follow it. */
export function injectionDue(record: EpochRecord | undefined, { messages }: SessionFold): LoggedMessage | undefined {
  const newest = messages.at(-1)
  if (newest === undefined || (newest.message.role === 'assistant' && callsOf(newest).length === 0)) return undefined
  const user = messages.findLast(({ message }) => message.role === 'user')
  return record?.injections.some(({ beforeSeq }) => beforeSeq === user?.seq) === true ? undefined : user
}

/** INJ-1: the records of all injections from `keepFrom` on. What stood before a message that was rewound is sent no more. */
export function liveIds(record: EpochRecord | undefined, fold: SessionFold, keepFrom: number): Set<string> {
  const ids = new Set<string>()
  everyLive(record, fold, keepFrom, (id) => ids.add(id))
  return ids
}

/** Whether it holds of each id that `liveIds` has; without making them a set. */
export function everyLive(record: EpochRecord | undefined, { messages }: SessionFold, keepFrom: number, holds: (id: string) => unknown): boolean {
  const stands = (seq: number) => messages[indexFrom(messages, seq)]?.seq === seq
  return (record?.injections ?? []).every(
    ({ beforeSeq, blocks }) => beforeSeq < keepFrom || !stands(beforeSeq) || blocks.every(({ items }) => items.every(({ id }) => holds(id))),
  )
}

/** The delta for one message. A successor of a live record goes in whatever its rank; the best few even over their cap, if the room allows. */
export function chooseInjection(beforeSeq: number, recalled: Recalled, room: InjectionRoom): Injection {
  const live = recalled.live ?? new Set<string>()
  const preferences = choosePreferences(recalled.preferences, live, room)
  const taken = new Set(preferences.map(({ id }) => id))
  const placedAs = (record: MemoryRecord) => (record.supersedes?.some((id) => live.has(id)) === true ? 'supersedes' : 'injected')
  const items: ReceiptRecallItem[] = preferences.map((record) => itemOf(record, placedAs(record)))
  const chosen: MemoryRecord[] = []
  let spent = 0
  let left = room.roomTokens - preferences.reduce((sum, record) => sum + room.tokensOf(record), 0)
  const place = (record: MemoryRecord, item: ReceiptRecallItem, capped: boolean): void => {
    const tokens = room.tokensOf(record)
    if (tokens > left || (capped && (spent + tokens > room.capTokens || chosen.length >= room.maxItems))) {
      items.push({ ...item, outcome: 'budget' })
      return
    }
    chosen.push(record)
    taken.add(record.id)
    spent += tokens
    left -= tokens
    items.push(item)
  }
  for (const record of recalled.successors) if (!live.has(record.id) && !taken.has(record.id)) place(record, itemOf(record, 'supersedes'), false)
  for (const hit of recalled.found?.result.hits ?? []) {
    if (taken.has(hit.record.id)) continue
    if (live.has(hit.record.id)) items.push(itemOf(hit.record, 'live', hit))
    else place(hit.record, itemOf(hit.record, placedAs(hit.record), hit), hit.rank > limits.bestMemories || room.maxItems < hit.rank)
  }
  return { beforeSeq, preferences, recalled: chosen, items: [...items, ...leftOut(recalled, items)] }
}

/** BUD-3 (1): without the lowest-ranked recalled memory; preferences and successors go last. */
export function dropLowest(injection: Injection): Injection {
  const { recalled, preferences, items } = injection
  const lost = recalled.at(-1) ?? preferences.at(-1)
  if (lost === undefined) return injection
  return {
    ...injection,
    recalled: recalled.slice(0, -1),
    preferences: recalled.length > 0 ? preferences : preferences.slice(0, -1),
    items: items.map((item) => (item.id === lost.id ? { ...item, outcome: 'budget' as const } : item)),
  }
}

/** Without any memory: where the cut fell behind the message that they belong to (TURN-3), there is no place for them. */
export const dropAll = (injection: Injection): Injection => ({
  ...injection,
  preferences: [],
  recalled: [],
  items: injection.items.map((item) => (isPlaced(item) ? { ...item, outcome: 'budget' as const } : item)),
})

/** The records of an injection by block, in the order sent. */
export const blocksOf = (injection: Injection): { type: 'preferences' | 'recalled-data'; records: readonly MemoryRecord[] }[] =>
  [
    { type: 'preferences' as const, records: injection.preferences },
    { type: 'recalled-data' as const, records: injection.recalled },
  ].filter(({ records }) => records.length > 0)

/** What the epoch record keeps of an item: where it lies, never its text (INJ-4). */
export const refOf = (record: MemoryRecord): InjectedBlock['items'][number] => ({ seq: record.seq, id: record.id })

/** The receipt's items where this turn's memories were chosen at an earlier call. */
export const replayedItems = (record: EpochRecord | undefined, beforeSeq: number | undefined): readonly ReceiptRecallItem[] =>
  (record?.injections ?? [])
    .filter((injection) => injection.beforeSeq === beforeSeq)
    .flatMap(({ blocks }) => blocks.flatMap(({ items }) => items.map(({ id }) => ({ id, outcome: 'live' as const }))))

function choosePreferences(records: readonly MemoryRecord[], live: ReadonlySet<string>, room: InjectionRoom): MemoryRecord[] {
  const chosen: MemoryRecord[] = []
  let spent = 0
  for (const record of records) {
    if (live.has(record.id)) continue
    const tokens = room.tokensOf(record)
    if (chosen.length >= limits.preferenceItems || spent + tokens > Math.min(limits.preferenceTokens, room.roomTokens)) break
    chosen.push(record)
    spent += tokens
  }
  return chosen
}

function leftOut({ found }: Recalled, items: readonly ReceiptRecallItem[]): ReceiptRecallItem[] {
  const told = new Set(items.map(({ id }) => id))
  const why = found?.result.why
  return [
    ...(found?.live ?? []).filter((id) => !told.has(id)).map((id) => ({ id, outcome: 'live' as const })),
    ...(why === undefined || told.has(why.id) ? [] : [{ id: why.id, outcome: 'floor' as const, score: why.relevance }]),
  ]
}

function itemOf(record: MemoryRecord, outcome: ReceiptRecallItem['outcome'], hit?: Hit): ReceiptRecallItem {
  return {
    id: record.id,
    outcome,
    ...(hit === undefined ? {} : { score: hit.relevance, rank: hit.rank }),
    origin: record.origin,
    authority: record.authority,
    evidence: record.evidence.map(({ log, seq, mac }) => (log.length <= limits.evidenceIdCharacters ? `${log}#${seq}` : mac)),
  }
}
