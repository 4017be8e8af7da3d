// What counts tokens: an estimate without dependencies, or a tokenizer that the caller passes in (TOK-1).

export interface TokenCounter {
  /** Tokens of a text, at least 1 unless it is empty. Linear in its length; never throws, whatever the text. No network. */
  count(text: string): number
}

/** The smallest shape of a BPE tokenizer: the module `gpt-tokenizer/encoding/o200k_base`, or `getEncoding('o200k_base')` of js-tiktoken. */
export interface Tokenizer {
  encode(text: string): { readonly length: number }
}
