// Whether a text only asks: such a unit is like every question about the same thing, and tells nobody the answer (RCL-2). Pure.

const marks = /[?？؟፧\u037E]/u
/** Where a sentence may end; Greek asks with a semicolon. */
const ends = /[.!?…。！？؟።፧\u037E]+|(?<=\p{Script=Greek});/gu
const wordsAtAll = /[\p{L}\p{N}]/u
const abbreviation = /(?:^|[\s(])\p{L}{1,2}$/u // Mr. Dr. No.: the sentence goes on

/** True where a sentence is there and each is a question, by its mark, or as a whole by its form. */
export function isQuestion(text: string): boolean {
  return marks.test(text) || text.includes(';') ? endsInMarks(text) : asksByForm(text.trim())
}

function endsInMarks(text: string): boolean {
  let asked = false
  let from = 0
  for (const { 0: mark, index } of text.matchAll(ends)) {
    const next = text[index + mark.length]
    if (/[.!?…]$/.test(mark) && next !== undefined && /[\p{L}\p{N}]/u.test(next)) continue // 2.5, recollect.ts, ?page=2
    const sentence = text.slice(from, index)
    if (wordsAtAll.test(sentence)) {
      if (marks.test(mark) || mark === ';') asked = true
      else if (mark !== '.' || !abbreviation.test(sentence)) return false
      else continue
    }
    from = index + mark.length
  }
  return asked && !wordsAtAll.test(text.slice(from))
}

const auxiliary = '(?:is|are|was|were|am|do|does|did|have|has|had|can|could|should|would|will)'
const someone = '(?:i|you|we|they|he|she)'
const english = [
  `(?:what|who|whom|whose|where|when|why|how|which)(?:['’]?(?:s|re)| ${auxiliary})`,
  `(?:what|whose) (?!(?:i|you|we|they|he|she|it|the)(?!\\p{L}))\\p{L}+ ${auxiliary}`, // what language is, not: what I like is
  `(?:which|how)(?: (?!${someone}(?!\\p{L}))\\p{L}+){1,2} ${auxiliary}`,
  `(?:do|did|have|has|had) ${someone}`, // not: did my homework
  `(?:was|were) (?:${someone}|it|there)`,
  `(?:is|are|am|does|can|could|should|would|will) (?:${someone}|it|my|your|our|there|this|that)`,
  '(?:is|are|does) the',
]

/** Questions without a mark, as they are typed in chats, by how they begin or end; where a statement could begin so, nothing is guessed. */
const forms: readonly RegExp[] = [
  new RegExp(`^(?:${english.join('|')})(?!\\p{L})[^.!,;:]*$`, 'iu'),
  /^(?:wer|wem|wen|wann|wo|wohin|woher|warum|wieso|wie|welche[rsmn]?|was (?:ist|sind|war|hat|habe|hast)) [^.!,;:]{1,60}$/iu,
  /^¿|^(?:(?:a|de|en|por|para|con|desde) )?(?:qué|quién|quiénes|cuándo|dónde|adónde|cómo|cuál|cuáles|cuánt[oa]s?) [^.!,;:]*$/iu,
  /(?:吗|嗎|什么|什麼|谁|誰|哪里|哪裡|哪儿|多少|几点)$/u,
  /(?:です|ます|でした|ました|ません)か$/u,
  /(?:습니까|입니까|인가요|까요)$/u,
  /(?:ไหม|มั้ย|หรือเปล่า|หรือยัง|อะไร|ไหน|ใคร|เมื่อไหร่|เมื่อไร|ยังไง|อย่างไร|เท่าไหร่|เท่าไร)(?: ?(?:ครับ|ค่ะ|คะ))?$/u,
]

const asksByForm = (text: string): boolean => text.length <= longestForm && forms.some((form) => form.test(text))

const longestForm = 200 // UTF-16 units: longer ones say something
