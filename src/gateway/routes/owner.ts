// The owner as a whole: erasure, usage, who the caller is; keys of the tenant; the operator's sweep; health.
import { RecollectError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { route, type Retry } from '../route.ts'
import { shownKey } from '../shown-key.ts'
import * as schema from '../schemas.ts'
import { defined, pageBody } from './sessions.ts'

/** A secret is shown once (GW-6). */
const withoutSecret: Retry = { keep: ({ key }) => ({ key }) }

export const ownerRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/erase',
    access: 'owner.erase',
    scope: 'owner',
    retry: { looks: ({ dryRun }) => dryRun === true, outlivesOwner: true },
    errors: ['conflict'],
    summary: 'Erase everything of the owner, with a receipt that proves it',
    body: schema.erase,
    answers: { 200: schema.deletion },
    async handle(call) {
      if (call.body.confirm !== call.user.ownerId)
        throw new RecollectError('invalid_input', '`confirm` is not the id of the owner', "Send the owner's id as `confirm`.")
      return { status: 200, body: await call.user.erase({ dryRun: call.body.dryRun === true }) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/usage',
    access: 'receipt.read',
    scope: 'owner',
    summary: 'The four figures: memory size, retrieval, tokens, injection',
    query: schema.usageQuery,
    answers: { 200: schema.figures },
    handle: async (call) => ({ status: 200, body: await call.user.usage(defined(call.query)) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/whoami',
    access: 'any credential',
    scope: 'none',
    summary: 'Who this credential is',
    answers: { 200: schema.whoami },
    handle: async ({ actor, credential }) => ({
      status: 200,
      body: {
        tenant: actor.tenantId,
        ...(actor.ownerId === undefined ? {} : { owner: actor.ownerId }),
        roles: actor.roles,
        grants: actor.grants,
        person: actor.person,
        credentialId: actor.credentialId,
        expiresAt: credential.expiresAt,
      },
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/keys',
    access: 'credential.issue',
    scope: 'tenant',
    summary: 'API keys of the tenant, without secrets',
    query: schema.page,
    answers: { 200: schema.pageOf(schema.key) },
    async handle(call) {
      const cursor = await call.page.open(call.query as Json)
      const listed = await call.recollect.credentials.list(call.actor.tenantId, {
        ...(call.query.limit === undefined ? {} : { limit: call.query.limit }),
        ...(cursor === undefined ? {} : { cursor }),
      })
      return { status: 200, body: pageBody(listed.items.map(shownKey), await call.page.seal(call.query as Json, listed.cursor)) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/keys',
    access: 'credential.issue',
    scope: 'tenant',
    errors: ['content_refused'],
    retry: withoutSecret,
    summary: 'Make an API key; its secret is shown once',
    body: schema.newKey,
    answers: { 201: schema.keyWithSecret },
    async handle(call) {
      const { owner, ...request } = call.body
      const made = await call.recollect.credentials.create(
        call.actor.tenantId,
        { ...defined(request), ...(owner === undefined ? {} : { ownerId: owner }) },
        call.actor,
      )
      return { status: 201, body: { key: shownKey(made.credential), secret: made.secret } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/keys/{keyId}/rotate',
    access: 'credential.issue',
    scope: 'tenant',
    errors: ['conflict'],
    retry: withoutSecret,
    summary: 'A new secret for the same name',
    answers: { 201: schema.keyWithSecret },
    async handle(call) {
      const made = await call.recollect.credentials.rotate(call.actor.tenantId, call.params['keyId'] as string, call.actor)
      return { status: 201, body: { key: shownKey(made.credential), secret: made.secret } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/keys/{keyId}',
    access: 'credential.revoke',
    scope: 'tenant',
    errors: ['conflict'],
    summary: 'Revoke a key',
    answers: { 204: 'nothing' },
    async handle(call) {
      await call.recollect.credentials.revoke(call.actor.tenantId, call.params['keyId'] as string, call.actor)
      return { status: 204 }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/sweep',
    access: 'sweep',
    scope: 'none',
    retry: { looks: ({ dryRun }) => dryRun === true },
    summary: 'Remove what has expired, or list it',
    body: schema.sweep,
    answers: { 200: schema.swept },
    handle: async (call) => ({ status: 200, body: await call.recollect.sweep(defined(call.body)) }),
  }),
]
