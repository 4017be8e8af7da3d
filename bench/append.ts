// Durable append on SQLite against the floor of the same run: overwrite 4 KB and fdatasync (PERF-1, PERF-2, PERF-6 M1).
// Prints one JSON object; ratios are the result, times are told beside them.
import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { LogRef } from '../src/core/log-ref.ts'
import { sqliteStore } from '../src/stores/sqlite/index.ts'

const samples = Number(process.env['BENCH_SAMPLES'] ?? 4_000)
const bodyBytes = 328
const day = 86_400_000
const ref: LogRef = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'bench' }

const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number
}
const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits))
const told = (values: readonly number[]) => ({
  samples: values.length,
  p50Ms: rounded(quantile(values, 0.5)),
  p99Ms: rounded(quantile(values, 0.99)),
  maxMs: rounded(quantile(values, 1)),
})

async function timed(act: () => unknown): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

/** Overwrites the same 4 KB of a file that is already long enough, and waits for the disk. */
function flushFloor(folder: string): { once(): void; close(): void } {
  const file = openSync(path.join(folder, 'floor'), 'w')
  const page = Buffer.alloc(4096, 1)
  for (let i = 0; i < 16; i++) writeSync(file, page, 0, page.length, i * page.length)
  fsyncSync(file)
  return {
    once() {
      writeSync(file, page, 0, page.length, 0)
      fdatasyncSync(file)
    },
    close: () => closeSync(file),
  }
}

/** Floor, ours, floor, ours. `renew`: each append moves the session's expiry, as sessions do (LIFE-1). */
async function inTurns(count: number, floor: () => void, append: () => Promise<unknown>) {
  const [floors, ours]: [number[], number[]] = [[], []]
  for (let i = 0; i < count; i++) {
    floors.push(await timed(floor))
    ours.push(await timed(append))
  }
  const ratio = (q: number) => rounded(quantile(ours, q) / quantile(floors, q), 2)
  return { floor: told(floors), append: told(ours), ratioP50: ratio(0.5), ratioP99: ratio(0.99) }
}

const folder = mkdtempSync(path.join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'recollect-bench-'))
try {
  const file = path.join(folder, 'bench.sqlite')
  const loadBefore = loadavg()[0] as number
  const floor = flushFloor(folder)
  const store = await sqliteStore({ path: file, clock: { now: () => Date.now() } })
  await store.open(ref, { body: new Uint8Array(200), expires: { inMs: 30 * day } })
  let n = 0
  const body = Buffer.alloc(bodyBytes, 7)
  const append = () => store.append(ref, [{ id: `msg_${String(n++).padStart(22, '0')}`, body }], { head: { expires: { inMs: 30 * day } } })

  // From an empty WAL each commit also makes the file longer; once it has been begun anew, commits overwrite (SQL-7).
  const growing = await inTurns(samples / 2, floor.once, append)
  const walLength = () => statSync(`${file}-wal`).size
  for (let before = -1; before !== walLength();) {
    before = walLength()
    for (let i = 0; i < 500; i++) await append()
  }
  const steady = await inTurns(samples, floor.once, append)

  const rounds: number[] = []
  for (let round = 0; round < 10; round++) {
    const ms = await timed(() =>
      Promise.all(
        Array.from({ length: 64 }, async () => {
          for (let i = 0; i < 50; i++) await append()
        }),
      ),
    )
    rounds.push((64 * 50 * 1000) / ms)
  }
  await store.close()
  floor.close()

  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  const result = {
    operation: 'durable append, SQLite, synchronous=FULL, one message of 328 B that renews the expiry',
    target: { ratioP50: 2.0, p50Ms: 0.35 },
    steady,
    growingWal: growing,
    writers64: { log: 'one', perSecondMedian: Math.round(quantile(rounds, 0.5)), rounds: rounds.length },
    noisy: loadBefore / cpus().length > 0.15 || steady.floor.p50Ms > 1,
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: rounded(totalmem() / 2 ** 30, 1),
      loadBefore: rounded(loadBefore, 2),
      platform: `${process.platform} ${process.arch}`,
    },
    folder: path.dirname(folder),
    node: process.version,
    sqlite: (new DatabaseSync(':memory:').prepare('select sqlite_version() as version').get() as { version: string }).version,
    commit,
  }
  console.log(JSON.stringify(result, null, 2))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
