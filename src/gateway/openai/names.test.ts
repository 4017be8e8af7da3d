// Which name wins, as a table of all pairs (SUR-6).
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import type { Actor } from '../../ports/policy.ts'
import { agentHeaders, historyOf, modeOf, ownerNamed, sessionNamed, whenBusyOf } from './names.ts'

interface Named {
  path?: string
  headers?: Record<string, string>
  body?: JsonObject
}
type Source = readonly [string, (name: string) => Named]

const inBody = (field: string): Source => [field, (name) => ({ body: { [field]: name } })]
const inMetadata = (field: string): Source => [`metadata.${field}`, (name) => ({ body: { metadata: { [field]: name } } })]
const inHeader = (header: string): Source => [header, (name) => ({ headers: { [header]: name } })]

/** All of them at once. */
const together = (all: readonly Named[]): Named => ({
  ...Object.assign({}, ...all),
  headers: Object.assign({}, ...all.map((one) => one.headers)),
  body: {
    ...Object.assign({}, ...all.map((one) => one.body)),
    metadata: Object.assign({}, ...all.map((one) => one.body?.['metadata'])),
  },
})

const pairs = (sources: readonly Source[]) => sources.flatMap((first, i) => sources.slice(i + 1).map((second) => [first, second] as const))

describe('the session of a request', () => {
  const sources: readonly Source[] = [
    ['the base URL', (name) => ({ path: name })],
    inHeader('recollect-session'),
    inHeader('x-session-id'),
    ...agentHeaders.map(inHeader),
    inBody('conversation'),
    inBody('session_id'),
    inBody('litellm_session_id'),
    inMetadata('session_id'),
  ]
  const nameOf = ({ path, headers, body }: Named) => sessionNamed(path, new Headers(headers), body ?? {})

  test('each place names one, and nothing names none [OAI-2, OAI-3]', () => {
    for (const [, give] of sources) expect(nameOf(give('a-name'))).toBe('a-name')
    expect(nameOf({ body: { messages: [{ role: 'user', content: 'session-7' }], prompt_cache_key: 'k', user: 'u' } })).toBeUndefined()
  })

  test.each(pairs(sources).map(([a, b]) => [a[0], b[0], a[1], b[1]] as const))('%s comes before %s [OAI-2]', (_a, _b, first, second) => {
    expect(nameOf(together([first('first'), second('second')]))).toBe('first')
  })

  test.each(pairs(sources).map(([a, b]) => [a[0], b[0], a[1], b[1]] as const))(
    'a bad name in %s is refused; %s is not asked [OAI-2]',
    (_a, _b, first, second) => {
      const bad = together([first('~reserved'), second('second')])
      expect(() => nameOf(bad)).toThrow('starts with ~')
    },
  )

  test('the name that a reply gave is the same session when it is sent back [OAI-2]', () => {
    for (const name of ['plain', 'with space', 'grüße/世界', '100%', 'a%20b'])
      expect(nameOf({ headers: { 'recollect-session': encodeURIComponent(name) } })).toBe(name)
    expect(() => nameOf({ headers: { 'recollect-session': '100%' } })).toThrow('not percent-encoded')
  })

  test('a conversation may be an object; with a response id it is refused; a response id alone opens nothing [OAI-2]', () => {
    expect(nameOf({ body: { conversation: { id: 'c' } } })).toBe('c')
    expect(() => nameOf({ body: { conversation: 'c', previous_response_id: 'r' } })).toThrow('given together')
    expect(() => nameOf({ body: { previous_response_id: 'r', session_id: 's' } })).toThrow('no such response')
    expect(nameOf({ path: 'p', body: { previous_response_id: 'r' } })).toBe('p')
  })

  test('the headers of agents are configuration [OAI-2]', () => {
    expect(sessionNamed(undefined, new Headers({ 'session-id': 'a', 'x-mine': 'b' }), {}, ['x-mine'])).toBe('b')
  })
})

describe('the owner of a request', () => {
  const actor = (grants: readonly string[], ownerId?: string): Actor =>
    ({ tenantId: 't', credentialId: 'c', roles: ['owner'], grants, ...(ownerId === undefined ? {} : { ownerId }) }) as unknown as Actor
  const sources: readonly Source[] = [inHeader('recollect-owner'), inBody('safety_identifier'), inBody('user'), inMetadata('user_id')]
  const ownerOf = (who: Actor, { headers, body }: Named) => ownerNamed(who, headers?.['recollect-owner'], body ?? {})

  test.each(pairs(sources).map(([a, b]) => [a[0], b[0], a[1], b[1]] as const))(
    'with the grant %s comes before %s [OAI-1]',
    (_a, _b, first, second) => {
      expect(ownerOf(actor(['act-for-owner']), together([first('first'), second('second')]))).toBe('first')
    },
  )

  test('without the grant the fields of a body are plain data [OAI-1]', () => {
    for (const [, give] of sources.slice(1)) {
      expect(ownerOf(actor([], 'alice'), give('mallory'))).toBe('alice')
      expect(ownerOf(actor([]), give('mallory'))).toBeUndefined()
      expect(ownerOf(actor(['act-for-owner']), give('bob'))).toBe('bob')
    }
  })

  test("a credential's own owner comes before the fields of a body, with the grant too [OAI-1]", () => {
    for (const [, give] of sources.slice(1)) expect(ownerNamed(actor(['act-for-owner'], 'alice'), 'alice', give('bob').body ?? {})).toBe('alice')
  })

  test('an owner that is no valid name is refused [OAI-1]', () => {
    expect(() => ownerOf(actor(['act-for-owner']), { body: { user: '\u0000' } })).toThrow('owner')
  })
})

test('mode, history and turn are one of their words, or refused [OAI-5, OAI-9, OAI-24]', () => {
  const headers = (name: string, value: string) => new Headers({ [name]: value })
  expect(['full', 'record', 'off', 'dry-run'].map((mode) => modeOf(headers('recollect-mode', mode)))).toEqual(['full', 'record', 'off', 'dry-run'])
  expect([modeOf(new Headers()), historyOf(new Headers()), whenBusyOf(new Headers())]).toEqual(['full', 'unsaid', 'wait'])
  for (const [read, name] of [
    [modeOf, 'recollect-mode'],
    [historyOf, 'recollect-history'],
    [whenBusyOf, 'recollect-turn'],
  ] as const)
    expect(() => read(headers(name, 'Full'))).toThrow(`${name} is not one of`)
})
