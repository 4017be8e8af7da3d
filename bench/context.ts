// How long a context takes: 200 messages of about 200 characters in one epoch, one new message each time (MEA-6). Prints JSON.
import { createHmac } from 'node:crypto'
import { cpus } from 'node:os'
import { base64url, lengthPrefixed } from '../src/core/bytes.ts'
import { emptyFold, foldSession, type SessionFold, type SessionHead } from '../src/core/session.ts'
import type { ContextSource } from '../src/context/source.ts'
import { makeContext, type ContextParts } from '../src/context/context.ts'
import { createContextCache } from '../src/context/pack-cache.ts'
import type { OwnerKeys } from '../src/security/owner-keys.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'

const rounds = Number(process.argv[2] ?? 2_000)
const messages = 200

const silent: ContextParts['telemetry'] = { count() {}, observe() {}, gauge() {}, log() {} }
const keys: OwnerKeys = {
  mac: (purpose, fields) => createHmac('sha256', purpose).update(lengthPrefixed(fields)).digest(),
  tag: (purpose, fields) => base64url(createHmac('sha256', purpose).update(lengthPrefixed(fields)).digest().subarray(0, 16)),
}
const text = (n: number) => `${n}: we met at the harbour and spoke about the plans for the garden, `.padEnd(200, 'and what to plant next spring, ')

interface Log {
  readonly source: ContextSource
  say(role: 'user' | 'assistant', text: string): void
}

/** A session whose log and head are in memory: what is measured is the context alone. */
function aLog(): Log {
  let fold: SessionFold = emptyFold
  let body: SessionHead = { v: 1, class: 'standard', idleMs: 1e9, absoluteAt: 2e13, formation: 'off', formedUpTo: 0 }
  let revision = 1
  const loaded = () => ({
    head: { version: fold.upTo, revision, birth: 1, rewrites: 0, createdAt: 0, updatedAt: 0, entries: fold.upTo, bytes: 0, body: new Uint8Array() },
    body,
    fold,
  })
  return {
    say(role, said) {
      const origin = role === 'user' ? ('user-typed' as const) : ('assistant' as const)
      const spans = [{ start: 0, end: said.length, origin, labelled: false }]
      const message = { id: `m${fold.upTo + 1}`, role, createdAt: Date.now(), parts: [{ type: 'text' as const, text: said, spans }] }
      fold = foldSession(fold, [{ seq: fold.upTo + 1, entry: { type: 'message', message } }])
      revision++
    },
    source: {
      ref: { tenantId: 't', ownerId: 'o', kind: 'session', logId: 's' },
      keys,
      load: async () => loaded(),
      swapHead: async (_expected, change) => {
        body = { ...body, ...change }
        revision++
        return loaded()
      },
      recall: async () => ({ result: { hits: [], abstained: true, floor: 0.3, degraded: [], upTo: 0 }, live: [] }),
      records: async () => new Map(),
      preferences: async () => [],
      saveReceipt: async () => {},
      loadReceipt: async () => undefined,
      saveUsage: async () => {},
    },
  }
}

const clock: ContextParts['clock'] = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    }),
}

async function hot(recall: boolean): Promise<number[]> {
  const log = aLog()
  for (let n = 0; n < messages; n++) log.say(n % 2 === 0 ? 'user' : 'assistant', text(n))
  const cache = createContextCache()
  const parts: ContextParts = { clock, random: seededRandom(1), telemetry: silent, cache }
  const options = { budgetTokens: 120_000, strategy: { name: 'hybrid' as const, lowTokens: 40_000 }, ...(recall ? {} : { recall: false as const }) }
  await makeContext(log.source, options, parts)
  const times: number[] = []
  for (let n = 0; n < rounds; n++) {
    // The window slides in the log's own time: every hundred rounds a session of 200 messages again.
    if (n % 100 === 0 && n > 0) return [...times, ...(await hotAgain(recall, rounds - n))]
    log.say(n % 2 === 0 ? 'user' : 'assistant', text(messages + n))
    const start = process.hrtime.bigint()
    await makeContext(log.source, options, parts)
    times.push(Number(process.hrtime.bigint() - start) / 1_000)
  }
  return times
}

const hotAgain = async (recall: boolean, left: number): Promise<number[]> => {
  const times: number[] = []
  while (times.length < left) times.push(...(await hotBatch(recall)))
  return times
}

async function hotBatch(recall: boolean): Promise<number[]> {
  const log = aLog()
  for (let n = 0; n < messages; n++) log.say(n % 2 === 0 ? 'user' : 'assistant', text(n))
  const parts: ContextParts = { clock, random: seededRandom(1), telemetry: silent, cache: createContextCache() }
  const options = { budgetTokens: 120_000, strategy: { name: 'hybrid' as const, lowTokens: 40_000 }, ...(recall ? {} : { recall: false as const }) }
  await makeContext(log.source, options, parts)
  const times: number[] = []
  for (let n = 0; n < 100; n++) {
    log.say(n % 2 === 0 ? 'user' : 'assistant', text(messages + n))
    const start = process.hrtime.bigint()
    await makeContext(log.source, options, parts)
    times.push(Number(process.hrtime.bigint() - start) / 1_000)
  }
  return times
}

const quantile = (times: readonly number[], q: number): number =>
  Math.round((times.toSorted((a, b) => a - b)[Math.floor(times.length * q)] ?? 0) * 10) / 10
const runs = []
for (let run = 0; run < 5; run++) {
  const times = await hot(false)
  runs.push({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) })
}
console.log(JSON.stringify({ cpus: cpus()[0]?.model, runs }))
