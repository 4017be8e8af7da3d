// Why a record came back, or the step that dropped it: rank and score in each arm, features, fate (ABS-3). Pure.
import { recallLists } from '../../core/authority.ts'
import { featuresOf } from './fuse.ts'
import { quantitiesOf, relevanceOf } from './relevance.ts'
import { idAt, rowOf, rowState } from '../partition/row-table.ts'
import type { ListRun, SearchInput } from './search-run.ts'
import type { Explanation } from '../search-types.ts'

/** All candidates of a list, or one record of it with `explainId`. */
export function explainList(input: SearchInput, run: ListRun): Explanation[] {
  const { partition, explainId } = input
  const { row } = run.view.group.units
  const { units, scores } = run.ranked
  if (explainId === undefined) return Array.from(units, (unit, i) => explained(input, run, unit, scores[i]!))
  const target = rowOf(partition.rows, explainId)
  if (target === undefined || recallLists[partition.rows.rows.list[target]!] !== run.list) return []
  const found = units.findIndex((unit) => row[unit] === target)
  return found < 0 ? [] : [explained(input, run, units[found]!, scores[found]!)]
}

function explained({ partition, asked }: SearchInput, { list, view, selection }: ListRun, unit: number, score: number): Explanation {
  const { rows } = partition
  const { row } = view.group.units
  const told = selection.fates.get(unit)
  const own = view.scratch.own[unit]!
  const hasVector = view.dense && view.scales[unit]! > 0
  const isLive = selection.live.includes(unit)
  return {
    id: idAt(rows, row[unit]!),
    fate: told?.fate ?? (isLive ? 'filtered' : embeddingFate(partition.rows.rows.state[row[unit]!]!, asked.arms)),
    ...(told?.of === undefined ? {} : { of: idAt(rows, row[told.of]!) }),
    list,
    relevance: relevanceOf(view, unit),
    score: score / 1e6,
    ...(own > 0
      ? { lexical: { rank: rankAmong(view.scratch.own, view.group.units.list, unit, view.group.units.length), score: Math.round(own * 1e6) / 1e6 } }
      : {}),
    ...(hasVector
      ? { dense: { rank: rankAmong(view.cosines, view.group.units.list, unit, view.group.units.length), score: view.cosines[unit]! / 1e6 } }
      : {}),
    ...nearWordsOf(view, unit),
    features: featuresOf(view, unit),
    quantities: quantitiesOf(view, unit),
  }
}

function nearWordsOf({ group, terms, scratch }: ListRun['view'], unit: number): Pick<Explanation, 'nearWords'> {
  const held = terms[group.units.list[unit]!]!.near.filter(
    ({ place }) => ((place < 32 ? scratch.coversLow : scratch.coversHigh)[unit]! & (1 << (place & 31))) !== 0,
  )
  return held.length === 0 ? {} : { nearWords: Object.fromEntries(held.map(({ word, term }) => [word, term])) }
}

const embeddingFate = (state: number, arms: string): Explanation['fate'] =>
  arms === 'dense' && (state & rowState.fits) === 0 ? 'not yet embedded' : 'not in candidates'

/** 1 + how many units of the same list have a greater score. */
function rankAmong(scores: Float64Array | Int32Array, listOf: Uint8Array, unit: number, count: number): number {
  let rank = 1
  for (let other = 0; other < count; other++) if (listOf[other] === listOf[unit] && scores[other]! > scores[unit]!) rank++
  return rank
}
