// An embedder that is off, one's own, or failing: what still works, and what health says of it (EMB-7, GW-16).
import { expect, test } from 'vitest'
import { limits } from '../../src/core/limits.ts'
import { watchedEmbedder } from '../../src/create-recollect/watched-embedder.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { aWorld, codeOf, start } from './library-world.ts'

test('without an embedder recall goes by words, and health says how it stands [EMB-4]', async () => {
  const { recollect } = await aWorld('memory')
  expect((await recollect.health()).details).toMatchObject({ embedder: 'none' })
  expect(await codeOf(recollect.embed(['x'], 'query'))).toBe('unavailable')
})

test('health warns while the last call of an own embedder failed, was late or gave other vectors, and no longer [EMB-7, GW-16]', async () => {
  const info = { id: 'own-1', dimensions: 2, maxTokens: 100, local: false }
  const clock = manualClock(start)
  const well = [new Float32Array(2)]
  let answer = async (): Promise<readonly Float32Array[]> => well
  const { recollect } = await aWorld('memory', { clock, embedder: { info, embed: () => answer() } })
  const stateAfter = async (next: typeof answer) => {
    answer = next
    const vectors = await recollect.embed(['x'], 'query').catch(() => undefined)
    clock.advance(limits.healthCachedMs)
    return [vectors !== undefined, (await recollect.health()).checks.find(({ name }) => name === 'embedder')?.state]
  }
  const late = async () => {
    clock.advance(limits.embedQueryMs)
    return well
  }
  expect(await stateAfter(async () => well)).toEqual([true, 'ok'])
  for (const bad of [() => Promise.reject(new Error('down')), async () => [], async () => [new Float32Array(3)]])
    expect([await stateAfter(bad), await stateAfter(async () => well)]).toEqual([
      [false, 'warn'],
      [true, 'ok'],
    ])
  expect(await stateAfter(late)).toEqual([true, 'warn'])
  expect((await recollect.health()).ready).toBe(true)
})

test('an own embedder that never answers is told; a search that went away before its time says nothing of it [EMB-7, GW-16]', async () => {
  const info = { id: 'own-1', dimensions: 2, maxTokens: 100, local: false }
  const clock = manualClock(start)
  const watched = watchedEmbedder({ info, embed: () => new Promise(() => {}) }, clock)
  const ask = () => {
    const stop = new AbortController()
    void watched.embed(['x'], 'query', stop.signal)
    return stop
  }
  ask().abort()
  expect(watched.failing).toBe(false)
  const second = ask()
  clock.advance(limits.embedQueryMs)
  second.abort()
  expect(watched.failing).toBe(true)
})

test('a signal that aborts long after a call has ended well says nothing of the embedder [EMB-7, GW-16]', async () => {
  const info = { id: 'own-1', dimensions: 2, maxTokens: 100, local: false }
  const clock = manualClock(start)
  const watched = watchedEmbedder({ info, embed: async () => [new Float32Array(2)] }, clock)
  const mine = new AbortController()
  await watched.embed(['x'], 'query', mine.signal)
  clock.advance(limits.embedQueryMs)
  mine.abort()
  expect(watched.failing).toBe(false)
})

test('near words of an own embedder are asked of it as a method, and one that fails has none and is told [RCL-2, EMB-7]', () => {
  const info = { id: 'own-1', dimensions: 2, maxTokens: 100, local: false }
  const table = new Map([['kids', ['children']]])
  const own = {
    info,
    table,
    embed: async () => [],
    nearWords(word: string) {
      if (word === 'bad') throw new Error('down')
      return this.table.get(word) ?? []
    },
  }
  const watched = watchedEmbedder(own, manualClock(start))
  const { nearWords } = watched
  expect([nearWords?.('kids'), watched.failing]).toEqual([['children'], false])
  expect([nearWords?.('bad'), watched.failing]).toEqual([[], true])
  const { nearWords: without } = watchedEmbedder({ info, embed: own.embed }, manualClock(start))
  expect(without?.('kids')).toEqual([])
})

test('an embedder that fails is unavailable, and its own words stand in the cause alone [EMB-7]', async () => {
  const own = new Error('a word of its own')
  const info = { id: 'failing-1', dimensions: 8, maxTokens: 100, local: false }
  const { recollect } = await aWorld('memory', { embedder: { info, embed: () => Promise.reject(own) } })
  const failed = await recollect.embed(['x'], 'query').catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 'unavailable', message: 'the embedder failed', cause: own })
})
