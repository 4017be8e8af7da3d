// What is removed from long-term memory: nowhere to be found, not again by itself, and also where the removal was cut off.
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import type { Recollect, User } from '../../src/index.ts'
import { aWorld, codeOf } from './library-world.ts'
import { aMemoryWorld } from './memory-world.ts'

const secret = 'My locker code is heliotrope.'

async function aSecret(recollect: Recollect) {
  const alice = recollect.user('alice')
  const session = await alice.session('a')
  await session.append([
    { id: 'secret', role: 'user', text: secret },
    { id: 'plain', role: 'user', text: 'The bus was late.' },
  ])
  await alice.memories.settled()
  return { alice, session, id: await idOf(alice, secret) }
}

const idOf = async ({ memories }: User, text: string): Promise<string> =>
  (await memories.list()).items.find((record) => record.text === text)?.id as string

/** Everything that an application can read of its owner's memory. */
async function shown({ memories }: User, id: string): Promise<string> {
  const query = 'what is my locker code heliotrope'
  const all = [
    await memories.search(query, { floor: 0, explain: true }),
    await memories.list({ status: 'all' }),
    await memories.explain(query, id),
    await codeOf(memories.get(id)),
  ]
  return JSON.stringify(all)
}

test('what was forgotten is in no answer, and in no context once its sources went too [MEM-P6, ERA-3]', async () => {
  const { alice, session, id } = await aSecret((await aWorld('memory')).recollect)
  await alice.memories.forget(id)
  expect(await shown(alice, id)).not.toContain('heliotrope')
  const other = await alice.session('b')
  await other.append({ role: 'user', text: 'What is my locker code?' })
  expect(JSON.stringify((await other.context()).messages)).not.toContain('heliotrope')
  expect(JSON.stringify((await session.context()).messages)).toContain('heliotrope') // what was said stays said
})

test('the same said again, in any case and spacing, does not come back; other words do [ERA-3, MEM-P6]', async () => {
  const { alice, id } = await aSecret((await aWorld('memory')).recollect)
  await alice.memories.forget(id)
  const other = await alice.session('b')
  await other.append([
    { role: 'user', text: 'MY  LOCKER code is\nheliotrope.' },
    { role: 'user', text: 'The locker is blue.' },
  ])
  await alice.memories.settled()
  expect((await alice.memories.list()).items.map(({ text }) => text)).toEqual(['The locker is blue.', 'The bus was late.'])
})

test('it is forgotten in all its copies, whoever said them, and none comes back [ERA-3]', async () => {
  const { alice, session, id } = await aSecret((await aWorld('memory')).recollect)
  await session.append({ role: 'assistant', text: secret })
  await alice.memories.settled()
  await alice.memories.remember(secret, { kind: 'procedural', id: 'rule' })
  expect((await alice.memories.forget('rule')).records).toBe(3)
  expect(await shown(alice, id)).not.toContain('heliotrope')
  await session.append({ role: 'user', text: secret })
  await alice.memories.settled()
  expect((await alice.memories.list()).items.map(({ text }) => text)).toEqual(['The bus was late.'])
})

test('with its sources every message goes in which it was said, however often [ERA-3]', async () => {
  const { recollect, clock } = await aWorld('memory')
  const { alice, session } = await aSecret(recollect)
  for (let i = 0; i < limits.evidenceSpans + 2; i++) await session.append({ role: 'user', text: secret })
  await alice.memories.settled()
  const late = await alice.session('late')
  await late.append({ role: 'user', text: secret, createdAt: clock.now() - 2 * limits.duplicateMs }) // a record of its own
  await alice.memories.settled()
  expect((await alice.memories.list()).items.filter(({ text }) => text === secret)).toHaveLength(2)
  const receipt = await alice.memories.forget(await idOf(alice, secret), { sources: true })
  expect(receipt.records).toBe(2)
  expect((await session.messages()).items.map(({ message }) => message.id)).toEqual(['plain'])
  expect((await late.messages()).items).toEqual([])
})

test('what a session said that was made anew under the name of a source stays [ERA-3]', async () => {
  const { recollect, clock } = await aWorld('memory')
  const alice = recollect.user('alice')
  await (await alice.session('a', { idleMs: 60_000 })).append({ role: 'user', text: secret })
  await alice.memories.settled()
  clock.advance(60_000)
  const again = await alice.session('a')
  await again.append({ id: 'other', role: 'user', text: 'The bus was late.' })
  expect((await alice.memories.forget(await idOf(alice, secret), { sources: true })).records).toBe(1)
  expect((await again.messages()).items.map(({ message }) => message.id)).toEqual(['other'])
})

describe.each(['before', 'after'] as const)('a removal that was killed %s a store call took effect', (when) => {
  test('is finished when it is asked for again, with nothing left of the text [ERA-3, MEM-P6]', async () => {
    const whole = await aMemoryWorld({}, when)
    const { alice, id } = await aSecret(whole.recollect)
    whole.fuse.used = 0
    await alice.memories.forget(id, { sources: true })
    const calls = whole.fuse.used
    for (let left = 0; left < calls; left++) {
      const world = await aMemoryWorld({}, when)
      const first = await aSecret(world.recollect)
      world.fuse.left = left
      await first.alice.memories.forget(first.id, { sources: true }).catch(() => {})
      world.fuse.left = Number.POSITIVE_INFINITY
      world.clock.advance(limits.workLeaseMs)
      const next = (await world.restarted()).user('alice')
      await next.memories.forget(first.id, { sources: true })
      expect(await shown(next, first.id), `killed at call ${left}`).not.toContain('heliotrope')
      expect(JSON.stringify(await world.log('alice')), `killed at call ${left}`).not.toContain('heliotrope')
      const session = await next.sessions.get('a')
      expect(
        (await session.messages()).items.map(({ message }) => message.id),
        `killed at call ${left}`,
      ).toEqual(['plain'])
      await (await next.session('b')).append({ role: 'user', text: secret })
      await next.memories.settled()
      expect(
        (await next.memories.list()).items.map(({ text }) => text),
        `killed at call ${left}`,
      ).toEqual(['The bus was late.'])
    }
  })
})

test.each(['the next one', 'the sweep'])(
  'a removal cut off between tombstone and redaction is finished by %s, whatever that removes [ERA-3]',
  async (by) => {
    const world = await aMemoryWorld()
    const { alice, id } = await aSecret(world.recollect)
    const bodies = async () => JSON.stringify(await world.log('alice'))
    for (let left = 0; (await world.log('alice')).every(({ event }) => event?.type !== 'tombstone' || event.recordIds.length === 0); left++) {
      world.fuse.left = left
      await alice.memories.forget(id).catch(() => {})
      world.fuse.left = Number.POSITIVE_INFINITY
      world.clock.advance(limits.workLeaseMs)
    }
    expect(await bodies()).toContain('heliotrope')
    expect(await shown(alice, id)).not.toContain('heliotrope') // the tombstone holds already
    if (by === 'the next one') await alice.memories.forget(await idOf(alice, 'The bus was late.'))
    else await world.recollect.sweep()
    expect(await bodies()).not.toContain('heliotrope')
  },
)

test('past its life a record is out of every answer at once, and the sweep leaves nothing of it [LIFE-4]', async () => {
  const world = await aMemoryWorld()
  const { alice, id } = await aSecret(world.recollect)
  const { formedAt } = await alice.memories.get(id)
  world.clock.set(formedAt + limits.episodicRecordMs - 1)
  expect((await alice.memories.search('locker code')).hits[0]?.record.id).toBe(id) // recall does not renew
  world.clock.set(formedAt + limits.episodicRecordMs)
  expect((await alice.memories.search('locker code', { floor: 0 })).hits).toEqual([])
  expect((await alice.memories.list({ status: 'all' })).items).toEqual([])
  expect(await codeOf(alice.memories.get(id))).toBe('not_found')
  expect(JSON.stringify(await world.log('alice'))).toContain('heliotrope')
  expect(await world.recollect.sweep()).toMatchObject({ recordsExpired: 2 })
  const log = await world.log('alice')
  expect(JSON.stringify(log)).not.toContain('heliotrope')
  expect(log.flatMap(({ event }) => (event?.type === 'tombstone' ? [event.why] : []))).toEqual(['expired'])
  const again = await alice.session('b')
  await again.append({ role: 'user', text: secret }) // what merely expired may form again
  await alice.memories.settled()
  expect((await alice.memories.list()).items.map(({ text }) => text)).toEqual([secret])
})

test('what is past its life goes with the next work on its owner too, each in its time; before it, a sweep looks at one head [LIFE-4]', async () => {
  const world = await aMemoryWorld()
  const { alice, session, id } = await aSecret(world.recollect)
  const day = 86_400_000
  world.clock.advance(day)
  await session.append({ role: 'user', text: 'The cat is grey.' })
  await alice.memories.settled()
  const recollect = await world.restarted() // nothing is known yet
  world.fuse.used = 0
  expect(await recollect.sweep()).toMatchObject({ recordsExpired: 0 })
  expect(world.fuse.used).toBe(3) // the sweep's lease, the memory's head, the release
  const bodies = async () => JSON.stringify(await world.log('alice'))
  const later = async (name: string, text: string) => {
    await (await recollect.user('alice').session(name)).append({ role: 'user', text })
    await recollect.user('alice').memories.settled()
    return bodies()
  }
  world.clock.set((await alice.memories.get(id)).formedAt + limits.episodicRecordMs)
  expect(await later('b', secret)).toMatch(/^(?!.*bus).*grey.*heliotrope/) // said again, it is a record of its own
  world.clock.advance(day)
  expect(await later('b', 'The dog is brown.')).toMatch(/^(?!.*grey).*heliotrope.*brown/)
  await recollect.sweep() // the sessions that are over
  const third = await world.restarted()
  world.fuse.used = 0
  await third.sweep()
  expect(world.fuse.used).toBe(3)
})

test('a deleted session takes what rests on it alone; what others bear stands on the rest [ERA-4]', async () => {
  const { alice, session, id } = await aSecret((await aWorld('memory')).recollect)
  await (await alice.session('b')).append({ role: 'user', text: secret })
  await alice.memories.settled()
  const own = await alice.memories.remember('The bus stops at the mill.')
  expect(await session.delete()).toMatchObject({ records: 1, rederived: 1 })
  expect((await alice.memories.list()).items.map((record) => record.id)).toEqual([own.id, id])
  expect((await alice.memories.get(id)).evidence.map(({ log }) => log)).toEqual(['b'])
  expect(await (await alice.sessions.get('b')).delete()).toMatchObject({ records: 1, rederived: 0 })
  expect((await alice.memories.list()).items.map((record) => record.id)).toEqual([own.id])
})

test('what was remembered by a call stands on that call, also when the one session that said it again is rewound and deleted [ERA-4, SES-2]', async () => {
  const { recollect } = await aWorld('memory')
  const alice = recollect.user('alice')
  const { record } = await alice.memories.remember('The bus stops at the mill.')
  const session = await alice.session('s')
  await session.append({ role: 'user', text: 'The bus stops at the mill.' })
  await alice.memories.settled()
  expect((await alice.memories.get(record.id)).evidence.map(({ log }) => log)).toEqual(['s'])
  await session.rewind(0)
  await alice.memories.settled()
  expect((await alice.memories.get(record.id)).ended).toBeUndefined()
  expect(await session.delete()).toMatchObject({ records: 0, rederived: 1 })
  expect(await alice.memories.get(record.id)).toMatchObject({ text: 'The bus stops at the mill.', evidence: [] })
})

test('a record ends with what was rewound only if all it rests on was [SES-2]', async () => {
  const { alice, session, id } = await aSecret((await aWorld('memory')).recollect)
  await (await alice.session('b')).append({ role: 'user', text: secret })
  await alice.memories.settled()
  const bus = await idOf(alice, 'The bus was late.')
  await session.rewind(0)
  await alice.memories.settled()
  expect((await alice.memories.get(bus)).ended).toBe('retracted')
  expect((await alice.memories.get(id)).ended).toBeUndefined()
  expect((await alice.memories.search('bus late', { floor: 0 })).hits.map(({ record }) => record.id)).not.toContain(bus)
})

test('what was rewound leaves long-term memory by itself, with no further word said [SES-2, NODE-8]', async () => {
  const { recollect, clock } = await aWorld('memory', { background: true })
  const { alice, session } = await aSecret(recollect)
  const bus = await idOf(alice, 'The bus was late.')
  await session.rewind(0)
  for (let i = 0; i < 200; i++) {
    clock.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await alice.memories.get(bus)).ended).toBe('retracted')
})

test('many records go by tombstones of bounded size [ERA-4, LIFE-4]', async () => {
  const world = await aMemoryWorld()
  const alice = world.recollect.user('alice')
  const session = await alice.session('s')
  const many = limits.appendEntries + 200
  for (let at = 0; at < many; at += limits.messagesAnAppend)
    await session.append(Array.from({ length: limits.messagesAnAppend }, (_, i) => ({ role: 'user' as const, text: `Remark number ${at + i}.` })))
  await alice.memories.settled()
  expect(await session.delete()).toMatchObject({ records: many })
  const log = await world.log('alice')
  expect(JSON.stringify(log)).not.toContain('Remark')
  for (const { event } of log) if (event?.type === 'tombstone') expect(event.seqs.length).toBeLessThanOrEqual(limits.appendEntries)
})

test('forgetting names every session in whose prompt any copy stood, placed as a successor or by another voice [ERA-3, INJ-5]', async () => {
  const { recollect } = await aWorld('memory', { embedder: 'bundled', receipts: 'durable' })
  const { memories, session } = recollect.user('alice')
  const asks = async (name: string) => {
    const asking = await session(name, { formation: 'off' })
    await asking.append({ role: 'user', text: 'Where do I live?' })
    return (await asking.context({ budgetTokens: 8_000 })).receipt.recall.items.map(({ id, outcome }) => [id, outcome])
  }
  const { record: porto } = await memories.remember('I live in Porto.', { kind: 'semantic' })
  expect(await asks('early')).toEqual([[porto.id, 'injected']])
  const { record: lisbon } = await memories.remember('I live in Lisbon.', { supersedes: [porto.id] })
  expect(await asks('early')).toContainEqual([lisbon.id, 'supersedes'])
  await (await session('told')).append({ role: 'assistant', text: 'I live in Lisbon.' })
  await memories.settled()
  const twin = (await memories.list()).items.find(({ role }) => role === 'assistant')
  await asks('late')
  const receipt = await memories.forget(twin?.id as string) // said after the prompt in which its copy stood
  expect(receipt).toMatchObject({ records: 2, keptWhy: [{}] })
  expect(receipt.injectedInto?.toSorted()).toEqual(['early', 'late'])
})
