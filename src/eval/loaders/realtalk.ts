// REALTALK: a folder of `Chat_*.json`, two real people over some weeks, questions with dialogue ids as evidence.
import { z } from 'zod'
import { questionOf, type Conversation, type DataMessage, type DataSession } from '../data-set.ts'
import { readShape, readTime } from '../read-shape.ts'

const expected = 'a Chat_*.json of REALTALK: { session_N: [{ clean_text, speaker, date_time, dia_id }], qa: [{ question, evidence, category }] }'

const turn = z.object({ clean_text: z.string().nullish(), speaker: z.string(), date_time: z.string(), dia_id: z.string() })
const questions = z.array(z.object({ question: z.string(), evidence: z.array(z.string()).nullish(), category: z.union([z.number(), z.string()]) }))

/** `29.12.2023, 22:20:36` */
const timeOf = (text: string): number =>
  readTime(
    text,
    /^\s*(?<day>\d+)\.(?<month>\d+)\.(?<year>\d{4}),? (?<hour>\d+):(?<minute>\d+)(?::(?<second>\d+))?\s*$/,
    ({ day, month, year, hour, minute, second }) =>
      Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second ?? 0)),
    expected,
  )

const evidenceOf = (evidence: readonly string[]) => evidence.flatMap((text) => text.match(/D\d+:\d+/g) ?? [])

/** Evidence is found by its dialogue id wherever that stands: the session number in it is not to be trusted (EVAL-1). */
export function readRealtalkChat(value: unknown, id: string): Conversation {
  const chat = readShape(z.record(z.string(), z.unknown()), value, expected)
  const numbers = Object.keys(chat).flatMap((key) => /^session_(\d+)$/.exec(key)?.[1] ?? [])
  const seen = new Set<string>()
  const sessions = numbers
    .map(Number)
    .toSorted((a, b) => a - b)
    .map((number): DataSession => {
      const turns = readShape(z.array(turn), chat[`session_${number}`], expected)
      const messages = turns.flatMap(({ clean_text, speaker, date_time, dia_id }): DataMessage[] => {
        const text = clean_text?.trim() ?? ''
        if (text === '' || seen.has(dia_id)) return [] // a picture alone; an id used twice names its first message
        seen.add(dia_id)
        return [{ id: dia_id, role: 'user', name: speaker, at: timeOf(date_time), text }]
      })
      return { id: `session-${number}`, messages }
    })
    .filter(({ messages }) => messages.length > 0)
  const asked = readShape(questions, chat['qa'] ?? [], expected)
  return {
    id,
    sessions,
    questions: asked.map(({ question, evidence, category }) =>
      questionOf({ text: question, category: String(category), evidence: evidenceOf(evidence ?? []) }, (id) => seen.has(id)),
    ),
  }
}
