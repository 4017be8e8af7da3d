// LoCoMo: `locomo10.json`, two people over many sessions, questions with dialogue ids as evidence; corrected by the audit's `errors.json`.
import { z } from 'zod'
import { questionOf, type Conversation, type DataSession, type DataSet } from '../data-set.ts'
import { monthOf, readShape, readTime } from '../read-shape.ts'

const expected =
  "LoCoMo's locomo10.json: a list of { sample_id, conversation: { session_N: [{ speaker, dia_id, text }], session_N_date_time }, qa: [{ question, evidence, category }] }"
const expectedErrors = "the audit's errors.json: a list of { question_id: 'locomo_C_qaQ', correct_evidence: [dialogue ids] }"

const turn = z.object({ speaker: z.string(), dia_id: z.string(), text: z.string() })
const sample = z.object({
  sample_id: z.string(),
  conversation: z.record(z.string(), z.unknown()),
  qa: z.array(z.object({ question: z.string(), evidence: z.array(z.string()).optional(), category: z.number() })),
})
const errors = z.array(z.object({ question_id: z.string().regex(/^locomo_\d+_qa\d+$/), correct_evidence: z.array(z.string()) }))

const secondMs = 1_000 // a session has one time: its messages follow it second by second, so their order is kept

/** `1:56 pm on 8 May, 2023` */
const timeOf = (text: string): number =>
  readTime(
    text,
    /^\s*(?<hour>\d+):(?<minute>\d+)\s*(?<half>[ap]m) on (?<day>\d+) (?<month>\w+),? (?<year>\d+)\s*$/i,
    ({ hour, minute, half, day, month, year }) =>
      Date.UTC(Number(year), monthOf(month!), Number(day), (Number(hour) % 12) + (half!.toLowerCase() === 'pm' ? 12 : 0), Number(minute)),
    expected,
  )

function sessionsOf(conversation: Record<string, unknown>): DataSession[] {
  const numbers = Object.keys(conversation).flatMap((key) => /^session_(\d+)$/.exec(key)?.[1] ?? [])
  return numbers
    .map(Number)
    .toSorted((a, b) => a - b)
    .map((number) => {
      const at = timeOf(readShape(z.string(), conversation[`session_${number}_date_time`], expected))
      const turns = readShape(z.array(turn), conversation[`session_${number}`], expected)
      return {
        id: `session-${number}`,
        messages: turns.map(({ speaker, dia_id, text }, i) => ({ id: dia_id, role: 'user' as const, name: speaker, at: at + i * secondMs, text })),
      }
    })
    .filter(({ messages }) => messages.length > 0)
}

/** Some evidence is written `D8:6; D9:17`, `D9:1 D4:4`, `D:11:26` or `D30:05`. */
const dialogueIds = (evidence: readonly string[]): string[] =>
  evidence.flatMap((text) => [...text.matchAll(/D:?(\d+):(\d+)/g)].map(([, session, turn]) => `D${Number(session)}:${Number(turn)}`))

/** The corrected evidence by question id. */
export const readLocomoErrors = (value: unknown): Map<string, string[]> =>
  new Map(readShape(errors, value, expectedErrors).map(({ question_id, correct_evidence }) => [question_id, dialogueIds(correct_evidence)]))

/** Both speakers are people, so both are `user` with their name (EVAL-2). Category 5 asks for what was never said, and stands apart. */
export function readLocomo(value: unknown, corrections: ReadonlyMap<string, readonly string[]>): DataSet {
  let corrected = 0
  const conversations = readShape(z.array(sample).min(1), value, expected).map(({ sample_id, conversation, qa }, c): Conversation => {
    const sessions = sessionsOf(conversation)
    const ids = new Set(sessions.flatMap(({ messages }) => messages.map(({ id }) => id)))
    const questions = qa.map(({ question, evidence, category }, q) => {
      const given = dialogueIds(evidence ?? [])
      const right = corrections.get(`locomo_${c}_qa${q}`)
      if (right !== undefined && right.toSorted().join() !== given.toSorted().join()) corrected++
      return questionOf({ text: question, category: String(category), evidence: right ?? given }, (id) => ids.has(id))
    })
    return { id: sample_id, sessions, questions }
  })
  return { name: 'LoCoMo', format: 'locomo', conversations, apart: ['5'], corrected }
}
