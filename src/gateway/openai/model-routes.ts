// The OpenAI-compatible rows: completions, models, embeddings (surfaces.md §3). Bodies beside `messages` are the upstream's, and pass unread.
import { RecollectError } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { Recollect } from '../../recollect.ts'
import type { GatewayOptions } from '../gateway-options.ts'
import { authenticate, type Caller } from '../authenticate.ts'
import { allow, readBody, takeRate, type Desk } from '../handle.ts'
import type { Method } from '../route.ts'
import { chatCompletion } from './chat.ts'
import { localEmbeddings, localEmbedder } from './embeddings.ts'
import type { ModelCall, ModelDesk } from './model-call.ts'
import { ownerNamed } from './names.ts'
import { createUpstream, noUpstream, passThrough } from './upstream.ts'

export interface ModelRoute {
  readonly method: Method
  readonly path: string
  handle(request: Request, params: Readonly<Record<string, string>>, address: string): Promise<Response>
}

export function modelRoutes(recollect: Recollect, options: GatewayOptions, desk: Omit<Desk, 'address'>): ModelRoute[] {
  const upstream = options.upstream === undefined ? undefined : createUpstream(options.upstream, desk.keyHeader, options.fetch ?? fetch, options)
  const parts: ModelDesk = { recollect, options, upstream }
  const enter = async (request: Request, params: Readonly<Record<string, string>>, address: string): Promise<ModelCall> => {
    const caller = await authenticate(desk, request.headers, address)
    if (desk.keyHeader === 'recollect-key') keepOurKey(request.headers)
    takeRate(desk, caller, request.method !== 'GET')
    // Before the body, which may be large: a bound that is met later would hold any number of them.
    const leave = desk.inFlight.enter(`${caller.actor.tenantId} ${caller.ownerId ?? caller.actor.credentialId}`)
    try {
      const body = request.method === 'GET' ? ({} as JsonObject) : objectOf(await readBody(request, limits.modelBodyBytes, limits.modelBodyBytes))
      const ownerId = ownerNamed(caller.actor, caller.ownerId, body)
      const named: Caller = { actor: caller.actor, credential: caller.credential, ...(ownerId === undefined ? {} : { ownerId }) }
      await allow(recollect, named, 'model.call', true)
      return { request, params, caller: named, body, leave }
    } catch (error) {
      leave()
      throw error
    }
  }
  const row = (method: Method, path: string, run: (call: ModelCall) => Promise<Response>): ModelRoute => ({
    method,
    path,
    async handle(request, params, address) {
      const call = await enter(request, params, address)
      try {
        return await run(call)
      } catch (error) {
        call.leave()
        throw error
      }
    },
  })
  return [
    row('POST', '/chat/completions', (call) => chatCompletion(call, parts)),
    row('GET', '/models', (call) => models(call, parts, '/models')),
    row('GET', '/models/:model', (call) => models(call, parts, `/models/${encodeURIComponent(call.params['model'] as string)}`)),
    row('POST', '/embeddings', (call) => embeddings(call, parts)),
  ]
}

/** The upstream's list as it came; empty without one. */
async function models(call: ModelCall, { upstream }: ModelDesk, path: string): Promise<Response> {
  call.leave()
  if (upstream !== undefined) return passThrough(await upstream.get(path, call.request.headers, call.request.signal))
  if (path !== '/models')
    throw new RecollectError('not_found', 'no upstream serves this model', 'Set RECOLLECT_UPSTREAM_URL, or ask for a model of GET /v1/models.', {
      details: { param: 'model' },
    })
  return Response.json({ object: 'list', data: [] })
}

async function embeddings(call: ModelCall, { recollect, upstream }: ModelDesk): Promise<Response> {
  call.leave()
  if (call.body['model'] === localEmbedder) return localEmbeddings(recollect, call.body)
  if (upstream === undefined) throw noUpstream()
  return passThrough(await upstream.post('/embeddings', call.body, call.request.headers, call.request.signal))
}

/** Where `authorization` goes upstream, it must not hold our key: a client that has only one may give it twice (OAI-20). */
function keepOurKey(headers: Headers): void {
  if (headers.get('authorization')?.includes(headers.get('recollect-key') as string) !== true) return
  throw new RecollectError(
    'invalid_input',
    'the header authorization holds the key of recollect-key',
    "Send the upstream's own key in authorization, or leave it out.",
  )
}

function objectOf(body: Json): JsonObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RecollectError('invalid_input', 'the body is not an object', 'Send a JSON object, as the API describes it.')
  return body as JsonObject
}
