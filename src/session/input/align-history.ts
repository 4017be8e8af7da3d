// Which messages of a request are new: a client sends its whole history, a part of it, or only what is new, and the log must hold each once (OAI-7 to OAI-10).
import { createHash, hash as hashed } from 'node:crypto'
import { lengthPrefixed } from '../../core/bytes.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Message, MessageInput, Part } from '../../core/message.ts'

/** A message in canonical form: what two copies of one message have in common (OAI-7). */
export interface Canonical {
  /** SHA-256 over the length-prefixed fields, base64url; in memory only */
  readonly key: string
  /** the same with the text of an assistant message left out */
  readonly looseKey: string
  readonly role: Message['role']
  readonly text: string
  readonly incomplete: boolean
}

export interface Alignment {
  /** What the request means for the log: add the rest; it was sent again; the path is changed at a place; a history from elsewhere. */
  readonly kind: 'append' | 'retry' | 'rewind' | 'unknown'
  /** How many messages of the session's path stay. */
  readonly keep: number
  /** Index in the request of the first message to append. */
  readonly from: number
  /** An answer came back altered; the stored one stays. */
  readonly altered: boolean
}

/** What the client says it sends (OAI-9). */
export type SentHistory = 'full' | 'tail' | 'unsaid'

export function canonical(message: Pick<Message, 'role' | 'parts' | 'incomplete'>): Canonical {
  const { role, parts } = message
  const fields = () => parts.flatMap((part) => fieldsOf(part, role))
  const text = trimmed(role, textIn(parts))
  const key = hash([role, text, ...fields()])
  let loose: string | undefined // few histories are matched by it
  return {
    key,
    get looseKey() {
      return (loose ??= role === 'assistant' ? hash([role, ...fields()]) : key)
    },
    role,
    text,
    incomplete: message.incomplete !== undefined,
  }
}

/** The canonical form of what a caller sends. */
export const canonicalInput = (input: MessageInput): Canonical =>
  canonical({
    role: input.role,
    parts: (input.parts ?? [{ type: 'text', text: input.text ?? '' }]).map((part) =>
      part.type === 'tool-result' && typeof part.content === 'string'
        ? { ...part, content: [{ type: 'text', text: part.content, spans: [] }] }
        : part,
    ) as Part[],
    ...(input.incomplete === undefined ? {} : { incomplete: input.incomplete }),
  })

/** Whether a stored message is what was sent. */
export const sameMessage = (stored: Message, sent: MessageInput): boolean => canonical(stored).key === canonicalInput(sent).key

/**
 * Aligns a request (without its leading system messages) to the session's current path (OAI-8). A match is a prefix of the request that
 * equals a run of the path. It counts if it ends where the path ends, or if it starts where the path starts and holds an assistant or
 * tool message: a repeated user message alone is never an edit. The longest wins; on a tie the one at the end. Where nothing counts, an
 * edit before the first answer is known by what follows it. Linear time.
 */
export function alignHistory(path: readonly Canonical[], sent: readonly Canonical[], said: SentHistory = 'unsaid'): Alignment {
  const keys = sentKeys(path, sent)
  const exact = longestMatch(keysOf(path, 'key'), keys, sent, said)
  if (sent.length - exact.length > 1) {
    const loose = longestMatch(keysOf(path, 'looseKey'), keysOf(sent, 'looseKey'), sent, said)
    if (loose.length > exact.length && sent.slice(0, loose.length).some((one) => one.role === 'user')) return effect(path, sent, loose, said, true)
  }
  if (exact.length === 0 && said === 'unsaid' && isEdited(path, keys)) {
    const same = samePrefix(keysOf(path, 'key'), keys)
    return { kind: 'rewind', keep: same, from: same, altered: false }
  }
  return effect(path, sent, exact, said, false)
}

interface Match {
  readonly length: number // messages of the request, from its start
  readonly end: number // index in the path after the match
}

function longestMatch(path: readonly string[], keys: readonly string[], sent: readonly Canonical[], said: SentHistory): Match {
  const atEnd = longestPrefixAtEnd(path, keys)
  const same = samePrefix(path, keys)
  const fromStart = said === 'full' || (said === 'unsaid' && sent.slice(0, same).some(isAnswer)) ? same : 0
  return said !== 'full' && atEnd >= fromStart ? { length: atEnd, end: path.length } : { length: fromStart, end: fromStart }
}

const isAnswer = ({ role }: Canonical): boolean => role === 'assistant' || role === 'tool'

function samePrefix(path: readonly string[], keys: readonly string[]): number {
  let same = 0
  while (same < Math.min(path.length, keys.length) && path[same] === keys[same]) same++
  return same
}

/**
 * Whether a request is this very history, changed before its first answer: of the places that both have, at least half hold the same
 * message, and an answer is among them. What only begins alike may be any other conversation.
 */
function isEdited(path: readonly Canonical[], keys: readonly string[]): boolean {
  const same = path.filter((one, i) => one.key === keys[i])
  return same.length * 2 >= Math.min(path.length, keys.length) && same.some(isAnswer)
}

/** The longest prefix of `keys` that is a suffix of `path`: Knuth, Morris and Pratt's automaton, run over the path to its end. */
function longestPrefixAtEnd(path: readonly string[], keys: readonly string[]): number {
  const border = borders(keys)
  let matched = 0
  for (const key of path) {
    while (matched > 0 && keys[matched] !== key) matched = border[matched - 1] as number
    if (keys[matched] === key) matched++
  }
  return matched
}

/** For each prefix, the length of its longest proper prefix that is also its suffix. */
function borders(keys: readonly string[]): number[] {
  const border = keys.map(() => 0)
  let matched = 0
  for (let i = 1; i < keys.length; i++) {
    while (matched > 0 && keys[matched] !== keys[i]) matched = border[matched - 1] as number
    if (keys[matched] === keys[i]) matched++
    border[i] = matched
  }
  return border
}

function effect(path: readonly Canonical[], sent: readonly Canonical[], match: Match, said: SentHistory, altered: boolean): Alignment {
  if (match.length === 0 && (said !== 'full' || path.length === 0)) {
    return { kind: sent.some(isAnswer) ? 'unknown' : 'append', keep: path.length, from: 0, altered: false }
  }
  if (match.end < path.length) return { kind: 'rewind', keep: match.end, from: match.length, altered }
  return { kind: match.length === sent.length ? 'retry' : 'append', keep: path.length, from: match.length, altered }
}

const keysOf = (messages: readonly Canonical[], which: 'key' | 'looseKey'): string[] => messages.map((one) => one[which])

/**
 * The request's keys, where the copy of an answer that was cut off takes the key of the stored one: they match if either text is a
 * prefix of the other (OAI-10). Only an answer after the same message is compared, so the time stays linear.
 */
function sentKeys(path: readonly Canonical[], sent: readonly Canonical[]): string[] {
  const cutAfter = new Map<string, Canonical>()
  for (const [i, one] of path.entries()) if (one.incomplete && one.role === 'assistant' && i > 0) cutAfter.set((path[i - 1] as Canonical).key, one)
  return sent.map((one, i) => {
    const cut = one.role === 'assistant' && i > 0 ? cutAfter.get((sent[i - 1] as Canonical).key) : undefined
    return cut !== undefined && (cut.text.startsWith(one.text) || one.text.startsWith(cut.text)) ? cut.key : one.key
  })
}

// --- the canonical form -------------------------------------------------------------------------------------------------------

const textIn = (parts: readonly Part[]): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

const trimmed = (role: Message['role'], text: string): string => {
  const lines = text.replaceAll('\r\n', '\n')
  return role === 'assistant' ? lines.trimEnd() : lines
}

function fieldsOf(part: Part, role: Message['role']): (string | Uint8Array)[] {
  switch (part.type) {
    case 'tool-call':
      return ['call', part.callId, part.name, part.custom === true ? part.arguments : sortedArguments(part.arguments)]
    case 'tool-result':
      return [
        'result',
        part.callId,
        trimmed('tool', textIn(part.content)),
        ...part.content.filter((one) => one.type !== 'text').flatMap((one) => fieldsOf(one, 'tool')),
      ]
    case 'image':
    case 'file':
      return part.url !== undefined
        ? ['url', part.url]
        : [
            'data',
            createHash('sha256')
              .update(part.data ?? new Uint8Array())
              .digest(),
          ]
    case 'foreign':
      // What a user said in a form that the engine does not read, such as sound; of an answer it is what providers add beside the text.
      return role === 'user' ? ['foreign', JSON.stringify(part.data, sortedKeys)] : []
    default:
      return [] // text is taken apart; reasoning is left out
  }
}

/** Arguments that parse are compared with their keys sorted: a client may write them anew. */
function sortedArguments(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), sortedKeys)
  } catch {
    return text
  }
}

const sortedKeys = (_: string, value: unknown): unknown =>
  isJsonObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value

const hash = (fields: readonly (string | Uint8Array)[]): string => hashed('sha256', lengthPrefixed(fields), 'base64url')
