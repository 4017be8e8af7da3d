// The bundled embedder and the vector kernel: load, time a text, and exact search of 1k to 100k vectors against reading their bytes (EMB-1, PART-2).
// Prints one JSON object.
import { describeMachine } from '../src/eval/provenance.ts'
import { seeded } from '../src/eval/seeded.ts'
import { loadBundledEmbedder } from '../src/models/static-embedder.ts'
import { createKernel, strideOf } from '../src/recall/kernel/kernel.ts'

const rounds = 60
const random = seeded(1)
const words =
  'we went to the market on Saturday and bought apples for my sister who lives near Lisbon because her dentist said that sugar hurts'.split(' ')

function medianMs(act: () => void): number {
  const times = Array.from({ length: rounds }, () => {
    const from = performance.now()
    act()
    return performance.now() - from
  })
  return times.toSorted((a, b) => a - b)[rounds >> 1]!
}

const microseconds = (ms: number): number => Math.round(ms * 10_000) / 10

async function embedding() {
  const from = performance.now()
  const embedder = await loadBundledEmbedder()
  const loadMs = performance.now() - from
  const texts = Array.from({ length: 1_000 }, () => Array.from({ length: 25 }, () => words[Math.floor(random() * words.length)]!).join(' '))
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const began = performance.now()
    await embedder.embed(texts, 'record')
    times.push(performance.now() - began)
  }
  return { loadMs: Math.round(loadMs * 10) / 10, textOf25WordsUs: microseconds(times.toSorted((a, b) => a - b)[rounds >> 1]! / texts.length) }
}

function searching(simd: boolean, count: number, dimensions: number) {
  const kernel = createKernel({ simd })
  const { arena } = kernel
  const bytes = count * strideOf(dimensions)
  const [rows, scales, out, copy] = [arena.allocate(bytes), arena.allocate(4 * count), arena.allocate(4 * count), arena.allocate(bytes)]
  const values = arena.int8(rows.pointer, bytes)
  for (let i = 0; i < bytes; i++) values[i] = Math.floor(random() * 255) - 127
  arena.float32(scales.pointer, count).fill(0.0008)
  const query = { values: Int16Array.from({ length: dimensions }, () => Math.floor(random() * 65_000) - 32_500), scale: 1 / 262_136 }
  const job = { vectors: rows.pointer, dimensions, count, scales: scales.pointer, query, out: out.pointer }
  const scoresMs = medianMs(() => kernel.scores(job))
  const topMs = medianMs(() => void kernel.top(out.pointer, count, 300))
  const copyMs = medianMs(() => arena.bytes(copy.pointer, bytes).set(arena.bytes(rows.pointer, bytes)))
  return { simd, count, dimensions, scoresUs: microseconds(scoresMs), top300Us: microseconds(topMs), floorCopyUs: microseconds(copyMs) }
}

const sizes: [count: number, dimensions: number][] = [
  [1_000, 128],
  [10_000, 128],
  [100_000, 128],
  [100_000, 384],
]
const embedder = await embedding()
const kernel = [...sizes.map(([count, dimensions]) => searching(true, count, dimensions)), searching(false, 10_000, 128)]
console.log(JSON.stringify({ name: 'models', machine: describeMachine(), embedder, kernel }, undefined, 2))
