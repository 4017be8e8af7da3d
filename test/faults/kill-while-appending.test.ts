// F1 on SQLite: a writer is killed in the middle of appends, again and again; a judge in another process keeps what was acknowledged and compares.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sqliteStore } from '../../src/stores/sqlite/index.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

const rounds = Number(process.env['RECOLLECT_KILL_ROUNDS'] ?? 60)
const seed = 20_261_125
const folder = mkdtempSync(path.join(tmpdir(), 'recollect-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = path.join(folder, 'killed.sqlite')
const writer = path.join(import.meta.dirname, 'sqlite-writer.ts')
const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'killed' } as const

/** Runs the writer, kills it after its `acknowledgements`-th line and a part of a millisecond more, and gives every whole line it said. */
function killedAfter(acknowledgements: number, wait: number, firstId: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [writer, file, String(firstId)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let failed = ''
    let lines = 0
    let killing = false
    child.stdout.on('data', (piece: Buffer) => {
      said += piece.toString()
      lines += piece.toString().split('\n').length - 1
      if (lines < acknowledgements || killing) return
      killing = true
      setTimeout(() => child.kill('SIGKILL'), wait)
    })
    child.stderr.on('data', (piece: Buffer) => (failed += piece.toString()))
    child.on('close', (_, signal) => {
      if (signal === 'SIGKILL')
        resolve(
          said
            .slice(0, said.lastIndexOf('\n') + 1)
            .split('\n')
            .filter((line) => line !== ''),
        )
      else reject(new Error(`the writer ended by itself: ${failed}`))
    })
  })
}

test('what was acknowledged is there once after every kill -9, whole and in its place [FLT-F1]', async () => {
  const random = seededRandom(seed)
  const share = () => (random(1)[0] as number) / 256
  const acknowledged = new Map<string, number>() // id → seq
  let [lost, doubled, torn, moved, kept] = [0, 0, 0, 0, 0]

  for (let round = 0; round < rounds; round++) {
    const lines = await killedAfter(1 + Math.floor(share() * 300), share() * 3, round * 1_000_000 + 1)
    for (const line of lines) {
      const [ids, seqs] = line.split(' ').map((part) => part.split(',')) as [string[], string[]]
      ids.forEach((id, i) => acknowledged.set(id, Number(seqs[i])))
    }
    const store = await sqliteStore({ path: file, clock: { now: () => Date.now() } })
    const found = new Map<string, number>()
    for (let after = 0; ;) {
      const page = await store.read(ref, { after, limit: 5_000 })
      for (const { id, seq, body } of page) {
        if (found.has(id)) doubled++
        found.set(id, seq)
        if (Buffer.from(body).toString() !== `the body of ${id}`) torn++
      }
      if (page.length === 0) break
      after = page.at(-1)?.seq as number
    }
    lost = [...acknowledged.keys()].filter((id) => !found.has(id)).length
    moved = [...acknowledged].filter(([id, seq]) => found.get(id) !== seq).length
    kept = found.size
    // A retry by id of what was acknowledged changes nothing.
    const some = [...acknowledged.keys()].slice(-20).map((id) => ({ id, body: Buffer.from(`the body of ${id}`) }))
    if ((await store.append(ref, some)).added > 0) doubled++
    await store.close()
    if (lost + doubled + torn + moved > 0) break
  }
  console.log(
    `kill -9 while appending: ${rounds} rounds, seed ${seed}, ${acknowledged.size} acknowledged, ${kept} stored, lost ${lost}, doubled ${doubled}, torn ${torn}, moved ${moved}`,
  )
  expect({ lost, doubled, torn, moved }).toEqual({ lost: 0, doubled: 0, torn: 0, moved: 0 })
  expect(acknowledged.size).toBeGreaterThan(rounds)
}, 110_000)
