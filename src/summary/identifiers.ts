// What must be kept to the letter: ids, numbers, dates, times, money, mail, URLs, paths; and names. In all scripts, each by one linear pass (SUM-1).
import { limits } from '../core/limits.ts'
import { commonWords } from './cues-en.ts'

// One run of what identifiers are written with. A connector counts only before what goes on, so the end of a sentence is not part of it.
const run = /(?:[$€£¥₹#@]|~?\.{0,2}\/)?[A-Za-z0-9_\p{Nd}](?:[A-Za-z0-9_\p{Nd}]|[-.:/@+%&=?#~,'](?=[A-Za-z0-9_\p{Nd}/~.?=-]))*(?:%|€|£|¥)?/gu
const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
const date = new RegExp(
  `\\b(?:(?:${months})[a-z]{0,6}\\.? \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?|\\d{1,2}(?:st|nd|rd|th)? (?:${months})[a-z]{0,6}\\.?(?:,? \\d{4})?|\\d[\\d.,]{0,20} (?:USD|EUR|GBP|JPY|CHF|dollars|euros|pounds))\\b`,
  'g',
)
const digit = /\p{Nd}/u
const url = /^(?:https?:\/\/|www\.)/i
const mail = /^[^@]+@[^@]+\.[^@]+$/
const pathLike = /^(?:[~./]|[\w.-]+\/)[\w./@~-]*(?:\.[A-Za-z0-9]{1,8}|\/[\w.@~-]+)$/

/** The identifiers of a text, in order, each once. Dates and sums of several words come whole. */
export function identifiersOf(text: string): string[] {
  const found = new Set<string>()
  const rest = text.replace(date, (whole) => {
    found.add(whole)
    return ' '.repeat(whole.length)
  })
  for (const [whole] of rest.matchAll(run)) if (identifies(whole)) found.add(whole)
  return [...found]
}

function identifies(whole: string): boolean {
  if (url.test(whole)) return whole.length <= limits.sentenceUnits
  if (whole.length < 2 || whole.length > limits.identifierUnits) return false
  if (digit.test(whole)) return true
  if (whole.includes('@')) return mail.test(whole)
  return (
    whole.includes('/') &&
    (whole.startsWith('/') || whole.startsWith('.') || whole.startsWith('~') || /\.[A-Za-z0-9]{1,8}$/.test(whole)) &&
    pathLike.test(whole)
  )
}

const name = /(?<!\p{L})\p{Lu}[\p{L}\p{M}\p{Nd}'’-]{1,40}(?: (?:(?:of|de|van|von|the|da|di) )?\p{Lu}[\p{L}\p{M}\p{Nd}'’-]{0,40}){0,3}/gu

/** Capitalized words and runs of them. A single one that begins the sentence is left out, since every sentence begins so. */
export function namesOf(sentence: string): string[] {
  const found = new Set<string>()
  for (const match of sentence.matchAll(name)) {
    const words = match[0].split(' ')
    while (words.length > 0 && commonWords.has((words[0] as string).toLowerCase())) words.shift()
    if (words.length === 0 || (match.index === 0 && words.length === 1 && match[0] === words[0])) continue
    found.add(words.join(' '))
  }
  return [...found]
}

// Letters and digits of all scripts, near enough: ASCII marks and the blocks of punctuation are not part of a word.
const inWord = (code: number): boolean =>
  code < 0xc0
    ? (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39)
    : !(code >= 0x2000 && code <= 0x2bff) && !(code >= 0x3000 && code <= 0x303f) && !(code >= 0xff00 && code <= 0xff0f)
const joins = (code: number): boolean => code === 0x27 || code === 0x2019 || code === 0x2d

/** Words that say what a sentence is about, lower case, each once. A plain loop: sheets of a thousand messages ask for it often. */
export function contentWords(text: string): Set<string> {
  const words = new Set<string>()
  const lower = text.toLowerCase()
  for (let start = 0; start < lower.length; start++) {
    if (!inWord(lower.charCodeAt(start))) continue
    let end = start + 1
    while (end < lower.length && (inWord(lower.charCodeAt(end)) || (joins(lower.charCodeAt(end)) && inWord(lower.charCodeAt(end + 1))))) end++
    const word = lower.slice(start, end)
    if (word.length > 1 && !commonWords.has(word)) words.add(word)
    start = end
  }
  return words
}
