// Remembering by a call: checked, lowered to what its origin allows, and written once (MEM-3, MEM-4, POI-4, POI-9).
import { atLeast, authorityOfOrigin, listOf, origins, type Authority, type Origin } from '../core/authority.ts'
import { RecollectError } from '../core/errors.ts'
import { checkId, madeId } from '../core/ids.ts'
import { utf8Length } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { memoryKinds, type MemoryKind, type MemoryRecord, type RecordBody } from '../core/memory.ts'
import type { Scope } from '../core/scope.ts'
import { eventId } from './event-id.ts'
import { lifeMs } from './form-records.ts'
import { checkRoom, noneKnown } from './known-records.ts'
import type { MemoryParts } from './memory-parts.ts'
import type { NewEvent } from './memory-log.ts'
import { recordVectors } from './record-vectors.ts'
import type { RememberOptions } from './memory-types.ts'

export async function remember(
  parts: MemoryParts,
  scope: Scope,
  text: string,
  options: RememberOptions,
): Promise<{ outcome: 'stored'; id: string; record: MemoryRecord }> {
  checkRecord(text, options)
  const keys = await parts.keys.ownerKeys(scope)
  const id = options.id ?? keys.tag('id', ['remembered', madeId('mem', parts.random)])
  const body = bodyOf(id, text, options, parts.clock.now())
  const vector = await recordVectors(parts, [body])
  const seq = await parts.upkeep.exclusively(scope, async () => {
    const known = (await parts.logs.load(scope))?.known ?? noneKnown()
    if (known.records.has(id) || known.gone.has(id)) return undefined // an id names one memory, also once it is gone
    checkRoom(parts.quotaRecords, known.records.size + 1)
    const ends = await endsFor(parts, scope, body, options.supersedes ?? [])
    const appended = await parts.logs.append(scope, [{ id, event: { type: 'record', record: body } }, ...vector, ...ends])
    return appended.seqs[0] as number
  })
  if (seq === undefined) {
    const stored = (await parts.recall.partition(scope)).get(id)
    if (stored === undefined) throw new RecollectError('not_found', 'the memory with this id was forgotten', 'Remember it under a new id.')
    return { outcome: 'stored', id, record: stored }
  }
  return { outcome: 'stored', id, record: Object.freeze({ ...body, seq }) }
}

/** Preferences and instructions need the owner's own typed words; anything less becomes something that was said (POI-4, MEM-2). */
const kindFor = (kind: MemoryKind, authority: Authority): MemoryKind => (kind === 'episodic' || atLeast(authority, 'typed') ? kind : 'episodic')

function bodyOf(id: string, text: string, options: RememberOptions, now: number): RecordBody {
  const origin: Origin = options.origin ?? 'user-typed'
  const authority = authorityOfOrigin(origin)
  const kind = kindFor(options.kind ?? 'episodic', authority)
  const { slot, value, validFrom, validUntil, supersedes } = options
  return {
    id,
    kind,
    text,
    ...(slot === undefined ? {} : { slot }),
    ...(value === undefined ? {} : { value }),
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(validUntil === undefined ? {} : { validUntil }),
    ...(supersedes === undefined ? {} : { supersedes: Object.freeze([...supersedes]) }),
    saidAt: now,
    formedAt: now,
    ...(kind === 'episodic' ? { expiresAt: now + lifeMs(authority) } : {}), // the others are typed at least (POI-4), and have no end (LIFE-4)
    origin,
    authority,
    list: listOf(authority),
    evidence: Object.freeze([]),
    mentions: 1,
    madeBy: 'caller',
  }
}

/** A record ends only records of its own level or lower (POI-9), and never what was said (MEM-2). */
async function endsFor(parts: MemoryParts, scope: Scope, body: RecordBody, supersedes: readonly string[]): Promise<NewEvent[]> {
  if (supersedes.length === 0) return []
  const old = await parts.recall.moment(scope).records(supersedes)
  return supersedes.map((id) => {
    const record = old.get(id)
    if (record === undefined)
      throw new RecollectError('not_found', 'a record that is to be superseded is not there', 'Give ids of records that the owner has.')
    if (!atLeast(body.authority, record.authority))
      throw new RecollectError(
        'forbidden',
        `a record of level ${body.authority} cannot supersede one of level ${record.authority}`,
        'Leave `supersedes` out: both then stand, and say their level.',
      )
    if (record.kind === 'episodic')
      throw new RecollectError(
        'invalid_input',
        'what was said stays said: an episodic record is never superseded',
        'Leave `supersedes` out, or forget that record.',
      )
    return {
      id: eventId(id, 'end', body.id),
      event: { type: 'end' as const, recordId: id, validUntil: body.validFrom ?? body.saidAt, why: 'superseded' as const, by: body.id },
    }
  })
}

/** MEM-4: nothing is cut silently. @throws `invalid_input` · `payload_too_large` */
function checkRecord(text: unknown, options: RememberOptions): asserts text is string {
  const bad = (what: string) => new RecollectError('invalid_input', what, 'See the options of memories.remember.')
  checkText('a memory', text, limits.recordCodePoints, limits.recordBytes)
  if (text.split('\n').length > limits.recordLines) throw tooLong('a memory', 'lines', limits.recordLines, text.split('\n').length)
  if (options.slot !== undefined) checkText('a slot', options.slot, limits.slotCodePoints)
  if (options.value !== undefined) checkText('a value', options.value, limits.valueCodePoints)
  if (options.id !== undefined) checkId(options.id, 'the id of a memory')
  if (options.kind !== undefined && !memoryKinds.includes(options.kind)) throw bad(`kind is one of ${memoryKinds.join(', ')}`)
  if (options.origin !== undefined && (!origins.includes(options.origin) || atLeast(authorityOfOrigin(options.origin), 'confirmed')))
    throw bad('origin can only lower what the caller types: it is user-typed or less')
  for (const [name, time] of [
    ['validFrom', options.validFrom],
    ['validUntil', options.validUntil],
  ] as const)
    if (time !== undefined && !(Number.isInteger(time) && time >= 0)) throw bad(`${name} is a time in ms`)
  if (options.validFrom !== undefined && options.validUntil !== undefined && options.validUntil <= options.validFrom)
    throw bad('validUntil comes after validFrom')
  if (options.supersedes !== undefined && !(Array.isArray(options.supersedes) && options.supersedes.length <= limits.evidenceSpans))
    throw bad(`supersedes is a list of at most ${limits.evidenceSpans} ids`)
}

/** Something that shows: not white space, controls, or characters that draw nothing. */
const visible = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u

function checkText(what: string, text: unknown, codePoints: number, bytes = Number.POSITIVE_INFINITY): asserts text is string {
  if (typeof text !== 'string' || !visible.test(text) || !text.isWellFormed())
    throw new RecollectError('invalid_input', `${what} is a text that says something, without lone surrogates`, 'Send well-formed text.')
  const given = [...text].length
  if (given > codePoints) throw tooLong(what, 'code points', codePoints, given)
  if (utf8Length(text) > bytes) throw tooLong(what, 'bytes', bytes, utf8Length(text))
}

const tooLong = (what: string, unit: string, limit: number, given: number): RecollectError =>
  new RecollectError(
    'payload_too_large',
    `${what} has at most ${limit} ${unit}; got ${given}`,
    'Split it into several memories, or say it shorter.',
    {
      limit,
      given,
    },
  )
