// How long a context takes: a session of 200 messages of about 200 characters, hot, in one epoch, one new message each time (MEA-6, MEA-7).
// Prints one JSON object: the context alone, over a log in memory; and through the library, without recall and with recall over 10,000 records.
import { createHmac } from 'node:crypto'
import { cpus } from 'node:os'
import { base64url, lengthPrefixed } from '../src/core/bytes.ts'
import { emptyFold, foldSession, type SessionFold, type SessionHead } from '../src/core/session.ts'
import { makeContext, type ContextParts } from '../src/context/context.ts'
import { createContextCache } from '../src/context/packing/pack-cache.ts'
import type { ContextSource } from '../src/context/planning/source.ts'
import { createRecollect } from '../src/create-recollect.ts'
import { systemClock as clock } from '../src/create-recollect/system-clock.ts'
import { createDeadlines } from '../src/ports/deadlines.ts'
import type { OwnerKeys } from '../src/security/keys/owner-keys.ts'
import { memoryKeyProvider } from '../src/security/keys/memory-key-provider.ts'
import { memoryStore } from '../src/stores/memory/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'

const batches = Number(process.env['BENCH_BATCHES'] ?? 20) // of a hundred contexts each, a run
const records = Number(process.env['BENCH_RECORDS'] ?? 10_000)
const messages = 200
const options = { budgetTokens: 120_000 }

const random = seededRandom(1)
const unit = () => random.below(2 ** 30) / 2 ** 30
/** Words of real length whose frequencies fall as in speech: the n-th is said 1/n as often, and half of what is said carries no weight. */
const syllable = () => `${'bcdfglmnprst'[random.below(12)]}${'aeiou'[random.below(5)]}`
const vocabulary = Array.from({ length: 20_000 }, () => Array.from({ length: 2 + random.below(3) }, syllable).join(''))
const commonest = ['the', 'and', 'i', 'to', 'you', 'a', 'it', 'of', 'is', 'that', 'was', 'we', 'for', 'my', 'in', 'with', 'on', 'have', 'so', 'at']
const weighty = () =>
  vocabulary[Math.min(vocabulary.length - 1, Math.floor(Math.exp(Math.log(40) + unit() * Math.log(vocabulary.length / 40))))] as string
const sentence = () => Array.from({ length: 16 }, () => (unit() < 0.5 ? (commonest[random.below(20)] as string) : weighty())).join(' ')
const text = () => `${sentence()}. ${sentence()}. ${sentence()}.`.slice(0, 200)

const quantile = (times: readonly number[], q: number): number =>
  Math.round((times.toSorted((a, b) => a - b)[Math.floor(times.length * q)] ?? 0) * 10) / 10

/** Five runs of `batches` sessions; each takes a hundred contexts after its first. */
async function measured(open: () => Promise<{ say(role: 'user' | 'assistant'): Promise<void>; context(): Promise<unknown> }>) {
  const runs: { p50: number; p99: number }[] = []
  for (let run = 0; run < 5; run++) {
    const times: number[] = []
    for (let batch = 0; batch < batches; batch++) {
      const session = await open()
      for (let n = 0; n < messages; n++) await session.say(n % 2 === 0 ? 'user' : 'assistant')
      await session.context()
      for (let n = 0; n < 100; n++) {
        await session.say(n % 2 === 0 ? 'user' : 'assistant')
        const began = process.hrtime.bigint()
        await session.context()
        times.push(Number(process.hrtime.bigint() - began) / 1_000)
      }
    }
    runs.push({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) })
  }
  return runs
}

const keys: OwnerKeys = {
  mac: (purpose, fields) => createHmac('sha256', purpose).update(lengthPrefixed(fields)).digest(),
  tag: (purpose, fields) => base64url(createHmac('sha256', purpose).update(lengthPrefixed(fields)).digest().subarray(0, 16)),
}

/** A session whose log and head are plain values: what is measured is the context alone. */
async function aLog() {
  let fold: SessionFold = emptyFold
  let body: SessionHead = { v: 1, class: 'standard', idleMs: 1e9, absoluteAt: 2e13, formation: 'off', formedUpTo: 0 }
  let revision = 1
  const load = async () => ({
    head: { version: fold.upTo, revision, birth: 1, rewrites: 0, createdAt: 0, updatedAt: 0, entries: fold.upTo, bytes: 0, body: new Uint8Array() },
    body,
    fold,
  })
  const source: ContextSource = {
    ref: { tenantId: 't', ownerId: 'o', kind: 'session', logId: 's' },
    keys,
    load,
    swapHead: async (_loaded, change) => {
      body = { ...body, ...change }
      revision++
    },
    recall: async () => ({ result: { hits: [], abstained: true, floor: 0.3, degraded: [], upTo: 0 }, live: [] }),
    records: async () => new Map(),
    standing: async () => ({ gone: new Set(), successors: [] }),
    preferences: async () => [],
    saveReceipt: async () => {},
    sentUpTo: async () => 0,
    loadReceipt: async () => undefined,
    saveUsage: async () => {},
  }
  const telemetry = { count() {}, observe() {}, gauge() {}, log() {} }
  const parts: ContextParts = { clock, deadlines: createDeadlines(clock), random, telemetry, cache: createContextCache() }
  return {
    async say(role: 'user' | 'assistant') {
      const said = text()
      const spans = [{ start: 0, end: said.length, origin: role === 'user' ? ('user-typed' as const) : role, labelled: false }]
      const message = { id: `m${fold.upTo + 1}`, role, createdAt: clock.now(), parts: [{ type: 'text' as const, text: said, spans }] }
      fold = foldSession(fold, [{ seq: fold.upTo + 1, entry: { type: 'message', message } }])
      revision++
    },
    context: () => makeContext(source, { ...options, recall: false }, parts),
  }
}

const recollect = await createRecollect({
  stores: { sessions: memoryStore({ clock }), memories: memoryStore({ clock }), keys: memoryStore({ clock }) },
  keyProvider: memoryKeyProvider({ random }),
  background: false,
  quotas: { ownerSessions: 10_000 },
})
const user = recollect.user('bench')
for (let n = 0; n < records; n++) await user.memories.remember(sentence())
await user.memories.search(sentence())

const library = (recall: boolean) => async () => {
  const session = await user.session(undefined, { formation: 'off' })
  return {
    say: async (role: 'user' | 'assistant') => void (await session.append({ role, text: text() })),
    context: () => session.context(recall ? options : { ...options, recall: false }),
  }
}

const alone = await measured(aLog)
const withoutRecall = await measured(library(false))
const withRecall = await measured(library(true))
await recollect.close()
console.log(
  JSON.stringify(
    {
      name: 'context',
      machine: cpus()[0]?.model,
      node: process.version,
      date: new Date().toISOString().slice(0, 10),
      unit: 'µs',
      messages,
      records,
      alone,
      withoutRecall,
      withRecall,
    },
    undefined,
    1,
  ),
)
