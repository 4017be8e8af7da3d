// A session as a table: log, head, receipts and memories in memory, so that contexts are tested without store, sealing or session manager.
import { createHmac } from 'node:crypto'
import { authorityOfOrigin, listOf, type Origin } from '../../src/core/authority.ts'
import { base64url, lengthPrefixed } from '../../src/core/bytes.ts'
import type { EpochRecord, Receipt, ReceiptUsage, SummaryPointer } from '../../src/core/context.ts'
import { RecollectError } from '../../src/core/errors.ts'
import type { Json } from '../../src/core/json.ts'
import type { LogRef } from '../../src/core/log-ref.ts'
import type { MemoryRecord } from '../../src/core/memory.ts'
import type { Message, Part, Role } from '../../src/core/message.ts'
import { emptyFold, foldSession, type SessionEntry, type SessionFold, type SessionHead } from '../../src/core/session.ts'
import type { Context, ContextOptions } from '../../src/context/policy/context-options.ts'
import { makeContext, type ContextParts } from '../../src/context/context.ts'
import { createContextCache, type ContextCache } from '../../src/context/packing/pack-cache.ts'
import type { ContextSource, LoadedSession } from '../../src/context/planning/source.ts'
import type { OwnerKeys } from '../../src/security/keys/owner-keys.ts'
import { createDeadlines } from '../../src/ports/deadlines.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { recordingTelemetry } from '../../src/testing/recording-telemetry.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

export const keys: OwnerKeys = {
  mac: (purpose, fields) => createHmac('sha256', `owner/${purpose}`).update(lengthPrefixed(fields)).digest(),
  tag: (purpose, fields) => base64url(createHmac('sha256', `owner/${purpose}`).update(lengthPrefixed(fields)).digest().subarray(0, 16)),
}

export interface TableSession {
  readonly source: ContextSource
  readonly clock: ReturnType<typeof manualClock>
  readonly receipts: Map<string, { receipt: Receipt; usage?: ReceiptUsage }>
  readonly memories: Map<string, MemoryRecord>
  readonly swaps: { epoch?: EpochRecord; summary?: SummaryPointer }[]
  readonly entries: SessionEntry[]
  cache: ContextCache
  fold(): SessionFold
  head(): SessionHead
  push(...entries: SessionEntry[]): void
  say(role: Role, content: string | readonly Part[], more?: Partial<Message>): number
  patch(patch: Json): number
  /** A tombstone, and the redaction it announces. */
  redact(...seqs: number[]): void
  context(options?: ContextOptions, parts?: Partial<ContextParts>): Promise<Context>
  /** Without anything kept between calls: another process. */
  cold(options?: ContextOptions, parts?: Partial<ContextParts>): Promise<Context>
  setHead(change: Partial<SessionHead>): void
}

const ref: LogRef = { tenantId: 't', ownerId: 'o', kind: 'session', logId: 's-1' }

export interface TableOptions {
  readonly recall?: (query: string, table: TableSession) => readonly MemoryRecord[]
  readonly preferences?: (table: TableSession) => readonly MemoryRecord[]
  readonly seed?: number
  /** Runs before each swap: to let another process win. */
  readonly beforeSwap?: (table: TableSession) => void
}

export function tableSession(options: TableOptions = {}): TableSession {
  const clock = manualClock(1_700_000_000_000)
  const random = seededRandom(options.seed ?? 1)
  let fold = emptyFold
  let revision = 1
  let rewrites = 0
  let body: SessionHead = { v: 1, class: 'standard', idleMs: 1e9, absoluteAt: 2e12, formation: 'off', formedUpTo: 0 }
  const redacted = new Set<number>()
  const loaded = (): LoadedSession => ({
    head: { version: fold.upTo, revision, birth: 7, rewrites, createdAt: 0, updatedAt: 0, entries: fold.upTo, bytes: 0, body: new Uint8Array() },
    body,
    fold,
  })
  const table: TableSession = {
    clock,
    receipts: new Map(),
    memories: new Map(),
    swaps: [],
    entries: [],
    cache: createContextCache(),
    fold: () => fold,
    head: () => body,
    push: (...entries) => {
      const from = fold.upTo
      fold = foldSession(
        fold,
        entries.map((entry, index) => ({ seq: from + index + 1, entry })),
      )
      table.entries.push(...entries)
      revision++
    },
    say: (role, content, more = {}) => {
      const parts: readonly Part[] = typeof content === 'string' ? [textPart(content, role)] : content
      table.push({ type: 'message', message: { id: `m${fold.upTo + 1}`, role, createdAt: clock.now(), parts, ...more } })
      return fold.upTo
    },
    patch: (patch) => {
      table.push({ type: 'state', patch, at: clock.now() })
      return fold.upTo
    },
    redact: (...seqs) => {
      table.push({ type: 'tombstone', seqs, why: 'redacted', at: clock.now() })
      for (const seq of seqs) redacted.add(seq)
      rewrites++
      revision++
      const all = table.entries
      fold = foldSession(
        { ...emptyFold, tombstoned: new Set(redacted) },
        all.map((entry, index) => ({ seq: index + 1, entry: redacted.has(index + 1) ? undefined : entry })),
      )
    },
    context: (asked = {}, parts = {}) =>
      makeContext(table.source, asked, {
        clock,
        deadlines: createDeadlines(clock),
        random,
        telemetry: recordingTelemetry(),
        cache: table.cache,
        ...parts,
      }),
    cold: (asked = {}, parts = {}) => table.context(asked, { cache: createContextCache(), ...parts }),
    setHead: (change) => {
      body = { ...body, ...change }
      revision++
    },
    source: {
      ref,
      keys,
      load: async () => loaded(),
      swapHead: async ({ head }, change) => {
        options.beforeSwap?.(table)
        if (head.revision !== revision) throw new RecollectError('conflict', 'another revision', 'Read again.')
        // What a head holds has been through JSON: a record that does not survive it is no record.
        body = JSON.parse(JSON.stringify({ ...body, ...change })) as SessionHead
        table.swaps.push(change)
        revision++
      },
      recall: async (query, { liveIds }) => {
        const found = options.recall?.(query, table) ?? []
        const hits = found
          .filter(({ id }) => !liveIds.has(id))
          .map((record, index) => ({ record, list: record.list, rank: index + 1, relevance: 0.9 - index / 100, score: 1, arms: {}, duplicates: 0 }))
        const result = { hits, abstained: hits.length === 0, floor: 0.3, degraded: [], upTo: 1 }
        return { result, live: found.filter(({ id }) => liveIds.has(id)).map(({ id }) => id) }
      },
      records: async (ids) => new Map(ids.flatMap((id) => (table.memories.has(id) ? [[id, table.memories.get(id) as MemoryRecord] as const] : []))),
      standing: async (ids) => {
        const found = [...ids].map((id) => [id, table.memories.get(id)] as const)
        return {
          gone: new Set(found.flatMap(([id, record]) => (record === undefined ? [id] : []))),
          successors: found.flatMap(([, record]) => record?.supersededBy ?? []),
        }
      },
      preferences: async () => options.preferences?.(table) ?? [],
      saveReceipt: async (receipt) => void table.receipts.set(receipt.id, { receipt }),
      sentUpTo: async () => Math.max(0, ...[...table.receipts.values()].map(({ receipt }) => receipt.upTo)),
      loadReceipt: async (id) => table.receipts.get(id),
      saveUsage: async (usage) => {
        const kept = table.receipts.get(usage.receiptId)
        if (kept !== undefined) table.receipts.set(usage.receiptId, { ...kept, usage })
      },
    },
  }
  return table
}

const originOf: Record<Role, Origin> = { user: 'user-typed', assistant: 'assistant', tool: 'tool', system: 'admin-policy' }

export const textPart = (text: string, role: Role = 'user'): Part => ({
  type: 'text',
  text,
  spans: text === '' ? [] : [{ start: 0, end: text.length, origin: originOf[role], labelled: false }],
})

export const call = (callId: string, name = 'look', input = '{}'): Part => ({ type: 'tool-call', callId, name, arguments: input })
export const result = (callId: string, text: string): Part => ({ type: 'tool-result', callId, content: [textPart(text, 'tool')] })

export function aMemory(id: string, text: string, more: Partial<MemoryRecord> = {}): MemoryRecord {
  const origin = more.origin ?? 'user-typed'
  const authority = authorityOfOrigin(origin)
  return {
    id,
    seq: Number(id.replace(/\D/g, '') || 1),
    kind: 'episodic',
    text,
    saidAt: 1_690_000_000_000,
    formedAt: 1_690_000_000_000,
    origin,
    authority,
    list: listOf(authority),
    evidence: [{ log: 's-0', birth: 1, seq: 3, start: 0, end: 5, mac: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    mentions: 1,
    madeBy: 'quote',
    ...more,
  }
}
