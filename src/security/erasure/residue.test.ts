// What is collected of an owner before a removal, and what each kind of look finds of it after.
import { describe, expect, test } from 'vitest'
import { entry, head, tampered, textOf, world } from '../../../test/attacks/seal-fixture.ts'
import { limits } from '../../core/limits.ts'
import { refOf } from '../../core/log-ref.ts'
import type { Head, LogStore } from '../../ports/log-store.ts'
import { notProbed } from './erasure-probes.ts'
import { needles } from './needles.ts'
import { collectResidue, probeStore, type Residue } from './residue.ts'

const made = `ses_${'a1'.repeat(21)}b`
const madeEntry = `msg_${'c3'.repeat(11)}`

async function aFilledStore() {
  const it = world()
  const ref = it.session(made)
  await it.store.open(ref, head('title'))
  await it.store.append(ref, [entry(madeEntry, 'one'), entry('named by a caller', 'two')])
  const { fence } = (await it.store.lease({ tenantId: 'acme', ownerId: 'alice', purpose: 'work' }, 5000))!
  await it.store.saveSnapshot(ref, { name: 'n', upTo: 1, chunks: [head('chunk').body] }, { fence })
  await it.store.open(it.session('named by a caller'), head())
  return { ...it, ref }
}
const ivOf = (body: Uint8Array) => Buffer.from(body.subarray(16, 28)).toString('hex')

describe('what is looked for', () => {
  test('is the IV of each body, and each id that we made; a name of a caller may be that of others too [ERA-7]', async () => {
    const { data, alice, ref, session } = await aFilledStore()
    const residue = await collectResidue(data, alice, ['n'], true)
    const bodies = [
      (await data.head(ref))!.body,
      ...(await data.loadSnapshot(ref, 'n'))!.chunks,
      ...(await data.read(ref)).map(({ body }) => body),
      (await data.head(session('named by a caller')))!.body,
    ]
    const ivs = bodies.map(ivOf)
    const ids = residue.needles.list().flatMap((needle) => (needle.length > 12 ? [textOf(needle)] : []))
    expect(ids.toSorted()).toEqual([madeEntry, made])
    expect(new Set(residue.needles.list().map((needle) => Buffer.from(needle).toString('hex')))).toEqual(
      new Set([...ivs, ...ids.map((id) => Buffer.from(id).toString('hex'))]),
    )
    expect(residue).toMatchObject({ logs: 2, entries: 2, snapshots: 1 })
    expect((await collectResidue(data, alice, ['n'], false)).needles.kept).toBeLessThan(residue.needles.kept) // a dry run only counts
  })

  test('reaches the last page of a long log [ERA-7]', async () => {
    const { data, alice } = world()
    const ref = refOf(alice, 'session', 's')
    await data.open(ref, head())
    const count = limits.readEntries + 10
    for (let at = 0; at < count; at += limits.appendEntries)
      await data.append(
        ref,
        Array.from({ length: Math.min(limits.appendEntries, count - at) }, (_, i) => entry(`msg_${String(at + i).padStart(22, '0')}`, 'x')),
      )
    const { needles: found } = await collectResidue(data, alice, [], true)
    expect(found.list().map(textOf)).toContain(`msg_${String(count - 1).padStart(22, '0')}`)
    expect(found.kept).toBe(count)
  })

  test('is bounded, and the report says that it is a sample [ERA-7]', async () => {
    const { data, alice } = world()
    const plain: Head = { version: 0, revision: 1, birth: 1, rewrites: 0, createdAt: 0, updatedAt: 0, entries: 0, bytes: 1, body: new Uint8Array() }
    const many = 42_000
    const list: LogStore['list'] = async (_, kind, page = {}) => {
      const from = Number(page.cursor ?? 0)
      if (kind !== 'session') return { items: [] }
      const items = Array.from({ length: 1_000 }, (_, i) => ({ ...plain, logId: `l${from + i}` }))
      return from + 1_000 < many ? { items, cursor: String(from + 1_000) } : { items }
    }
    const residue = await collectResidue(tampered(data, { list }), alice, [], true)
    expect(residue.logs).toBe(many)
    expect(residue.refs.length).toBe(Math.floor(limits.residueBytes / 4 / 400))
    const places = (one: Residue) => notProbed(0, { residues: [one], wraps: needles(1) }).map(({ place }) => place)
    expect(places(residue)).toContain('the rest of a sample')
    const whole = { ...residue, logs: residue.refs.length }
    expect(places(whole)).not.toContain('the rest of a sample')
    const full = needles(300)
    for (let i = 0; i < 9; i++) full.add(new Uint8Array(12).fill(i))
    expect(places({ ...whole, needles: full })).toContain('the rest of a sample')
  })
})

describe('a look into a store', () => {
  test.each([
    ['head', 'sessions: head', 2],
    ['read', 'sessions: read', 2],
    ['loadSnapshot', 'sessions: snapshots', 1],
    ['list', 'sessions: list', 2],
  ] as const)('finds what %s alone still gives [ERA-7]', async (method, place, found) => {
    const { data, alice } = await aFilledStore()
    const residue = await collectResidue(data, alice, ['n'], true)
    const kept = { ...data }
    const erased = world().data
    const probes = await probeStore('sessions', { ...erased, [method]: kept[method] }, alice, residue, ['n'])
    expect(probes.filter((probe) => probe.found > 0)).toEqual([{ place, lookedFor: place === 'sessions: list' ? 6 : 2, found }])
    expect((await probeStore('sessions', erased, alice, residue, ['n'])).every((probe) => probe.found === 0)).toBe(true)
  })
})
