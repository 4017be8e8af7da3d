// What a session tells of itself, from its head; and the options it is made with, checked.
import { RecollectError } from '../core/errors.ts'
import { hasLoneSurrogate } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { resolveStrategy, type Strategy } from '../context/policy/strategies.ts'
import type { SessionHead, Setup } from '../core/session.ts'
import { checkJson } from './input/check-json.ts'
import type { OpenedHead } from './logs/session-logs.ts'
import type { Lives } from './session-parts.ts'
import type { SessionInfo, SessionOptions } from './session-types.ts'

/** `messages` is known to who has the fold. */
export function sessionInfo(id: string, { head, body }: OpenedHead, messages?: number): SessionInfo {
  const { epoch, forkedFrom } = body
  return {
    id,
    version: head.version,
    revision: head.revision,
    createdAt: head.createdAt,
    updatedAt: head.updatedAt,
    ...(head.expiresAt === undefined ? {} : { expiresAt: head.expiresAt }),
    class: body.class,
    formation: body.formation,
    ...(body.title === undefined ? {} : { title: body.title }),
    ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    size: {
      ...(messages === undefined ? {} : { messages }),
      entries: head.entries,
      bytes: head.bytes,
      ...(body.tokens === undefined ? {} : { tokens: body.tokens.count }),
    },
    cursors: { formed: body.formedUpTo, summarized: body.summary?.upTo ?? 0 },
    ...(epoch === undefined ? {} : { epoch: { no: epoch.no, cause: epoch.cause, startedAt: epoch.startedAt, keepFrom: epoch.keepFrom } }),
    ...(forkedFrom === undefined ? {} : { forkedFrom: { session: forkedFrom.session, atSeq: forkedFrom.atSeq } }),
  }
}

/** The head body of a new session. @throws `invalid_input` · `payload_too_large` */
export function newSessionHead(options: SessionOptions, lives: Lives, now: number, opening: string): SessionHead {
  if (options.class !== undefined && options.class !== 'standard') throw refused('class must be standard', 'Leave it out.')
  if (options.formation !== undefined && options.formation !== 'on' && options.formation !== 'off')
    throw refused('formation must be on or off', 'Leave it out for on.')
  const idleMs = checkLife(options.idleMs ?? lives.idleMs, 'idleMs')
  return {
    v: 1,
    opening,
    ...(options.title === undefined ? {} : { title: checkTitle(options.title) }),
    ...(options.metadata === undefined ? {} : { metadata: checkMetadata(options.metadata) }),
    class: 'standard',
    idleMs,
    absoluteAt: now + checkLife(options.absoluteMs ?? lives.absoluteMs, 'absoluteMs'),
    formation: options.formation ?? 'on',
    formedUpTo: 0,
  }
}

/** What of the options goes into the session's first entry; undefined if nothing does. */
export function setupOf(
  options: Pick<SessionOptions, 'model' | 'strategy' | 'system' | 'tools'>,
  strategies: readonly Strategy[] = [],
): Setup | undefined {
  const { model, strategy, system, tools } = options
  if (model !== undefined) checkText(model, 'model')
  if (system !== undefined) checkText(system, 'system')
  if (strategy !== undefined) resolveStrategy(strategy, strategies)
  if (tools !== undefined && !Array.isArray(tools)) throw refused('tools must be a list', 'Give the tool definitions as a list of objects.')
  const given = {
    ...(model === undefined ? {} : { model }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(system === undefined ? {} : { system }),
    ...(tools === undefined ? {} : { tools }),
  }
  return Object.keys(given).length === 0 ? undefined : (checkJson(given, 'the setup', { bytes: limits.setupBytes }) as Setup)
}

export function checkTitle(title: unknown): string {
  const text = checkText(title, 'title')
  const given = [...text].length
  if (given > limits.titleCodePoints)
    throw new RecollectError('payload_too_large', `title has at most ${limits.titleCodePoints} characters; got ${given}`, 'Give a shorter one.', {
      limit: limits.titleCodePoints,
      given,
    })
  return text
}

export function checkMetadata(metadata: unknown): JsonObject {
  if (!isJsonObject(metadata)) throw refused('metadata must be an object', 'Give a JSON object.')
  return checkJson(metadata, 'metadata', { bytes: limits.metadataBytes }) as JsonObject
}

function checkText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw refused(`${what} must be a string`, 'Give text.')
  if (hasLoneSurrogate(value)) throw refused(`${what} holds a lone surrogate`, 'Send well-formed Unicode.')
  return value
}

function checkLife(ms: unknown, what: string): number {
  if (!Number.isSafeInteger(ms) || (ms as number) < limits.lifeMsLeast || (ms as number) > limits.lifeMsMost)
    throw refused(`${what} is whole ms from ${limits.lifeMsLeast} to ${limits.lifeMsMost}`, 'Give a time in that range, or leave it out.')
  return ms as number
}

const refused = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)
