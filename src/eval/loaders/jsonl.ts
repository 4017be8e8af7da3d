// Plain JSON lines: messages and questions of one conversation, in the order in which they were said (EVAL-1).
import { z } from 'zod'
import { questionOf, type Conversation, type DataMessage } from '../data-set.ts'
import { parseJson, readShape, unexpected } from '../read-shape.ts'

const expected = 'JSON lines of { "session", "id", "speaker"?, "role"?, "at", "text" } and { "question", "category"?, "evidence": [ids], "askedAt"? }'

const iso = z.union([z.iso.datetime({ offset: true }), z.iso.date()]) // not what else Date.parse would guess at
const time = z.union([z.number(), iso.transform((text) => Date.parse(text))])
const messageLine = z.strictObject({
  session: z.string(),
  id: z.string(),
  speaker: z.string().optional(),
  role: z.enum(['user', 'assistant']).default('user'),
  at: time, // ms or ISO 8601
  text: z.string().min(1),
})
const questionLine = z.strictObject({
  question: z.string(),
  category: z.string().default('all'),
  evidence: z.array(z.string()),
  askedAt: time.optional(),
})

export function readJsonLines(text: string, id: string): Conversation {
  const sessions = new Map<string, DataMessage[]>()
  const asked: z.infer<typeof questionLine>[] = []
  const ids = new Set<string>()
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return
    const where = `${expected} (line ${i + 1})`
    const value = parseJson(line, where)
    if (typeof value === 'object' && value !== null && 'question' in value) {
      asked.push(readShape(questionLine, value, where))
      return
    }
    const { session, id, speaker, role, at, text } = readShape(messageLine, value, where)
    if (ids.has(id)) throw unexpected(where, 'an id is used twice')
    ids.add(id)
    const messages = sessions.get(session) ?? []
    messages.push({ id, role, at, text, ...(speaker === undefined ? {} : { name: speaker }) })
    sessions.set(session, messages)
  })
  if (ids.size === 0) throw unexpected(expected, 'it has no message')
  return {
    id,
    sessions: [...sessions].map(([id, messages]) => ({ id, messages })),
    questions: asked.map(({ question, category, evidence, askedAt }) =>
      questionOf({ text: question, category, evidence, ...(askedAt === undefined ? {} : { askedAt }) }, (id) => ids.has(id)),
    ),
  }
}
