// Bad input to every call of the library: a code, a next step, nothing of what was given, and nothing changed in any store.
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRecollect } from '../../src/create-recollect.ts'
import { isRecollectError } from '../../src/core/errors.ts'
import { logKinds } from '../../src/core/log-ref.ts'
import { mintScope } from '../../src/core/scope.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import type { Recollect } from '../../src/recollect.ts'
import { memoryKeyProvider } from '../../src/security/keys/memory-key-provider.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { manualClock, seededRandom } from '../../src/testing/index.ts'

const canary = 'heliotrope'
const lone = `${canary}\ud800`
const clock = manualClock(Date.UTC(2026, 0, 1))
let stores: readonly LogStore[]
let recollect: Recollect
let user: any // what is tested is what the types forbid
let session: any

const memoryOnly = () => {
  const [sessions, memories, keys] = [1, 2, 3].map((seed) => memoryStore({ clock, random: seededRandom(seed) })) as [LogStore, LogStore, LogStore]
  return {
    clock,
    background: false,
    embedder: 'off' as const,
    stores: { sessions, memories, keys },
    keyProvider: memoryKeyProvider({ random: seededRandom(4) }),
  }
}

beforeAll(async () => {
  const options = memoryOnly()
  stores = Object.values(options.stores)
  recollect = await createRecollect(options)
  user = recollect.user('alice')
  session = await user.session('s')
  await session.append({ role: 'user', text: 'I moved to Lisbon.' })
  await session.context()
  await recollect.settled()
})
afterAll(() => recollect.close())

/** The heads of all logs. */
async function heads(): Promise<string[]> {
  await recollect.settled()
  const all: string[] = []
  for (const store of stores)
    for (const { tenantId, ownerId } of (await store.owners({ limit: 200 })).items)
      for (const kind of logKinds)
        for (const { logId, version, revision } of (await store.list(mintScope(tenantId, ownerId), kind, { limit: 200 })).items)
          all.push(`${tenantId}/${ownerId}/${kind}/${logId} ${version} ${revision}`)
  return all.toSorted()
}

type Calls = Readonly<Record<string, () => unknown>>
const each = (what: string, values: Readonly<Record<string, unknown>>, call: (value: any) => unknown): Calls =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${what}: ${name}`, () => call(value)]))

const said = { role: 'user', text: 'hello' }
const swaps = { null: null, 'another type': { ifRevision: '1' }, 'an unknown field': { ifRevison: 1 }, 'a fence that is none': { fence: canary } }
const pages = {
  null: null,
  'an unknown field': { lmit: 3 },
  'a limit that is text': { limit: '5' },
  'a limit out of range': { limit: 201 },
  'a cursor that is none': { cursor: canary },
}

const calls: Calls = {
  ...each('user', { 'a number': 5, empty: '', 'a lone surrogate': lone, 'too long': canary.repeat(100), reserved: '~x' }, (id) => recollect.user(id)),
  ...each('tenant', { empty: '', null: null }, (id) => recollect.tenant(id)),
  ...each('a session name', { 'a number': 5, empty: '', 'a lone surrogate': lone, '64 KiB': 'a'.repeat(65_536), reserved: '~x' }, (name) =>
    user.session(name),
  ),
  ...each(
    'opening',
    {
      null: null,
      'an unknown field': { [canary]: 1 },
      'a strategy of null': { strategy: null },
      'an unknown strategy': { strategy: canary },
      'an unknown option of a strategy': { strategy: { name: 'hybrid', lowToken: 5 } },
      'a life as text': { idleMs: '5' },
      'a life of nothing': { idleMs: 0 },
      'tools that are numbers': { tools: [5] },
      'a system of null': { system: null },
      'a title with a lone surrogate': { title: lone },
      'metadata that is a list': { metadata: [] },
      'another class': { class: canary },
      'a formation of neither': { formation: true },
    },
    (options) => user.session(`new-${Math.random()}`, options),
  ),
  ...each('get', { 'a number': 5, unknown: canary, 'a lone surrogate': lone }, (id) => user.sessions.get(id)),
  ...each('list', { ...pages, 'a time as text': { updatedAfter: canary } }, (page) => user.sessions.list(page)),
  ...each(
    'append',
    {
      null: null,
      none: [],
      'a number': 5,
      'an unknown field': { ...said, [canary]: 1 },
      'another role': { role: canary, text: 'x' },
      'neither text nor parts': { role: 'user' },
      both: { ...said, parts: [] },
      'a lone surrogate': { role: 'user', text: lone },
      'a part of another type': { role: 'user', parts: [{ type: canary }] },
      'a part of a type without a text': { role: 'user', parts: [{ type: Object.create(null) }] },
      'a part of null': { role: 'user', parts: [null] },
      'an unknown field of a part': { role: 'user', parts: [{ type: 'text', text: 'x', [canary]: 1 }] },
      'spans that are none': { role: 'user', parts: [{ type: 'text', text: 'x', spans: 5 }] },
      'a span that raises': { role: 'assistant', parts: [{ type: 'text', text: 'abc', spans: [{ start: 0, end: 1, origin: 'user-typed' }] }] },
      'a failure that is text': { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', content: 'x', failed: 'yes' }] },
      'a time to come': { ...said, createdAt: Date.UTC(2999, 0) },
      'over a part`s bytes': { role: 'user', text: 'a'.repeat(2 ** 20 + 1) },
    },
    (messages) => session.append(messages),
  ),
  ...each(
    'the options of an append',
    {
      null: null,
      'an unknown field': { expectVersion: 1 },
      'a version as text': { expectedVersion: '1' },
      'a stale version': { expectedVersion: 0 },
      'an origin of its own': { userText: canary },
      'a fence that is none': { fence: canary },
      'a rewind to text': { rewindTo: '1' },
      'a rewind to a seq that is not there': { rewindTo: 99 },
    },
    (options) => session.append(said, options),
  ),
  ...each('messages', { null: null, 'an unknown field': { lmit: 1 }, 'another order': { order: canary }, 'a seq as text': { after: '1' } }, (page) =>
    session.messages(page),
  ),
  ...each('message', { 'a number': 5, unknown: canary, 'a lone surrogate': lone }, (id) => session.message(id)),
  ...each('redact', { 'a number': 5, unknown: canary }, (id) => session.redact(id)),
  ...each(
    'a state patch',
    { 'a function': () => 1, undefined: undefined, 'a lone surrogate': { a: lone }, 'too large': { a: 'x'.repeat(70_000) } },
    (patch) => session.patchState(patch),
  ),
  ...each('the options of a state patch', swaps, (swap) => session.patchState({ a: 1 }, swap)),
  ...each('the options of a state', swaps, (swap) => session.putState({ a: 1 }, swap)),
  ...each('an update', { null: null, 'an unknown field': { titel: canary }, 'a title that is a number': { title: 5 } }, (patch) =>
    session.update(patch),
  ),
  ...each('a setup', { null: null, 'an unknown field': { modl: canary }, 'a lone surrogate': { system: lone } }, (setup) => session.setup(setup)),
  ...each(
    'a turn',
    {
      null: null,
      'another word': { whenBusy: canary },
      'a time as text': { ttlMs: '9' },
      'too short': { ttlMs: 1 },
      'a signal that is none': { signal: 5 },
      'an unknown field': { ttl: 1 },
    },
    (options) => session.turn(options),
  ),
  ...each('ending a turn', { 'a number': 5, unknown: canary }, (id) => session.endTurn(id)),
  ...each(
    'a rewind',
    { 'as text': '1', 'a symbol': Symbol(canary), 'an object without a text': Object.create(null), 'beyond the end': 99, negative: -1 },
    (seq) => session.rewind(seq),
  ),
  ...each('the options of a rewind', swaps, (swap) => session.rewind(1, swap)),
  ...each('a fork', { 'as text': '1', 'beyond the end': 99 }, (seq) => session.fork(seq)),
  ...each(
    'the options of a fork',
    { null: null, 'an unknown field': { ids: 'x' }, 'a name that is taken': { id: 's' }, 'a lone surrogate': { id: lone } },
    (options) => session.fork(1, options),
  ),
  ...each(
    'aligning',
    {
      null: null,
      numbers: [5],
      'another role': [{ role: canary, text: 'x' }],
      'a text that is none': [{ role: 'user', text: Object.create(null) }],
      'a part of null': [{ role: 'user', parts: [null] }],
    },
    (sent) => session.align(sent),
  ),
  ...each(
    'a context',
    {
      null: null,
      'an unknown field': { budgetToken: 5 },
      'a budget as text': { budgetTokens: canary },
      'a budget of nothing': { budgetTokens: 0 },
      'a model that is a number': { model: 5 },
      'a model that is no profile': { model: {} },
      'a model with a lone surrogate': { model: lone },
      'a strategy that is a number': { strategy: 5 },
      'an unknown strategy': { strategy: canary },
      'an unknown option of a strategy': { strategy: { name: 'hybrid', lowToken: 5 } },
      'another format': { format: canary },
      'a system that is a number': { system: 5 },
      'a system with a lone surrogate': { system: lone },
      'tools that are none': { tools: 5 },
      'tools of numbers': { tools: [5] },
      'recall that is true': { recall: true },
      'recall that is a number': { recall: 5 },
      'a query that is a number': { recall: { query: 5 } },
      'an unknown field of recall': { recall: { querry: canary } },
      'another failure': { recall: { onFailure: canary } },
      'a state that is text': { state: 'yes' },
      'pins that are text': { pins: canary },
      'pins of text': { pins: ['a'] },
      'a pin that is no message': { pins: [99] },
      'turns as text': { minTurns: '2' },
      'a preview that is text': { preview: 'yes' },
      'messages without preview': { messages: [said] },
      'messages that are none': { preview: true, messages: 5 },
      'a message that is none': { preview: true, messages: [{ role: canary }] },
      'a message with a lone surrogate': { preview: true, messages: [{ role: 'user', text: lone }] },
      'a signal that is none': { signal: 5 },
      'a time as text': { timeoutMs: canary },
    },
    (options) => session.context(options),
  ),
  ...each('a receipt', { 'a number': 5, unknown: canary }, (id) => session.receipts.get(id)),
  ...each('receipts', { null: null, 'an unknown field': { lmit: 1 }, 'a cursor that is none': { cursor: canary } }, (page) =>
    session.receipts.list(page),
  ),
  ...each('why', { null: null, 'seq 0': 0 }, (of) => session.why(of)),
  ...each(
    'usage of a receipt',
    { text: canary, undefined: undefined, 'an unknown field': { tokens: 1 }, negative: { inputTokens: -1, outputTokens: 0 } },
    (usage) => session.reconcile('none', usage),
  ),
  ...each('deleting', { null: null, 'another word': { memories: canary }, 'an unknown field': { memory: 'keep' } }, (options) =>
    session.delete(options),
  ),
  ...each('a preview', { null: null, 'a seq as text': { rewindTo: 'x' }, 'an unknown field': { rewind: 1 } }, (options) =>
    user.preview('s', options),
  ),
  'a preview: a session that is a number': () => user.preview(5, {}),
  ...each(
    'usage',
    {
      null: null,
      'a time as text': { since: canary },
      'a session that is a number': { session: 5 },
      'an unknown session': { session: canary },
      'an unknown field': { from: 1 },
    },
    (options) => user.usage(options),
  ),
  ...each('an erasure', { null: null, 'a dry run misspelt': { dryrun: true }, 'a dry run as text': { dryRun: 'no' } }, (options) =>
    user.erase(options),
  ),
  ...each('a sweep', { null: null, 'a dry run as text': { dryRun: 'no' }, 'a time as text': { until: canary } }, (options) =>
    recollect.sweep(options),
  ),
  ...each(
    'remembering',
    {
      'a number': 5,
      empty: '',
      'a lone surrogate': lone,
      'too long': 'a'.repeat(65_536),
      'a control character': '\u0007',
      'white space of many kinds': ' \n\u00a0\u3000',
      'what draws nothing': '\u200b\u00ad\ufe0f\u3164',
    },
    (text) => user.memories.remember(text),
  ),
  ...each(
    'the options of a memory',
    {
      null: null,
      'an unknown field': { knd: canary },
      'another kind': { kind: canary },
      'another origin': { origin: canary },
      'a time as text': { validFrom: canary },
      'a slot of one control character': { slot: '\u0001' },
      'a value of nothing that shows': { value: ' \u200b' },
      'an unknown record': { supersedes: [canary] },
    },
    (options) => user.memories.remember('A thing.', options),
  ),
  ...each(
    'sealing a token',
    { null: null, 'an empty binding': {}, 'a binding of numbers': { purpose: 1, tenantId: 1, ownerId: 1, route: 1, filter: 1 } },
    (binding) => recollect.tokens.seal(binding, {}, 1_000),
  ),
  ...each('the life of a token', { undefined: undefined, endless: Infinity }, (ttlMs) =>
    recollect.tokens.seal({ purpose: 'cursor', tenantId: 'a', ownerId: 'b', route: 'r', filter: '' }, {}, ttlMs),
  ),
  ...each('opening a token', { null: null, 'an empty binding': {} }, (binding) => recollect.tokens.open(binding, 'x')),
  ...each('a keyed request', { null: null, 'no name': { tenantId: 'default', body: '' }, 'no body': { tenantId: 'default', name: [] } }, (request) =>
    recollect.requests.run(request, async () => 1),
  ),
  ...each(
    'an audit event',
    { null: null, 'an actor without a text': { tenantId: 'default', action: 'a', decision: 'deny', actor: Object.create(null) } },
    (event) => recollect.audit.record(event),
  ),
  ...each('a search', { 'a number': 5, empty: '', 'a lone surrogate': lone }, (query) => user.memories.search(query)),
  ...each(
    'the options of a search',
    { null: null, 'an unknown field': { lmit: 5 }, 'a limit as text': { limit: '5' }, 'another kind': { kinds: [canary] } },
    (options) => user.memories.search('Lisbon', options),
  ),
  ...each('a memory', { 'a number': 5, unknown: canary }, (id) => user.memories.get(id)),
  ...each('memories', { null: null, 'an unknown field': { kinds: 1 }, 'another status': { status: canary } }, (filter) => user.memories.list(filter)),
  ...each('a page of memories', { null: null, 'a cursor that is none': { cursor: canary } }, (page) => user.memories.list({}, page)),
  ...each('forgetting', { 'a number': 5, unknown: canary }, (id) => user.memories.forget(id)),
  ...each('the options of a forgetting', { null: null, 'an unknown field': { source: true } }, (options) => user.memories.forget('x', options)),
  ...each(
    'createRecollect',
    {
      null: null,
      'an unknown field': { datadir: canary },
      'a folder that is a number': { dataDir: 5 },
      'a seal of neither': { ...memoryOnly(), seal: canary },
      'receipts of no kind': { ...memoryOnly(), receipts: canary },
      'an embedder of no name': { ...memoryOnly(), embedder: canary },
      'a life as text': { ...memoryOnly(), lives: { idleMs: canary } },
      'an unknown quota': { ...memoryOnly(), quotas: { owners: 1 } },
    },
    (options) => createRecollect(options),
  ),
}

describe('bad input', () => {
  test.each(Object.entries(calls))('%s [GW-12, ACC-15, CTX-6]', async (_, call) => {
    const before = await heads()
    const thrown = await (async () => call())().then(
      () => 'it went through',
      (error: unknown) => error,
    )
    expect(isRecollectError(thrown), String(thrown)).toBe(true)
    const { code, message, nextStep } = thrown as { code: string; message: string; nextStep: string }
    expect(['invalid_input', 'not_found', 'conflict', 'payload_too_large']).toContain(code)
    expect(nextStep.length).toBeGreaterThan(5)
    expect(message + nextStep).not.toContain(canary)
    expect(await heads()).toEqual(before)
  })

  test('an unknown option names the nearest one, and whoever prints the error sees no more than there is [GW-12]', async () => {
    const refused = async (call: () => unknown) => (async () => call())().catch((error: unknown) => error as Error)
    const typo = (await refused(() => session.context({ budgetToken: 5 } as object))) as Error
    expect(typo.message).toBe('there is an unknown field in the options of a context; did you mean budgetTokens?')
    expect(inspect(typo)).not.toContain('undefined')
    const kind = (await refused(() => session.context({ budgetTokens: '5' } as object))) as Error
    expect(kind.message).toBe('the options of a context: budgetTokens must be a number')
  })

  test('a text of 64 KiB without a space is kept, counted and searched for [DEP-2]', async () => {
    await session.append({ role: 'user', text: 'x'.repeat(65_536) })
    expect((await session.context({ budgetTokens: 100_000 })).tokens.predicted).toBeGreaterThan(5_000)
    expect((await user.memories.search('x'.repeat(65_536))).hits).toEqual([])
  })
})
