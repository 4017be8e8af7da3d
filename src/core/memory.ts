// What long-term memory is made of: records, and the events whose fold they are (memory.md §1). Values and pure functions.
import type { Authority, Origin, RecallList } from './authority.ts'

/** What was said or happened · what is true · how to behave (preference, instruction). */
export const memoryKinds = ['episodic', 'semantic', 'procedural'] as const
export type MemoryKind = (typeof memoryKinds)[number]

/** Which tool results form memories: none, those of at most 1,000 characters, or all (FORM-4). */
export const toolResultModes = ['off', 'short', 'all'] as const
export type ToolResultMode = (typeof toolResultModes)[number]

/** One span of a message that a record rests on (POI-3). Offsets in UTF-16 units of that message's text (`quotable`). */
export interface Evidence {
  /** session id */
  readonly log: string
  /** a session made again is another */
  readonly birth: number
  readonly seq: number
  readonly start: number
  readonly end: number
  /** HMAC of the quote under the owner's evidence key, base64url, 22 characters */
  readonly mac: string
}

/** The id of an owner's one memory log. */
export const memoryLogId = 'memory'

export type EndReason = 'superseded' | 'corrected' | 'retracted' | 'expired'

export interface MemoryRecord {
  /** = its entry's id */
  readonly id: string
  /** of its entry in the memory log */
  readonly seq: number
  readonly kind: MemoryKind
  /** verbatim, or built by code from a slot and a verbatim value (POI-2) */
  readonly text: string
  readonly speaker?: string
  /** of the message, where there is one */
  readonly role?: 'user' | 'assistant' | 'tool' | 'system'
  readonly subject?: string
  readonly slot?: string
  readonly value?: string
  readonly polarity?: 'yes' | 'no'
  readonly saidAt: number
  readonly validFrom?: number
  readonly validUntil?: number
  readonly formedAt: number
  readonly expiresAt?: number
  readonly origin: Origin
  readonly authority: Authority
  /** follows from authority (POI-10) */
  readonly list: RecallList
  readonly evidence: readonly Evidence[]
  /** how often the same text was said (FORM-6) */
  readonly mentions: number
  readonly supersedes?: readonly string[]
  readonly supersededBy?: string
  readonly ended?: EndReason
  readonly madeBy: 'quote' | 'rule' | 'model' | 'caller' | 'person'
  readonly session?: string
  /** ordinal of the unit in its message (FORM-3) */
  readonly unit?: number
  readonly previous?: string
  /** neighbours in its session */
  readonly next?: string
}

/** A record as its event holds it: what follows from the log (seq) and from later events is left out. */
export type RecordBody = Omit<MemoryRecord, 'seq' | 'supersededBy' | 'ended' | 'next'>

/** The events of a memory log (MEM-1). State is their fold; nothing is edited. */
export type MemoryEvent =
  | { readonly type: 'record'; readonly record: RecordBody }
  | { readonly type: 'embedding'; readonly recordId: string; readonly model: string; readonly scale: number; readonly vector: string } // int8, base64 (EMB-3)
  | { readonly type: 'evidence'; readonly recordId: string; readonly evidence: Evidence; readonly counted?: true } // counted: another span of a mention that is (FORM-6)
  | { readonly type: 'evidence-lost'; readonly recordId: string; readonly session: string; readonly birth: number; readonly seqs?: readonly number[] } // ERA-4; without seqs: the whole session
  | { readonly type: 'end'; readonly recordId: string; readonly validUntil: number; readonly why: EndReason; readonly by?: string }
  | {
      readonly type: 'tombstone'
      readonly recordIds: readonly string[]
      readonly seqs: readonly number[]
      readonly suppress: readonly string[]
      readonly why: 'forgotten' | 'expired'
      readonly at: number
    }

/** A log entry of the memory log after decoding; `event` is undefined where the body was redacted. */
export interface DecodedMemory {
  readonly seq: number
  readonly id: string
  readonly event: MemoryEvent | undefined
}

export interface StoredVector {
  readonly model: string
  readonly scale: number
  readonly vector: Int8Array
  readonly seq: number
}

/** The sealed body of a memory log's head: the next time a record ends (LIFE-4). */
export interface MemoryHead {
  readonly v: 1
  readonly nextEnd?: number
}

/** What the log allows to be returned to a caller or shown in a prompt at a time: not past its life. */
export const isAlive = (record: MemoryRecord, now: number): boolean => record.expiresAt === undefined || now < record.expiresAt
