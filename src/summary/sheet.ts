// A state sheet: what was said, as typed items with where they were said. Derived data with a cursor, never prose (context §8).
import type { Authority } from '../core/authority.ts'

/** In the order of SUM-3: what comes first is dropped first. */
export const itemKinds = [
  'hint',
  'timeline',
  'entity',
  'artifact',
  'fact',
  'question',
  'commitment',
  'decision',
  'identifier',
  'constraint',
  'goal',
] as const
export type ItemKind = (typeof itemKinds)[number]

export interface SheetItem {
  readonly id: string // HMAC of kind and canonical text
  readonly kind: ItemKind
  readonly text: string // verbatim from its message
  readonly refs: readonly number[] // seqs, ascending: the first, where the text stands to the letter, and the newest
  readonly firstSeq: number
  readonly lastSeq: number
  readonly mentions: number // distinct turns
  readonly status: 'open' | 'resolved' | 'superseded'
  readonly supersedes?: string
  readonly authority: Authority
  readonly madeBy: 'extractor' | 'model'
}

export interface Sheet {
  readonly id: string // HMAC of base, range and policy
  readonly baseId?: string
  readonly upTo: number
  readonly items: readonly SheetItem[]
}

const rank: Readonly<Record<ItemKind, number>> = Object.fromEntries(itemKinds.map((kind, index) => [kind, index])) as Record<ItemKind, number>

type Ranked = Pick<SheetItem, 'kind' | 'status' | 'mentions' | 'firstSeq' | 'lastSeq' | 'text'>

/** SUM-3, first to be dropped first: what is settled, then by kind, by mentions, by how long it went unmentioned. Never by age alone. */
export const dropOrder = (a: Ranked, b: Ranked): number =>
  Number(a.status === 'open') - Number(b.status === 'open') ||
  rank[a.kind] - rank[b.kind] ||
  a.mentions - b.mentions ||
  a.lastSeq - b.lastSeq ||
  a.firstSeq - b.firstSeq ||
  (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)
