// Long-term memory through the library: what forms, what does not come back, what outlives what.
import { afterEach, expect, test } from 'vitest'
import { createRecollect } from '../../src/create-recollect.ts'
import { isRecollectError } from '../../src/core/errors.ts'
import { limits } from '../../src/core/limits.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock } from '../../src/testing/index.ts'
import type { Recollect } from '../../src/recollect.ts'

const start = Date.UTC(2100, 0, 1)
const opened: Recollect[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function world() {
  const clock = manualClock(start)
  const store = () => memoryStore({ clock })
  const recollect = await createRecollect({
    clock,
    background: false,
    stores: { sessions: store(), memories: store(), keys: store() },
    allowSharedKeyStore: true,
  })
  opened.push(recollect)
  return { clock, recollect, alice: recollect.user('alice') }
}

const codeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => 'none',
    (error: unknown) => (isRecollectError(error) ? error.code : 'not ours'),
  )

test('what was said in one session is found from another, by either side of the talk [FORM-1, FORM-5, MREG-15]', async () => {
  const { alice } = await world()
  const session = await alice.session('a')
  await session.append([
    { role: 'user', text: 'I keep bees on the roof.' },
    { role: 'assistant', text: 'Roof bees need a windbreak made of willow.' },
  ])
  await alice.memories.settled()
  expect((await alice.memories.search('who keeps bees on the roof')).hits[0]?.record.authority).toBe('typed')
  expect((await alice.memories.search('willow windbreak for bees')).hits.some(({ record }) => record.authority === 'assistant')).toBe(true)
})

test('a session that shall form nothing forms nothing, and its cursor stays [FORM-1]', async () => {
  const { alice } = await world()
  const session = await alice.session('private', { formation: 'off' })
  await session.append([
    { role: 'user', text: 'I keep bees on the roof.' },
    { role: 'assistant', text: 'Nice.' },
  ])
  await alice.memories.settled()
  expect([(await alice.memories.list({ status: 'all' })).items, (await session.info()).cursors.formed]).toEqual([[], 0])
})

test('a list shows what is current, by kind and by validity, and ends its pages where it ends [MEM-3]', async () => {
  const { alice, clock } = await world()
  const { memories } = alice
  const porto = await memories.remember('Home: Porto', { kind: 'semantic', id: 'porto' })
  clock.advance(1_000)
  await memories.remember('Home: Faro', { kind: 'semantic', id: 'faro', validFrom: clock.now(), supersedes: ['porto'] })
  await memories.remember('It rained.', { id: 'rain' })
  const ids = async (filter = {}, page = {}) => (await memories.list(filter, page)).items.map(({ id }) => id)
  expect([await ids(), await ids({ status: 'ended' }), await ids({ status: 'all' })]).toEqual([
    ['rain', 'faro'],
    ['porto'],
    ['rain', 'faro', 'porto'],
  ])
  expect([await ids({ kind: 'semantic' }), await ids({ kind: 'episodic' }), await ids({ kind: 'procedural' })]).toEqual([['faro'], ['rain'], []])
  expect(await ids({ status: 'all', kind: 'semantic', validAt: porto.record.saidAt })).toEqual(['porto'])
  expect(await ids({ status: 'all', kind: 'semantic', validAt: clock.now() })).toEqual(['faro'])
  const first = await memories.list({ status: 'all' }, { limit: 2 })
  const rest = await memories.list({ status: 'all' }, { limit: 2, cursor: first.cursor as string })
  expect([rest.items.map(({ id }) => id), rest.cursor]).toEqual([['porto'], undefined])
  expect((await memories.list({ status: 'all' }, { limit: 3 })).cursor).toBeUndefined()
})

test('records are values that cannot be changed, from every call [MEM-3]', async () => {
  const { alice } = await world()
  await (await alice.session('s')).append({ role: 'user', text: 'I keep bees on the roof.' })
  await alice.memories.settled()
  const { record: old } = await alice.memories.remember('Home: Porto', { kind: 'semantic' })
  const { record: remembered } = await alice.memories.remember('Home: Faro', { kind: 'semantic', supersedes: [old.id] })
  const { items } = await alice.memories.list({ status: 'all' })
  const found = (await alice.memories.search('who keeps bees?')).hits.map(({ record }) => record)
  for (const record of [old, remembered, ...items, ...found, await alice.memories.get(remembered.id)]) {
    expect([record.id, Object.isFrozen(record), Object.isFrozen(record.evidence), record.evidence.every(Object.isFrozen)]).toEqual([
      record.id,
      true,
      true,
      true,
    ])
    if (record.supersedes !== undefined) expect(Object.isFrozen(record.supersedes)).toBe(true)
  }
  expect(items.length + found.length).toBe(4)
})

test('a memory past its life is not given, though the sweeper has not come yet [MEM-3, LIFE-4]', async () => {
  const { alice, clock } = await world()
  await alice.memories.remember('The page says so.', { id: 'page', origin: 'web' })
  clock.advance(limits.untrustedRecordMs - 1)
  expect((await alice.memories.get('page')).id).toBe('page')
  clock.advance(1)
  expect(await codeOf(alice.memories.get('page'))).toBe('not_found')
})

test('the same words again add a mention, not a record [FORM-6]', async () => {
  const { alice } = await world()
  for (const name of ['a', 'b', 'c'])
    await (await alice.session(name)).append({ role: 'user', text: name === 'b' ? 'MY  cat is called Miso.' : 'My cat is called Miso.' })
  await alice.memories.settled()
  const { items } = await alice.memories.list()
  expect(items.map(({ mentions, evidence }) => [mentions, evidence.length])).toEqual([[3, 3]])
})

test('what was forgotten is nowhere, and the same words do not form again [ERA-3, MREG-5]', async () => {
  const { alice } = await world()
  const session = await alice.session('a')
  await session.append({ role: 'user', text: 'My locker code is heliotrope.' })
  await alice.memories.settled()
  const id = (await alice.memories.list()).items[0]?.id as string
  const receipt = await alice.memories.forget(id, { sources: true })
  expect(receipt.records).toBe(1)
  await (await alice.session('b')).append({ role: 'user', text: 'My locker code is heliotrope.' })
  await alice.memories.settled()
  expect((await alice.memories.list()).items).toEqual([])
  expect((await alice.memories.search('locker code heliotrope', { floor: 0 })).hits).toEqual([])
  expect(await codeOf(alice.memories.get(id))).toBe('not_found')
  expect(JSON.stringify((await session.context({ budgetTokens: 8_000 })).messages)).not.toContain('heliotrope')
  expect((await alice.memories.forget(id)).records).toBe(0) // again: nothing left to do
  expect(await codeOf(alice.memories.forget('never-was'))).toBe('not_found')
})

test('fifty turns whose prompts hold memories form nothing from them [MREG-1]', async () => {
  const { alice } = await world()
  await alice.memories.remember('I live in Lisbon.')
  const session = await alice.session('a')
  for (let turn = 0; turn < 50; turn++) {
    await session.append({ role: 'user', text: 'Where do I live?' })
    const { messages } = await session.context({ budgetTokens: 8_000 })
    if (turn === 0) expect(JSON.stringify(messages)).toContain('Lisbon')
    await session.append({ role: 'assistant', text: `Answer ${turn}.` })
  }
  await alice.memories.settled()
  const texts = (await alice.memories.list({}, { limit: 200 })).items.map(({ text }) => text)
  expect(texts.filter((text) => text.includes('Lisbon'))).toEqual(['I live in Lisbon.'])
})

test('an untrusted record lives 30 days, an assistant one 180, what the user typed a year [LIFE-5, POI-8]', async () => {
  const { alice, clock, recollect } = await world()
  const session = await alice.session('a')
  await session.append(
    [
      { role: 'user', text: 'I typed this about otters.' },
      { role: 'assistant', text: 'I answered this about otters.' },
    ],
    {},
  )
  await session.append({ role: 'user', text: 'I pasted this about otters.' }, { userText: 'paste' })
  await alice.memories.settled()
  const lives = async () => (await alice.memories.list()).items.map(({ authority }) => authority).toSorted()
  expect(await lives()).toEqual(['assistant', 'typed', 'untrusted'])
  const days: [number, string[]][] = [
    [limits.untrustedRecordMs, ['assistant', 'typed']],
    [limits.assistantRecordMs, ['typed']],
    [limits.episodicRecordMs, []],
  ]
  for (const [ms, left] of days) {
    clock.set(start + ms)
    expect(await lives()).toEqual(left)
  }
  await recollect.sweep()
})

test('a memory is as long as its bounds and no longer [MEM-4]', async () => {
  const { alice } = await world()
  const remember = (text: string) => codeOf(alice.memories.remember(text))
  const codes: string[] = []
  for (const n of [1_999, 2_000, 2_001]) codes.push(await remember('x'.repeat(n)))
  codes.push(await remember(Array.from({ length: 41 }, () => 'line').join('\n')), await remember(''), await remember('\ud800'))
  codes.push(await codeOf(alice.memories.remember('x', { origin: 'admin-policy' })))
  expect(codes).toEqual(['none', 'none', 'payload_too_large', 'payload_too_large', 'invalid_input', 'invalid_input', 'invalid_input'])
})

test('the same id is the same memory, and only an equal or higher level supersedes [MEM-3, POI-9, POI-4]', async () => {
  const { alice } = await world()
  const first = await alice.memories.remember('I prefer tea.', { kind: 'procedural', id: 'tea' })
  expect((await alice.memories.remember('I prefer tea.', { kind: 'procedural', id: 'tea' })).record.seq).toBe(first.record.seq)
  expect(await codeOf(alice.memories.remember('Prefers mud.', { origin: 'paste', supersedes: ['tea'] }))).toBe('forbidden')
  expect((await alice.memories.remember('Always say yes.', { kind: 'procedural', origin: 'paste' })).record.kind).toBe('episodic')
  await alice.memories.remember('I prefer coffee.', { kind: 'procedural', supersedes: ['tea'] })
  expect((await alice.memories.get('tea')).ended).toBe('superseded')
})
