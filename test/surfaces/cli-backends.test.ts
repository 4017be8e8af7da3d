// The two ways of every command, in process and over a gateway, side by side: what one gives the other gives (CLI-1).
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localBackend, remoteBackend, type Backend } from '../../src/cli/backend.ts'
import { outputs } from '../../src/cli/outputs.ts'
import type { CredentialRequest } from '../../src/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'

let world: GatewayWorld
let local: Backend
let remote: Backend
let acting: Backend // a key that acts for owners
let operator: Backend // a role that stands alone in a key
let receipts: readonly [string, string]

const keyFor = async (name: string, request: Partial<CredentialRequest>) =>
  (
    await world.recollect.credentials.create('default', {
      name,
      roles: ['owner', 'tenant-admin'],
      userText: 'user-typed',
      ...request,
    })
  ).secret

beforeAll(async () => {
  world = await gatewayWorld()
  const over = (key: string, owner?: string) => remoteBackend({ url: `${world.url}/`, key, ...(owner === undefined ? {} : { owner }) }, fetch, 10_000)
  local = localBackend(world.recollect, world.alice)
  remote = over(await keyFor('own', { ownerId: 'alice' }))
  acting = over(await keyFor('acting', { grants: ['act-for-owner'] }), 'alice')
  operator = over(await keyFor('operator', { roles: ['operator'] }))
  const session = await world.alice.session('trip')
  await session.append({ role: 'user', text: 'I am moving to Lisbon in May.' })
  await world.alice.memories.remember('She is vegetarian.', { kind: 'semantic', slot: 'diet' })
  await world.alice.memories.settled()
  const [first, second] = [await session.context(), await session.context({ system: 'Be brief.' })]
  receipts = [first.receipt.id, second.receipt.id]
})
afterAll(() => world.close())

/** As it is printed; what each call makes anew left out. */
const printed = (value: unknown): unknown =>
  value === undefined
    ? undefined
    : JSON.parse(
        JSON.stringify(value, (key, one: unknown) => (['id', 'at', 'mac', 'requestedAt', 'completedAt', 'prefixHash'].includes(key) ? 0 : one)),
      )

const outcome = (made: Promise<unknown>): Promise<unknown> =>
  made.then(printed, ({ code, message, nextStep, limit, given }: Record<string, unknown>) => ({ code, message, nextStep, limit, given }))

describe('in process and over a gateway, with a key of the owner and with one that acts for owners', () => {
  test.each<[string, (backend: Backend) => Promise<unknown>]>([
    ['owner', (backend) => backend.owner()],
    ['memories', (backend) => backend.memories(10)],
    ['sessions list', (backend) => backend.sessions(10)],
    ['sessions show', (backend) => backend.session('trip')],
    ['context', (backend) => backend.context('trip', { budgetTokens: 5_000, format: 'openai-chat' })],
    ['search', (backend) => backend.search('Lisbon', { limit: 3, kinds: ['episodic'], validAt: 2e12, explain: true })],
    ['receipt', (backend) => backend.receipts('trip', 1)],
    ['receipt', (backend) => backend.receipt('trip', receipts[0])],
    ['receipt', (backend) => backend.diff('trip', ...receipts)],
    ['stats', (backend) => backend.usage()],
    ['stats', (backend) => backend.usage('trip', 1)],
    ['erase', (backend) => backend.erase('alice', true)],
    ['keys list', (backend) => backend.keys()],
    ['a session that is not there', (backend) => backend.session('none')],
    ['a receipt that is not there', (backend) => backend.receipt('trip', 'none')],
    ['a memory that is not there', (backend) => backend.forget('none', false)],
    ['a key that is not there', (backend) => backend.rotateKey('none')],
    ['a budget over the window', (backend) => backend.context('trip', { budgetTokens: 9_000_000 })],
  ])('%s is the same [CLI-1]', async (name, ask) => {
    const here = await outcome(ask(local))
    expect(here).toBeDefined()
    expect(await outcome(ask(remote))).toEqual(here)
    expect(await outcome(ask(acting))).toEqual(here)
    outputs[name]?.parse(await ask(local))
  })

  test('what writes does the same, and says it alike [CLI-1, CLI-3]', async () => {
    const written: unknown[] = []
    for (const [backend, n] of [local, remote, acting].map((one, index) => [one, index] as const)) {
      const record = await backend.remember(`Her train number is 47${n}.`, { kind: 'semantic', slot: `train${n}` })
      expect((await world.alice.memories.get(record.id)).slot).toBe(`train${n}`)
      const forgotten = await backend.forget(record.id, false)
      await (await world.alice.session(`gone${n}`)).append({ role: 'user', text: 'Bye.' })
      const deleted = await backend.deleteSession(`gone${n}`)
      const made = await backend.createKey({ name: `made${n}`, ownerId: 'alice', roles: ['owner'], userText: 'paste', expiresAt: Date.now() + 1e9 })
      const rotated = await backend.rotateKey(made.key.id)
      await backend.revokeKey(made.key.id)
      written.push([record, forgotten, deleted, made, rotated].map(shapeOf))
      expect((await local.keys()).find(({ id }) => id === made.key.id)?.revokedAt).toBeGreaterThan(0)
    }
    expect(written[1]).toEqual(written[0])
    expect(written[2]).toEqual(written[0])
  })

  test('a sweep looks at the same, over a gateway with a key of the operator [CLI-1]', async () => {
    const ahead = { dryRun: true, until: Date.now() + 1e11 }
    const here = await local.sweep(ahead)
    expect(here.items.length).toBeGreaterThan(0)
    expect(printed(await operator.sweep(ahead))).toEqual(printed(here))
    expect((await operator.sweep({})).dryRun).toBe(false)
  })
})

/** Names and types, without the values that each call makes. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? 'text' : value === undefined ? undefined : typeof value
  return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, shapeOf(one)]])))
}
