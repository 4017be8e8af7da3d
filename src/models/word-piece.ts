// Text to tokens of the BERT uncased vocabulary (models/static-en/README.md): clean, split, then the longest piece from the left.

export interface WordPiece {
  /** Token ids of a text, at most `most`; no special tokens. Linear in the text, and reads no further than `most` tokens ask. */
  ids(text: string, most: number): number[]
  /** The number of a word that is one token, or undefined. */
  whole(word: string): number | undefined
}

const unknown = 100 // [UNK]
const wordCodePoints = 100 // over this a word is unknown, as BERT has it
const filterBits = 2 ** 19 // 64 KiB: of 30,000 pieces, one substring in twenty is taken for a piece that it is not

const hashStart = 0x811c9dc5 // FNV-1a over UTF-16 units
const hashed = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193)

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
  const mayBe = new Uint8Array(filterBits / 8) // a bit for the hash of each piece: most substrings are none, and need no look
  let longest = 1
  const add = (piece: string, id: number, pieces: Map<string, number>) => {
    pieces.set(piece, id)
    let hash = hashStart
    for (let i = 0; i < piece.length; i++) hash = hashed(hash, piece.charCodeAt(i))
    mayBe[(hash & (filterBits - 1)) >> 3]! |= 1 << (hash & 7)
    if (piece.length > longest) longest = piece.length
  }
  vocabulary.forEach((token, id) => {
    if (token.startsWith('##') && token.length > 2) add(token.slice(2), id, goesOn)
    else add(token, id, starts)
  })
  const ends = new Uint16Array(longest) // where a piece may end, of the substrings that begin at one place

  /** Adds the longest piece at this place of the word, and gives its end; −1: there is none. */
  const addPiece = (word: string, at: number, out: number[]): number => {
    const pieces = at === 0 ? starts : goesOn
    const last = Math.min(word.length, at + longest)
    let count = 0
    let hash = hashStart
    for (let end = at; end < last;) {
      hash = hashed(hash, word.charCodeAt(end++))
      if ((mayBe[(hash & (filterBits - 1)) >> 3]! & (1 << (hash & 7))) !== 0) ends[count++] = end
    }
    while (count-- > 0) {
      const id = pieces.get(word.slice(at, ends[count]))
      if (id === undefined) continue
      out.push(id)
      return ends[count]!
    }
    return -1
  }

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
      at = tooLong ? -1 : addPiece(word, at, out)
      if (at >= 0) continue
      out.length = from
      out.push(unknown)
      return
    }
  }

  return {
    whole: (word) => starts.get(word),
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
