import { expect, test } from 'vitest'
import { manualClock } from '../../testing/index.ts'
import { memoryStore } from './index.ts'

const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'log' } as const
const head = { body: new Uint8Array(0) }
const entry = (id: string, bytes: number) => ({ id, body: new Uint8Array(bytes).fill(1) })

test('a full store refuses what brings bytes, and takes it again when there is room [DRV-7]', async () => {
  const store = memoryStore({ clock: manualClock(0), maxBytes: 10_000 })
  await store.open(ref, head)
  await store.append(ref, [entry('a', 4_000), entry('b', 4_000)])
  const before = await store.head(ref)
  await expect(store.append(ref, [entry('c', 4_000)])).rejects.toMatchObject({ code: 'unavailable', limit: 10_000 })
  await expect(store.updateHead(ref, 2, { body: new Uint8Array(3_000) })).rejects.toMatchObject({ code: 'unavailable' })
  const { fence } = (await store.lease({ ...ref, purpose: 'work' }, 1_000)) ?? expect.fail()
  await expect(store.saveSnapshot(ref, { name: 's', upTo: 0, chunks: [new Uint8Array(3_000)] }, { fence })).rejects.toMatchObject({
    code: 'unavailable',
  })
  await expect(store.open({ ...ref, logId: 'x' }, { body: new Uint8Array(2_000) })).rejects.toMatchObject({ code: 'unavailable' })
  expect(await store.head(ref)).toEqual(before)
  expect((await store.append(ref, [entry('a', 4_000)])).added).toBe(0) // a retry brings nothing

  await store.rewrite(ref, [{ seq: 1 }])
  expect((await store.append(ref, [entry('c', 4_000)])).added).toBe(1)
})

test('what is deleted and erased gives its room back, to the last byte [DRV-7]', async () => {
  const store = memoryStore({ clock: manualClock(0), maxBytes: 10_000 })
  for (let round = 0; round < 50; round++) {
    await store.open(ref, { body: new Uint8Array(500) })
    await store.append(ref, [entry('a', 3_000), entry('b', 3_000)])
    const { fence } = (await store.lease({ ...ref, purpose: 'work' }, 1_000)) ?? expect.fail()
    for (const chunks of [1, 2, 3]) await store.saveSnapshot(ref, { name: 's', upTo: 2, chunks: [new Uint8Array(chunks * 100)] }, { fence })
    await store.rewrite(ref, [{ seq: 2, body: new Uint8Array(2_000).fill(2) }])
    await store.rewrite(ref, [{ seq: 1 }])
    await store.release(fence)
    if (round % 2 === 0) await store.delete(ref)
    else await store.erase(ref)
  }
})

test('it lasts as long as its process, and says so [DRV-7]', () => {
  expect(memoryStore({ clock: manualClock(0) }).info).toEqual({ name: 'memory', durable: false, shared: false })
})
