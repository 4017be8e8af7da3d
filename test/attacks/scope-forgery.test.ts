// Everything that looks like a scope or a ref and is none (ISO-1, ISO-4, ISO-5), bad names (ISO-6), and refs that must not meet (ISO-7).
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { logKinds, refKey, refOf, registerRef, requireRef, type LogRef } from '../../src/core/log-ref.ts'
import { requireScope, Scope } from '../../src/core/scope.ts'
import { mint, mintAny } from '../../src/security/mint.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'
import { sqliteStore } from '../../src/stores/sqlite/index.ts'
import { manualClock } from '../../src/testing/index.ts'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entry, head, start, world } from './seal-fixture.ts'

const forbidden = expect.objectContaining({ code: 'forbidden' })
const alice = mint('acme', 'alice')

/** Another instance of the module, as a second copy of the package would be. */
const copyOf = async <M>(path: string): Promise<M> => (await import(/* @vite-ignore */ `${path}?second-copy`)) as M

const forgeries: Record<string, () => unknown> = {
  'an object of the same shape': () => ({ tenantId: 'acme', ownerId: 'alice' }),
  'a JSON round trip': () => JSON.parse(JSON.stringify({ tenantId: alice.tenantId, ownerId: alice.ownerId })) as unknown,
  structuredClone: () => structuredClone(alice),
  'Object.create of the prototype': () => Object.create(Scope.prototype) as unknown,
  'Object.create of a scope': () => Object.create(alice) as unknown,
  'a spread copy': () => ({ ...alice }),
  'a Proxy': () => new Proxy(alice, {}),
  'a subclass instance': () => Reflect.construct(Object, [], Scope) as unknown,
  'a string': () => 'acme/alice',
  nothing: () => undefined,
  null: () => null,
}

describe('scopes', () => {
  for (const [name, forge] of Object.entries(forgeries))
    test(`${name} is no scope [ISO-1]`, async () => {
      const { store } = world()
      expect(() => requireScope(forge())).toThrow(forbidden)
      expect(() => refOf(forge() as Scope, 'session', 's1')).toThrow(forbidden)
      await expect(store.list(forge() as Scope, 'session')).rejects.toEqual(forbidden)
      await expect(store.erase(forge() as Scope)).rejects.toEqual(forbidden)
    })

  test('the constructor takes no pass but the one in its module [ISO-1]', () => {
    for (const pass of [Symbol('recollect.scope'), Symbol.for('recollect.scope'), undefined])
      expect(() => new Scope(pass as symbol, 'acme', 'alice')).toThrow(forbidden)
  })

  test('a scope of a second copy of the package is no scope [ISO-1]', async () => {
    const copy = await copyOf<typeof import('../../src/core/scope.ts')>('../../src/core/scope.ts')
    const foreign = copy.mintScope('acme', 'alice')
    expect(copy.requireScope(foreign)).toBe(foreign)
    expect(copy.Scope).not.toBe(Scope)
    expect(() => requireScope(foreign)).toThrow(forbidden)
  })

  test('a scope is frozen and keeps its names to itself [ISO-1]', () => {
    expect(Object.isFrozen(alice)).toBe(true)
    expect(Object.keys(alice)).toEqual([])
    expect(() => Object.assign(alice, { tenantId: 'other' })).toThrow()
    expect([alice.tenantId, alice.ownerId]).toEqual(['acme', 'alice'])
    expect(requireScope(alice)).toBe(alice)
  })

  test('the mint for callers makes no reserved owner or tenant; the other does, for the engine alone [ISO-2]', async () => {
    for (const name of ['~system', '~audit', '~keys', '~api-keys', '~']) {
      expect(() => mint('acme', name)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
      expect(() => mint(name, 'alice')).toThrow(expect.objectContaining({ code: 'invalid_input' }))
      expect(mintAny('acme', name).ownerId).toBe(name)
    }
  })

  test('no published entry of the package gives a way to a scope, but recollect.user and recollect.tenant [ISO-2]', async () => {
    const { exports } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      exports: Record<string, { default?: string }>
    }
    const entries = Object.values(exports).flatMap((one) => one.default?.replace('./dist/', '../../src/').replace(/\.js$/, '.ts') ?? [])
    expect(entries.length).toBeGreaterThanOrEqual(6)
    for (const entry of entries) {
      const published = (await import(/* @vite-ignore */ entry)) as Record<string, unknown>
      expect(
        Object.keys(published).filter((name) => /mint|scope|refOf|registerRef/i.test(name) || [mint, mintAny].includes(published[name] as never)),
      ).toEqual([])
    }
  })

  test('no scope means no answer: there is no default and no wildcard [ISO-4]', async () => {
    const { store } = world()
    for (const owner of ['*', '%', '_', '']) {
      await store.open(refOf(alice, 'session', 's1'), head())
      const list = async () => store.list(mint('acme', owner), 'session')
      if (owner === '') await expect(list()).rejects.toMatchObject({ code: 'invalid_input' })
      else expect((await list()).items).toEqual([])
    }
  })
})

describe('refs', () => {
  test('a ref that refOf did not make is refused by every call of a wrapped store, sealed or not [ISO-5]', async () => {
    const real = refOf(alice, 'session', 's1')
    const fakes: unknown[] = [
      { ...real },
      structuredClone(real),
      new Proxy(real, {}),
      Object.create(real),
      JSON.parse(JSON.stringify(real)),
      undefined,
      's1',
    ]
    for (const seal of ['on', 'off'] as const) {
      const { store, data } = world({ seal })
      for (const fake of fakes as LogRef[]) {
        const fence = { name: { tenantId: 'acme', ownerId: 'alice', purpose: 'work' }, number: 1 }
        const calls = [
          () => store.open(fake, head()),
          () => store.head(fake),
          () => store.append(fake, [entry('m1', 'x')]),
          () => store.read(fake),
          () => store.updateHead(fake, 1, head()),
          () => store.rewrite(fake, [{ seq: 1 }]),
          () => store.saveSnapshot(fake, { name: 'n', upTo: 0, chunks: [head('x').body] }, { fence }),
          () => store.loadSnapshot(fake, 'n'),
          () => store.delete(fake),
        ]
        for (const call of calls) await expect(call()).rejects.toEqual(forbidden)
      }
      expect((await data.owners()).items).toEqual([])
    }
  })

  test('refs are frozen, and those that expired gives can be used [ISO-5]', async () => {
    const { store, clock } = world()
    const ref = refOf(alice, 'session', 's1')
    expect(Object.isFrozen(ref)).toBe(true)
    await store.open(ref, { body: head().body, expires: { inMs: 10 } })
    clock.advance(10)
    const { items } = await store.expired(clock.now())
    expect(items.map((item) => ({ ...item.ref }))).toEqual([{ ...ref }])
    expect(requireRef(items[0]!.ref)).toBe(items[0]!.ref)
    expect(await store.delete(items[0]!.ref, { ifExpired: true })).toBe(true)
  })

  test('a ref of a second copy of the package is refused [ISO-5]', async () => {
    const copy = await copyOf<typeof import('../../src/core/log-ref.ts')>('../../src/core/log-ref.ts')
    const foreign = copy.registerRef({ tenantId: 'acme', ownerId: 'alice', kind: 'session', logId: 's1' })
    expect(() => requireRef(foreign)).toThrow(forbidden)
    expect(requireRef(registerRef(foreign))).not.toBe(foreign)
  })

  test('foreign, deleted, expired and never made are one answer [ISO-15]', async () => {
    const { store, clock, alice } = world()
    const bob = refOf(mint('acme', 'bob'), 'session', 'mine')
    await store.open(bob, head('secret'))
    await store.append(bob, [entry('m1', 'secret')])
    const gone = refOf(alice, 'session', 'gone')
    await store.open(gone, head())
    await store.delete(gone)
    const old = refOf(alice, 'session', 'old')
    await store.open(old, { body: head().body, expires: { inMs: 5 } })
    clock.advance(5)
    const refs = [refOf(alice, 'session', 'mine'), gone, old, refOf(alice, 'session', 'never')]
    const answers = await Promise.all(
      refs.map(async (ref) => {
        const errors = await Promise.all(
          [store.read(ref), store.append(ref, [entry('m1', 'x')]), store.updateHead(ref, 1, head())].map((call) =>
            call.catch((error: unknown) => String(error)),
          ),
        )
        return JSON.stringify([await store.head(ref), await store.loadSnapshot(ref, 'n'), errors])
      }),
    )
    expect(new Set(answers).size).toBe(1)
  })
})

describe('names', () => {
  const bad: Record<string, string> = {
    empty: '',
    'over 200 bytes': 'a'.repeat(201),
    'over 200 bytes in fewer characters': 'é'.repeat(101),
    'not NFC': 'e\u0301',
    'a control': 'a\u0000b',
    'a line break': 'a\nb',
    'zero width': 'a\u200bb',
    'a soft hyphen': 'a\u00adb',
    'a byte order mark': '\ufeffa',
    'a tag character': 'a\u{e0041}',
    'a variation selector': 'a\ufe0f',
    'a lone surrogate': 'a\ud800',
    'the other half': '\udc00a',
    'C1 control': 'a\u0085',
    reserved: '~a',
  }
  for (const [what, id] of Object.entries(bad))
    test(`${what} is refused and never repaired [ISO-6]`, () => {
      for (const make of [() => mint(id, 'alice'), () => mint('acme', id)]) expect(make).toThrow(expect.objectContaining({ code: 'invalid_input' }))
      if (what !== 'reserved') expect(() => refOf(alice, 'session', id)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    })

  test('names are taken as they are: case, spaces and look-alikes stay apart [ISO-6]', () => {
    const names = ['a', 'A', ' a', 'a ', 'а', 'ａ', 'a/b', 'a:b', '%', '..', "'", '😀', 'ſ', 's', 'a'.repeat(200)]
    expect(names.map((name) => mint('acme', name).ownerId)).toEqual(names)
    expect(() => mint(7 as never, 'a')).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

describe('segments', () => {
  const part = fc
    .string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('/', ':', '%', '_', '*', '.', 'a', 'b', '1', '~') })
    .filter((text) => !text.startsWith('~'))
  const address = fc.record({ tenantId: part, ownerId: part, kind: fc.constantFrom(...logKinds), logId: part })
  const refFor = (one: { tenantId: string; ownerId: string; kind: LogRef['kind']; logId: string }) =>
    refOf(mintAny(one.tenantId, one.ownerId), one.kind, one.logId)
  /** A neighbour: one character moved over a border, or one part longer. */
  const near = fc.tuple(address, fc.constantFrom(0, 1, 2, 3)).map(([a, how]) => {
    const b = { ...a }
    if (how === 0) [b.tenantId, b.ownerId] = [`${a.tenantId}/`, a.ownerId]
    if (how === 1) [b.tenantId, b.ownerId] = [a.tenantId + a.ownerId[0], a.ownerId.slice(1) || 'a']
    if (how === 2) b.logId = `${a.logId}-corp`
    if (how === 3) [b.ownerId, b.logId] = [`${a.ownerId}:${a.logId}`, a.logId]
    return [a, b] as const
  })

  test('10,000 pairs of distinct refs give distinct keys [ISO-7]', () => {
    const pair = fc.oneof(fc.tuple(address, address), near)
    const same = (a: object, b: object) => JSON.stringify(a) === JSON.stringify(b)
    fc.assert(
      fc.property(pair, ([a, b]) => same(a, b) === (refKey(refFor(a)) === refKey(refFor(b)))),
      { numRuns: 10_000 },
    )
  })

  test('list gives its own scope and no neighbour, in memory and in SQLite [ISO-7]', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'recollect-iso-'))
    const clock = manualClock(start)
    const sqlite = await sqliteStore({ path: join(folder, 'data', 'a.db'), clock })
    try {
      for (const inner of [memoryStore({ clock }), sqlite]) {
        const { store } = world({ data: inner, seal: 'off' })
        const made = new Map<string, LogRef>()
        for (const a of fc.sample(address, { numRuns: 300, seed: 11 })) made.set(refKey(refFor(a)), refFor(a))
        for (const ref of made.values()) await store.open(ref, { body: new TextEncoder().encode(JSON.stringify(ref)) })
        let listed = 0
        for (const key of new Set([...made.values()].map((ref) => JSON.stringify([ref.tenantId, ref.ownerId, ref.kind])))) {
          const [tenantId, ownerId, kind] = JSON.parse(key) as [string, string, LogRef['kind']]
          const { items } = await store.list(mint(tenantId, ownerId), kind, { limit: 200 })
          listed += items.length
          for (const item of items) expect(JSON.parse(new TextDecoder().decode(item.body))).toEqual({ tenantId, ownerId, kind, logId: item.logId })
        }
        expect(listed).toBe(made.size)
      }
    } finally {
      await sqlite.close()
      rmSync(folder, { recursive: true })
    }
  })
})
