// LongMemEval: `longmemeval_s|m|oracle.json`, each question with a history of its own; ids as the authors count them.
import { z } from 'zod'
import { questionOf, type Conversation, type DataSession, type DataSet } from '../data-set.ts'
import { readShape, readTime } from '../read-shape.ts'

const expected =
  "LongMemEval's longmemeval_s.json: a list of { question_id, question_type, question, question_date, haystack_session_ids, haystack_dates, haystack_sessions: [[{ role, content, has_answer? }]] }"

const item = z.object({
  question_id: z.string(),
  question_type: z.string(),
  question: z.string(),
  question_date: z.string(),
  haystack_session_ids: z.array(z.string()),
  haystack_dates: z.array(z.string()),
  haystack_sessions: z.array(z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.string(), has_answer: z.boolean().nullish() }))),
})

const secondMs = 1_000 // a session has one time

/** `2023/05/20 (Sat) 02:21` */
const timeOf = (text: string): number =>
  readTime(
    text,
    /^\s*(?<year>\d{4})\/(?<month>\d+)\/(?<day>\d+) \(\w+\) (?<hour>\d+):(?<minute>\d+)\s*$/,
    ({ year, month, day, hour, minute }) => Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute)),
    expected,
  )

/** A message is `SESSION_TURN`, turns from 1. Questions that end with `_abs` have no answer in the history, and are left out. */
function conversationOf(given: z.infer<typeof item>): Conversation {
  const evidence: string[] = []
  const seen = new Map<string, number>()
  const sessions = given.haystack_sessions.map((turns, s): DataSession => {
    const official = given.haystack_session_ids[s] ?? String(s)
    const times = (seen.get(official) ?? 0) + 1
    seen.set(official, times)
    const id = times === 1 ? official : `${official}.${times}` // a history may hold a session twice
    const at = timeOf(given.haystack_dates[s] ?? '')
    const messages = turns.map(({ role, content, has_answer }, i) => {
      const message = { id: `${id}_${i + 1}`, role, at: at + i * secondMs, text: content }
      if (has_answer === true) evidence.push(message.id)
      return message
    })
    return { id, messages: messages.filter(({ text }) => text.trim() !== '') }
  })
  const asked = { text: given.question, category: given.question_type, evidence, askedAt: timeOf(given.question_date) }
  const unanswerable = given.question_id.endsWith('_abs')
  return {
    id: given.question_id,
    sessions: sessions.filter(({ messages }) => messages.length > 0),
    questions: [questionOf(unanswerable ? { ...asked, leftOut: 'asks for what was never said' } : asked, () => true)],
  }
}

export const readLongMemEval = (value: unknown, name: string): DataSet => ({
  name,
  format: 'longmemeval',
  conversations: readShape(z.array(item).min(1), value, expected).map(conversationOf),
  apart: [],
  corrected: 0,
})
