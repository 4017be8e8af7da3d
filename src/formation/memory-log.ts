// The owner's memory log as formation reads and writes it: one head call tells whether what is known still holds (NODE-2).
import { RecollectError, isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { refKey, refOf, type LogRef } from '../core/log-ref.ts'
import { decodeMemory, encodeMemory } from '../core/memory-events.ts'
import { memoryLogId, type DecodedMemory, type MemoryEvent, type MemoryHead } from '../core/memory.ts'
import { sameOwner, type Owner, type Scope } from '../core/scope.ts'
import { decodeBody, encodeBody } from '../core/session.ts'
import type { Appended, Head, LogStore } from '../ports/log-store.ts'
import { snapshotName } from '../recall/partition/snapshot.ts'
import { boundedMap } from '../security/bounded-map.ts'
import { redactEntries, type Redacted } from '../security/erasure/redact-entries.ts'
import { logPages } from '../security/log-pages.ts'
import { learn, noneKnown, type KnownRecords } from './known-records.ts'

const memoryRef = (scope: Scope): LogRef => refOf(scope, 'memory', memoryLogId)

export interface NewEvent {
  readonly id: string
  readonly event: MemoryEvent
}

/** The owner's quota of bytes, which sessions and memories share (LIFE-11); the session manager keeps it. */
export interface ByteQuota {
  weigh(bodies: readonly Uint8Array[]): number
  /** @throws `limit_exceeded` */
  ownerRoom(scope: Scope, growth: { readonly bytes: number }): Promise<void>
  grew(scope: Scope, growth: { readonly bytes: number }): void
  /** Something was redacted: the next look sums up anew. */
  forget(scope: Scope): void
}

export interface MemoryLogs {
  /** What is known of the owner's memory, up to its version; undefined where there is no memory yet. */
  load(scope: Scope): Promise<{ readonly head: Head; readonly known: KnownRecords } | undefined>
  /** Appends in one step, and makes the log if there is none. Ids that are there are skipped. @throws `limit_exceeded` on records or vectors over the quota */
  append(scope: Scope, events: readonly NewEvent[]): Promise<Appended>
  /** Entries by seq, decoded. */
  read(scope: Scope, seqs: readonly number[]): Promise<readonly DecodedMemory[]>
  /** Redacts for good; every tombstone that names these seqs stands in the log already (SEAL-12). */
  redact(scope: Scope, seqs: readonly number[]): Promise<Redacted>
  /** When the memory is to be looked after: a life ends then, or a redaction may have been cut off. Undefined: never, as far as is known. */
  nextEnd(scope: Scope): Promise<number | undefined>
  /** Once it was looked after. What changes meanwhile leaves the earlier time, which costs one more look. */
  lookedAfter(scope: Scope): Promise<void>
  drop(owner: Owner): void
  /** How many logs of the owner are in memory. */
  holds(owner: Owner): number
}

interface Cached {
  readonly owner: Owner
  readonly birth: number
  readonly rewrites: number
  readonly known: KnownRecords
  readonly bytes: number // when it was kept: what is known grows in place
}

// A known record is about 600 B of heap with its indexes.
const heapOf = (known: KnownRecords) => 4_096 + known.records.size * 600

/** What makes a log grow for good; ends and tombstones take away, and are never refused. */
const grows = ({ event }: NewEvent): boolean => event.type === 'record' || event.type === 'embedding'

/** A tombstone counts as an end: its redaction may be cut off, and is then finished by whoever looks after the memory next. */
function endOf(event: MemoryEvent): number | undefined {
  if (event.type === 'record') return event.record.expiresAt
  return event.type === 'tombstone' && event.seqs.length > 0 ? event.at : undefined
}

export function memoryLogs(store: LogStore, quota: ByteQuota): MemoryLogs {
  const cache = boundedMap<Cached>(limits.knownRecordsBytes, (cached) => cached.bytes)

  async function load(scope: Scope): Promise<{ head: Head; known: KnownRecords } | undefined> {
    const ref = memoryRef(scope)
    for (let attempt = 0; attempt < limits.loadAttempts; attempt++) {
      const head = await store.head(ref)
      if (head === undefined) {
        cache.delete(refKey(ref))
        return undefined
      }
      const cached = cache.get(refKey(ref))
      const same = cached !== undefined && cached.birth === head.birth && cached.rewrites === head.rewrites && cached.known.upTo <= head.version
      const known = same ? cached.known : noneKnown()
      const tail = await readTail(ref, known.upTo, head.version)
      const after = tail.length === 0 ? head : await store.head(ref)
      if (after?.birth !== head.birth || after.rewrites !== head.rewrites) continue
      learn(
        known,
        tail.filter((entry) => entry.seq > known.upTo),
      )
      cache.set(refKey(ref), {
        owner: { tenantId: ref.tenantId, ownerId: ref.ownerId },
        birth: head.birth,
        rewrites: head.rewrites,
        known,
        bytes: heapOf(known),
      })
      return { head, known }
    }
    throw new RecollectError('conflict', `the memory log changed while it was read, ${limits.loadAttempts} times`, 'Try again.')
  }

  async function readTail(ref: LogRef, from: number, upTo: number): Promise<DecodedMemory[]> {
    const entries: DecodedMemory[] = []
    for await (const page of logPages(store, ref, from, upTo)) entries.push(...page.map(decodeMemory))
    return entries
  }

  /** The earliest end of a record's life stands in the head, so that no log is opened before it (LIFE-4). */
  function patchFor(head: Head, events: readonly NewEvent[]): { head?: { body: Uint8Array; ifRevision: number } } {
    const body = decodeBody<MemoryHead>(head.body, 'memory head')
    const ends = events.flatMap(({ event }) => endOf(event) ?? [])
    const next = Math.min(body.nextEnd ?? Number.POSITIVE_INFINITY, ...ends)
    return Number.isFinite(next) && next !== body.nextEnd ? { head: { body: encodeBody({ ...body, nextEnd: next }), ifRevision: head.revision } } : {}
  }

  const ofOwner = (whose: Owner) => cache.keysWhere(({ owner }) => sameOwner(owner, whose))

  return {
    load,
    async append(scope, events) {
      const ref = memoryRef(scope)
      const entries = events.map(({ id, event }) => ({ id, body: encodeMemory(event) }))
      const bytes = quota.weigh(entries.map((entry) => entry.body))
      if (events.some(grows)) await quota.ownerRoom(scope, { bytes })
      for (let attempt = 1; ; attempt++) {
        const head = (await store.head(ref)) ?? (await store.open(ref, { body: encodeBody({ v: 1 } satisfies MemoryHead) }))
        try {
          const appended = await store.append(ref, entries, patchFor(head, events))
          if (appended.added > 0) quota.grew(scope, { bytes })
          return appended
        } catch (error) {
          if (!isRecollectError(error, 'conflict') || attempt === limits.swapAttempts) throw error
        }
      }
    },
    async read(scope, seqs) {
      const ref = memoryRef(scope)
      const found = await Promise.all(seqs.map((seq) => store.read(ref, { after: seq - 1, upTo: seq, limit: 1 })))
      return found.flat().map(decodeMemory)
    },
    async redact(scope, seqs) {
      const redacted = await redactEntries({ name: 'memories', store, snapshotNames: [snapshotName] }, memoryRef(scope), seqs)
      quota.forget(scope)
      return redacted
    },
    async nextEnd(scope) {
      const head = await store.head(memoryRef(scope))
      return head && decodeBody<MemoryHead>(head.body, 'memory head').nextEnd
    },
    async lookedAfter(scope) {
      const found = await load(scope)
      if (found === undefined) return
      const { nextEnd: _, ...body } = decodeBody<MemoryHead>(found.head.body, 'memory head')
      let next = Number.POSITIVE_INFINITY
      for (const { expiresAt = next } of found.known.records.values()) next = Math.min(next, expiresAt)
      const changed = encodeBody(Number.isFinite(next) ? { ...body, nextEnd: next } : body)
      await store.updateHead(memoryRef(scope), found.head.revision, { body: changed }).catch((error: unknown) => {
        if (!isRecollectError(error, 'conflict')) throw error
      })
    },
    drop(owner) {
      for (const key of ofOwner(owner)) cache.delete(key)
    },
    holds: (owner) => ofOwner(owner).length,
  }
}
