// BEAM: a chat's folder with `chat.json` and `probing_questions/probing_questions.json`; a user and an assistant over some months.
import { z } from 'zod'
import { questionOf, type Conversation, type DataSession } from '../data-set.ts'
import { monthOf, readShape, readTime } from '../read-shape.ts'

const expectedChat = "BEAM's chat.json: a list of { batch_number, time_anchor, turns: [[{ role, id, content }]] }"
const expectedQuestions = "BEAM's probing_questions.json: { CATEGORY: [{ question, source_chat_ids? }] }"

const message = z.object({ role: z.enum(['user', 'assistant']), id: z.number(), content: z.string(), time_anchor: z.string().nullish() })
const chat = z.array(z.object({ batch_number: z.number(), time_anchor: z.string().nullish(), turns: z.array(z.array(message)) })).min(1)
const probes = z.record(z.string(), z.array(z.object({ question: z.string(), source_chat_ids: z.unknown().optional() })))

const minuteMs = 60_000
const morningMs = 9 * 60 * minuteMs // a batch has a day and no hour: it begins at nine, a minute a message

/** `March-15-2024` */
const dayOf = (text: string): number =>
  readTime(
    text,
    /^\s*(?<month>\w+)-(?<day>\d+)-(?<year>\d{4})\s*$/,
    ({ month, day, year }) => Date.UTC(Number(year), monthOf(month!), Number(day)),
    expectedChat,
  )

/** The generator ended user messages with the number of their plan, `->-> 1,1`, which was never said. */
const withoutMarker = (text: string): string => text.replace(/\s*->->[^\n]{0,20}$/, '')

/** Every number in a list, or in the lists of a record. */
const idsIn = (sources: unknown): string[] =>
  typeof sources === 'number' ? [String(sources)] : typeof sources === 'object' && sources !== null ? Object.values(sources).flatMap(idsIn) : []

/** A batch is a session: it has its day. Evidence is by message id. */
export function readBeamChat(chatValue: unknown, probesValue: unknown, id: string): Conversation {
  let day = 0
  const sessions = readShape(chat, chatValue, expectedChat).map(({ batch_number, time_anchor, turns }): DataSession => {
    const said = turns.flat()
    const anchor = time_anchor ?? said.find((each) => each.time_anchor)?.time_anchor
    if (anchor != null) day = dayOf(anchor)
    const messages = said.map(({ role, id, content }, i) => ({
      id: String(id),
      role,
      at: day + morningMs + i * minuteMs,
      text: role === 'user' ? withoutMarker(content) : content,
    }))
    return { id: `batch-${batch_number}`, messages: messages.filter(({ text }) => text.trim() !== '') }
  })
  const ids = new Set(sessions.flatMap(({ messages }) => messages.map((each) => each.id)))
  const questions = Object.entries(readShape(probes, probesValue, expectedQuestions)).flatMap(([category, asked]) =>
    asked.map(({ question, source_chat_ids }) => questionOf({ text: question, category, evidence: idsIn(source_chat_ids) }, (id) => ids.has(id))),
  )
  return { id, sessions, questions }
}
