// Which owner and session a request names: the first that is present, in a fixed order, and never from text (OAI-1 to OAI-3).
import { RecollectError } from '../../core/errors.ts'
import { checkId } from '../../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import type { Actor } from '../../ports/policy.ts'
import type { SentHistory } from '../../recollect.ts'

export const agentHeaders = [
  'x-claude-code-session-id',
  'session-id',
  'x-opencode-session',
  'x-session-affinity',
  'x-grok-conv-id',
  'helicone-session-id',
]

const isText = (value: Json | undefined): value is string => typeof value === 'string'
/** The credential's own owner; then, only with the grant, header and body fields (OAI-1). */
export function ownerNamed(actor: Actor, byHeader: string | undefined, body: JsonObject): string | undefined {
  if (!actor.grants.includes('act-for-owner')) return actor.ownerId
  const metadata = isJsonObject(body['metadata']) ? body['metadata'] : {}
  const named = [byHeader, body['safety_identifier'], body['user'], metadata['user_id']].find(isText)
  return named === undefined ? actor.ownerId : checkId(named, 'owner')
}

/** The session's name, by OAI-2's order. An id that is no valid name is refused, never the next in line. */
export function sessionNamed(
  inPath: string | undefined,
  headers: Headers,
  body: JsonObject,
  extraHeaders: readonly string[] = agentHeaders,
): string | undefined {
  const conversation = isJsonObject(body['conversation']) ? body['conversation']['id'] : body['conversation']
  if (isText(conversation) && isText(body['previous_response_id']))
    throw new RecollectError('invalid_input', 'conversation and previous_response_id are given together', 'Give one of them.')
  const metadata = isJsonObject(body['metadata']) ? body['metadata'] : {}
  const first = [
    inPath,
    decoded(headers.get('recollect-session')),
    headers.get('x-session-id') ?? undefined,
    ...extraHeaders.map((name) => headers.get(name) ?? undefined),
    conversation,
  ].find(isText)
  // Our response ids are sealed names (OAI-14). The chat API gives none out, so none opens; the next in line is not asked.
  if (first === undefined && isText(body['previous_response_id']))
    throw new RecollectError('not_found', 'there is no such response', 'Name the session by the header recollect-session.', {
      details: { param: 'previous_response_id' },
    })
  const named = first ?? [body['session_id'], body['litellm_session_id'], metadata['session_id']].find(isText)
  return named === undefined ? undefined : checkId(named, 'session')
}

/** Replies name the session percent-encoded, since a header holds no other text: sent back as it came, it is the same session. */
function decoded(header: string | null): string | undefined {
  if (header === null) return undefined
  try {
    return decodeURIComponent(header)
  } catch {
    throw new RecollectError('invalid_input', 'recollect-session is not percent-encoded', 'Encode the name as encodeURIComponent does.')
  }
}

export const modes = ['full', 'record', 'off', 'dry-run'] as const
export type Mode = (typeof modes)[number]

export const modeOf = (headers: Headers): Mode => oneOf(headers, 'recollect-mode', modes) ?? 'full'
export const historyOf = (headers: Headers): SentHistory => oneOf(headers, 'recollect-history', ['full', 'tail']) ?? 'unsaid'
export const whenBusyOf = (headers: Headers): 'wait' | 'refuse' => oneOf(headers, 'recollect-turn', ['wait', 'refuse']) ?? 'wait'

function oneOf<T extends string>(headers: Headers, name: string, values: readonly T[]): T | undefined {
  const given = headers.get(name)
  if (given === null) return undefined
  const found = values.find((value) => value === given)
  if (found === undefined)
    throw new RecollectError('invalid_input', `${name} is not one of ${values.join(', ')}`, `Send ${name} as one of these, or leave it out.`)
  return found
}
