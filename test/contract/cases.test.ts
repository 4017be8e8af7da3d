// That the contract is whole: 72 cases, each rule of the store held by some, and none skipped in silence.
import { describe, expect, test } from 'vitest'
import { contractCases, manualClock, storeContract, type TestRunner } from '../../src/testing/index.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'

const idsOf = (group: string) => [...new Set(contractCases[group]?.map(({ id }) => id))]
const cases = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `LOG-C${from + i}`)

describe('the contract', () => {
  test('opening holds its cases [LOG-C1, LOG-C2, LOG-C3, LOG-C4, LOG-C5, LOG-C6]', () => {
    expect(idsOf('opening')).toEqual(cases(1, 6))
  })
  test('appending holds its cases [LOG-C7, LOG-C8, LOG-C9, LOG-C10, LOG-C11, LOG-C12, LOG-C13, LOG-C14, LOG-C15, LOG-C16, LOG-C17, LOG-C18]', () => {
    expect(idsOf('appending')).toEqual(cases(7, 18))
  })
  test('input holds its cases [LOG-C19, LOG-C20, LOG-C21]', () => {
    expect(idsOf('input')).toEqual(cases(19, 21))
  })
  test('reading holds its cases [LOG-C22, LOG-C23, LOG-C24, LOG-C25, LOG-C26, LOG-C27, LOG-C28, LOG-C29, LOG-C30]', () => {
    expect(idsOf('reading')).toEqual(cases(22, 30))
  })
  test('heads holds its cases [LOG-C31, LOG-C32, LOG-C33, LOG-C34, LOG-C35]', () => {
    expect(idsOf('heads')).toEqual(cases(31, 35))
  })
  test('rewriting holds its cases [LOG-C36, LOG-C37, LOG-C38, LOG-C39, LOG-C40, LOG-C41]', () => {
    expect(idsOf('rewriting')).toEqual(cases(36, 41))
  })
  test('snapshots holds its cases [LOG-C42, LOG-C43, LOG-C44, LOG-C45, LOG-C46, LOG-C47]', () => {
    expect(idsOf('snapshots')).toEqual(cases(42, 47))
  })
  test('listing holds its cases [LOG-C48, LOG-C49, LOG-C50, LOG-C51]', () => {
    expect(idsOf('listing')).toEqual(cases(48, 51))
  })
  test('expiry holds its cases [LOG-C52, LOG-C53, LOG-C54, LOG-C55, LOG-C56]', () => {
    expect(idsOf('expiry')).toEqual(cases(52, 56))
  })
  test('leases holds its cases [LOG-C57, LOG-C58, LOG-C59, LOG-C60, LOG-C61]', () => {
    expect(idsOf('leases')).toEqual(cases(57, 61))
  })
  test('removal holds its cases [LOG-C62, LOG-C63, LOG-C64, LOG-C65]', () => {
    expect(idsOf('removal')).toEqual(cases(62, 65))
  })
  test('robustness holds its cases [LOG-C66, LOG-C67, LOG-C68, LOG-C69, LOG-C70, LOG-C71, LOG-C72]', () => {
    expect(idsOf('robustness')).toEqual(cases(66, 72))
  })

  const held: readonly (readonly [rule: string, ...cases: number[]])[] = [
    ['LOG-1', 19, 49, 51, 71],
    ['LOG-2', 5, 19, 21, 30],
    ['LOG-3', 20],
    ['LOG-4', 8, 17, 29, 43],
    ['LOG-5', 66, 67],
    ['LOG-6', 29, 68],
    ['LOG-7', 53, 61],
    ['LOG-8', 35, 69],
    ['LOG-9', 7, 22, 31, 36],
    ['LOG-10', 1, 2, 3, 6],
    ['LOG-11', 4],
    ['LOG-12', 9, 10, 11, 15, 16, 18, 24, 25, 60],
    ['LOG-13', 12, 13, 14],
    ['LOG-14', 7, 22, 23, 72],
    ['LOG-15', 17],
    ['LOG-16', 60],
    ['LOG-17', 26, 27, 28],
    ['LOG-18', 31, 32, 33, 34],
    ['LOG-19', 36, 37, 38, 39, 40, 41],
    ['LOG-20', 42, 44, 47],
    ['LOG-21', 43, 45, 46],
    ['LOG-22', 48, 49, 50, 51],
    ['LOG-23', 54],
    ['LOG-24', 65],
    ['LOG-25', 57, 58, 59, 61],
    ['LOG-26', 55, 62],
    ['LOG-27', 63, 64],
    ['LOG-28', 52, 56],
    ['LOG-29', 70],
  ]
  test('each rule of the log store is held by cases [LOG-1, LOG-2, LOG-3, LOG-4, LOG-5, LOG-6, LOG-7, LOG-8, LOG-9, LOG-10, LOG-11, LOG-12, LOG-13, LOG-14, LOG-15, LOG-16, LOG-17, LOG-18, LOG-19, LOG-20, LOG-21, LOG-22, LOG-23, LOG-24, LOG-25, LOG-26, LOG-27, LOG-28, LOG-29]', () => {
    expect(held.map(([rule]) => rule)).toEqual(Array.from({ length: 29 }, (_, i) => `LOG-${i + 1}`))
    const known = new Set<string>(Object.values(contractCases).flatMap((group) => group.map(({ id }) => id)))
    expect(held.flatMap(([, ...ids]) => ids).filter((id) => !known.has(`LOG-C${id}`))).toEqual([])
    expect([...known].filter((id) => !held.some(([, ...ids]) => ids.includes(Number(id.slice(5)))))).toEqual([])
  })
})

describe('joining the contract', () => {
  const clock = manualClock(Date.UTC(2100, 0, 1))
  const contract = { name: 'some', clock, create: async () => memoryStore({ clock }) }
  const absent = { restart: 'no restart', secondProcess: 'one process', takeAway: 'nothing underneath', raise: 'no hands', raw: 'no rows' }

  function recorded(): TestRunner & { run: string[]; skipped: string[] } {
    const [run, skipped]: string[][] = [[], []]
    const add = (name: string) => void run?.push(name)
    return {
      describe: (_, body) => body(),
      test: Object.assign(add, { skip: (name: string) => void skipped?.push(name) }),
      run: run as string[],
      skipped: skipped as string[],
    }
  }

  test('each case is run or shown as skipped with its reason [DRV-1]', () => {
    const runner = recorded()
    storeContract({ ...contract, skip: { ...absent, 'LOG-C71': 'names are short' } }, runner)
    const all = Object.values(contractCases).flat()
    expect(runner.run.length + runner.skipped.length).toBe(all.length)
    expect(runner.skipped.filter((name) => name.includes('[LOG-C68] (one process)'))).toHaveLength(1)
    expect(runner.skipped.filter((name) => name.endsWith('[LOG-C71] (names are short)'))).toHaveLength(1)
    expect(runner.skipped.every((name) => /\(.+\)$/.test(name))).toBe(true)
    expect(all.filter(({ needs }) => needs.length > 0)).toHaveLength(runner.skipped.length - 1)
  })

  test('a hook that is missing without a reason is refused [DRV-1]', () => {
    const { raise: _, ...fewer } = absent
    expect(() => storeContract({ ...contract, skip: fewer }, recorded())).toThrow(/LOG-C72 needs the hook raise/)
  })
})
