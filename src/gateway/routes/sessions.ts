// Sessions, their turns, messages and state.
import { z } from '@hono/zod-openapi'
import { authorityOfOrigin } from '../../core/authority.ts'
import type { Json } from '../../core/json.ts'
import type { LoggedMessage, MessageInput, Part, PartInput } from '../../core/message.ts'
import type { Session, SessionInfo, SessionOptions, TagOf } from '../../recollect.ts'
import { route, type Answer, type Call, type Retry } from '../route.ts'
import * as schema from '../schemas.ts'

const path = '/api/v1/sessions'
const one = `${path}/{sessionId}`

/** The session of the path; `not_found` for what is not there, expired, or somebody else's. */
export const sessionOf = (call: Call): Promise<Session> => call.user.sessions.get(call.params['sessionId'] as string)

const shown = (info: SessionInfo, status = 200): Answer => ({ status, body: info, revision: info.revision })

/** The name is kept, and the session read anew: its title may have changed, or gone with it. */
const sessionNamedAgain: Retry = {
  keep: ({ id }: SessionInfo) => id,
  answer: async (call, id: string) => shown(await (await call.user.sessions.get(id)).info()),
}

export const sessionRoutes = [
  route({
    method: 'POST',
    path,
    access: 'session.append',
    scope: 'owner',
    retry: sessionNamedAgain,
    summary: 'Open a session, or take it up again',
    body: schema.newSession,
    answers: { 200: schema.session, 201: schema.session },
    async handle(call, tagOf) {
      const { id = tagOf?.('session'), ...options } = call.body
      const { session, made } = await call.user.sessions.open(id, options as SessionOptions)
      return shown(await session.info(), made ? 201 : 200)
    },
  }),
  route({
    method: 'GET',
    path,
    access: 'session.read',
    scope: 'owner',
    summary: 'List sessions, newest made first',
    query: z.strictObject({ ...schema.page.shape, updatedAfter: z.coerce.number().int().nonnegative().optional() }),
    answers: { 200: schema.pageOf(schema.session) },
    async handle(call) {
      const { limit, updatedAfter } = call.query
      const cursor = await call.page.open(call.query as Json)
      const listed = await call.user.sessions.list({
        ...(limit === undefined ? {} : { limit }),
        ...(updatedAfter === undefined ? {} : { updatedAfter }),
        ...(cursor === undefined ? {} : { cursor }),
      })
      return { status: 200, body: pageBody(listed.items, await call.page.seal(call.query as Json, listed.cursor)) }
    },
  }),
  route({
    method: 'GET',
    path: one,
    access: 'session.read',
    scope: 'owner',
    summary: 'One session',
    answers: { 200: schema.session },
    handle: async (call) => shown(await (await sessionOf(call)).info()),
  }),
  route({
    method: 'PATCH',
    path: one,
    access: 'session.append',
    scope: 'owner',
    ifMatch: true,
    errors: ['conflict'],
    summary: 'Change title and metadata',
    body: schema.sessionPatch,
    answers: { 200: schema.session },
    handle: async (call) => shown(await (await sessionOf(call)).update(call.body as Parameters<Session['update']>[0], ifRevision(call))),
  }),
  route({
    method: 'DELETE',
    path: one,
    access: 'session.delete',
    scope: 'owner',
    errors: ['conflict'],
    summary: 'Delete a session, and forget what rests on it alone',
    query: z.strictObject({ memories: z.enum(['forget', 'keep']).optional() }),
    answers: { 200: schema.deletion },
    handle: async (call) => ({
      status: 200,
      body: await (await sessionOf(call)).delete(call.query.memories === undefined ? {} : { memories: call.query.memories }),
    }),
  }),
  route({
    method: 'POST',
    path: `${one}/fork`,
    access: 'session.fork',
    scope: 'owner',
    retry: sessionNamedAgain,
    errors: ['conflict'],
    summary: 'Copy a session up to a seq into a new one',
    body: schema.fork,
    answers: { 201: schema.session },
    async handle(call, tagOf) {
      const id = call.body.id ?? tagOf?.('fork')
      const fork = await (await sessionOf(call)).fork(call.body.atSeq, id === undefined ? {} : { id })
      return shown(await fork.info(), 201)
    },
  }),
  route({
    method: 'POST',
    path: `${one}/rewind`,
    access: 'session.rewind',
    scope: 'owner',
    ifMatch: true,
    retry: { keep: () => null, answer: async (call) => shown(await (await sessionOf(call)).info()) },
    errors: ['conflict'],
    summary: 'What follows a seq no longer counts; the log keeps it',
    body: schema.rewind,
    answers: { 200: schema.session },
    handle: async (call) => shown(await (await sessionOf(call)).rewind(call.body.toSeq, ifRevision(call))),
  }),
  route({
    method: 'POST',
    path: `${one}/turns`,
    access: 'session.append',
    scope: 'owner',
    retry: {},
    errors: ['conflict'],
    summary: 'Take the turn lease',
    body: schema.newTurn,
    answers: { 201: schema.turn },
    async handle(call) {
      const turn = await (
        await sessionOf(call)
      ).turn({
        ...(call.body.ttlMs === undefined ? {} : { ttlMs: call.body.ttlMs }),
        ...(call.body.whenBusy === undefined ? {} : { whenBusy: call.body.whenBusy }),
        signal: call.signal,
        renew: false,
      })
      return { status: 201, body: { turnId: turn.id, fence: turn.fence.number, expiresAt: turn.expiresAt } }
    },
  }),
  route({
    method: 'DELETE',
    path: `${one}/turns/{turnId}`,
    access: 'session.append',
    scope: 'owner',
    summary: 'Give the turn lease back',
    answers: { 204: 'nothing' },
    async handle(call) {
      await (await sessionOf(call)).endTurn(call.params['turnId'] as string)
      return { status: 204 }
    },
  }),
  route({
    method: 'POST',
    path: `${one}/messages`,
    access: 'session.append',
    scope: 'owner',
    retry: {},
    errors: ['conflict'],
    summary: 'Append messages: all or none, durable when answered',
    body: schema.newMessages,
    answers: { 201: schema.appended },
    handle: appendMessages,
  }),
  route({
    method: 'GET',
    path: `${one}/messages`,
    access: 'session.read',
    scope: 'owner',
    summary: 'Messages of the current path',
    query: schema.messagePage,
    answers: { 200: schema.messages },
    async handle(call) {
      const listed = await (await sessionOf(call)).messages(defined(call.query))
      return { status: 200, body: { items: listed.items.map(shownMessage), ...(listed.next === undefined ? {} : { next: listed.next }) } }
    },
  }),
  route({
    method: 'GET',
    path: `${one}/messages/{messageId}`,
    access: 'session.read',
    scope: 'owner',
    summary: 'One message',
    answers: { 200: schema.message },
    handle: async (call) => ({ status: 200, body: shownMessage(await (await sessionOf(call)).message(call.params['messageId'] as string)) }),
  }),
  route({
    method: 'DELETE',
    path: `${one}/messages/{messageId}`,
    access: 'session.delete',
    scope: 'owner',
    errors: ['conflict'],
    summary: 'Redact one message for good',
    answers: { 200: schema.deletion },
    handle: async (call) => ({ status: 200, body: await (await sessionOf(call)).redact(call.params['messageId'] as string) }),
  }),
  route({
    method: 'GET',
    path: `${one}/state`,
    access: 'session.read',
    scope: 'owner',
    summary: 'The session state',
    answers: { 200: schema.state },
    handle: async (call) => stateAnswer(await (await sessionOf(call)).state()),
  }),
  route({
    method: 'PUT',
    path: `${one}/state`,
    access: 'session.append',
    scope: 'owner',
    ifMatch: true,
    errors: ['conflict'],
    summary: 'Replace the state',
    body: schema.json,
    answers: { 200: schema.state },
    handle: async (call) => stateAnswer(await (await sessionOf(call)).putState(call.body as Json, ifRevision(call))),
  }),
  route({
    method: 'PATCH',
    path: `${one}/state`,
    access: 'session.append',
    scope: 'owner',
    ifMatch: true,
    errors: ['conflict'],
    summary: 'Change the state by a merge patch (RFC 7396)',
    body: schema.json,
    answers: { 200: schema.state },
    handle: async (call) => stateAnswer(await (await sessionOf(call)).patchState(call.body as Json, ifRevision(call))),
  }),
  route({
    method: 'GET',
    path: `${one}/summary`,
    access: 'session.read',
    scope: 'owner',
    summary: 'The summary as a state sheet',
    answers: { 200: schema.summary },
    handle: async (call) => ({ status: 200, body: await (await sessionOf(call)).summary() }),
  }),
]

async function appendMessages(call: Call<unknown, z.infer<typeof schema.newMessages>>, tagOf?: TagOf): Promise<Answer> {
  const session = await sessionOf(call)
  const { messages, expectedVersion, fence } = call.body
  const named = messages.map((message, i) => ({
    ...messageInput(message),
    ...(message.id === undefined && tagOf !== undefined && { id: tagOf(String(i)) }),
  }))
  const done = await session.append(named, {
    userText: call.credential.userText,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(fence === undefined
      ? {}
      : { fence: { name: { tenantId: call.user.tenantId, ownerId: call.user.ownerId, purpose: `turn/${session.id}` }, number: fence } }),
  })
  const { revision, seqs, ids, added } = done
  return { status: 201, revision, body: { version: Math.max(0, ...seqs), seqs, ids, added } }
}

/** Bytes come as base64 over HTTP. */
function messageInput(message: z.infer<typeof schema.messageInput>): MessageInput {
  const part = (given: NonNullable<typeof message.parts>[number]): PartInput => {
    if (given.type !== 'image' && given.type !== 'file') return given as PartInput
    const { base64, ...rest } = given
    return (base64 === undefined ? rest : { ...rest, data: new Uint8Array(Buffer.from(base64, 'base64')) }) as PartInput
  }
  return { ...message, ...(message.parts === undefined ? {} : { parts: message.parts.map(part) }) } as MessageInput
}

/** A message as it is shown: each span with its authority, bytes as base64. */
function shownMessage({ seq, message }: LoggedMessage): unknown {
  const part = (stored: Part): unknown => {
    if (stored.type === 'text') return { ...stored, spans: stored.spans.map((span) => ({ ...span, authority: authorityOfOrigin(span.origin) })) }
    if (stored.type === 'tool-result') return { ...stored, content: stored.content.map(part) }
    if ((stored.type === 'image' || stored.type === 'file') && stored.data !== undefined) {
      const { data, ...rest } = stored
      return { ...rest, base64: Buffer.from(data).toString('base64') }
    }
    return stored
  }
  return { seq, ...message, parts: message.parts.map(part) }
}

export const pageBody = (items: readonly unknown[], nextCursor: string | undefined): object => ({
  items,
  ...(nextCursor === undefined ? {} : { nextCursor }),
})

export const defined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }

const ifRevision = (call: Call): { ifRevision?: number } => (call.ifMatch === undefined ? {} : { ifRevision: call.ifMatch })
const stateAnswer = (state: { revision: number; state: Json }): Answer => ({ status: 200, body: state, revision: state.revision })
