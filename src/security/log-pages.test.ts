import { expect, test } from 'vitest'
import { refOf } from '../core/log-ref.ts'
import { mintScope } from '../core/scope.ts'
import { memoryStore } from '../stores/memory/index.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { logPages } from './log-pages.ts'

test('a log is read in pages, in order; one that ends before its version is an integrity failure, not a shorter log [SEAL-9]', async () => {
  const store = memoryStore({ clock: manualClock(0) })
  const ref = refOf(mintScope('t', 'o'), 'session', 's')
  await store.open(ref, { body: new Uint8Array() })
  await store.append(
    ref,
    ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, body: Uint8Array.of(1) })),
  )
  const read = async (after: number, upTo: number) => {
    const pages: number[][] = []
    for await (const page of logPages(store, ref, after, upTo, 2)) pages.push(page.map(({ seq }) => seq))
    return pages
  }
  expect(await read(0, 5)).toEqual([[1, 2], [3, 4], [5]])
  expect(await read(2, 3)).toEqual([[3]])
  expect(await read(5, 5)).toEqual([])
  await expect(read(3, 6)).rejects.toMatchObject({ code: 'integrity_failure', message: 'a session log ends at seq 5, and its head says 6' })
})
