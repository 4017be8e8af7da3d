// Every weight of recall, once. Refitted only on LoCoMo and BEAM 100K together, five folds by conversation (RCL-4):
// `node scripts/run.mjs fit --locomo PATH --beam PATH --seed 1`, last on 2026-11-25, which found none that are clearly better.

/** Part of what a snapshot is good for: with other weights of the lexical fields, or other stop words, it is built anew (PART-4). */
export const weightsVersion = 3

export const weights = {
  bm25: { k1: 1.2, b: 0.75 }, // LEX-3
  fields: { text: 1, speaker: 1, date: 0.5, slot: 0.7 }, // LEX-4: in the term frequency
  /**
   * A near word (RCL-2) counts in full in a list of so many units, and less in a longer one: with enough words a list holds a near one of any question's.
   */
  nearUnits: 50,
  neighbour: 0.5, // RCL-2: of the message before and after, in `near`
  /** α: the share of the dense arm in the base, by embedder. */
  dense: { 'static-en': 0.5, 'e5-small-v2': 0.75, unknown: 0.5 },
  /** `win`: a neighbour's term counts so much, less by the words between. */
  window: { reach: 3, factor: 0.7, decayWords: 40 },
  /** RCL-2: the reference of 2026-11, and `asks`, which was set on dialogues of our own (eval/asked-before). */
  features: { win: 0.4, dense: 0.76, denseNear: 0.54, session: 0.55, speaker: 3.33, coverage: 2.49, long: -1.34, asks: -10 },
  longWords: 60,
  asksWords: 20,
  /**
   * ABS-1: a logistic of absolute quantities. Fitted on 2026-11-25, equal weight a set: AUROC 0.977 and 0.923; of a fit without the fold that is judged
   * 0.976 and 0.918 (seed 1). `long` was added, since a long unit holds some words of any question; it also makes lists comparable (RCL-5).
   */
  relevance: { known: 3.58, coverage: 5.53, coverageNear: 0.57, cosine: 6.16, lexical: 0.86, long: -4.39, bias: -8 },
  /** The same without a vector, from words alone: AUROC 0.972 and 0.906; 0.971 and 0.904. */
  relevanceOfWords: { known: 4.19, coverage: 4.2, coverageNear: 3.42, cosine: 0, lexical: 1.35, long: -4.78, bias: -6.4 },
  nearCopy: 0.9, // RCL-9: Jaccard of stemmed content words
} as const

/** α by the embedder's id, whose part before the last number names the family. */
export function denseShare(embedderId: string | undefined): number {
  if (embedderId === undefined) return 0
  if (embedderId.startsWith('static-en')) return weights.dense['static-en']
  if (embedderId.startsWith('e5-small-v2')) return weights.dense['e5-small-v2']
  return weights.dense.unknown
}
