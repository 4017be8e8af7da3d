import { describe, expect, test } from 'vitest'
import { cacheHints, cachePossible } from './cache-hints.ts'
import { checkProfile, extendProfiles, findProfile, profiles } from './profiles.ts'

const idOf = (model: string) => findProfile(model).profile.id

describe('profiles', () => {
  test('the longest prefix of a model name wins [PRO-1]', () => {
    const named = [
      'gpt-4o-mini',
      'gpt-4.1',
      'gpt-5-nano',
      'gpt-5.5',
      'gpt-5.6-pro',
      'gpt-6',
      'claude-opus-4-5',
      'claude-opus-5',
      'claude-opus-5-5',
      'deepseek-chat',
    ]
    expect(named.map(idOf)).toEqual([
      'openai-4o',
      'openai-4.1',
      'openai-5',
      'openai-5.5',
      'openai-5.6',
      'openai-5.6',
      'claude-4.5-4k',
      'claude-5-512',
      'claude-5.5-opus',
      'deepseek',
    ])
  })

  test('every row can be used, and its id finds it [PRO-1]', () => {
    for (const profile of profiles) expect(findProfile(checkProfile(profile).id)).toEqual({ profile, known: true })
    expect(new Set(profiles.map(({ id }) => id)).size).toBe(profiles.length)
  })

  test('a one-hour cache is chosen by id, and writes at twice the price [PRO-1]', () => {
    expect(findProfile('claude-5-1h').profile.cache).toMatchObject({ writeRatio: 2, ttlSeconds: 3_600, readRatio: 0.1 })
  })

  test('an unknown model is generic, which replays no reasoning and claims no saving [PRO-2]', () => {
    for (const model of [undefined, '', 'somebody/else-7b']) {
      const { profile, known } = findProfile(model)
      expect([profile.id, known, profile.reasoning]).toEqual(['generic', false, 'none'])
      expect(cachePossible(profile, 1e6)).toBe(false)
    }
  })

  test('a deployment adds a row, or overrides one [PRO-1]', () => {
    const extra = extendProfiles([
      { id: 'house', extends: 'openai-5', match: ['house-'], cache: { readRatio: 0.2 } },
      { id: 'openai-4o', extends: 'openai-4o', match: ['gpt-4o'], windowTokens: 32_000 },
    ])
    const house = findProfile('house-large', extra)
    expect([house.known, house.profile.family, house.profile.cache.readRatio, house.profile.cache.writeRatio]).toEqual([true, 'openai', 0.2, 1])
    expect(findProfile('gpt-4o', extra).profile.windowTokens).toBe(32_000)
  })

  test.each([
    ['a read price of nothing', { cache: { readRatio: 0 } }],
    ['a read dearer than a write', { cache: { readRatio: 1.5 } }],
    ['a window under twice the reserve', { windowTokens: 8_192 }],
    ['a rule that does not exist', { rules: ['I99' as 'I1'] }],
    ['a ratio of nothing', { tokens: { ratio: 0 } }],
    ['a base that does not exist', { extends: 'nobody' }],
  ])('%s is refused when it is loaded [PRO-1]', (_, change) => {
    expect(() => extendProfiles([{ id: 'bad', ...change }])).toThrow(/'bad'/)
  })
})

describe('cache hints', () => {
  const claude = findProfile('claude-sonnet-5').profile
  const even = Array.from({ length: 50 }, (_, index) => 2_000 + 100 * (index + 1))

  test('the last message, the fixed part and the summary are marked before the middle of a turn [PRO-3]', () => {
    const hints = cacheHints(claude, { fixedTokens: 2_000, tokensUpTo: even, summaryEnd: 1, turnStart: 2 })
    expect(hints).toEqual([-1, 1, 46, 49].map((index) => ({ index, ttlSeconds: 300 })))
  })

  test('there is no mark below the least size, none for a best-effort cache, and never more than the profile takes [PRO-3]', () => {
    expect(cacheHints(claude, { fixedTokens: 200, tokensUpTo: [300, 500], turnStart: 0 })).toEqual([])
    expect(cacheHints(claude, { fixedTokens: 200, tokensUpTo: [300, 1_500], turnStart: 0 })).toEqual([{ index: 1, ttlSeconds: 300 }])
    expect(cacheHints(findProfile('gemini-3').profile, { fixedTokens: 9_000, tokensUpTo: even, turnStart: 0 })).toEqual([])
    expect(cacheHints(claude, { fixedTokens: 2_000, tokensUpTo: even, turnStart: 0 }).length).toBe(4)
  })
})
