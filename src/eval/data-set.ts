// What every evaluation reads: conversations of sessions, and questions with the messages that hold the answer.

export const dataFormats = ['locomo', 'realtalk', 'beam', 'longmemeval', 'jsonl'] as const
export type DataFormat = (typeof dataFormats)[number]

export interface DataMessage {
  readonly id: string // unique in its conversation
  readonly role: 'user' | 'assistant'
  readonly name?: string // of a human speaker
  readonly at: number // ms
  readonly text: string
}

export interface DataSession {
  readonly id: string // unique in its conversation
  readonly messages: readonly DataMessage[]
}

export interface DataQuestion {
  readonly text: string
  readonly category: string
  readonly evidence: readonly string[] // ids of messages, each there; at least one, or `leftOut` says why there is none
  readonly askedAt?: number
  readonly leftOut?: string
}

/** One owner's history. */
export interface Conversation {
  readonly id: string
  readonly sessions: readonly DataSession[]
  readonly questions: readonly DataQuestion[]
}

export interface DataSet {
  readonly name: string
  readonly format: DataFormat
  readonly conversations: readonly Conversation[]
  readonly apart: readonly string[] // categories that are reported, and stay out of the headline (EVAL-3)
  readonly corrected: number // questions whose evidence a file of corrections changed
}

/** A question as a loader finds it: ids that are in the conversation stay, and without any it is left out with the reason. */
export function questionOf(
  question: { text: string; category: string; evidence: readonly string[]; askedAt?: number; leftOut?: string },
  isThere: (id: string) => boolean,
): DataQuestion {
  const evidence = [...new Set(question.evidence)].filter(isThere)
  if (evidence.length > 0 || question.leftOut !== undefined) return { ...question, evidence }
  return { ...question, evidence, leftOut: question.evidence.length === 0 ? 'no evidence given' : 'evidence is not in the conversation' }
}
