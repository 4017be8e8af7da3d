// One search over one partition, in steps that each are pure over its arrays: arms → candidates → features → select → merge → explain (RCL-1).
import { admission, refusalOf } from './admit.ts'
import { candidatesOf, scoresOf, scoreVectors, spreadsOf, type Arms, type FeatureView } from './fuse.ts'
import { explainList } from './explain.ts'
import { scoreWords, termsOfList } from './lexical-scores.ts'
import { mergeLists, roomOf } from './merge.ts'
import type { Partition } from '../partition/partition.ts'
import { queryOf, type Query } from './query.ts'
import { lacked } from './relevance.ts'
import { idAt, recordAt, rowOf, rowState } from '../partition/row-table.ts'
import type { Found, ListRun, SearchInput } from './search-run.ts'
import type { Explanation, Hit, SearchResult } from '../search-types.ts'
import { select, type Ranked } from './select.ts'
import { tokenize } from '../text/tokenize.ts'
import { denseShare } from '../weights.ts'

interface Listed extends Hit {
  readonly saidAt: number
  readonly id: string
}

export function searchPartition(input: SearchInput): Found {
  const { partition, asked } = input
  const query = queryOf(partition.tools.analyzer, asked.query, partition)
  const listed: Listed[][] = []
  const live: string[] = []
  const explanations: Explanation[] = []
  let best: SearchResult['why']
  for (const group of partition.groups.keys())
    // a group's arrays are the next group's: what is needed of a run is taken before the next begins
    for (const run of searchGroup(input, query, group)) {
      const { row } = run.view.group.units
      const idOf = (unit: number) => idAt(partition.rows, row[unit]!)
      listed.push(hitsOf(run))
      live.push(...run.selection.live.map(idOf))
      const top = run.selection.best
      if (top !== undefined && (best === undefined || top.relevance > best.relevance))
        best = { id: idOf(top.unit), relevance: top.relevance, lacked: lacked(run.view, top.unit) }
      if (asked.explain || input.explainId !== undefined) explanations.push(...explainList(input, run))
    }
  const hits = mergeLists(listed).map(({ saidAt: _, id: _id, ...hit }, i): Hit => ({ ...hit, rank: i + 1 }))
  return {
    hits,
    live,
    why: hits.length > 0 ? undefined : best,
    cut: query.cut,
    explanations: ranksOf(explanations, hits),
  }
}

function searchGroup(input: SearchInput, query: Query, groupIndex: number): ListRun[] {
  const { partition, asked, scratch, now } = input
  const { kernel, model } = partition.tools
  const group = partition.groups[groupIndex]!
  const { units } = group
  if (units.length === 0) return []
  const arms: Arms = {
    words: asked.arms !== 'dense',
    query: asked.arms === 'lexical' ? undefined : input.vector,
    dimensions: model?.dimensions ?? 1,
    denseShare: denseShare(model?.id),
  }
  const terms = group.indexes.map((index) => termsOfList(index, query.terms, partition.tools.analyzer.near))
  scoreWords(group, terms, query.terms.length, scratch)
  scoreVectors(kernel, group, arms)
  const spreads = spreadsOf(kernel, group, scratch)
  const admit = admission(partition, groupIndex, asked, now)
  return group.lists.flatMap((list, i) => {
    if (group.sizes[i] === 0) return []
    const candidates = candidatesOf(kernel, group, i, spreads[i]!, arms, scratch, admit)
    const view: FeatureView = {
      group,
      spreads,
      terms,
      scratch,
      cosines: kernel.arena.int32(group.memory.scores.pointer, units.length),
      scales: kernel.arena.float32(group.memory.scales.pointer, units.length),
      words: arms.words,
      dense: arms.query !== undefined && arms.query.scale > 0,
      speaks: speakersNamed(partition, query, units.row),
    }
    const ranked = rank(view, i, candidates, partition)
    const recordOf = readOnce((unit) => recordAt(partition.rows, units.row[unit]!))
    const selection = select(view, ranked, rulesOf(input, view, roomOf(list, asked.limit), recordOf))
    return [{ list, view, spreads: spreads[i]!, ranked, selection, recordOf }]
  })
}

/** Best first; ties go to the newer, then by id (RCL-4). */
function rank(view: FeatureView, list: number, candidates: Int32Array, { rows }: Partition): Ranked {
  const { row } = view.group.units
  const isNewer = (a: number, b: number) => {
    const [aRow, bRow] = [row[a]!, row[b]!]
    const between = rows.rows.saidAt[aRow]! - rows.rows.saidAt[bRow]!
    return between !== 0 ? between > 0 : idAt(rows, aRow) < idAt(rows, bRow)
  }
  return inOrder(candidates, scoresOf(view, list, candidates), isNewer)
}

const bins = 256

/** By bins from best to least first, then each goes on to its place: they are few, and most are near it by then. */
function inOrder(candidates: Int32Array, scoreOf: Float64Array, isNewer: (a: number, b: number) => boolean): Ranked {
  const count = candidates.length
  const units = new Int32Array(count)
  const scores = new Float64Array(count)
  let least = Infinity
  let best = -Infinity
  for (let i = 0; i < count; i++) {
    least = Math.min(least, scoreOf[i]!)
    best = Math.max(best, scoreOf[i]!)
  }
  const width = Math.max(1, (best - least) / (bins - 1))
  const from = new Int32Array(bins + 1)
  for (let i = 0; i < count; i++) from[1 + Math.floor((best - scoreOf[i]!) / width)]!++
  for (let bin = 1; bin < bins; bin++) from[bin]! += from[bin - 1]!
  for (let i = 0; i < count; i++) {
    const score = scoreOf[i]!
    const place = from[Math.floor((best - score) / width)]!++
    units[place] = candidates[i]!
    scores[place] = score
  }
  for (let i = 1; i < count; i++) {
    const unit = units[i]!
    const score = scores[i]!
    let at = i
    for (; at > 0 && (score > scores[at - 1]! || (score === scores[at - 1] && isNewer(unit, units[at - 1]!))); at--) {
      units[at] = units[at - 1]!
      scores[at] = scores[at - 1]!
    }
    units[at] = unit
    scores[at] = score
  }
  return { units, scores }
}

/** Selection, hits and near copies ask for the same few. */
function readOnce<T>(read: (unit: number) => T): (unit: number) => T {
  const known = new Map<number, T>()
  return (unit) => {
    const found = known.get(unit)
    if (found !== undefined) return found
    const made = read(unit)
    known.set(unit, made)
    return made
  }
}

function rulesOf(
  { partition, asked, isLive }: SearchInput,
  view: FeatureView,
  limit: number,
  recordOf: ListRun['recordOf'],
): Parameters<typeof select>[2] {
  const { rows, tools } = partition
  const { row } = view.group.units
  return {
    limit,
    floor: asked.floor,
    explain: asked.explain,
    contentOf: readOnce((unit) => tools.analyzer.record(recordOf(unit)).content),
    speakerOf: (unit) => rows.rows.speaker[row[unit]!]!,
    saidAt: (unit) => rows.rows.saidAt[row[unit]!]!,
    isLive: isLive === undefined ? undefined : (unit) => isLive(recordOf(unit)),
  }
}

/** Whether the query holds every word of a unit's speaker. */
function speakersNamed({ rows }: Partition, { names }: Query, rowOf: Int32Array): (unit: number) => boolean {
  const { list } = rows.speakers
  if (list.length === 0) return () => false
  const { speaker: speakerOf } = rows.rows
  const named = new Int8Array(list.length) // 0: not looked at yet, 1: named, −1: not
  return (unit) => {
    const speaker = speakerOf[rowOf[unit]!]!
    if (speaker < 0) return false
    if (named[speaker] === 0) {
      const parts = tokenize(list[speaker]!, 'query')
      named[speaker] = parts.length > 0 && parts.every(({ word }) => names.has(word)) ? 1 : -1
    }
    return named[speaker] === 1
  }
}

function hitsOf({ list, view, selection, recordOf }: ListRun): Listed[] {
  return selection.chosen.map(({ unit, score, relevance, duplicates }) => {
    const record = recordOf(unit)
    const own = view.scratch.own[unit]!
    return {
      record,
      list,
      rank: 0,
      relevance,
      score: score / 1e6,
      arms: {
        ...(own > 0 ? { lexical: Math.round(own * 1e6) / 1e6 } : {}),
        ...(view.dense && view.scales[unit]! > 0 ? { dense: view.cosines[unit]! / 1e6 } : {}),
      },
      duplicates,
      saidAt: record.saidAt,
      id: record.id,
    }
  })
}

const ranksOf = (explanations: readonly Explanation[], hits: readonly Hit[]): Explanation[] => {
  const ranks = new Map(hits.map((hit) => [hit.record.id, hit.rank]))
  return explanations.map((one) => (ranks.has(one.id) ? { ...one, rank: ranks.get(one.id)! } : one))
}

/** Why a record never reached the ranking, for one that did not. */
export function fateOutside({ partition, asked, now }: SearchInput, id: string): Explanation {
  const row = rowOf(partition.rows, id)
  if (row === undefined) return { id, fate: 'no such record' }
  const refusal = refusalOf(partition.rows, row, asked, now)
  if (refusal !== undefined) return { id, fate: refusal }
  const embedded = (partition.rows.rows.state[row]! & rowState.fits) !== 0
  return { id, fate: asked.arms === 'dense' && !embedded ? 'not yet embedded' : 'not in candidates' }
}
