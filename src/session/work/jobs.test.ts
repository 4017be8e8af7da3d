import { describe, expect, test } from 'vitest'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { mintScope } from '../../core/scope.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { recordingTelemetry } from '../../testing/recording-telemetry.ts'
import { createJobs } from './jobs.ts'

const [alice, bob] = [mintScope('t', 'alice'), mintScope('t', 'bob')]
const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

function aRunner({ background = true, fail = () => undefined as Error | undefined } = {}) {
  const clock = manualClock(0)
  const telemetry = recordingTelemetry()
  const done: string[] = []
  let [atOnce, most] = [0, 0]
  const jobs = createJobs({
    clock,
    telemetry,
    background,
    work: async (scope, session) => {
      most = Math.max(most, ++atOnce)
      await Promise.resolve()
      atOnce--
      const error = fail()
      if (error !== undefined) throw error
      done.push(`${scope.ownerId}/${session}`)
    },
  })
  return { jobs, clock, done, telemetry, most: () => most }
}

describe('background work', () => {
  test('starts at once when a turn has ended, else 1 s after the last entry [NODE-8]', async () => {
    const { jobs, clock, done } = aRunner()
    jobs.due(alice, 'ended', 'now')
    jobs.due(alice, 'open', 'idle')
    await settle()
    expect(done).toEqual(['alice/ended'])
    clock.advance(limits.turnEndIdleMs - 1)
    jobs.due(alice, 'open', 'idle') // another entry: the second begins anew
    clock.advance(1)
    await settle()
    expect(done).toEqual(['alice/ended'])
    clock.advance(limits.turnEndIdleMs)
    await settle()
    expect(done).toEqual(['alice/ended', 'alice/open'])
  })

  test('settled takes every turn as ended, of one owner or of all [NODE-8]', async () => {
    const { jobs, done } = aRunner({ background: false })
    jobs.due(alice, 's', 'idle')
    jobs.due(bob, 's', 'now')
    await settle()
    expect(done).toEqual([])
    await jobs.settled(alice)
    expect(done).toEqual(['alice/s'])
    await jobs.settled()
    expect(done).toEqual(['alice/s', 'bob/s'])
  })

  test("an owner's jobs run one after the other, and few owners' at once [NODE-7]", async () => {
    const { jobs, done, most, clock } = aRunner()
    for (const session of ['1', '2', '3']) for (const owner of ['a', 'b', 'c', 'd']) jobs.due(mintScope('t', owner), session, 'now')
    for (let i = 0; i < 50; i++) {
      await settle()
      clock.advance(limits.jobRetryMs)
    }
    expect(done).toHaveLength(12)
    expect(done.filter((one) => one.startsWith('a/'))).toEqual(['a/1', 'a/2', 'a/3'])
    expect(most()).toBeLessThanOrEqual(limits.jobsAtOnce)
  })

  test('a session that comes due twice before its turn is worked on once [NODE-7]', async () => {
    const { jobs, done } = aRunner({ background: false })
    jobs.due(alice, 's', 'now')
    jobs.due(alice, 's', 'now')
    await jobs.settled()
    expect(done).toEqual(['alice/s'])
  })

  test('a failure is tried again after 1 s, then 2, and so on up to 10 minutes [FORM-7]', async () => {
    let broken = true
    const { jobs, clock, done, telemetry } = aRunner({ fail: () => (broken ? new Error('down') : undefined) })
    jobs.due(alice, 's', 'now')
    await settle()
    const failed = () => telemetry.counted('recollect_job_runs_total', { outcome: 'failed' })
    expect(failed()).toBe(1)
    let waits = 0
    for (const expected of [1_000, 2_000, 4_000]) {
      clock.advance(expected - 1)
      await settle()
      expect(failed()).toBe(++waits)
      clock.advance(1)
      await settle()
      expect(failed()).toBe(waits + 1)
    }
    for (let i = 0; i < 12; i++) {
      clock.advance(limits.formRetryMsMost)
      await settle()
    }
    expect(failed()).toBe(16)
    broken = false
    clock.advance(limits.formRetryMsMost)
    await settle()
    expect(done).toEqual(['alice/s'])
  })

  test('what comes due anew while a back-off runs does not cut it short [FORM-7]', async () => {
    const { jobs, clock, telemetry } = aRunner({ fail: () => new Error('down') })
    const failed = () => telemetry.counted('recollect_job_runs_total', { outcome: 'failed' })
    jobs.due(alice, 's', 'now')
    await settle()
    jobs.due(alice, 's', 'now')
    await settle()
    expect(failed()).toBe(1)
    clock.advance(1_000)
    await settle()
    expect(failed()).toBe(2)
  })

  test('settled says what a job failed with, and leaves it for later [FORM-7]', async () => {
    let broken = true
    const { jobs, done } = aRunner({ background: false, fail: () => (broken ? new Error('down') : undefined) })
    jobs.due(alice, 's', 'now')
    await expect(jobs.settled()).rejects.toThrow('down')
    broken = false
    await jobs.settled()
    expect(done).toEqual(['alice/s'])
  })

  test('the work of a session that is gone is done [NODE-7]', async () => {
    const { jobs, telemetry } = aRunner({ fail: () => new RecollectError('not_found', 'gone', 'none') })
    jobs.due(alice, 's', 'now')
    await jobs.settled()
    expect(telemetry.counted('recollect_job_runs_total', { outcome: 'gone' })).toBe(1)
    expect(jobs.holds(alice)).toBe(0)
  })

  test('over the bound the newcomer is left to its cursor, and counted [NODE-7]', async () => {
    const { jobs, telemetry } = aRunner({ background: false })
    for (let i = 0; i <= limits.jobsPending; i++) jobs.due(alice, `s${i}`, 'idle')
    expect(jobs.holds(alice)).toBe(limits.jobsPending)
    expect(telemetry.counted('recollect_job_runs_total', { outcome: 'dropped' })).toBe(1)
  })

  test("dropping an owner forgets its work, and nobody else's; close ends all [ERA-5]", async () => {
    const { jobs, done, clock } = aRunner()
    jobs.due(alice, 's', 'idle')
    jobs.due(bob, 's', 'idle')
    await jobs.dropOwner(alice)
    expect([jobs.holds(alice), jobs.holds(bob)]).toEqual([0, 1])
    clock.advance(limits.turnEndIdleMs)
    await settle()
    expect(done).toEqual(['bob/s'])
    jobs.due(bob, 't', 'idle')
    await jobs.close()
    clock.advance(limits.turnEndIdleMs)
    await settle()
    expect(done).toEqual(['bob/s'])
  })
})
