// A text by sentences, with what can be told of each in the same pass: one look a unit.
import { limits } from '../core/limits.ts'

export interface Sentence {
  readonly text: string
  readonly mayIdentify: boolean // holds a digit, a slash, an at sign, or a digit of another script may be there
  readonly mayName: boolean // a word inside it, not the first, begins with a capital
  readonly asks: boolean // ends in a question mark
}

const space = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000
const letter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code > 0xbf
// Ends a sentence before a space or the end; those after the gap end it anywhere.
const stop = (code: number): boolean => code === 0x2e || code === 0x21 || code === 0x3f
const wideStop = (code: number): boolean => code === 0x3002 || code === 0xff01 || code === 0xff1f || code === 0x61f || code === 0x964
const question = (code: number): boolean => code === 0x3f || code === 0xff1f || code === 0x61f

/** The sentences of a text in order. A line break ends one; a run without an end is cut at the limit, not inside a surrogate pair. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = []
  let start = 0
  let mayIdentify = false
  let mayName = false
  const end = (at: number): void => {
    const whole = text.slice(start, at).trim()
    if (whole !== '') sentences.push({ text: whole, mayIdentify, mayName, asks: question(whole.charCodeAt(whole.length - 1)) })
    start = at
    mayIdentify = false
    mayName = false
  }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x0a || code === 0x0d) {
      end(i + 1)
      continue
    }
    if ((code >= 0x30 && code <= 0x39) || code === 0x2f || code === 0x40 || code > 0x5ff) mayIdentify = true
    const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0x20
    if (!mayName && ((code >= 0x41 && code <= 0x5a) || code > 0xbf)) mayName = letter(next) && text.slice(start, i).trim() !== ''
    if (wideStop(code) || (stop(code) && (space(next) || i + 1 === text.length))) end(i + 1)
    else if (i - start + 1 >= limits.sentenceUnits && (code & 0xfc00) !== 0xd800) end(i + 1)
  }
  end(text.length)
  return sentences
}
