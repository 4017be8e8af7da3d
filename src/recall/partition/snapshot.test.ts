// A snapshot is a faster way to the same partition, and never another one.
import { expect, test } from 'vitest'
import { refOf } from '../../core/log-ref.ts'
import { memoryLogId } from '../../core/memory.ts'
import type { LogStore } from '../../ports/log-store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { recordingTelemetry } from '../../testing/recording-telemetry.ts'
import { anOwner, forget, noon, recallOver, recordBody, wordEmbedder, type Owner } from '../../../test/builders/recall.ts'
import { snapshotName } from './snapshot.ts'

const queries = ['where is the dog', 'what tea does Ana like', 'Lisbon in May', '2024', 'answer about the dog']

async function aLog(): Promise<Owner> {
  const owner = await anOwner()
  await owner.say(
    'I moved to Lisbon.',
    { text: 'My dog is called Rex.', speaker: 'Ana' },
    { text: 'Dogs need walks.', authority: 'assistant' as const },
    'I drink green tea.',
    ...Array.from({ length: 30 }, (_, i) => ({
      text: `Note ${i} about ${i % 3 === 0 ? 'tea' : 'the weather'} today`,
      session: `s${i % 4}`,
      authority: i % 5 === 0 ? ('untrusted' as const) : ('typed' as const),
    })),
  )
  await owner.append({ type: 'end', recordId: 'mem_4', validUntil: noon, why: 'retracted' })
  return owner
}
const answers = async (store: LogStore, owner: Owner) => {
  const recall = recallOver(store)
  const found = []
  for (const query of queries) found.push(await recall.search(owner.scope, query, { floor: 0, explain: true, limit: 20 }))
  recall.drop(owner.scope)
  return found
}
async function save(owner: Owner): Promise<boolean> {
  const recall = recallOver(owner.store)
  const lease = await owner.store.lease({ ...ownerOf(owner), purpose: 'work' }, 60_000)
  const saved = await recall.saveSnapshot(owner.scope, lease!.fence)
  await owner.store.release(lease!.fence)
  recall.drop(owner.scope)
  return saved
}
const ownerOf = ({ scope }: Owner) => ({ tenantId: scope.tenantId, ownerId: scope.ownerId })
const refOfMemory = (owner: Owner) => refOf(owner.scope, 'memory', memoryLogId)

test('hits are the same from a fresh build, from a snapshot, from a snapshot and a tail, and from a partition that grew [MEM-P3, PART-4, PART-5, RCL-10]', async () => {
  const owner = await aLog()
  const grown = recallOver(owner.store)
  await grown.search(owner.scope, 'dog')
  const before = await answers(owner.store, owner)
  expect(await save(owner)).toBe(true)
  expect(await answers(owner.store, owner)).toEqual(before)
  await owner.say('Rex the dog ran away in Lisbon.', { text: 'Poor dog!', authority: 'assistant' }, { text: 'dog dog dog', authority: 'untrusted' })
  await owner.append({ type: 'evidence', recordId: 'mem_1', evidence: { log: 'two', birth: 1, seq: 4, start: 0, end: 3, mac: 'm' } })
  const fromSnapshotAndTail = await answers(owner.store, owner)
  const fromGrown = []
  for (const query of queries) fromGrown.push(await grown.search(owner.scope, query, { floor: 0, explain: true, limit: 20 }))
  expect(fromGrown).toEqual(fromSnapshotAndTail)
  const copy = await copyOf(owner)
  expect(await answers(copy, owner)).toEqual(fromSnapshotAndTail)
})

test('a forgotten record leaves what is held as if it had never been [MEM-P3, MEM-P6, NODE-2]', async () => {
  const owner = await aLog()
  const recall = recallOver(owner.store)
  await recall.search(owner.scope, 'dog')
  await save(owner)
  await owner.append({ type: 'tombstone', recordIds: ['mem_2'], seqs: [3, 4], suppress: [], why: 'forgotten', at: noon })
  const announced = await recall.search(owner.scope, 'Rex', { floor: 0 })
  expect(announced.hits.map((hit) => hit.record.text)).not.toContain('My dog is called Rex.')
  await owner.store.rewrite(refOfMemory(owner), [{ seq: 3 }, { seq: 4 }])
  expect(await owner.store.loadSnapshot(refOfMemory(owner), snapshotName)).toBeUndefined()
  const redacted = await recall.search(owner.scope, 'Rex', { floor: 0 })
  expect({ ...redacted, upTo: 0 }).toEqual({ ...announced, upTo: 0 })
  expect((await recall.explain(owner.scope, 'Rex', 'mem_2')).fate).toBe('no such record')
})

test('a snapshot of another embedder, birth, place, version of the weights or shape is dropped, counted and built anew [PART-4, MREG-13]', async () => {
  const owner = await aLog()
  const before = await answers(owner.store, owner)
  await save(owner)
  const snapshot = (await owner.store.loadSnapshot(refOfMemory(owner), snapshotName))!
  const saying = (what: RegExp, other: (digit: string) => string) =>
    snapshot.chunks.map((chunk, i) => (i === 0 ? Buffer.from(Buffer.from(chunk).toString('latin1').replace(what, other), 'latin1') : chunk))
  const damaged = [
    snapshot.chunks.map((chunk, i) => (i === 0 ? chunk.subarray(0, 100) : chunk)),
    saying(/(?<="format":)\d/, () => '0'),
    saying(/(?<="weights":)\d/, () => '0'),
    saying(/(?<="birth":)\d/, (digit) => (digit === '1' ? '2' : '1')),
    saying(/(?<="upTo":)\d/, () => '1'),
    [...snapshot.chunks, new Uint8Array(8)],
    [new Uint8Array([1])],
  ]
  for (const chunks of damaged) {
    const telemetry = recordingTelemetry()
    const lease = await owner.store.lease({ ...ownerOf(owner), purpose: 'work' }, 60_000)
    await owner.store.saveSnapshot(refOfMemory(owner), { ...snapshot, chunks }, { fence: lease!.fence })
    await owner.store.release(lease!.fence)
    const recall = recallOver(owner.store, { telemetry })
    expect(await recall.search(owner.scope, queries[0]!, { floor: 0, explain: true, limit: 20 })).toEqual(before[0])
    expect(telemetry.counted('recollect_snapshots_dropped_total')).toBe(1)
  }
  await save(owner)
  const other = { ...wordEmbedder, info: { ...wordEmbedder.info, id: 'other-32@1' } }
  const telemetry = recordingTelemetry()
  expect((await recallOver(owner.store, { embedder: other, telemetry }).search(owner.scope, 'dog', { floor: 0 })).degraded).toEqual(['embedder'])
  expect(telemetry.counted('recollect_snapshots_dropped_total')).toBe(1)
})

test('a snapshot is due once a tenth is new, and needs the fence of a lease [PART-4, NODE-3]', async () => {
  const owner = await aLog()
  const recall = recallOver(owner.store)
  const lease = await owner.store.lease({ ...ownerOf(owner), purpose: 'work' }, 60_000)
  const { fence } = lease!
  expect([await recall.saveSnapshot(owner.scope, fence), await recall.saveSnapshot(owner.scope, fence)]).toEqual([true, false])
  await owner.say('one more')
  expect(await recall.saveSnapshot(owner.scope, fence)).toBe(false)
  await owner.say('a second', 'a third', 'a fourth')
  await expect(recall.saveSnapshot(owner.scope, { ...fence, number: fence.number + 1 })).rejects.toMatchObject({ code: 'conflict' })
  expect(await recall.saveSnapshot(owner.scope, fence)).toBe(true)
})

test('what a tombstone names is in no snapshot, though its body is not redacted yet [MEM-P6]', async () => {
  const owner = await aLog()
  const recall = recallOver(owner.store)
  await recall.search(owner.scope, 'dog')
  await owner.append({ type: 'tombstone', recordIds: ['mem_2'], seqs: [3, 4], suppress: [], why: 'forgotten', at: noon })
  const lease = await owner.store.lease({ ...ownerOf(owner), purpose: 'work' }, 60_000)
  expect(await recall.saveSnapshot(owner.scope, lease!.fence)).toBe(true)
  const bytes = Buffer.concat((await owner.store.loadSnapshot(refOfMemory(owner), snapshotName))!.chunks)
  expect([bytes.includes('called Rex'), bytes.includes(Buffer.from('rex', 'utf16le')), bytes.includes('green tea')]).toEqual([false, false, true])
})

test('what is forgotten is in no later snapshot [MEM-P6]', async () => {
  const owner = await aLog()
  await forget(owner, 'mem_2', [3, 4])
  await save(owner)
  const { chunks } = (await owner.store.loadSnapshot(refOfMemory(owner), snapshotName))!
  expect(Buffer.concat(chunks).includes('called Rex')).toBe(false)
  expect(Buffer.concat(chunks).includes('green tea')).toBe(true)
})

async function copyOf(owner: Owner): Promise<LogStore> {
  const store = memoryStore({ clock: manualClock(noon) })
  const ref = refOfMemory(owner)
  await store.open(ref, { body: new Uint8Array() })
  await store.append(ref, await owner.store.read(ref))
  return store
}

test('the builder writes what the fold reads [MEM-1]', () => {
  expect(recordBody(1, { text: 'x', authority: 'assistant' })).toMatchObject({ list: 'assistant', origin: 'assistant' })
})
