// What forming costs: one message of 200 characters without and with the bundled embedder, on memory and on SQLite (FORM-8).
// Prints one JSON object; LoCoMo's whole replay is measured by `recollect eval retrieval`.
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { pooledRandom } from '../src/create-recollect/pooled-random.ts'
import { systemClock } from '../src/create-recollect/system-clock.ts'
import { createRecollect } from '../src/index.ts'
import { memoryKeyProvider } from '../src/security/index.ts'
import { memoryStore } from '../src/stores/memory/index.ts'

const samples = Number(process.env['BENCH_SAMPLES'] ?? 400)
const warmUp = 50
const words = 'kettle garden bridge river lantern violin harbour winter ticket market candle window blanket compass orchard saddle'.split(' ')

/** 200 characters, and no two alike. */
const messageOf = (n: number) => {
  const picked = Array.from({ length: 40 }, (_, i) => words[(n * 7 + i * (3 + (n % 5))) % words.length])
  return `Note ${n}: ${picked.join(' ')}`.slice(0, 199) + '.'
}

const quantile = (values: readonly number[], q: number): number =>
  Number((values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] as number).toFixed(3))

/** The whole job after an append: read, units, duplicates, vector, append to the memory log, cursor. */
async function formEach(embedder: 'off' | 'bundled', stored: 'memory' | 'sqlite') {
  const folder = mkdtempSync(path.join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'recollect-forming-'))
  const where = stored === 'sqlite' ? { dataDir: path.join(folder, 'data') } : memoryStores()
  const recollect = await createRecollect({ ...where, embedder, background: false })
  try {
    const alice = recollect.user('alice')
    const session = await alice.session('s')
    const times: number[] = []
    for (let n = 0; n < warmUp + samples; n++) {
      await session.append({ role: 'user', text: messageOf(n) })
      const began = performance.now()
      await alice.memories.settled()
      if (n >= warmUp) times.push(performance.now() - began)
    }
    return { embedder, stored, samples, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) }
  } finally {
    await recollect.close()
    rmSync(folder, { recursive: true })
  }
}

const memoryStores = () => {
  const store = () => memoryStore({ clock: systemClock })
  return { stores: { sessions: store(), memories: store(), keys: store() }, keyProvider: memoryKeyProvider({ random: pooledRandom() }) }
}

/** As a conversation is imported: many messages, then one job over all of them. */
async function formMany(embedder: 'off' | 'bundled') {
  const recollect = await createRecollect({ ...memoryStores(), embedder, background: false })
  const alice = recollect.user('alice')
  const session = await alice.session('s')
  const count = samples * 5
  for (let n = 0; n < count; n += 50) await session.append(Array.from({ length: 50 }, (_, i) => ({ role: 'user' as const, text: messageOf(n + i) })))
  const began = performance.now()
  await alice.memories.settled()
  const msEach = (performance.now() - began) / count
  await recollect.close()
  return { embedder, messages: count, msEach: Number(msEach.toFixed(3)) }
}

const result = {
  bench: 'formation',
  date: new Date().toISOString(),
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load1: loadavg()[0] },
  sealed: true,
  targetsMs: { withoutEmbedding: 0.3, withBundledEmbedder: 1 },
  oneByOne: [
    await formEach('off', 'memory'),
    await formEach('bundled', 'memory'),
    await formEach('off', 'sqlite'),
    await formEach('bundled', 'sqlite'),
  ],
  inWindows: [await formMany('off'), await formMany('bundled')],
}
console.log(JSON.stringify(result, null, 2))
