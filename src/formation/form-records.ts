// From a window of messages to the events of new records: units, duplicates, what must not come back, lives. Pure (FORM-2 to FORM-6, MEM-1).
import { authorityOfOrigin, listOf } from '../core/authority.ts'
import { limits } from '../core/limits.ts'
import type { Evidence, RecordBody, ToolResultMode } from '../core/memory.ts'
import { quotable, type LoggedMessage } from '../core/message.ts'
import { findFences } from '../security/data-fence.ts'
import type { OwnerKeys } from '../security/keys/owner-keys.ts'
import { canonicalText } from '../core/canonical-text.ts'
import { eventId } from './event-id.ts'
import { sessionKey, textKeyOf, type KnownRecords } from './known-records.ts'
import type { NewEvent } from './memory-log.ts'
import { unitsOf, type Unit } from './units.ts'

/** Part of every record's id: another way to cut units gives other records (MEM-1). */
export const extractorVersion = 1

export interface Formed {
  readonly events: readonly NewEvent[]
  /** Of records that are new, in order: what is embedded. */
  readonly fresh: readonly { readonly id: string; readonly text: string; readonly speaker?: string }[]
}

export interface FormInput {
  readonly session: string
  readonly birth: number
  readonly messages: readonly LoggedMessage[]
  readonly known: KnownRecords
  readonly keys: OwnerKeys
  readonly now: number
  readonly toolResults?: ToolResultMode // default off
}

/** The same window and the same known records give the same events. */
export function formRecords(input: FormInput): Formed {
  const { session, birth, known, keys } = input
  const events: NewEvent[] = []
  const fresh: { id: string; text: string; speaker?: string }[] = []
  const newest = new Map<string, RecordBody>() // of this window, by text key
  let previous = known.lastOf.get(sessionKey(session, birth))
  for (const logged of input.messages) {
    for (const [ordinal, unit] of unitsOf(logged.message, findFences, input.toolResults).entries()) {
      const record = recordOf(input, logged, unit, ordinal, previous)
      if (known.records.has(record.id)) {
        previous = record.id
        continue
      }
      if (known.suppressed.has(suppressTag(keys, record))) continue
      const twin = twinOf(input, newest, record)
      if (twin !== undefined) {
        for (const [i, evidence] of record.evidence.entries()) {
          const more = i === 0 ? {} : { counted: true as const } // a left-out block parts one mention into several quotes
          events.push({ id: eventId(record.id, 'said', evidence.start), event: { type: 'evidence', recordId: twin, evidence, ...more } })
        }
        continue
      }
      newest.set(textKeyOf(record.list, record.text), record)
      events.push({ id: record.id, event: { type: 'record', record } })
      fresh.push({ id: record.id, text: record.text, ...(record.speaker === undefined ? {} : { speaker: record.speaker }) })
      previous = record.id
    }
  }
  return { events, fresh }
}

function recordOf(
  { session, birth, keys, now }: FormInput,
  { seq, message }: LoggedMessage,
  unit: Unit,
  ordinal: number,
  previous: string | undefined,
): RecordBody {
  const { text } = quotable(message)
  const authority = authorityOfOrigin(unit.origin)
  const evidence: Evidence[] = unit.quotes.map(({ start, end }) => ({
    log: session,
    birth,
    seq,
    start,
    end,
    mac: quoteTag(keys, text.slice(start, end)),
  }))
  return {
    id: keys.tag('id', ['record', session, String(birth), String(seq), String(ordinal), String(extractorVersion)]),
    kind: 'episodic',
    text: unit.text,
    ...(message.name === undefined ? {} : { speaker: message.name }),
    role: message.role,
    saidAt: message.createdAt,
    formedAt: now,
    expiresAt: now + lifeMs(authority),
    origin: unit.origin,
    authority,
    list: listOf(authority),
    evidence,
    mentions: 1,
    madeBy: 'quote',
    session,
    unit: ordinal,
    ...(previous === undefined ? {} : { previous }),
  }
}

/** The HMAC of a quote: what shows later that a record still says what was said, and that a text stands in a context already (POI-3, RCL-6). */
export const quoteTag = (keys: OwnerKeys, quote: string): string => keys.tag('evidence', [quote])

/** What a tombstone leaves behind, so that the same does not form again (ERA-3). */
export const suppressTag = (keys: OwnerKeys, record: Pick<RecordBody, 'kind' | 'slot' | 'text'>): string =>
  keys.tag('suppress', [record.kind, record.slot ?? '', canonicalText(record.text)])

/** LIFE-4, LIFE-5: what an untrusted or assistant text formed lives shorter; recall does not renew it (POI-8). */
export const lifeMs = (authority: RecordBody['authority']): number =>
  authority === 'untrusted' ? limits.untrustedRecordMs : authority === 'assistant' ? limits.assistantRecordMs : limits.episodicRecordMs

/** A record of the same list that says the same, said within 30 days, and not past its life (FORM-6, LIFE-4). */
function twinOf({ known, now }: FormInput, newest: ReadonlyMap<string, RecordBody>, record: RecordBody): string | undefined {
  const key = textKeyOf(record.list, record.text)
  const here = newest.get(key)
  if (here !== undefined && Math.abs(record.saidAt - here.saidAt) <= limits.duplicateMs) return here.id
  const twin = known.records.get(known.byText.get(key) ?? '')
  const lives = twin !== undefined && !twin.ended && (twin.expiresAt ?? Infinity) > now
  return lives && Math.abs(record.saidAt - twin.saidAt) <= limits.duplicateMs ? twin.id : undefined
}
