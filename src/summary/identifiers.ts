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

const word = /[\p{L}\p{N}][\p{L}\p{M}\p{N}'’-]*/gu

/** Words that say what a sentence is about, lower case, each once. */
export function contentWords(text: string): Set<string> {
  const words = new Set<string>()
  for (const [found] of text.toLowerCase().matchAll(word)) if (found.length > 1 && !commonWords.has(found)) words.add(found)
  return words
}
