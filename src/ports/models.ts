// The models an application may bring: an embedder, and a language model. Neither is needed for anything to work.

export interface Embedder {
  readonly info: {
    readonly id: string // model and version; vectors of two ids are never compared (EMB-4)
    readonly dimensions: number
    readonly maxTokens: number
    readonly local: boolean
  }
  /** Unit-length vectors, one a text, in order. A text the model cannot read gives the zero vector. */
  embed(texts: readonly string[], kind: 'query' | 'record', signal?: AbortSignal): Promise<readonly Float32Array[]>
}

/** Text in, text out: what summaries and extraction may use later. The chat surface relays bytes and does not go through it. */
export interface LanguageModel {
  readonly info: { readonly id: string; readonly contextTokens: number; readonly local: boolean }
  complete(
    request: { readonly system: string; readonly input: string; readonly maxOutputTokens: number; readonly jsonSchema?: object },
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly usage?: { readonly inputTokens: number; readonly outputTokens: number } }>
}
