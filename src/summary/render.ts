// A sheet within a token budget: what is kept, and in which lines (SUM-2, SUM-3, SUM-5).
import { limits } from '../core/limits.ts'
import type { TokenCounter } from '../ports/token-counter.ts'
import type { FenceItem } from '../security/data-fence.ts'
import { contentWords, identifiersOf, namesOf } from './identifiers.ts'
import { atLeast } from '../core/authority.ts'
import { dropOrder, itemKinds, type Sheet, type SheetItem } from './sheet.ts'

export interface RenderedSheet {
  readonly items: readonly FenceItem[] // one a line of the block
  readonly tokens: number // of the lines, the marks of the block included; 0 if there are none
  readonly dropped: number // items of the sheet that found no room
  readonly sources: readonly number[] // seqs that the lines name
}

const markTokens = 48 // the opening and the closing line of the block
const lineTokens = 26 // what a line costs beside its texts: kind, authority, seqs
const separator = ' | '

/** The lines of the sheet that fit, never more than the budget by this counter (G5). */
export function renderSheet(
  sheet: Sheet,
  { budgetTokens, counter }: { readonly budgetTokens: number; readonly counter: TokenCounter },
): RenderedSheet {
  const chosen = choose(sheet.items, budgetTokens, counter)
  let lines = linesOf(sheet.items, chosen)
  let tokens = tokensOf(lines, counter)
  while (chosen.length > 0 && tokens > budgetTokens) {
    // The estimate was short: the last that were chosen go, as many as it was short by.
    chosen.splice(Math.min(chosen.length - 1, Math.floor((chosen.length * budgetTokens) / tokens)))
    lines = linesOf(sheet.items, chosen)
    tokens = tokensOf(lines, counter)
  }
  return {
    items: lines,
    tokens,
    dropped: sheet.items.length - chosen.length,
    sources: [...new Set(lines.flatMap(({ seqs = [] }) => seqs))].toSorted((a, b) => a - b),
  }
}

const tokensOf = (lines: readonly FenceItem[], counter: TokenCounter): number =>
  lines.length === 0 ? 0 : markTokens + lines.reduce((sum, line) => sum + counter.count(JSON.stringify(line)), 0)

/**
 * The items that are worth their room, best first: by the drop order (SUM-3), but bare identifiers leave half of the room to sentences, which
 * say what they are about, and those of tools come after both: a hundred numbers of one answer say less than the line that decided on it.
 */
function choose(items: readonly SheetItem[], budgetTokens: number, counter: TokenCounter): SheetItem[] {
  const chosen = new Set<SheetItem>()
  let left = budgetTokens - markTokens
  const used = new Map<string, number>() // kind and authority → units of its open line
  const take = (item: SheetItem): void => {
    const key = `${item.kind} ${item.authority}`
    const open = used.get(key)
    const units = item.text.length + separator.length
    const opens = open === undefined || open + units > limits.sentenceUnits
    const cost = counter.count(item.text) + 4 + (opens ? lineTokens : 0) // the separator, and its seq
    if (cost > left || chosen.has(item)) return
    left -= cost
    used.set(key, opens ? units : open + units)
    chosen.add(item)
  }
  const best = items.toSorted((a, b) => dropOrder(b, a))
  const open = best.filter(({ status }) => status === 'open')
  for (const item of open) if (item.kind === 'goal' || item.kind === 'constraint') take(item)
  const sentences = sentencesIn(open)
  const half = left / 2
  for (const item of sentences()) {
    if (left <= half) break
    take(item)
  }
  const said = [...chosen].map(({ text }) => text).join('\n')
  const own = open.filter(({ kind, authority }) => kind === 'identifier' && atLeast(authority, 'assistant'))
  for (const item of own) if (left > 0 && !said.includes(item.text)) take(item)
  for (const item of sentences()) if (left > 0) take(item)
  for (const item of best) if (left > 0) take(item)
  return [...chosen]
}

/** What was decided, promised and asked, then facts: those said often, then by what they add (SUM-2). Put in order once, and only as far as it is asked. */
function sentencesIn(open: readonly SheetItem[]): () => Iterable<SheetItem> {
  const facts = open.filter(isFact)
  const often = facts.filter(({ mentions }) => mentions > 1)
  const others = open.filter(({ kind }) => itemKinds.indexOf(kind) > itemKinds.indexOf('fact') && kind !== 'identifier') // goals among them
  let single: readonly SheetItem[] | undefined
  return function* () {
    yield* others
    yield* often
    yield* (single ??= byCoverage(
      facts.filter(({ mentions }) => mentions === 1),
      [...others, ...often],
    ))
  }
}

const isFact = ({ kind, status }: SheetItem): boolean => kind === 'fact' && status === 'open'

/**
 * Sentences that were said once, by what they say of what no chosen item says, per word (SUM-2); those under three content words come last.
 * Greedy with late looks: a gain only falls, so one that is still the best after a second look is the best of all.
 */
function byCoverage(facts: readonly SheetItem[], said: readonly SheetItem[]): SheetItem[] {
  // An identifier that stands alone says nothing about itself: the sentence around it is still worth its room.
  const covered = new Set(said.filter(({ kind }) => kind !== 'identifier').flatMap(({ text }) => unitsOf(text)))
  const measured = facts.map((item) => ({ item, units: unitsOf(item.text), words: contentWords(item.text).size, gain: 0 }))
  const waiting = measured.filter(({ words }) => words >= wordsLeast)
  const gainOf = ({ units, words }: (typeof waiting)[number]): number => units.reduce((sum, unit) => sum + Number(!covered.has(unit)), 0) / words
  for (const one of waiting) one.gain = gainOf(one)
  const out: SheetItem[] = []
  // Rounds: each takes in order what kept its gain, and leaves what lost some to the next. A gain has few values, so the rounds are few.
  for (let round = waiting; round.length > 0;) {
    const later: typeof waiting = []
    for (const one of round.toSorted((a, b) => b.gain - a.gain || dropOrder(b.item, a.item))) {
      const gain = gainOf(one)
      if (gain < one.gain) {
        one.gain = gain
        later.push(one)
        continue
      }
      out.push(one.item)
      for (const unit of one.units) covered.add(unit)
    }
    round = later
  }
  return [...out, ...measured.filter(({ words }) => words < wordsLeast).map(({ item }) => item)]
}

const wordsLeast = 3

const unitsOf = (text: string): string[] => [...identifiersOf(text), ...namesOf(text)]

/** Items of one kind and authority share a line; the kinds that are dropped last come first, items by first mention. */
function linesOf(items: readonly SheetItem[], chosen: readonly SheetItem[]): FenceItem[] {
  const kept = new Set(chosen)
  const lines: { readonly kind: string; readonly authority: SheetItem['authority']; readonly seqs: Set<number>; text: string }[] = []
  const sentences = [...kept]
    .filter(({ kind }) => kind !== 'identifier' && kind !== 'entity' && kind !== 'hint')
    .map(({ text }) => text)
    .join('\n')
  for (const kind of itemKinds.toReversed()) {
    const open = new Map<string, (typeof lines)[number]>()
    for (const item of items) {
      if (item.kind !== kind || !kept.has(item)) continue
      // What a kept sentence holds to the letter is not said twice.
      if ((kind === 'identifier' || kind === 'entity') && sentences.includes(item.text)) continue
      const text = item.status === 'open' ? item.text : `[${item.status}] ${item.text}`
      const line = open.get(item.authority)
      if (line !== undefined && line.text.length + separator.length + text.length <= limits.sentenceUnits) {
        line.text += separator + text
        for (const seq of seqsOf(item)) line.seqs.add(seq)
        continue
      }
      const next = { kind, authority: item.authority, seqs: new Set(seqsOf(item)), text }
      open.set(item.authority, next)
      lines.push(next)
    }
  }
  return lines.map(({ kind, authority, seqs, text }) => ({ kind, authority, seqs: [...seqs].toSorted((a, b) => a - b), text }))
}

/** Where an item was first said; of a hint, the range that it stands for. */
const seqsOf = ({ kind, firstSeq, lastSeq }: SheetItem): readonly number[] => (kind === 'hint' ? [firstSeq, lastSeq] : [firstSeq])
