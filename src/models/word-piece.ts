// Text to tokens of the BERT uncased vocabulary (models/static-en/README.md): clean, split, then the longest piece from the left.

export interface WordPiece {
  /** Token ids of a text, at most `most`; no special tokens. Linear in the text, and reads no further than `most` tokens ask. */
  ids(text: string, most: number): number[]
}

const unknown = 100 // [UNK]
const wordCodePoints = 100 // over this a word is unknown, as BERT has it

// Only these bytes: nothing to clean, fold or decompose.
const plain = /^[\t\n\r -~]*$/
// Cc, Cf, Co and the replacement character, but for tab, line feed and carriage return.
const dropped = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\uFFFD]/gu
const ideograph =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu
const marks = /\p{Mn}/gu
const finalSigma = /Σ/g // lowercased one by one in the vocabulary's tokenizer, so never to ς
const words = /[\p{P}$+<=>^`|~]|[^\p{White_Space}\p{P}$+<=>^`|~]+/gu
const plainWords = /[!-/:-@[-`{-~]|[^\t\n\r !-/:-@[-`{-~]+/g

const cleaned = (text: string): string =>
  text.replace(dropped, '').replace(ideograph, ' $& ').normalize('NFD').replace(marks, '').replace(finalSigma, 'σ').toLowerCase()

export function wordPiece(vocabulary: readonly string[]): WordPiece {
  const starts = new Map<string, number>()
  const goesOn = new Map<string, number>() // pieces inside a word, without their ##
  let longest = 1
  vocabulary.forEach((token, id) => {
    if (token.startsWith('##') && token.length > 2) goesOn.set(token.slice(2), id)
    else starts.set(token, id)
    if (token.length > longest) longest = token.length
  })

  /** Adds a word's pieces; the word is unknown as a whole if one part of it has no piece. */
  const addPieces = (word: string, out: number[]): void => {
    const whole = starts.get(word)
    if (whole !== undefined) {
      out.push(whole)
      return
    }
    const from = out.length
    const tooLong = word.length > wordCodePoints && (word.length > 2 * wordCodePoints || [...word].length > wordCodePoints)
    for (let at = 0; at < word.length;) {
      let end = tooLong ? at : Math.min(word.length, at + longest)
      let id: number | undefined
      const pieces = at === 0 ? starts : goesOn
      while (end > at && (id = pieces.get(word.slice(at, end))) === undefined) end--
      if (id === undefined) {
        out.length = from
        out.push(unknown)
        return
      }
      out.push(id)
      at = end
    }
  }

  return {
    ids(text, most) {
      const out: number[] = []
      const isPlain = plain.test(text)
      const pattern = isPlain ? plainWords : words
      const source = isPlain ? text.toLowerCase() : cleaned(text)
      pattern.lastIndex = 0
      for (let match = pattern.exec(source); match !== null && out.length < most; match = pattern.exec(source)) addPieces(match[0], out)
      if (out.length > most) out.length = most
      return out
    },
  }
}
