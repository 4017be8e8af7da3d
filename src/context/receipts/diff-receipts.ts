// What changed from one receipt to the next (REC-3). Pure: two receipts in, one difference out; no text, as receipts hold none.
import type { Receipt, ReceiptPart, ReceiptRecallItem, TokenClass } from '../../core/context.ts'
import { isGone } from './why.ts'

interface PartChange {
  readonly before: ReceiptPart
  readonly after: ReceiptPart
}

export interface ReceiptDiff {
  /** receipt ids */
  readonly a: string
  readonly b: string
  /** Present if `b` stands in another epoch: the numbers of both, and the cause of the newer. */
  readonly epoch?: { readonly from: number; readonly to: number; readonly cause: string }
  readonly parts: { readonly added: readonly ReceiptPart[]; readonly removed: readonly ReceiptPart[]; readonly changed: readonly PartChange[] }
  /** b − a, zeros left out */
  readonly tokens: { readonly predicted: number; readonly byClass: Readonly<Partial<Record<TokenClass, number>>> }
  /** Index in `b.parts` of the first part that is not what `a` sent there: where a prefix cache stops; none if `a` is a prefix of `b`. */
  readonly firstDifferent?: number
  readonly memories: { readonly in: readonly ReceiptRecallItem[]; readonly out: readonly ReceiptRecallItem[] }
  /** seqs that are no longer sent as they were, and into what */
  readonly left: Receipt['evicted']
}

/** `diffReceipts(a, a)` is empty (P25). */
export function diffReceipts(a: Receipt, b: Receipt): ReceiptDiff {
  return {
    a: a.id,
    b: b.id,
    ...(a.epoch.no === b.epoch.no ? {} : { epoch: { from: a.epoch.no, to: b.epoch.no, cause: b.epoch.cause } }),
    parts: diffParts(a.parts, b.parts),
    tokens: { predicted: b.tokens.predicted - a.tokens.predicted, byClass: diffClasses(a.tokens.byClass, b.tokens.byClass) },
    ...firstDifferentOf(a.parts, b.parts),
    memories: { in: b.recall.items.filter((item) => isGone(item, b, a)), out: a.recall.items.filter((item) => isGone(item, a, b)) },
    left: newlyEvicted(a, b),
  }
}

/** Each message or block that was sent, by what names it; why it stands there does not count. */
const unitsOf = (parts: readonly ReceiptPart[]): { readonly name: string; readonly part: number }[] =>
  parts.flatMap(({ class: of, seqs, hash, change = '' }, part) => {
    const [from, to] = seqs ?? [0, 0]
    return Array.from({ length: to - from + 1 }, (_, at) => ({ name: `${of}:${seqs === undefined ? (hash ?? '') : from + at}:${change}`, part }))
  })

function firstDifferentOf(a: readonly ReceiptPart[], b: readonly ReceiptPart[]): { firstDifferent?: number } {
  const after = unitsOf(b)
  const index = unitsOf(a).findIndex(({ name }, at) => after[at]?.name !== name)
  return index === -1 ? {} : { firstDifferent: after[index]?.part ?? b.length }
}

/** Parts by what names them: their first seq, else the hash of their block, else where they stand among their like. */
function byName(parts: readonly ReceiptPart[]): ReadonlyMap<string, ReceiptPart> {
  const named = new Map<string, ReceiptPart>()
  for (const part of parts) {
    const name = `${part.class}:${part.seqs?.[0] ?? part.hash ?? part.why}`
    let key = name
    for (let nth = 2; named.has(key); nth++) key = `${name}:${nth}`
    named.set(key, part)
  }
  return named
}

function diffParts(a: readonly ReceiptPart[], b: readonly ReceiptPart[]): ReceiptDiff['parts'] {
  const [before, after] = [byName(a), byName(b)]
  return {
    added: [...after].filter(([name]) => !before.has(name)).map(([, part]) => part),
    removed: [...before].filter(([name]) => !after.has(name)).map(([, part]) => part),
    changed: [...after].flatMap(([name, part]) => {
      const old = before.get(name)
      return old === undefined || JSON.stringify(old) === JSON.stringify(part) ? [] : [{ before: old, after: part }]
    }),
  }
}

function diffClasses(a: Receipt['tokens']['byClass'], b: Receipt['tokens']['byClass']): Partial<Record<TokenClass, number>> {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])] as TokenClass[]
  return Object.fromEntries(names.map((name) => [name, (b[name] ?? 0) - (a[name] ?? 0)] as const).filter(([, change]) => change !== 0))
}

/** The parts of `b`'s evicted ranges that `a` did not list under the same fate. */
function newlyEvicted(a: Receipt, b: Receipt): Receipt['evicted'] {
  return b.evicted.flatMap((range) => {
    let from = range.seqs[0]
    const left: Receipt['evicted'][number][] = []
    const olds = a.evicted.filter((old) => old.into === range.into && old.seqs[1] >= from && old.seqs[0] <= range.seqs[1])
    for (const old of olds.toSorted((x, y) => x.seqs[0] - y.seqs[0])) {
      if (old.seqs[0] > from) left.push({ ...range, seqs: [from, old.seqs[0] - 1] })
      from = Math.max(from, old.seqs[1] + 1)
    }
    return from > range.seqs[1] ? left : [...left, { ...range, seqs: [from, range.seqs[1]] as const }]
  })
}
