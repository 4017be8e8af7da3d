// Appends without end to a SQLite store and says each acknowledgement on its standard output before the next operation starts (FLT-7). Killed by its judge.
import { writeSync } from 'node:fs'
import { sqliteStore } from '../../src/stores/sqlite/index.ts'

const [file, firstId] = process.argv.slice(2) as [string, string]
const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'killed' } as const

const store = await sqliteStore({ path: file, clock: { now: () => Date.now() } })
await store.open(ref, { body: new Uint8Array(0) })

/** One line an acknowledgement: the ids of the call, and how many of them were new. A pipe that is full waits: nothing is acknowledged unseen. */
function say(line: string): void {
  const bytes = Buffer.from(line)
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at)
}

// Calls of 1 to 4 entries, and now and then four calls at once, so that a kill also meets a group commit.
for (let n = Number(firstId); ;) {
  const calls = n % 7 === 0 ? 4 : 1
  const ids = Array.from({ length: calls }, () => Array.from({ length: 1 + (n % 4) }, () => `m${n++}`))
  const done = await Promise.all(
    ids.map((call) =>
      store.append(
        ref,
        call.map((id) => ({ id, body: Buffer.from(`the body of ${id}`) })),
      ),
    ),
  )
  say(done.map(({ seqs }, i) => `${ids[i]?.join(',')} ${seqs.join(',')}\n`).join(''))
}
