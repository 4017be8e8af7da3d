// The model an application may bring: an embedder. Nothing needs one to work.

export interface Embedder {
  readonly info: {
    /** model and version; vectors of two ids are never compared (EMB-4) */
    readonly id: string
    readonly dimensions: number
    readonly maxTokens: number
    readonly local: boolean
  }
  /** Unit-length vectors of `dimensions` numbers, one a text, in order. A text the model cannot read gives the zero vector. What it throws is told as `unavailable`, or degrades a search to words. */
  embed(texts: readonly string[], kind: 'query' | 'record', signal?: AbortSignal): Promise<readonly Float32Array[]>
  /** Where the model knows single words: those nearest to a lower-case one, nearest first, a few at most. Always the same, and kept for no owner. */
  readonly nearWords?: (word: string) => readonly string[]
}
