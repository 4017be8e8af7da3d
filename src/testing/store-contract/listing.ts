// list: each lasting log once, newest first, of one scope and kind.
import assert from 'node:assert/strict'
import { compareUtf8 } from '../../core/bytes.ts'
import { limits } from '../../core/limits.ts'
import type { LogKind } from '../../core/log-ref.ts'
import { bytes, entries, entry, range, refused } from './bench.ts'
import { when } from './case.ts'

export const listing = [
  when(
    'a walk in pages of 1, 7 and 200 gives each lasting log once while others come, change and go',
    'LOG-C48',
    async ({ log, store, scope, clock }) => {
      const lasting = range(1, 60).map((i) => `lasting ${i}`)
      for (const [i, logId] of lasting.entries()) {
        await log(logId)
        await log(`short ${i}`)
        if (i % 3 === 0) clock.advance(1)
      }
      for (const limit of [1, 7, 200]) {
        const seen: string[] = []
        let cursor: string | undefined
        for (let step = 0; step < 1_000; step++) {
          const page = await store.list(scope, 'session', cursor === undefined ? { limit } : { limit, cursor })
          assert.ok(page.items.length <= limit)
          seen.push(...page.items.map(({ logId }) => logId))
          cursor = page.cursor
          if (cursor === undefined) break
          clock.advance(1)
          await log(`new ${limit} ${step}`)
          await (await log(lasting[(step * 7) % 60])).append([entry(`${limit} ${step}`)])
          const last = page.items.at(-1)?.logId
          if (last?.startsWith('short')) await store.delete((await log(last)).ref)
          await store.delete((await log(`short ${(step * 11) % 60}`)).ref)
        }
        assert.deepEqual(seen.filter((logId) => logId.startsWith('lasting')).toSorted(), lasting.toSorted())
      }
    },
  ),

  when(
    'a list sees one scope and one kind on every page; names that begin alike stay out',
    'LOG-C49',
    async ({ at, store, scopeOf, pages, name }) => {
      const owners = [
        ['acme', 'bob'],
        ['acme', 'bob2'],
        ['acme', 'bo'],
        ['acm', 'ebob'],
        ['acmeb', 'ob'],
        ['acme', 'Bob'],
        ['acme', 'bob '],
        ['acme:bob', 'x'],
        ['acme', 'bob:x'],
        ['acme%', 'bob'],
        ['acme_', 'b_b'],
      ].map(([tenant, owner]) => ({ tenant: `${name} ${tenant}`, owner: owner as string }))
      const kinds: LogKind[] = ['session', 'memory', 'receipt']
      for (const [i, place] of owners.entries())
        for (const kind of kinds) for (const n of [1, 2]) await at({ ...place, kind, logId: `${i} ${kind} ${n}` }).open()
      for (const [i, { tenant, owner }] of owners.entries())
        for (const kind of kinds) {
          const items = await pages((page) => store.list(scopeOf(tenant, owner), kind, { ...page, limit: 1 }))
          assert.deepEqual(
            items.map(({ logId }) => logId),
            [`${i} ${kind} 2`, `${i} ${kind} 1`],
          )
        }
    },
  ),

  when('what has expired is left out, and only a missing cursor is the end', 'LOG-C50', async ({ log, store, scope, clock, pages }) => {
    for (const i of range(1, 6)) await log(`log ${i}`, i % 2 === 0 ? { expires: { inMs: 1_000 } } : {})
    assert.equal((await store.list(scope, 'session')).items.length, 6)
    clock.advance(1_000)
    const page = await store.list(scope, 'session')
    assert.deepEqual([page.items.map(({ logId }) => logId), page.cursor], [['log 5', 'log 3', 'log 1'], undefined])
    for (const limit of [1, 2, 3]) assert.equal((await pages((request) => store.list(scope, 'session', request), limit)).length, 3)
    assert.deepEqual(await store.list(scope, 'memory'), { items: [] })
    for (const i of range(1, limits.pageItems)) await log(`more ${i}`)
    assert.equal((await store.list(scope, 'session')).items.length, limits.pageItems)
  }),

  when(
    'a cursor that does not parse is refused, and that of another scope gives no foreign row',
    'LOG-C50',
    async ({ log, at, store, scope, scopeOf, name }) => {
      const other = { tenant: `${name} other`, owner: 'other' }
      for (const i of range(1, 4)) {
        await log(`mine ${i}`)
        await at({ ...other, logId: `theirs ${i}` }).open()
      }
      for (const cursor of ['', 'x', '!!', 'bnVsbA', 'W10', '%00', 'a'.repeat(5_000)]) {
        await refused('invalid_input', store.list(scope, 'session', { cursor }))
        await refused('invalid_input', store.expired(0, { cursor }))
        await refused('invalid_input', store.owners({ cursor }))
      }
      const { cursor } = await store.list(scopeOf(other.tenant, other.owner), 'session', { limit: 2 })
      assert.ok(cursor)
      const { items } = await store.list(scope, 'session', { cursor })
      assert.ok(items.every(({ logId }) => logId.startsWith('mine')))
    },
  ),

  when('logs of one moment come by the bytes of their names, highest first', 'LOG-C51', async ({ log, at, store, scope, clock, pages }) => {
    const names = ['Z', 'a', 'A', 'z', '\uffff', '\u{10000}', 'é', 'e', '~', 'a ', 'aa', '10', '9', '日本']
    for (const logId of names) await log(logId)
    clock.advance(1)
    await log('newest')
    const items = (await store.list(scope, 'session')).items.map(({ logId }) => logId)
    assert.deepEqual(items, ['newest', ...names.toSorted((a, b) => compareUtf8(b, a))])
    assert.ok(items.indexOf('Z') > items.indexOf('a') && items.indexOf('\uffff') > items.indexOf('\u{10000}'))

    const walked = await pages((page) => store.list(scope, 'session', page), 1)
    assert.deepEqual(
      walked.map(({ logId }) => logId),
      items,
    )

    const one = at({ logId: 'newest' }) // one letter in two normal forms, two cases, with and without a space: six ids
    assert.equal((await one.append(['\u00e9', 'e\u0301', '\u00c9', 'E\u0301', '\u00e9 ', ' \u00e9'].map((id) => entry(id)))).added, 6)
  }),

  when('createdAt of init orders a moved log, and a time to come is refused', 'LOG-C51', async ({ log, at, store, scope, clock }) => {
    await log('first')
    clock.advance(10)
    await log('moved', { createdAt: clock.now() - 60_000, revision: 17, body: bytes('head') })
    const { items } = await store.list(scope, 'session')
    assert.deepEqual(
      items.map(({ logId, createdAt, revision }) => [logId, createdAt, revision]),
      [
        ['first', clock.now() - 10, 1],
        ['moved', clock.now() - 60_000, 17],
      ],
    )
    assert.equal((await at({ logId: 'moved' }).append(entries(1))).head.revision, 18)
    await refused('invalid_input', at({ logId: 'to come' }).open({ createdAt: clock.now() + 1 }))
    assert.equal(await at({ logId: 'to come' }).head(), undefined)
  }),
]
