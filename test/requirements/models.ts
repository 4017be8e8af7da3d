// What the embedder, the vector kernel and the evaluation promise (memory.md §6, §7, §9).

export const models = {
  'EMB-1':
    'The bundled embedder gives the tokens and vectors of its reference, reads the first 128 tokens, and abstains on texts that are mostly not Latin script.',
  'EMB-3': 'A stored vector is int8 with one float32 scale, and its score stays near the true cosine.',
  'PART-1': 'All partitions share one growable memory, whose blocks never overlap and are wiped when given back.',
  'PART-2': 'The WASM kernel is what its source gives, has a TypeScript fallback, and never leaves an int32.',
  MP7: 'WASM and TypeScript give the same scores and the same best k on any vectors, lengths, k and ties.',
  MP11: 'Any text gives a unit vector or the zero vector.',
  'PART-6': 'A block given back twice is a bug, and more memory than the limit is refused.',
  'EVAL-1': 'Each format of data is read by its path and shape, and what has another shape is refused with what was expected, without content.',
  'EVAL-2':
    'An evaluation appends with own times to real sessions of one owner a conversation, and asks by search: nothing of it bypasses the product.',
  'EVAL-3': 'Figures are means over questions, in percent, with an interval that the seed fixes.',
  'EVAL-4': 'Abstention is the area under the curve and the shares at the floor.',
  'EVAL-6': 'A result says its machine, and its commit or that it is not known.',
  'EVAL-7': 'The result of a run is JSON with every field, and categories that stand apart stay out of the headline.',
  'EVAL-8': 'Progress counts messages, then searches, up to their totals.',
  'MREG-12': 'Every figure of a ranking is that of a table counted by hand.',
} as const
