import { describe, expect, test } from 'vitest'
import { tampered, textOf, world } from '../../../test/attacks/seal-fixture.ts'
import { RecollectError } from '../../core/errors.ts'
import { toUtf8 } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { LogStore, StoredEntry } from '../../ports/log-store.ts'
import { createAuditLog, type AuditInput } from './audit-log.ts'
import { mintAny } from '../mint.ts'

const event = (action: string, more: Partial<AuditInput> = {}): AuditInput => ({ tenantId: 'acme', action, decision: 'done', ...more })
const monthRef = (month = '2100-01', tenantId = 'acme') => refOf(mintAny(tenantId, '~audit'), 'audit', month)
const day = 86_400_000

/** Sealing off, so that what is tried is the chain alone. */
function trail(options: Parameters<typeof world>[0] = { seal: 'off' }) {
  const made = world(options)
  const parts = { ring: made.ring, clock: made.clock, random: made.random, mint: mintAny, node: 'n1', telemetry: made.telemetry }
  const on = (store: LogStore) => createAuditLog({ ...parts, store })
  return { ...made, on, audit: on(made.store) }
}
const events = async (store: LogStore, ref = monthRef()) =>
  (await store.read(ref)).map((one) => JSON.parse(textOf(one.body).split('\n')[0]!) as Record<string, unknown>)

describe('the audit trail', () => {
  test('holds one log a tenant and month, sealed, of kind audit under ~audit [AUD-1]', async () => {
    const { audit, store, data, clock } = trail({ seal: 'on' })
    await audit.record(event('session.delete'))
    await audit.record(event('sweep', { tenantId: '~system' }))
    clock.advance(31 * day)
    await audit.record(event('memory.forget'))
    expect((await data.list(mintAny('acme', '~audit'), 'audit')).items.map((one) => one.logId)).toEqual(['2100-02', '2100-01'])
    expect((await data.list(mintAny('~system', '~audit'), 'audit')).items.map((one) => one.logId)).toEqual(['2100-01'])
    expect(
      Buffer.from((await data.read(monthRef()))[0]!.body)
        .subarray(0, 2)
        .toString('hex'),
    ).toBe('5243')
    expect((await events(store)).map((one) => one['action'])).toEqual(['session.delete'])
  })

  test('the first event of a month holds the head of the month before [AUD-1]', async () => {
    const { audit, store, clock } = trail()
    await audit.record(event('a'))
    await audit.record(event('b'))
    const head = (await audit.head('acme'))!
    expect(head.count).toBe(2)
    clock.advance(60 * day)
    await audit.record(event('c'))
    await audit.record(event('d'))
    const [first, second] = await events(store, monthRef('2100-03'))
    expect(first!['before']).toEqual({ month: '2100-01', ...head })
    expect(second!['before']).toBeUndefined()
    expect(await audit.verify('acme')).toMatchObject({ ok: true, checked: 4 })
  })

  test('a month is kept until its last day is 400 days old [AUD-1]', async () => {
    const { audit, store } = trail()
    await audit.record(event('a'))
    expect((await store.head(monthRef()))!.expiresAt).toBe(Date.UTC(2100, 1, 1) + limits.auditDays * day)
  })

  test('an event says who, what, on what, how it was decided, where and after which, in one spelling [AUD-2]', async () => {
    const { audit, store, clock } = trail()
    await audit.record(
      event('owner.erase', {
        actor: 'key1',
        role: 'owner',
        target: { kind: 'owner', pseudonym: 'own-x' },
        decision: 'allow',
        reason: 'own',
        counts: { logs: 3, entries: 9 },
      }),
    )
    const [one] = await events(store)
    expect(one).toEqual({
      seq: 1,
      at: clock.now(),
      actor: 'key1',
      role: 'owner',
      action: 'owner.erase',
      target: { kind: 'owner', pseudonym: 'own-x' },
      decision: 'allow',
      reason: 'own',
      counts: { entries: 9, logs: 3 },
      node: 'n1',
      previous: Buffer.alloc(32).toString('base64url'),
    })
  })

  test('content does not come in by any field [AUD-2]', async () => {
    const { audit, telemetry } = trail()
    const text = 'I moved to Lisbon'
    for (const more of [
      { reason: text },
      { actor: text },
      { target: { kind: 'session', pseudonym: text } },
      { counts: { [text]: 1 } },
      { counts: { a: Number.NaN } },
      { action: '' },
      { reason: 'x'.repeat(129) },
    ] as Partial<AuditInput>[]) {
      await expect(audit.record(event('a', more))).rejects.toMatchObject({ code: 'invalid_input' })
      audit.note(event('a', more))
    }
    await audit.flush()
    expect(telemetry.counted('recollect_audit_dropped_total')).toBe(7)
    expect(await audit.verify('acme')).toEqual({ ok: true, checked: 0 })
  })

  test('what is recorded is written before the answer; what is noted within 1 s, in one batch [AUD-5]', async () => {
    const { audit, store, clock } = trail()
    await audit.record(event('first'))
    expect((await events(store)).length).toBe(1)
    for (let i = 0; i < 5; i++) audit.note(event(`noted-${i}`, { decision: 'deny' }))
    expect((await events(store)).length).toBe(1)
    clock.advance(limits.auditBatchMs)
    await audit.close()
    expect((await events(store)).map((one) => one['action'])).toEqual(['first', 'noted-0', 'noted-1', 'noted-2', 'noted-3', 'noted-4'])
    expect((await store.head(monthRef()))!.revision).toBe(3)
  })

  test('closing writes what waits, without waiting for the second to pass [AUD-5]', async () => {
    const { audit, store } = trail()
    audit.note(event('noted'))
    await audit.close()
    expect((await events(store)).length).toBe(1)
  })

  test('if the log cannot be written a record is unavailable; a note waits and is written later [AUD-5]', async () => {
    const { on, store, telemetry } = trail()
    let down = true
    const gone = () => new RecollectError('unavailable', 'disk full', 'Free some.')
    const flaky = tampered(store, { append: async (...args) => (down ? Promise.reject(gone()) : store.append(...args)) })
    const audit = on(flaky)
    await expect(audit.record(event('erase'))).rejects.toMatchObject({ code: 'unavailable' })
    audit.note(event('noted'))
    await audit.flush()
    expect(telemetry.counted('recollect_audit_failures_total')).toBe(1)
    down = false
    await audit.flush()
    expect((await events(store)).map((one) => one['action'])).toEqual(['noted'])
    await audit.close()
  })

  test('notes that wait are bounded, and what is left out is counted [AUD-5]', async () => {
    const { audit, telemetry } = trail()
    for (let i = 0; i < limits.auditWaiting + 5; i++) audit.note(event('a'))
    expect(telemetry.counted('recollect_audit_dropped_total')).toBe(5)
    await audit.close()
    expect(await audit.verify('acme')).toMatchObject({ ok: true, checked: limits.auditWaiting })
  })

  test('two processes that write at once make one chain without a gap [AUD-3]', async () => {
    const { on, wrap, data } = trail()
    const [a, b] = [on(wrap(data)), on(wrap(data))]
    await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? a : b).record(event(`e${i}`))))
    expect(await a.verify('acme')).toMatchObject({ ok: true, checked: 60, head: { count: 60 } })
    expect(await b.head('acme')).toEqual((await a.verify('acme', '2100-01')).head)
  })
})

describe('verify finds', () => {
  /** Five events, then the same store with its answers changed. */
  async function changed(change: (entries: StoredEntry[]) => StoredEntry[], version?: (count: number) => number) {
    const { audit, store, on } = trail()
    for (let i = 1; i <= 5; i++) await audit.record(event(`e${i}`))
    const entries = change((await store.read(monthRef())).map((one) => ({ ...one })))
    const count = version?.(entries.length) ?? entries.length
    const fake = tampered(store, {
      list: async (...args) => ({ items: (await store.list(...args)).items.map((one) => ({ ...one, version: count })) }),
      read: async (_, options) => entries.filter((one) => one.seq > (options?.after ?? 0) && one.seq <= (options?.upTo ?? Infinity)),
    })
    return on(fake).verify('acme')
  }
  const numbered = (list: StoredEntry[]) => list.map((one, i) => ({ ...one, seq: i + 1 }))
  const edit = (one: StoredEntry, from: string, to: string) => ({ ...one, body: toUtf8(textOf(one.body).replace(from, to)) })

  test('nothing wrong in a chain that was left alone [AUD-3]', async () => {
    expect(await changed((all) => all)).toMatchObject({ ok: true, checked: 5 })
  })
  test('a change, of any field and of the hash [AUD-3]', async () => {
    expect(await changed((all) => all.with(2, edit(all[2]!, '"e3"', '"x3"')))).toMatchObject({ ok: false, firstBad: 3 })
    expect(await changed((all) => all.with(4, edit(all[4]!, '"done"', '"deny"')))).toMatchObject({ ok: false, firstBad: 5 })
    expect(
      await changed((all) => all.with(0, { ...all[0]!, body: new Uint8Array([...all[0]!.body.slice(0, -43), ...all[1]!.body.slice(-43)]) })),
    ).toMatchObject({ ok: false, firstBad: 1 })
  })
  test('a swap [AUD-3]', async () => {
    expect(await changed((all) => numbered([all[0]!, all[2]!, all[1]!, all[3]!, all[4]!]))).toMatchObject({ ok: false, firstBad: 2 })
  })
  test('a dropped event, first, in the middle, and last while the head still counts it [AUD-3]', async () => {
    expect(await changed((all) => numbered(all.slice(1)))).toMatchObject({ ok: false, firstBad: 1 })
    expect(await changed((all) => numbered(all.toSpliced(2, 1)))).toMatchObject({ ok: false, firstBad: 3 })
    expect(
      await changed(
        (all) => all.slice(0, 4),
        () => 5,
      ),
    ).toMatchObject({ ok: false, firstBad: 5 })
  })
  test('an inserted event, a copy too, and one redacted [AUD-3]', async () => {
    expect(await changed((all) => numbered(all.toSpliced(2, 0, all[1]!)))).toMatchObject({ ok: false, firstBad: 3 })
    expect(await changed((all) => numbered(all.toSpliced(2, 0, edit(all[1]!, '"e2"', '"x"'))))).toMatchObject({ ok: false, firstBad: 3 })
    expect(await changed((all) => all.with(1, { ...all[1]!, body: new Uint8Array(0) }))).toMatchObject({ ok: false, firstBad: 2 })
  })
  test('a chain rewritten by somebody without the key [AUD-3]', async () => {
    const other = trail({ seal: 'off', seed: 9 })
    for (let i = 1; i <= 5; i++) await other.audit.record(event(`forged-${i}`))
    const forged = await other.store.read(monthRef())
    expect(await changed(() => [...forged])).toMatchObject({ ok: false, firstBad: 1 })
  })
  test('a month that was cut off at its end, by the month after it; the last month only by an exported head [AUD-3]', async () => {
    const { audit, store, on, clock } = trail()
    for (let i = 1; i <= 3; i++) await audit.record(event(`e${i}`))
    const whole = await audit.verify('acme')
    const cut = (month: string) =>
      tampered(store, {
        list: async (...args) => ({
          items: (await store.list(...args)).items.map((one) => (one.logId === month ? { ...one, version: one.version - 1 } : one)),
        }),
      })
    const last = await on(cut('2100-01')).verify('acme')
    expect(last).toMatchObject({ ok: true, checked: 2 })
    expect(last.head).not.toEqual(whole.head)
    clock.advance(31 * day)
    await audit.record(event('next month'.replace(' ', '-')))
    expect(await audit.verify('acme')).toMatchObject({ ok: true, checked: 4 })
    expect(await on(cut('2100-01')).verify('acme')).toMatchObject({ ok: false, firstBad: 1 })
  })
  test('in a sealed store the changed seq, and a head that does not open [AUD-3]', async () => {
    const { audit, data } = trail({ seal: 'on' })
    for (let i = 1; i <= 5; i++) await audit.record(event(`e${i}`))
    const good = (await data.read(monthRef()))[3]!
    await data.rewrite(monthRef(), [{ seq: 4, body: good.body.with(50, good.body[50]! ^ 1) }])
    expect(await audit.verify('acme')).toMatchObject({ ok: false, firstBad: 4 })
    await data.updateHead(monthRef(), (await data.head(monthRef()))!.revision, { body: toUtf8('x'.repeat(80)) })
    expect((await audit.verify('acme')).ok).toBe(false)
  })
  test('nothing wrong after a new data key, and after months [AUD-3]', async () => {
    const { audit, clock, ring } = trail()
    for (let i = 0; i < 8; i++) {
      await audit.record(event('e'))
      await ring.sealKeys({ tenantId: 'acme', ownerId: '~audit' }, 'write')
      clock.advance(30 * day)
    }
    expect(await audit.verify('acme')).toMatchObject({ ok: true, checked: 8 })
    expect((await ring.look({ tenantId: 'acme', ownerId: '~audit' }))!.data.length).toBeGreaterThan(1)
  })
})
