import { expect, test } from 'vitest'
import { losingReplies, manualClock, recordingTelemetry, seededRandom } from './index.ts'
import { memoryStore } from '../stores/memory/index.ts'

test('a clock by hand wakes sleepers in the order of their times, and none before [DESIGN-8.4]', async () => {
  const clock = manualClock(1_000)
  const woken: string[] = []
  const stop = new AbortController()
  const naps = [
    clock.sleep(20).then(() => woken.push('late')),
    clock.sleep(10).then(() => woken.push('soon')),
    clock.sleep(30, stop.signal).then(() => woken.push('stopped')),
  ]
  await clock.sleep(0)
  clock.advance(9)
  await clock.sleep(0)
  expect([woken, clock.sleeping]).toEqual([[], 3])
  clock.advance(11)
  await Promise.all(naps.slice(0, 2))
  stop.abort()
  await Promise.all(naps)
  expect([woken, clock.sleeping, clock.now()]).toEqual([['soon', 'late', 'stopped'], 0, 1_020])
  clock.set(0)
  expect(clock.now()).toBe(0)
  expect(() => clock.advance(0.5)).toThrow(/whole number/)
})

test('the same seed gives the same bytes, and another seed others [DESIGN-8.4]', () => {
  const [one, same, other] = [seededRandom(7), seededRandom(7), seededRandom(8)]
  const bytes = one(1_000)
  expect(bytes).toHaveLength(1_000)
  expect(same(1_000)).toEqual(bytes)
  expect(other(1_000)).not.toEqual(bytes)
  const draws = Array.from({ length: 6_000 }, () => one.below(6))
  for (const face of [0, 1, 2, 3, 4, 5]) expect(Math.abs(draws.filter((draw) => draw === face).length - 1_000)).toBeLessThan(150)
})

test('telemetry that records adds up counters by their labels and keeps values and lines in order [DESIGN-8.4]', () => {
  const telemetry = recordingTelemetry()
  telemetry.count('calls', 2, { route: 'a', code: '200' })
  telemetry.count('calls', 1, { route: 'b' })
  telemetry.observe('ms', 5)
  telemetry.gauge('ms', 7, { route: 'a' })
  telemetry.log('warn', 'slow', { durationMs: 7 })
  expect([telemetry.counted('calls'), telemetry.counted('calls', { route: 'a' }), telemetry.counted('none')]).toEqual([3, 2, 0])
  expect([telemetry.values('ms'), telemetry.values('ms', { route: 'a' })]).toEqual([[5, 7], [7]])
  expect(telemetry.lines).toEqual([{ level: 'warn', event: 'slow', fields: { durationMs: 7 } }])
})

test('a lost reply is unavailable, and the write was done once [LOG-5]', async () => {
  const store = losingReplies(memoryStore({ clock: manualClock(0) }))
  const ref = { tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 'log' } as const
  await store.open(ref, { body: new Uint8Array(0) })
  store.loseNext()
  expect(await store.read(ref)).toEqual([])
  const entries = [{ id: 'a', body: Uint8Array.of(1) }]
  await expect(store.append(ref, entries)).rejects.toMatchObject({ code: 'unavailable' })
  expect(await store.append(ref, entries)).toMatchObject({ seqs: [1], added: 0 })
})
