// Long-term memory: store, list, find, forget.
import type { Json } from '../../core/json.ts'
import { route } from '../route.ts'
import * as schema from '../schemas.ts'
import { defined, pageBody } from './sessions.ts'

const path = '/api/v1/memories'
const one = `${path}/{memoryId}`

export const memoryRoutes = [
  route({
    method: 'GET',
    path,
    access: 'memory.read',
    scope: 'owner',
    summary: 'Records, newest first',
    query: schema.memoryFilter,
    answers: { 200: schema.pageOf(schema.record) },
    async handle(call) {
      const { limit, cursor: _, ...filter } = call.query
      const cursor = await call.page.open(call.query as Json)
      const listed = await call.user.memories.list(defined(filter), {
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
      })
      return { status: 200, body: pageBody(listed.items, await call.page.seal(call.query as Json, listed.cursor)) }
    },
  }),
  route({
    method: 'POST',
    path,
    access: 'memory.write',
    scope: 'owner',
    retry: { keep: ({ id }: { id: string }) => id, answer: async (call, id: string) => ({ body: await call.user.memories.get(id) }) },
    errors: ['conflict', 'content_refused'],
    summary: 'Remember something, word for word',
    body: schema.newMemory,
    answers: { 201: schema.record },
    async handle(call, tagOf) {
      const { text, ...options } = call.body
      const id = tagOf?.('record')
      const { record } = await call.user.memories.remember(text, {
        ...defined(options),
        origin: call.credential.userText,
        ...(id === undefined ? {} : { id }),
      })
      return { status: 201, body: record }
    },
  }),
  route({
    method: 'GET',
    path: one,
    access: 'memory.read',
    scope: 'owner',
    summary: 'One record, with its evidence',
    answers: { 200: schema.record },
    handle: async (call) => ({ status: 200, body: await call.user.memories.get(call.params['memoryId'] as string) }),
  }),
  route({
    method: 'DELETE',
    path: one,
    access: 'memory.forget',
    scope: 'owner',
    errors: ['conflict'],
    summary: 'Forget one record for good',
    query: schema.forget,
    answers: { 200: schema.deletion },
    handle: async (call) => ({
      status: 200,
      body: await call.user.memories.forget(call.params['memoryId'] as string, call.query.sources === 'true' ? { sources: true } : {}),
    }),
  }),
  route({
    method: 'POST',
    path: `${path}/search`,
    access: 'memory.read',
    scope: 'owner',
    retry: 'again',
    summary: 'Find what is relevant to a query',
    body: schema.search,
    answers: { 200: schema.found },
    async handle(call) {
      const { query, ...options } = call.body
      const result = await call.user.memories.search(query, { ...defined(options), signal: call.signal })
      return { status: 200, body: result, headers: result.degraded.length === 0 ? {} : { 'recollect-degraded': result.degraded.join(',') } }
    },
  }),
]
