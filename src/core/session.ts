// What a session log holds, and what its fold is: the current path of messages, the state, the setup. Pure; entries come in order of seq.
import { bug, RecollectError } from './errors.ts'
import { isJsonObject, fromUtf8, toUtf8, type Json, type JsonObject } from './json.ts'
import type { LoggedMessage, Message, Part } from './message.ts'
import type { EpochRecord, SummaryPointer, ToolDefinition } from './context.ts'

/** What a session was opened with, as an entry of its log, since tools are large (SES-4). */
export interface Setup {
  readonly model?: string
  readonly strategy?: Json
  readonly system?: string
  readonly tools?: readonly ToolDefinition[]
}

/** The types of a session log's entries (design §4). */
export type SessionEntry =
  | { readonly type: 'message'; readonly message: Message }
  | { readonly type: 'setup'; readonly setup: Setup }
  | { readonly type: 'state'; readonly patch: Json; readonly at: number } // a merge patch, RFC 7396
  | { readonly type: 'rewind'; readonly toSeq: number; readonly at: number } // what follows `toSeq` no longer counts
  | { readonly type: 'foreign'; readonly name: string; readonly data: Json }
  | { readonly type: 'tombstone'; readonly seqs: readonly number[]; readonly why: string; readonly at: number } // names what is about to be redacted (SEAL-12)

/** The life classes of LIFE-4; the first slice knows the default. */
export type LifeClass = 'standard'

/** The sealed body of a session's head (SES-4). Derived fields each carry their cursor. */
export interface SessionHead {
  readonly v: 1
  readonly opening?: string // random: which of several callers made the session
  readonly title?: string
  readonly metadata?: JsonObject
  readonly class: LifeClass
  readonly idleMs: number
  readonly absoluteAt: number // ms; never moves (LIFE-2)
  readonly formation: 'on' | 'off'
  readonly formedUpTo: number // formation cursor: last seq that has been formed
  readonly forkedFrom?: { readonly session: string; readonly atSeq: number; readonly done: boolean }
  readonly summary?: SummaryPointer
  readonly epoch?: EpochRecord
  /** Estimated tokens and number of all messages up to a seq: memory size per session (OBS-8). */
  readonly tokens?: { readonly upTo: number; readonly count: number; readonly messages: number }
}

/** Why a seq stands in no context. */
export type GoneReason = 'redacted' | 'rewound' | 'no-message'

/** The fold of a session log up to `upTo`. Immutable: a longer log gives a new fold, which shares what did not change. */
export interface SessionFold {
  readonly upTo: number
  readonly messages: readonly LoggedMessage[] // the current path, by seq
  readonly state: Json
  readonly stateSeq: number // seq of the last change on the path; 0 if none
  readonly stateChanges: readonly StateChange[]
  readonly setup: Setup // the setups of the path, merged
  readonly setups: readonly SetupChange[]
  readonly gone: ReadonlyMap<number, GoneReason> // every seq up to `upTo` that is not in `messages`
  readonly tombstoned: ReadonlySet<number>
  /** Message id → seq, shared by the folds of one log, so that extending one costs the tail: a hint that `findMessage` checks. */
  readonly ids: ReadonlyMap<string, number>
}
export interface StateChange {
  readonly seq: number
  readonly patch: Json
}
export interface SetupChange {
  readonly seq: number
  readonly setup: Setup
}

export const emptyFold: SessionFold = {
  upTo: 0,
  messages: [],
  state: null,
  stateSeq: 0,
  stateChanges: [],
  setup: {},
  setups: [],
  gone: new Map(),
  tombstoned: new Set(),
  ids: new Map(),
}

export interface DecodedEntry {
  readonly seq: number
  readonly entry: SessionEntry | undefined // undefined: redacted
}

/** Adds entries, in order and without a gap, to a fold. A redacted place without a tombstone is `integrity_failure` (SEAL-12 c). */
export function foldSession(base: SessionFold, entries: readonly DecodedEntry[]): SessionFold {
  if (entries.length === 0) return base
  const fold: Building = { ...base, messages: [...base.messages], ids: base.upTo === 0 ? new Map() : (base.ids as Map<string, number>) }
  const out = { gone: [] as [number, GoneReason][], tombstoned: [] as number[], blanked: [] as number[] }
  for (const { seq, entry } of entries) {
    if (seq !== fold.upTo + 1) throw bug(`a fold was given seq ${seq} after ${fold.upTo}`)
    fold.upTo = seq
    if (entry?.type !== 'message') out.gone.push([seq, entry === undefined ? 'redacted' : 'no-message'])
    if (entry === undefined) out.blanked.push(seq)
    else addEntry(fold, seq, entry, out)
  }
  if (out.gone.length > 0) fold.gone = new Map([...base.gone, ...out.gone])
  if (out.tombstoned.length > 0) fold.tombstoned = new Set([...base.tombstoned, ...out.tombstoned])
  const stray = out.blanked.find((seq) => !fold.tombstoned.has(seq))
  if (stray !== undefined)
    throw new RecollectError(
      'integrity_failure',
      `the session log has no body at seq ${stray}, and no tombstone names it`,
      'Restore the store from a backup; nothing was changed.',
    )
  return fold
}

type Building = { -readonly [K in keyof SessionFold]: SessionFold[K] } & { messages: LoggedMessage[]; ids: Map<string, number> }
interface Leaving {
  readonly gone: [number, GoneReason][]
  readonly tombstoned: number[]
}

function addEntry(fold: Building, seq: number, entry: SessionEntry, leaving: Leaving): void {
  switch (entry.type) {
    case 'message':
      fold.messages.push({ seq, message: entry.message })
      fold.ids.set(entry.message.id, seq)
      break
    case 'setup':
      fold.setup = { ...fold.setup, ...entry.setup }
      fold.setups = [...fold.setups, { seq, setup: entry.setup }]
      break
    case 'state':
      fold.state = mergePatch(fold.state, entry.patch)
      fold.stateSeq = seq
      fold.stateChanges = [...fold.stateChanges, { seq, patch: entry.patch }]
      break
    case 'rewind':
      rewindTo(fold, entry.toSeq, leaving)
      break
    case 'foreign':
      break
    case 'tombstone':
      leaving.tombstoned.push(...entry.seqs)
      dropTombstoned(fold, entry.seqs, leaving)
      break
  }
}

/** SES-2: messages, state and setup are then those up to that seq. */
function rewindTo(fold: Building, toSeq: number, leaving: Leaving): void {
  while (fold.messages.length > 0 && (fold.messages.at(-1) as LoggedMessage).seq > toSeq)
    leaving.gone.push([(fold.messages.pop() as LoggedMessage).seq, 'rewound'])
  if (fold.stateSeq > toSeq) {
    fold.stateChanges = fold.stateChanges.filter((change) => change.seq <= toSeq)
    fold.state = fold.stateChanges.reduce<Json>((state, change) => mergePatch(state, change.patch), null)
    fold.stateSeq = fold.stateChanges.at(-1)?.seq ?? 0
  }
  fold.setups = fold.setups.filter((change) => change.seq <= toSeq)
  fold.setup = fold.setups.reduce<Setup>((setup, change) => ({ ...setup, ...change.setup }), {})
}

/** A tombstone takes effect when it is read, before the redaction it announces (SEAL-12 e). */
function dropTombstoned(fold: Building, seqs: readonly number[], leaving: Leaving): void {
  const gone = new Set(seqs)
  fold.messages = fold.messages.filter(({ seq }) => !gone.has(seq))
  for (const seq of gone) leaving.gone.push([seq, 'redacted'])
}

/** The message at a seq of the current path. */
export function messageAt(fold: SessionFold, seq: number): LoggedMessage | undefined {
  const found = fold.messages[indexFrom(fold.messages, seq)]
  return found?.seq === seq ? found : undefined
}

/** Index of the first message with this seq or a later one; the length if there is none. */
export function indexFrom(messages: readonly LoggedMessage[], seq: number): number {
  let low = 0
  let high = messages.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((messages[middle] as LoggedMessage).seq < seq) low = middle + 1
    else high = middle
  }
  return low
}

/** The message of the current path with this id. */
export function findMessage(fold: SessionFold, id: string): LoggedMessage | undefined {
  const hint = fold.ids.get(id)
  if (hint === undefined) return undefined
  const there = messageAt(fold, hint)
  return there?.message.id === id ? there : fold.messages.find((one) => one.message.id === id)
}

/** RFC 7396. Objects have no prototype, so that no key can reach one. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch
  const out: Record<string, Json> = Object.assign(Object.create(null) as Record<string, Json>, isJsonObject(target) ? target : {})
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key]
    else out[key] = mergePatch(out[key] ?? null, value)
  }
  return out
}

// --- bodies: JSON in UTF-8; bytes of media as base64 under one key -----------------------------------------------------------

export const encodeSessionEntry = (entry: SessionEntry): Uint8Array =>
  toUtf8(
    entry.type === 'message'
      ? JSON.stringify({ ...entry, message: { ...entry.message, parts: entry.message.parts.map(packPart) } })
      : JSON.stringify(entry),
  )

/** An empty body is a redacted entry. Throws `integrity_failure` on bytes that are no entry. */
export function decodeSessionEntry(seq: number, body: Uint8Array): DecodedEntry {
  if (body.length === 0) return { seq, entry: undefined }
  const entry = decodeBody<SessionEntry>(body, 'session entry')
  if (entry.type !== 'message') return { seq, entry }
  return { seq, entry: { ...entry, message: { ...entry.message, parts: entry.message.parts.map(unpackPart) } } }
}

export const encodeBody = (body: unknown): Uint8Array => toUtf8(JSON.stringify(body))

/** Parses a body of ours. What does not parse was written by somebody else: `integrity_failure`. */
export function decodeBody<T>(body: Uint8Array, what: string): T {
  try {
    return JSON.parse(fromUtf8(body)) as T
  } catch (cause) {
    throw new RecollectError('integrity_failure', `a stored ${what} does not parse`, 'Restore the store from a backup; nothing was changed.', {
      cause,
    })
  }
}

const packPart = (part: Part): unknown => {
  if (part.type === 'tool-result') return { ...part, content: part.content.map(packPart) }
  if ((part.type === 'image' || part.type === 'file') && part.data !== undefined) {
    const { data, ...rest } = part
    return { ...rest, base64: Buffer.from(data).toString('base64') }
  }
  return part
}

const unpackPart = (part: Part): Part => {
  if (part.type === 'tool-result') return { ...part, content: part.content.map(unpackPart) }
  if ((part.type === 'image' || part.type === 'file') && 'base64' in part) {
    const { base64, ...rest } = part as Part & { base64: string }
    return { ...rest, data: new Uint8Array(Buffer.from(base64, 'base64')) } as Part
  }
  return part
}
