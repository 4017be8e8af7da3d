// Ids of the events that change a record: the same change has the same id, so that it stands in the log once (MEM-1).
import { createHash } from 'node:crypto'
import { utf8Length } from '../core/json.ts'
import { limits } from '../core/limits.ts'

/** The record's id and what became of it. One that is too long is hashed, never cut: what is cut could be the id of another event. */
export function eventId(recordId: string, ...what: readonly (string | number)[]): string {
  const id = [recordId, ...what].join('.')
  return utf8Length(id) <= limits.idBytes ? id : `event.${createHash('sha256').update(id).digest('base64url')}`
}
