// Every removal is told before it begins, names who asked for it, and looks whether anything is left.
import { describe, expect, test } from 'vitest'
import { RecollectError } from '../../src/core/errors.ts'
import { memoryLogId } from '../../src/core/memory.ts'
import { logKinds } from '../../src/core/log-ref.ts'
import type { DeletionReceipt, RecollectOptions } from '../../src/index.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { snapshotName } from '../../src/recall/partition/snapshot.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { trail, withFuse } from './audit-trail.ts'
import { gatewayWorld } from './gateway-world.ts'
import { aWorld, codeOf, memoryStores, start } from './library-world.ts'

const secret = 'My locker code is heliotrope.'

/** Unsealed stores under a Recollect, and a fuse: of the writes to the audit trail, so many go through. */
async function aHouse(options: RecollectOptions = {}) {
  const raw = memoryStores(manualClock(start))
  const { store: sessions, fuse } = withFuse(raw.sessions)
  const world = await aWorld('memory', { seal: 'off', stores: { ...raw, sessions }, ...options })
  const alice = world.recollect.user('alice')
  const session = await alice.session('s')
  await session.append([
    { id: 'm1', role: 'user', text: secret },
    { id: 'm2', role: 'user', text: 'The bus was late.' },
  ])
  await alice.memories.settled()
  const id = (await alice.memories.list()).items.find(({ text }) => text === secret)?.id as string
  return { ...world, raw, fuse, alice, session, id }
}
type House = Awaited<ReturnType<typeof aHouse>>

/** Everything that the stores hold of the owner, but leases. */
async function held({ sessions, memories }: House['raw']): Promise<string> {
  const owner = { tenantId: 'default', ownerId: 'alice' }
  const all: string[] = []
  for (const store of [sessions, memories])
    for (const kind of logKinds)
      for (const head of (await store.list(owner, kind)).items) {
        const entries = await store.read({ ...owner, kind, logId: head.logId })
        all.push(kind, head.logId, String(head.revision), ...entries.map(({ body }) => Buffer.from(body).toString('latin1')))
      }
  return all.join('|')
}

const recordOf = (id: string) => `{"type":"record","record":{"id":"${id}"`

const removals = {
  'session.delete': ({ session }: House) => session.delete(),
  'session.redact': ({ session }: House) => session.redact('m1'),
  'memory.forget': ({ alice, id }: House) => alice.memories.forget(id),
  'memory.forget with sources': ({ alice, id }: House) => alice.memories.forget(id, { sources: true }),
  erase: ({ alice }: House) => alice.erase(),
} satisfies Record<string, (house: House) => Promise<DeletionReceipt>>
const each = Object.entries(removals)

describe('where the audit log cannot be written', () => {
  test.each(each)('%s is unavailable, says so, and removes nothing [AUD-5]', async (_, removal) => {
    const house = await aHouse()
    const before = await held(house.raw)
    house.fuse.left = 0
    await expect(removal(house)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('was not carried out') as string })
    expect(await held(house.raw)).toBe(before)
    expect((await house.alice.memories.list()).items).toHaveLength(2)
    house.fuse.left = Number.POSITIVE_INFINITY
    expect((await removal(house)).clean).toBe(true)
    expect(await held(house.raw)).not.toContain(recordOf(house.id))
  })

  test.each(each)('%s says that it was carried out when only its end cannot be told [AUD-5]', async (name, removal) => {
    const house = await aHouse()
    house.fuse.left = 1
    await expect(removal(house)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('but the action was carried out') as string,
    })
    if (name === 'session.redact') expect(await codeOf(house.session.message('m1'))).toBe('not_found')
    expect(await held(house.raw)).not.toContain(recordOf(house.id))
    house.fuse.left = Number.POSITIVE_INFINITY
    if (name === 'session.redact') return // the message is not there any more
    expect(await removal(house)).toMatchObject({ clean: true }) // finds nothing to do, and is told
    expect((await trail(house.raw.sessions)).map(({ decision }) => decision)).toEqual(
      name === 'erase' ? ['allow', 'done'] : ['allow', 'allow', 'done'],
    )
  })

  test('no key is made, renewed or revoked [AUD-5]', async () => {
    const house = await aHouse()
    const { credentials } = house.recollect
    const request = { name: 'k', ownerId: 'alice', roles: ['owner'], userText: 'paste' } as const
    const { credential, secret: key } = await credentials.create('default', request)
    house.fuse.left = 0
    for (const call of [
      () => credentials.create('default', { ...request, name: 'other' }),
      () => credentials.rotate('default', credential.id),
      () => credentials.revoke('default', credential.id),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('was not carried out') as string })
    expect((await credentials.list('default')).items).toHaveLength(1)
    expect(await credentials.authenticate(key)).toBeDefined()
  })

  test('nothing starts unsealed [AUD-5, SEAL-1]', async () => {
    const raw = memoryStores(manualClock(start))
    const append: LogStore['append'] = async () => Promise.reject(new RecollectError('unavailable', 'no disk', 'Later.'))
    expect(await codeOf(aWorld('memory', { seal: 'off', stores: { ...raw, sessions: { ...raw.sessions, append } } }))).toBe('unavailable')
  })
})

describe('the audit trail', () => {
  test.each(each)('has %s before anything goes, and its end with what went [AUD-5, AUD-2]', async (name, removal) => {
    const house = await aHouse()
    const receipt = await removal(house)
    const events = await trail(house.raw.sessions)
    const action = name.split(' ')[0] as string
    expect(events.map((event) => [event.action, event.decision, event.actor])).toEqual(
      name === 'erase'
        ? [
            ['erase.begun', 'allow', 'in-process'],
            ['erase.done', 'done', 'in-process'],
          ]
        : [
            [action, 'allow', 'in-process'],
            [action, 'done', 'in-process'],
          ],
    )
    for (const { target } of events) expect(target?.pseudonym).toBe(receipt.target)
    const entries = receipt.removed.reduce((sum, one) => sum + one.entries, 0)
    expect(events.at(-1)?.counts).toMatchObject({ entries, records: receipt.records, found: 0 })
    expect(JSON.stringify(events)).not.toMatch(/heliotrope|alice|m1/)
  })

  test('has a removal that failed half way, with its reason [AUD-2]', async () => {
    const house = await aHouse()
    const rewrite = async () => Promise.reject(new RecollectError('timeout', 'slow', 'Later.'))
    const stores = { ...house.raw, sessions: { ...house.raw.sessions, close: async () => {} }, memories: { ...house.raw.memories, rewrite } }
    const slow = await aWorld('memory', { seal: 'off', stores })
    expect(await codeOf(slow.recollect.user('alice').memories.forget(house.id))).toBe('timeout')
    await slow.recollect.close() // writes what waits
    expect((await trail(house.raw.sessions)).map(({ decision, reason }) => [decision, reason])).toEqual([
      ['allow', undefined],
      ['failed', 'timeout'],
    ])
  })

  test('names the key that asked over HTTP, with its roles [AUD-2]', async () => {
    const house = await gatewayWorld({}, { seal: 'off' })
    try {
      const { recollect, alice, call } = house
      const session = await alice.session('s')
      for (const n of [1, 2]) await session.append({ id: `m${n}`, role: 'user', text: `${secret} ${n}` })
      await alice.memories.settled()
      const [record] = (await alice.memories.list()).items
      const me = (await (await call('GET', '/api/v1/whoami')).json()) as { credentialId: string }
      for (const [method, path, body] of [
        ['DELETE', `/api/v1/memories/${record?.id}`],
        ['DELETE', '/api/v1/sessions/s/messages/m1'],
        ['DELETE', '/api/v1/sessions/s'],
        ['POST', '/api/v1/erase', { confirm: 'alice' }],
      ] as const)
        expect((await call(method, path, body)).status, path).toBe(200)
      await recollect.settled()
      const events = (await trail(house.stores[0] as LogStore)).filter(({ action }) => action !== 'credential.issue' && action !== 'authenticate')
      expect(events.map(({ action, actor, role }) => [action, actor, role])).toEqual(
        ['memory.forget', 'memory.forget', 'session.redact', 'session.redact', 'session.delete', 'session.delete', 'erase.begun', 'erase.done'].map(
          (action) => [action, me.credentialId, 'owner'],
        ),
      )
    } finally {
      await house.close()
    }
  })

  test('takes no actor that was not authenticated, and none of another tenant [AUD-2, ACC-1]', async () => {
    const { recollect } = await aHouse()
    const { secret: key } = await recollect.credentials.create('acme', { name: 'k', ownerId: 'alice', roles: ['owner'], userText: 'paste' })
    const { actor } = (await recollect.credentials.authenticate(key)) ?? expect.fail()
    expect(() => recollect.tenant('acme').user('alice', actor)).not.toThrow()
    for (const forged of [{ ...actor }, structuredClone(actor)])
      expect(() => recollect.tenant('acme').user('alice', forged)).toThrow(expect.objectContaining({ code: 'forbidden' }))
    expect(() => recollect.user('alice', actor)).toThrow(expect.objectContaining({ code: 'forbidden' }))
  })
})

describe('the receipt of a removal', () => {
  test.each(each)('of %s counts what went, and says where it looked and where not [ERA-6]', async (name, removal) => {
    const house = await aHouse()
    const { removed, probes, notProbed, clean, records } = await removal(house)
    const of = (store: string) => removed.find((one) => one.store === store)
    if (name !== 'memory.forget') expect(of('sessions')).toMatchObject({ entries: name === 'erase' || name === 'session.delete' ? 2 : 1 })
    else expect(removed).toHaveLength(1)
    expect(of('memories')?.entries).toBeGreaterThan(0)
    for (const one of removed) expect(one.bytes).toBeGreaterThan(one.entries)
    expect(records).toBe(name === 'erase' || name === 'session.delete' ? 2 : 1)
    expect(probes.length).toBeGreaterThan(1)
    for (const probe of probes) expect(probe).toMatchObject({ found: 0 })
    expect(probes.every(({ lookedFor, place }) => lookedFor > 0 || place.endsWith('snapshots') || place.startsWith('keys'))).toBe(true)
    expect(notProbed.map(({ place }) => place)).toContain('backups')
    expect(clean).toBe(true)
  })

  test('counts the snapshot of the memory that went with a record [ERA-6]', async () => {
    const house = await aHouse()
    const ref = { tenantId: 'default', ownerId: 'alice', kind: 'memory', logId: memoryLogId } as const
    const { memories } = house.raw
    const { fence } = (await memories.lease({ tenantId: 'default', ownerId: 'alice', purpose: 'work' }, 5_000)) ?? expect.fail()
    await memories.saveSnapshot(ref, { name: snapshotName, upTo: 1, chunks: [new Uint8Array([1])] }, { fence })
    await memories.release(fence)
    const receipt = await house.alice.memories.forget(house.id)
    expect(receipt.removed).toMatchObject([{ store: 'memories', logs: 0, snapshots: 1 }])
  })

  test.each([
    ['session.delete', 'sessions', 'delete'],
    ['session.redact', 'sessions', 'rewrite'],
    ['memory.forget', 'memories', 'rewrite'],
  ] as const)('of %s is not clean on a driver that only pretends, and the trail says so [ERA-6, ERA-8]', async (name, store, method) => {
    const house = await aHouse()
    const pretends = async () => (method === 'delete' ? true : undefined)
    const stores = { ...house.raw, [store]: { ...house.raw[store], [method]: pretends } }
    const { recollect } = await aWorld('memory', { seal: 'off', stores })
    const alice = recollect.user('alice')
    const receipt = await removals[name]({ ...house, alice, session: await alice.sessions.get('s') })
    expect(receipt.clean).toBe(false)
    expect(receipt.probes.some(({ place, found }) => place.startsWith(store) && found > 0)).toBe(true)
    expect((await trail(house.raw.sessions)).map(({ decision, reason }) => [decision, reason])).toEqual([
      ['allow', undefined],
      ['failed', 'residue'],
      ['done', undefined],
    ])
  })
})
