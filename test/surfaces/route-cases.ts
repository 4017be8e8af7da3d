// A good request for every row of the route table: what SUR-2 and the bad input are made from.
import type { GatewayWorld } from './gateway-world.ts'

/** What the requests of one test may name. All of it is alice's. */
export interface Things {
  readonly session: string
  readonly message: string
  readonly turn: string
  readonly receipt: string
  readonly otherReceipt: string
  readonly memory: string
  readonly key: string
}

export interface Good {
  readonly path: string
  readonly body?: unknown
  readonly status?: number // 200, unless it makes something
}

let made = 0

/** A session with two turns, two receipts, a memory and a key, so that every row finds what it asks for. */
export async function makeThings({ alice, recollect }: GatewayWorld): Promise<Things> {
  const session = await alice.session(`thing-${++made}`, { formation: 'off' })
  const { ids } = await session.append([
    { role: 'user', text: 'The first question of two.' },
    { role: 'assistant', text: 'The first answer.' },
    { role: 'user', text: 'The second question.' },
  ])
  const receipts = [await session.context({ recall: false }), await session.context({ recall: false })].map(({ receipt }) => receipt.id)
  const turn = await session.turn()
  await turn.end()
  const { record } = await alice.memories.remember(`Number ${made} is remembered.`)
  const key = await recollect.credentials.create('default', { name: `thing ${made}`, ownerId: 'alice', roles: ['owner'], userText: 'paste' })
  return {
    session: session.id,
    message: ids[0] as string,
    turn: turn.id,
    receipt: receipts[0] as string,
    otherReceipt: receipts[1] as string,
    memory: record.id,
    key: key.credential.id,
  }
}

type Make = (things: Things) => Good
const session =
  (rest: string, body?: unknown, status?: number): Make =>
  ({ session: id }) => ({
    path: `/api/v1/sessions/${id}${rest}`,
    ...(body === undefined ? {} : { body }),
    ...(status === undefined ? {} : { status }),
  })

/** By method and path as the table has them. */
export const goodRequests: Readonly<Record<string, Make>> = {
  'POST /api/v1/sessions': () => ({ path: '/api/v1/sessions', body: { id: `made-${++made}`, title: 'New' }, status: 201 }),
  'GET /api/v1/sessions': () => ({ path: '/api/v1/sessions?limit=2' }),
  'GET /api/v1/sessions/{sessionId}': session(''),
  'PATCH /api/v1/sessions/{sessionId}': session('', { title: 'Another title' }),
  'DELETE /api/v1/sessions/{sessionId}': session('?memories=keep'),
  'POST /api/v1/sessions/{sessionId}/fork': session('/fork', { atSeq: 2 }, 201),
  'POST /api/v1/sessions/{sessionId}/rewind': session('/rewind', { toSeq: 2 }),
  'POST /api/v1/sessions/{sessionId}/turns': session('/turns', { ttlMs: 5_000 }, 201),
  'DELETE /api/v1/sessions/{sessionId}/turns/{turnId}': (things) => ({
    path: `/api/v1/sessions/${things.session}/turns/${things.turn}`,
    status: 204,
  }),
  'POST /api/v1/sessions/{sessionId}/messages': session('/messages', { messages: [{ role: 'assistant', text: 'An answer.' }] }, 201),
  'GET /api/v1/sessions/{sessionId}/messages': session('/messages?limit=2&order=desc'),
  'GET /api/v1/sessions/{sessionId}/messages/{messageId}': (things) => ({ path: `/api/v1/sessions/${things.session}/messages/${things.message}` }),
  'DELETE /api/v1/sessions/{sessionId}/messages/{messageId}': (things) => ({ path: `/api/v1/sessions/${things.session}/messages/${things.message}` }),
  'GET /api/v1/sessions/{sessionId}/state': session('/state'),
  'PUT /api/v1/sessions/{sessionId}/state': session('/state', { basket: ['pears'] }),
  'PATCH /api/v1/sessions/{sessionId}/state': session('/state', { basket: null }),
  'GET /api/v1/sessions/{sessionId}/summary': session('/summary'),
  'POST /api/v1/sessions/{sessionId}/context': session('/context', { budgetTokens: 4_000, recall: false }),
  'GET /api/v1/sessions/{sessionId}/receipts': session('/receipts?limit=1'),
  'GET /api/v1/sessions/{sessionId}/receipts/{receiptId}': (things) => ({ path: `/api/v1/sessions/${things.session}/receipts/${things.receipt}` }),
  'GET /api/v1/sessions/{sessionId}/receipts/{receiptId}/diff/{otherId}': (things) => ({
    path: `/api/v1/sessions/${things.session}/receipts/${things.receipt}/diff/${things.otherReceipt}`,
  }),
  'GET /api/v1/sessions/{sessionId}/why': session('/why?seq=2'),
  'POST /api/v1/sessions/{sessionId}/receipts/{receiptId}/usage': (things) => ({
    path: `/api/v1/sessions/${things.session}/receipts/${things.receipt}/usage`,
    body: { inputTokens: 40, outputTokens: 4 },
  }),
  'GET /api/v1/memories': () => ({ path: '/api/v1/memories?limit=2' }),
  'POST /api/v1/memories': () => ({ path: '/api/v1/memories', body: { text: `Remember number ${++made}.` }, status: 201 }),
  'GET /api/v1/memories/{memoryId}': ({ memory }) => ({ path: `/api/v1/memories/${memory}` }),
  'DELETE /api/v1/memories/{memoryId}': ({ memory }) => ({ path: `/api/v1/memories/${memory}` }),
  'POST /api/v1/memories/search': () => ({ path: '/api/v1/memories/search', body: { query: 'Which number is remembered?', explain: true } }),
  'POST /api/v1/erase': () => ({ path: '/api/v1/erase', body: { confirm: 'alice', dryRun: true } }),
  'GET /api/v1/usage': () => ({ path: '/api/v1/usage' }),
  'GET /api/v1/whoami': () => ({ path: '/api/v1/whoami' }),
  'GET /api/v1/keys': () => ({ path: '/api/v1/keys?limit=2' }),
  'POST /api/v1/keys': () => ({ path: '/api/v1/keys', body: { name: 'new', owner: 'alice', roles: ['owner'], userText: 'paste' }, status: 201 }),
  'POST /api/v1/keys/{keyId}/rotate': ({ key }) => ({ path: `/api/v1/keys/${key}/rotate`, status: 201 }),
  'DELETE /api/v1/keys/{keyId}': ({ key }) => ({ path: `/api/v1/keys/${key}`, status: 204 }),
  'POST /api/v1/sweep': () => ({ path: '/api/v1/sweep', body: { dryRun: true } }),
  'GET /healthz': () => ({ path: '/healthz' }),
  'GET /readyz': () => ({ path: '/readyz' }),
  'GET /api/v1/health': () => ({ path: '/api/v1/health' }),
  'GET /metrics': () => ({ path: '/metrics' }),
  'GET /openapi.json': () => ({ path: '/openapi.json' }),
}
