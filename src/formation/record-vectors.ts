// Vectors of new records as events of the log; none where the embedder is down or late: they are found by their words meanwhile (FORM-7).
import { limits } from '../core/limits.ts'
import { embeddingEvent } from '../core/memory-events.ts'
import type { RecordBody } from '../core/memory.ts'
import { quantizeVector } from '../core/quantize.ts'
import { inTime, late, type Clock } from '../ports/clock.ts'
import type { Embedder } from '../ports/models.ts'
import { noteDegraded, type Telemetry } from '../ports/telemetry.ts'
import { eventId } from './event-id.ts'
import type { NewEvent } from './memory-log.ts'

export interface EmbedParts {
  readonly embedder: Embedder | undefined
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** One event a record, all or none; what is missing is added by the owner's next job. */
export async function recordVectors(parts: EmbedParts, records: readonly Pick<RecordBody, 'id' | 'text' | 'speaker'>[]): Promise<NewEvent[]> {
  const { embedder } = parts
  if (embedder === undefined || records.length === 0) return []
  const model = embedder.info.id
  const stop = new AbortController()
  try {
    // A job that waits for an embedder holds the owner's lease meanwhile.
    const vectors = await inTime(parts.clock, limits.embedRecordsMs, embedder.embed(records.map(embedded), 'record', stop.signal))
    if (vectors === late) throw new Error('late')
    return records.map(({ id }, i) => ({
      id: eventId(id, 'vector', model),
      event: embeddingEvent(id, model, quantizeVector(vectors[i] as Float32Array)),
    }))
  } catch {
    stop.abort(null)
    noteDegraded(parts.telemetry, 'embedder')
    return []
  }
}

/** EMB-1: who said it, and what. */
const embedded = ({ speaker, text }: Pick<RecordBody, 'text' | 'speaker'>): string => (speaker === undefined ? text : `${speaker}: ${text}`)
