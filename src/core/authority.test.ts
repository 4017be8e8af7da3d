// What each origin is worth, what is derived from several, and which list that means: written out by hand from the rule.
import { expect, test } from 'vitest'
import { atLeast, authorities, authorityOfOrigin, listOf, lowest, origins } from './authority.ts'

test('an origin gives its level, and text nothing [POI-1]', () => {
  expect(Object.fromEntries(origins.map((origin) => [origin, authorityOfOrigin(origin)]))).toEqual({
    tool: 'untrusted',
    web: 'untrusted',
    file: 'untrusted',
    paste: 'untrusted',
    prefill: 'untrusted',
    import: 'untrusted',
    unknown: 'untrusted',
    assistant: 'assistant',
    'user-typed': 'typed',
    'user-confirmed': 'confirmed',
    'admin-policy': 'policy',
  })
})

test('what is derived is worth the least of its inputs, and nothing from nothing [POI-2]', () => {
  expect(authorities).toEqual(['untrusted', 'assistant', 'typed', 'confirmed', 'policy'])
  for (const [i, a] of authorities.entries())
    for (const [j, b] of authorities.entries()) expect([lowest([a, b]), atLeast(a, b)]).toEqual([authorities[Math.min(i, j)], i >= j])
  expect(lowest([])).toBe('untrusted')
})

test('what is typed or more is trusted, and the two levels under it stand apart [POI-10]', () => {
  expect(authorities.map(listOf)).toEqual(['untrusted', 'assistant', 'trusted', 'trusted', 'trusted'])
})
