// The events of a memory log as bodies of its entries: JSON in UTF-8, a vector as base64 of its int8 components (MEM-1, EMB-3).
import { toUtf8 } from './json.ts'
import type { DecodedMemory, MemoryEvent, StoredVector } from './memory.ts'
import { decodeBody } from './session.ts'

export const encodeMemory = (event: MemoryEvent): Uint8Array => toUtf8(JSON.stringify(event))

/** An empty body is a redacted entry. @throws `integrity_failure` on bytes that are no event */
export const decodeMemory = (entry: { readonly seq: number; readonly id: string; readonly body: Uint8Array }): DecodedMemory => ({
  seq: entry.seq,
  id: entry.id,
  event: entry.body.length === 0 ? undefined : decodeBody<MemoryEvent>(entry.body, 'memory event'),
})

/** The event of a record's vector, as `quantizeVector` gives it. */
export const embeddingEvent = (recordId: string, model: string, { values, scale }: { values: Int8Array; scale: number }): MemoryEvent => ({
  type: 'embedding',
  recordId,
  model,
  scale,
  vector: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
})

/** What such an event holds. */
export function vectorOf({ model, scale, vector }: MemoryEvent & { type: 'embedding' }): Omit<StoredVector, 'seq'> {
  const bytes = Buffer.from(vector, 'base64')
  return { model, scale, vector: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}
