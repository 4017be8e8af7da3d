// The class of every UTF-16 unit, for counting tokens without a tokenizer (TOK-2) and for cutting runs before one (TOK-4).

export const classOf = {
  mark: 0,
  latin: 1,
  digit: 2,
  space: 3,
  lineBreak: 4,
  accented: 5,
  cyrillic: 6, // and Greek
  hebrew: 7, // and Arabic
  indic: 8, // and Thai, and every alphabet that has no class of its own
  kana: 9,
  han: 10,
  hangul: 11,
  astral: 12, // half of a surrogate pair, or a lone one
} as const

const ranges: readonly (readonly [from: number, to: number, of: number])[] = [
  [0x09, 0x09, classOf.space],
  [0x0a, 0x0d, classOf.lineBreak],
  [0x20, 0x20, classOf.space],
  [0x30, 0x39, classOf.digit],
  [0x41, 0x5a, classOf.latin],
  [0x61, 0x7a, classOf.latin],
  [0xa0, 0xa0, classOf.space],
  [0xaa, 0xaa, classOf.accented],
  [0xb5, 0xb5, classOf.accented],
  [0xba, 0xba, classOf.accented],
  [0xc0, 0xd6, classOf.accented],
  [0xd8, 0xf6, classOf.accented],
  [0xf8, 0x2af, classOf.accented],
  [0x300, 0x36f, classOf.accented], // combining marks
  [0x370, 0x52f, classOf.cyrillic],
  [0x530, 0x58f, classOf.indic], // Armenian
  [0x590, 0x8ff, classOf.hebrew],
  [0x900, 0x10ff, classOf.indic],
  [0x1100, 0x11ff, classOf.hangul],
  [0x1200, 0x1bff, classOf.indic],
  [0x1c80, 0x1c8f, classOf.cyrillic],
  [0x1e00, 0x1eff, classOf.latin], // Vietnamese: o200k has whole syllables with these
  [0x1f00, 0x1fff, classOf.cyrillic],
  [0x2000, 0x200a, classOf.space],
  [0x2028, 0x2029, classOf.lineBreak],
  [0x202f, 0x202f, classOf.space],
  [0x2e80, 0x2fdf, classOf.han],
  [0x3000, 0x3000, classOf.space],
  [0x3005, 0x3007, classOf.han],
  [0x3040, 0x30ff, classOf.kana],
  [0x3130, 0x318f, classOf.hangul],
  [0x31f0, 0x31ff, classOf.kana],
  [0x3400, 0x9fff, classOf.han],
  [0xa000, 0xabff, classOf.indic],
  [0xac00, 0xd7ff, classOf.hangul],
  [0xd800, 0xdfff, classOf.astral],
  [0xf900, 0xfaff, classOf.han],
  [0xfb1d, 0xfdff, classOf.hebrew],
  [0xfe70, 0xfefe, classOf.hebrew],
  [0xff10, 0xff19, classOf.digit],
  [0xff21, 0xff3a, classOf.latin],
  [0xff41, 0xff5a, classOf.latin],
  [0xff66, 0xff9f, classOf.kana],
]

/** Class by UTF-16 unit: one look-up a unit keeps a count of 200 characters under a few microseconds. */
export const unitClass: Uint8Array = (() => {
  const table = new Uint8Array(0x10000)
  for (const [from, to, of] of ranges) table.fill(of, from, to + 1)
  return table
})()
