// An owner's memory log on the memory store, and recall over it: what a recall test needs in two lines.
import { createHmac, randomBytes } from 'node:crypto'
import { listOf, type Authority, type Origin } from '../../src/core/authority.ts'
import { refOf } from '../../src/core/log-ref.ts'
import { embeddingEvent, encodeMemory } from '../../src/core/memory-events.ts'
import { memoryLogId, type MemoryEvent, type RecordBody } from '../../src/core/memory.ts'
import { quantizeVector } from '../../src/core/quantize.ts'
import type { Scope } from '../../src/core/scope.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import type { Embedder } from '../../src/ports/models.ts'
import type { SearchOptions, SearchResult } from '../../src/recall/search-types.ts'
import type { RecallParts } from '../../src/recall/recall-types.ts'
import { createRecall } from '../../src/recall/recall.ts'
import type { KeyRing } from '../../src/security/keys/owner-keys.ts'
import { mint } from '../../src/security/mint.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { recordingTelemetry } from '../../src/testing/recording-telemetry.ts'

export const noon = Date.UTC(2024, 4, 8, 12)
const dimensions = 32

const hashOf = (text: string): Buffer => createHmac('sha256', 'test').update(text).digest()

/** A vector that is the sum of one direction a word: texts that share words are near. */
export const wordEmbedder: Embedder = {
  info: { id: 'words-32@1', dimensions, maxTokens: 128, local: true },
  embed: async (texts) => texts.map(vectorOf),
}

function vectorOf(text: string): Float32Array {
  const sum = new Float32Array(dimensions)
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const hash = hashOf(word)
    for (let k = 0; k < dimensions; k++) sum[k]! += hash[k]! / 128 - 1
  }
  const length = Math.hypot(...sum)
  return length === 0 ? sum : sum.map((value) => value / length)
}

export const keyRing: KeyRing = {
  ownerKeys: async ({ ownerId }) => {
    const mac = (purpose: string, fields: readonly (string | Uint8Array)[]) => hashOf(JSON.stringify([ownerId, purpose, fields]))
    return { mac, tag: (purpose, fields) => mac(purpose, fields).toString('base64url').slice(0, 22) }
  },
}

export interface Said extends Partial<RecordBody> {
  readonly text: string
  readonly vector?: false // none yet
}

const originOf: Record<Authority, Origin> = {
  untrusted: 'web',
  assistant: 'assistant',
  typed: 'user-typed',
  confirmed: 'user-confirmed',
  policy: 'admin-policy',
}

/** The n-th thing said in session `one`, unless told otherwise. */
export function recordBody(n: number, said: Said): RecordBody {
  const { vector: _, ...given } = said
  const authority = given.authority ?? 'typed'
  const session = given.session ?? 'one'
  return {
    id: `mem_${n}`,
    kind: 'episodic',
    saidAt: noon + n * 60_000,
    formedAt: noon,
    origin: originOf[authority],
    authority,
    list: listOf(authority),
    evidence: [{ log: session, birth: 1, seq: n, start: 0, end: said.text.length, mac: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    mentions: 1,
    madeBy: 'quote',
    session,
    ...given,
  }
}

export interface Owner {
  readonly scope: Scope
  readonly store: LogStore
  append(...events: readonly MemoryEvent[]): Promise<void>
  /** Appends a record each, with its vector; gives their ids. */
  say(...all: readonly (string | Said)[]): Promise<string[]>
}

export async function anOwner(store: LogStore = memoryStore({ clock: manualClock(noon) }), ownerId = 'alice'): Promise<Owner> {
  const scope = mint('default', ownerId)
  const ref = refOf(scope, 'memory', memoryLogId)
  await store.open(ref, { body: new Uint8Array() })
  let count = 0
  let entries = 0
  const append = async (...events: readonly MemoryEvent[]) => {
    const list = events.map((event) => ({ id: event.type === 'record' ? event.record.id : `event-${++entries}`, body: encodeMemory(event) }))
    for (let at = 0; at < list.length; at += 1_000) await store.append(ref, list.slice(at, at + 1_000))
  }
  return {
    scope,
    store,
    append,
    async say(...all) {
      const events: MemoryEvent[] = []
      const ids: string[] = []
      for (const one of all) {
        const said = typeof one === 'string' ? { text: one } : one
        const record = recordBody(++count, said)
        ids.push(record.id)
        events.push({ type: 'record', record })
        if (said.vector !== false) events.push(embeddingEvent(record.id, wordEmbedder.info.id, quantizeVector(vectorOf(said.text))))
      }
      await append(...events)
      return ids
    },
  }
}

/** Recall over a store; the clock stands at noon. */
export const recallOver = (store: LogStore, parts: Partial<RecallParts> = {}) =>
  createRecall({
    memories: store,
    keys: keyRing,
    clock: manualClock(noon),
    random: randomBytes,
    telemetry: recordingTelemetry(),
    embedder: wordEmbedder,
    ...parts,
  })

/** Redacts a record as `forget` does: a tombstone, then the bodies. */
export async function forget(owner: Owner, id: string, seqs: readonly number[]): Promise<void> {
  await owner.append({ type: 'tombstone', recordIds: [id], seqs, suppress: [`hash of ${id}`], why: 'forgotten', at: noon })
  await owner.store.rewrite(
    refOf(owner.scope, 'memory', memoryLogId),
    seqs.map((seq) => ({ seq })),
  )
}

export const texts = (result: SearchResult) => result.hits.map((hit) => hit.record.text)
export const open: SearchOptions = { floor: 0 }

/** What was said, as a memory that is searched; with no floor unless the options give one. */
export async function memoryOf(...all: (string | Said)[]) {
  const owner = await anOwner()
  await owner.say(...all)
  const recall = recallOver(owner.store)
  return { owner, recall, search: (query: string, options: SearchOptions = open) => recall.search(owner.scope, query, options) }
}
