// Contexts, their receipts, and the usage that a caller reports.
import type { Json } from '../../core/json.ts'
import type { MessageInput } from '../../core/message.ts'
import type { z } from '@hono/zod-openapi'
import type { Context, Session } from '../../recollect.ts'
import { route, type Answer, type Call } from '../route.ts'
import * as schema from '../schemas.ts'
import { defined, pageBody, sessionOf } from './sessions.ts'

const one = '/api/v1/sessions/{sessionId}'

export const contextRoutes = [
  route({
    method: 'POST',
    path: `${one}/context`,
    access: 'session.append',
    scope: 'owner',
    retry: {
      looks: ({ preview }) => preview === true,
      keep: ({ receipt }: Context) => receipt.id,
      answer: async (call, id: string) => contextAgain(call, id),
    },
    summary: 'What the model gets for the next call, and why',
    body: schema.contextOptions,
    answers: { 200: schema.context },
    handle: (call) => contextOf(call),
  }),
  route({
    method: 'GET',
    path: `${one}/receipts`,
    access: 'receipt.read',
    scope: 'owner',
    summary: 'Receipts, newest first',
    query: schema.page,
    answers: { 200: schema.pageOf(schema.receiptHead) },
    async handle(call) {
      const cursor = await call.page.open(call.query as Json)
      const listed = await (
        await sessionOf(call)
      ).receipts.list({ ...(call.query.limit === undefined ? {} : { limit: call.query.limit }), ...(cursor === undefined ? {} : { cursor }) })
      return { status: 200, body: pageBody(listed.items, await call.page.seal(call.query as Json, listed.cursor)) }
    },
  }),
  route({
    method: 'GET',
    path: `${one}/receipts/{receiptId}`,
    access: 'receipt.read',
    scope: 'owner',
    summary: 'One receipt, with its usage',
    answers: { 200: schema.storedReceipt },
    handle: async (call) => ({ status: 200, body: await (await sessionOf(call)).receipts.get(call.params['receiptId'] as string) }),
  }),
  route({
    method: 'GET',
    path: `${one}/receipts/{receiptId}/diff/{otherId}`,
    access: 'receipt.read',
    scope: 'owner',
    summary: 'What changed between two contexts',
    answers: { 200: schema.json },
    handle: async (call) => ({
      status: 200,
      body: await (await sessionOf(call)).receipts.diff(call.params['receiptId'] as string, call.params['otherId'] as string),
    }),
  }),
  route({
    method: 'GET',
    path: `${one}/why`,
    access: 'receipt.read',
    scope: 'owner',
    summary: 'Where a message or a memory stood at each call, and why it left',
    query: schema.whyQuery,
    answers: { 200: schema.course },
    async handle(call) {
      const { seq, memoryId } = call.query
      return { status: 200, body: await (await sessionOf(call)).why((seq ?? memoryId) as number | string) }
    },
  }),
  route({
    method: 'POST',
    path: `${one}/receipts/{receiptId}/usage`,
    access: 'session.append',
    scope: 'owner',
    errors: ['conflict'],
    retry: {},
    summary: 'What the provider billed, for callers that call the model themselves',
    body: schema.newUsage,
    answers: { 200: schema.receiptUsage },
    async handle(call) {
      const { answer, ...usage } = call.body
      const stored = await (
        await sessionOf(call)
      ).reconcile(call.params['receiptId'] as string, defined(usage), answer === undefined ? {} : { answer })
      return { status: 200, body: stored }
    },
  }),
]

type ContextCall = Call<unknown, z.infer<typeof schema.contextOptions>>

async function contextOf(call: ContextCall, more: { readonly preview?: true } = {}): Promise<Answer> {
  const { messages, ...options } = call.body
  const context = await (
    await sessionOf(call)
  ).context({
    ...(defined(options) as object),
    ...(messages === undefined ? {} : { messages: messages as readonly MessageInput[] }),
    ...more,
    signal: call.signal,
  } as Parameters<Session['context']>[0])
  const { reconcile: _, ...body } = context
  return { status: 200, body, headers: body.degraded.length === 0 ? {} : { 'recollect-degraded': body.degraded.join(',') } }
}

/** The same plan, with the receipt of the first: a second one would count the turn and its memories twice. */
async function contextAgain(call: ContextCall, receiptId: string): Promise<Answer> {
  const { receipt } = await (await sessionOf(call)).receipts.get(receiptId)
  const planned = await contextOf(call, { preview: true })
  return { ...planned, body: { ...(planned.body as object), receipt } }
}
