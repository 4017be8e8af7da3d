// The OpenAI-compatible rows: completions, models, embeddings (surfaces.md §3). Bodies beside `messages` are the upstream's, and pass unread.
import { RecollectError } from '../../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { Recollect } from '../../recollect.ts'
import type { GatewayOptions } from '../gateway-options.ts'
import { userOf, type Caller, type Doorkeeper } from '../authenticate.ts'
import type { Row } from '../door.ts'
import type { Method } from '../route.ts'
import { chatCompletion } from './chat.ts'
import { localEmbeddings, localEmbedder } from './embeddings.ts'
import type { ModelCall, ModelDesk } from './model-call.ts'
import { ownerNamed } from './names.ts'
import { createUpstream, noUpstream, passThrough } from './upstream.ts'
import { relayed, type Patience } from './upstream-reply.ts'

export interface ModelRoute {
  readonly method: Method
  readonly path: string
  readonly summary: string
  readonly streams?: true
  run(call: ModelCall, desk: ModelDesk): Promise<Response>
}

const routes: readonly ModelRoute[] = [
  {
    method: 'POST',
    path: '/chat/completions',
    summary: 'Context in, the model called, its answer stored; streamed or not',
    streams: true,
    run: chatCompletion,
  },
  { method: 'GET', path: '/models', summary: "The upstream's models; none without one", run: (call, desk) => models(call, desk, '/models') },
  {
    method: 'GET',
    path: '/models/{model}',
    summary: 'One model of the upstream',
    run: (call, desk) => models(call, desk, `/models/${encodeURIComponent(call.params['model'] as string)}`),
  },
  { method: 'POST', path: '/embeddings', summary: `Embeddings of the upstream; those of ${localEmbedder} are made here`, run: embeddings },
]

/** Each route stands under `/v1`, and under the base URL that names its session (OAI-2). */
export const modelTable: readonly ModelRoute[] = ['/v1', '/s/{sessionId}/v1'].flatMap((base) =>
  routes.map((one) => ({ ...one, path: `${base}${one.path}` })),
)

export function modelRows(recollect: Recollect, options: GatewayOptions, keyHeader: Doorkeeper['keyHeader']): Row[] {
  const upstream = options.upstream === undefined ? undefined : createUpstream(options.upstream, keyHeader, options.fetch ?? fetch, options)
  const desk: ModelDesk = { recollect, options, upstream }
  return modelTable.map(({ method, path, run }) => ({
    method,
    path,
    access: 'model.call',
    scope: 'owner',
    ...(method === 'GET' ? {} : { reads: { bytes: limits.modelBodyBytes, stringBytes: limits.modelBodyBytes } }),
    ownerOf: (caller, body) => ownerNamed(caller.actor, caller.ownerId, objectOf(body)),
    respond({ request, params, caller, body, leave }) {
      if (keyHeader === 'recollect-key') keepOurKey(request.headers)
      return run({ request, params, caller: caller as Caller, user: () => userOf(recollect, caller), body: body as JsonObject, leave }, desk)
    },
  }))
}

/** The upstream's list as it came; empty without one. */
async function models(call: ModelCall, { upstream }: ModelDesk, path: string): Promise<Response> {
  if (upstream !== undefined) return relay(call, upstream.patience(), await upstream.get(path, call.request.headers, call.request.signal))
  if (path !== '/models')
    throw new RecollectError('not_found', 'no upstream serves this model', 'Set RECOLLECT_UPSTREAM_URL, or ask for a model of GET /v1/models.', {
      details: { param: 'model' },
    })
  call.leave()
  return Response.json({ object: 'list', data: [] })
}

async function embeddings(call: ModelCall, { recollect, upstream }: ModelDesk): Promise<Response> {
  if (call.body['model'] === localEmbedder) return localEmbeddings(recollect, call.body).finally(call.leave)
  if (upstream === undefined) throw noUpstream()
  return relay(call, upstream.patience(), await upstream.post('/embeddings', call.body, call.request.headers, call.request.signal))
}

const relay = (call: ModelCall, patience: Patience, response: Response): Response => passThrough(relayed(response, patience, call.leave))

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
  if (isJsonObject(body)) return body
  throw new RecollectError('invalid_input', 'the body is not an object', 'Send a JSON object, as the API describes it.')
}
