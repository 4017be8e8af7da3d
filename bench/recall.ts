// Recall over 1,000, 10,000 and 100,000 records, hot, embedding included; and cold to the first answer on sealed SQLite (memory.md §9, PERF-6 M9 to M14).
// Prints one JSON object. The floor beside each figure is the time to read the bytes of the vectors once.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { refOf } from '../src/core/log-ref.ts'
import { embeddingEvent, encodeMemory } from '../src/core/memory-events.ts'
import type { MemoryEvent, RecordBody } from '../src/core/memory.ts'
import { quantizeVector } from '../src/core/quantize.ts'
import type { Scope } from '../src/core/scope.ts'
import { loadStemmers } from '../src/create-recollect/models.ts'
import { systemClock } from '../src/create-recollect/system-clock.ts'
import { seeded } from '../src/eval/seeded.ts'
import { loadBundledEmbedder } from '../src/models/static-embedder.ts'
import type { LogStore } from '../src/ports/log-store.ts'
import { createRecall } from '../src/recall/recall.ts'
import { createKeyRing } from '../src/security/keys/key-ring.ts'
import { memoryKeyProvider } from '../src/security/keys/memory-key-provider.ts'
import { mint, mintAny } from '../src/security/mint.ts'
import { sealedStore } from '../src/security/sealing/sealed-store.ts'
import { memoryStore } from '../src/stores/memory/index.ts'
import { sqliteStore } from '../src/stores/sqlite/index.ts'
import { recordingTelemetry } from '../src/testing/recording-telemetry.ts'

const sizes = (process.env['BENCH_SIZES'] ?? '1000,10000,100000').split(',').map(Number)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 400)
const clock = systemClock
const telemetry = recordingTelemetry()
const embedder = await loadBundledEmbedder()
const stemmers = await loadStemmers()
const names = ['Caroline', 'Melanie', 'Jon', 'Gina']

/** Words of real length whose frequencies fall as in speech: the n-th is said 1/n as often. */
const vocabulary = Array.from({ length: 20_000 }, (_, i) => {
  const random = seeded(i + 7)
  return Array.from(
    { length: 2 + Math.floor(random() * 3) },
    () => 'bcdfglmnprst'[Math.floor(random() * 12)]! + 'aeiou'[Math.floor(random() * 5)]!,
  ).join('')
})
// The 40 commonest ranks are the words that carry no weight: real ones, half of what is said.
const commonest = ['the', 'and', 'i', 'to', 'you', 'a', 'it', 'of', 'is', 'that', 'was', 'we', 'for', 'my', 'in', 'with', 'on', 'have', 'so', 'at']
const [low, high] = [Math.log(40), Math.log(vocabulary.length)]
const weighty = (random: () => number) => vocabulary[Math.min(vocabulary.length - 1, Math.floor(Math.exp(low + random() * (high - low))))]!
const wordOf = (random: () => number) => (random() < 0.5 ? commonest[Math.floor(random() * commonest.length)]! : weighty(random))
const sentence = (random: () => number, words: number) => Array.from({ length: words }, () => wordOf(random)).join(' ')

async function fill(store: LogStore, scope: Scope, count: number): Promise<void> {
  const ref = refOf(scope, 'memory', 'memory')
  const random = seeded(count)
  await store.open(ref, { body: new Uint8Array() })
  for (let first = 0; first < count; first += 500) {
    const records: RecordBody[] = Array.from({ length: Math.min(500, count - first) }, (_, i) =>
      recordOf(first + i, sentence(random, 12 + Math.floor(random() * 16))),
    )
    const vectors = await embedder.embed(
      records.map((record) => `${record.speaker}: ${record.text}`),
      'record',
    )
    const events: [string, MemoryEvent][] = records.flatMap((record, i) => [
      [record.id, { type: 'record', record }],
      [`${record.id}v`, embeddingEvent(record.id, embedder.info.id, quantizeVector(vectors[i]!))],
    ])
    await store.append(
      ref,
      events.map(([id, event]) => ({ id, body: encodeMemory(event) })),
    )
  }
}

function recordOf(n: number, text: string): RecordBody {
  const session = `session-${Math.floor(n / 20)}`
  return {
    id: `mem_${String(n).padStart(18, '0')}`,
    kind: 'episodic',
    text,
    speaker: names[n % names.length]!,
    role: 'user',
    saidAt: 1.7e12 + n * 60_000,
    formedAt: 1.7e12 + n * 60_000,
    origin: 'user-typed',
    authority: 'typed',
    list: 'trusted',
    evidence: [{ log: session, birth: 1, seq: (n % 20) + 1, start: 0, end: text.length, mac: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    mentions: 1,
    madeBy: 'quote',
    session,
    unit: 0,
  }
}

const quantile = (values: readonly number[], q: number): number => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))]!
const rounded = (value: number): number => Number(value.toFixed(4))
const told = (values: readonly number[]) => ({ p50Ms: rounded(quantile(values, 0.5)), p99Ms: rounded(quantile(values, 0.99)) })

function readFloor(bytes: number): number {
  const words = new Float64Array(bytes / 8)
  const times: number[] = []
  let sum = 0
  for (let i = 0; i < 20; i++) {
    const began = performance.now()
    for (let at = 0; at < words.length; at++) sum += words[at]!
    times.push(performance.now() - began)
  }
  return sum === 0 ? quantile(times, 0.5) : 0
}

async function hot(size: number) {
  const store = memoryStore({ clock })
  const ring = createKeyRing({
    store: memoryStore({ clock }),
    provider: memoryKeyProvider({ random: randomBytes }),
    clock,
    random: randomBytes,
    mint: mintAny,
  })
  const recall = createRecall({ memories: store, keys: ring, clock, random: randomBytes, telemetry, embedder, stemmers })
  const scope = mint('bench', `owner-${size}`)
  await fill(store, scope, size)
  const began = performance.now()
  await recall.partition(scope)
  const buildMs = performance.now() - began
  const random = seeded(42)
  const times: number[] = []
  for (let i = 0; i < rounds + 50; i++) {
    const query = `what did ${names[i % names.length]} say about ${weighty(random)} and the ${weighty(random)} of ${weighty(random)}?` // a new text each time: it is embedded
    const start = performance.now()
    await recall.search(scope, query)
    if (i >= 50) times.push(performance.now() - start)
  }
  const bytes = recall.bytes
  recall.drop(scope)
  return {
    records: size,
    ...told(times),
    buildMs: rounded(buildMs),
    mebibytes: rounded(bytes / 2 ** 20),
    readVectorsMs: rounded(readFloor(size * embedder.info.dimensions)),
  }
}

async function cold(size: number) {
  const folder = mkdtempSync(path.join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'recollect-recall-'))
  const inner = await sqliteStore({ path: path.join(folder, 'memory.db'), clock })
  const ring = createKeyRing({
    store: memoryStore({ clock }),
    provider: memoryKeyProvider({ random: randomBytes }),
    clock,
    random: randomBytes,
    mint: mintAny,
  })
  const store = sealedStore(inner, ring, { seal: 'on', random: randomBytes, telemetry })
  const scope = mint('bench', 'cold')
  await fill(store, scope, size)
  const answer = async () => {
    const recall = createRecall({ memories: store, keys: ring, clock, random: randomBytes, telemetry, embedder, stemmers })
    const began = performance.now()
    await recall.search(scope, `where did Caroline find ${vocabulary[300]} ${vocabulary[1_000]}?`)
    return { recall, ms: performance.now() - began }
  }
  const fresh = await answer()
  const lease = (await store.lease({ tenantId: 'bench', ownerId: 'cold', purpose: 'work' }, 60_000))!
  await fresh.recall.saveSnapshot(scope, lease.fence)
  fresh.recall.drop(scope)
  const times: number[] = []
  for (let i = 0; i < 9; i++) {
    const { recall, ms } = await answer()
    recall.drop(scope)
    times.push(ms)
  }
  await store.close()
  rmSync(folder, { recursive: true, force: true })
  return { records: size, withoutSnapshotMs: rounded(fresh.ms), ...told(times) }
}

const results = []
for (const size of sizes) results.push(await hot(size))
console.log(
  JSON.stringify(
    { name: 'recall', machine: cpus()[0]?.model, node: process.version, embedder: embedder.info.id, hot: results, cold: await cold(10_000) },
    undefined,
    2,
  ),
)
