// One chat turn: align what the client sent, append what is new, make the context, call the model, relay and store its answer (OAI-6).
import { errorCodes, isRecollectError, RecollectError } from '../../core/errors.ts'
import type { ToolDefinition } from '../../core/context.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { MessageInput } from '../../core/message.ts'
import {
  checkHistory,
  inAppends,
  raiseOpenAiChat,
  type Alignment,
  type Context,
  type Session,
  type SessionAlignment,
  type Turn,
} from '../../recollect.ts'
import type { GatewayOptions } from '../gateway-options.ts'
import { asError } from '../problem.ts'
import { answerOf, type Answer } from './assemble-answer.ts'
import type { ModelCall, ModelDesk } from './model-call.ts'
import { agentHeaders, historyOf, modeOf, sessionNamed, whenBusyOf, type Mode } from './names.ts'
import { relayStream } from './relay-stream.ts'
import { isEventStream, noUpstream, passThrough, refusesMessages, toldLengths, upstreamBody, type ToldLengths, type Upstream } from './upstream.ts'
import { readReply, relayed } from './upstream-reply.ts'

/** What a request asks of a session: its messages raised, its system prompt and tools apart (OAI-12). */
interface Asked {
  readonly leading: readonly Json[] // system and developer messages at the start, as they came
  readonly system: string | undefined
  readonly tools: readonly ToolDefinition[]
  readonly messages: readonly MessageInput[]
}

export async function chatCompletion(call: ModelCall, desk: ModelDesk): Promise<Response> {
  const { headers } = call.request
  const asked = askedOf(call.body)
  const session = sessionNamed(call.params['sessionId'], headers, call.body, desk.options.sessionHeaders ?? agentHeaders)
  const mode = modeOf(headers)
  if (mode === 'dry-run') return dryRun(call, desk, asked, session)
  if (desk.upstream === undefined) throw noUpstream()
  if (session === undefined && desk.options.withoutSession === 'refuse' && mode !== 'off')
    throw new RecollectError(
      'invalid_input',
      'the request names no session',
      'Use the base URL /s/{sessionId}/v1, or send the header recollect-session.',
    )
  if (session === undefined || mode === 'off') return stateless(call, desk.upstream)
  return inTurn(call, desk, desk.upstream, asked, session, mode)
}

/** Nothing stored, nothing recalled: the request and the reply as they came (OAI-4). */
async function stateless(call: ModelCall, upstream: Upstream): Promise<Response> {
  const patience = upstream.patience()
  const response = await upstream.post('/chat/completions', call.body, call.request.headers, call.request.signal)
  return passThrough(relayed(response, patience, call.leave), { 'recollect-session': 'none', 'recollect-mode': 'off' })
}

async function inTurn(call: ModelCall, desk: ModelDesk, upstream: Upstream, asked: Asked, name: string, mode: Mode): Promise<Response> {
  checkHistory(asked.messages, asked.leading.length) // the whole list is checked before anything is made or stored
  let held = await heldBy(await call.user().session(name), call)
  let work: Work | undefined
  const end = async () => {
    await held.turn.end().catch(() => {}) // a lease that cannot be given back ends by itself
    call.leave() // last: a gateway that ends waits for it
  }
  try {
    const alignment = await held.session.align(asked.messages, historyOf(call.request.headers))
    if (alignment.kind === 'rewind') held = await edited(held, alignment.toSeq, call, desk.options)
    const firstStored = await store(held, asked.messages.slice(alignment.from), alignment, call)
    const unansweredFrom = alignment.unansweredFrom ?? firstStored
    work = { call, desk, upstream, asked, ...held, mode, history: historyHeader(alignment), unansweredFrom, end }
    return await ask(work, mode === 'record' ? undefined : await contextFor(work), true)
  } catch (error) {
    if (work !== undefined && refusesMessages(errorCodes[asError(error).code].status)) await takeBack(work)
    await end()
    throw error
  }
}

interface Work extends Held {
  readonly call: ModelCall
  readonly desk: ModelDesk
  readonly upstream: Upstream
  readonly asked: Asked
  readonly mode: Mode
  readonly history: string | undefined
  readonly unansweredFrom: number | undefined // seq
  end(): Promise<void>
}

/** A session, and the turn that this request has on it. */
interface Held {
  readonly session: Session
  readonly turn: Turn
}

const heldBy = async (session: Session, { request }: ModelCall): Promise<Held> => ({
  session,
  turn: await session.turn({ whenBusy: whenBusyOf(request.headers), signal: request.signal }),
})

/** Where an edit of what was said goes on: in the same session, or in its fork, in a turn of its own (OAI-8). */
async function edited(held: Held, toSeq: number, call: ModelCall, { onEdit }: GatewayOptions): Promise<Held> {
  if (onEdit === 'refuse')
    throw new RecollectError(
      'conflict',
      'the history was edited, and edits are refused here',
      'Send only what is new, or set gateway.onEdit to rewind or fork.',
    )
  if (onEdit !== 'fork') return held
  const fork = await heldBy(await held.session.fork(toSeq), call)
  await held.turn.end()
  return fork
}

/** Appends what is new of the request, with the rewind of an edit, durable before the model is asked. Gives the seq of the first. */
async function store(
  { session, turn: { fence } }: Held,
  fresh: readonly MessageInput[],
  { kind, toSeq }: SessionAlignment,
  { caller }: ModelCall,
): Promise<number | undefined> {
  if (fresh.length === 0 && kind === 'rewind') await session.rewind(toSeq, { fence })
  let first: number | undefined
  for (const messages of inAppends(fresh)) {
    const rewind = kind === 'rewind' && first === undefined ? { rewindTo: toSeq } : {}
    const { seqs } = await session.append(messages, { userText: caller.credential.userText, fence, ...rewind })
    first ??= seqs[0]
  }
  return first
}

/** What was refused, and so never answered, leaves the session's path: left there, it would be refused with every call to come. */
async function takeBack({ session, turn, unansweredFrom, desk }: Work): Promise<void> {
  if (unansweredFrom === undefined) return
  await session.rewind(unansweredFrom - 1, { fence: turn.fence }).catch((error: unknown) => notWritten(desk, 'refused_not_taken_back', error))
}

/** The client has its answer, so a write that fails after it is told to the log. */
function notWritten({ options: { telemetry } }: ModelDesk, event: 'answer_not_stored' | 'refused_not_taken_back', error: unknown): void {
  telemetry.log('error', event, { code: asError(error).code })
  telemetry.count('recollect_degraded_total', 1, { part: 'store' })
}

const contextFor = ({ call, asked, session }: Work, most?: { readonly budgetTokens: number }): Promise<Context> =>
  session.context({ ...contextOptions(call, asked), ...most, signal: call.request.signal })

/** After a refusal for length: within the limit that the upstream told, and less than what it refused. Undefined where nothing is left to drop. */
async function smaller(work: Work, context: Context, { limitTokens, ...told }: ToldLengths): Promise<Context | undefined> {
  try {
    await context.reconcile({ overflow: true, ...told, ...(limitTokens === undefined ? {} : { limitTokens }) })
    // The prediction now counts more for the same text, so the old one is a budget that holds less of it (TOK-9).
    const budgetTokens = Math.max(limits.contextBudgetTokensLeast, Math.min(limitTokens ?? Number.POSITIVE_INFINITY, context.tokens.predicted))
    return await contextFor(work, { budgetTokens })
  } catch (error) {
    if (isRecollectError(error, 'payload_too_large')) return undefined
    throw error
  }
}

const contextOptions = (call: ModelCall, asked: Asked) => ({
  format: 'openai-chat' as const,
  tools: asked.tools,
  system: asked.system ?? '',
  ...(typeof call.body['model'] === 'string' ? { model: call.body['model'] } : {}),
})

/** Calls the model; on "context too long" the context is planned again, smaller, and sent once more (OAI-22). */
async function ask(work: Work, context: Context | undefined, again: boolean): Promise<Response> {
  const { call, upstream, session, mode } = work
  const body = upstreamBody(
    call.body,
    context === undefined ? messagesOf(call.body) : sentMessages(work.asked, context),
    upstream.takesCacheKey ? context?.cacheKey : undefined,
  )
  const patience = upstream.patience()
  const response = await upstream.post('/chat/completions', body, call.request.headers, call.request.signal)
  const headers = replyHeaders(session.id, mode, context, work.history)
  if (!response.ok) {
    const text = await readReply(response, patience)
    const told = toldLengths(response.status, Buffer.from(text).toString('utf8'))
    const less = again && context !== undefined && told !== undefined ? await smaller(work, context, told) : undefined
    if (less !== undefined) return ask(work, less, false)
    if (refusesMessages(response.status)) await takeBack(work)
    await work.end()
    return passThrough(response, headers, Buffer.from(text))
  }
  const keep = (answer: Answer, incomplete?: 'aborted' | 'upstream') => storeAnswer(work, context, answer, incomplete)
  if (call.body['stream'] === true && response.body !== null && isEventStream(response)) {
    const askedUsage = (call.body['stream_options'] as JsonObject | undefined)?.['include_usage'] === true
    const stream = relayStream(response.body, {
      patience,
      keepUsage: askedUsage,
      keep,
      signal: call.request.signal,
      end: work.end,
    })
    return passThrough(response, headers, stream)
  }
  const bytes = await readReply(response, patience)
  const answer = answerOf(parsedReply(bytes))
  if (answer !== undefined) await keep(answer)
  await work.end()
  return passThrough(response, headers, Buffer.from(bytes))
}

/** Appends the answer and its usage under the turn. A failure here is told to the log; the client has its answer. */
async function storeAnswer(
  { session, turn, desk }: Work,
  context: Context | undefined,
  answer: Answer,
  incomplete?: 'aborted' | 'upstream',
): Promise<void> {
  try {
    if (answer.parts.length > 0) {
      const message = { role: 'assistant' as const, parts: answer.parts, ...(incomplete === undefined ? {} : { incomplete }) }
      await session.append(message, { fence: turn.fence })
    }
    const text = answer.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
    await context?.reconcile(answer.usage, { answer: text })
  } catch (error) {
    notWritten(desk, 'answer_not_stored', error)
  }
}

/** No model call, nothing stored: what would be sent, and why (OAI-23). */
async function dryRun(call: ModelCall, desk: ModelDesk, asked: Asked, name: string | undefined): Promise<Response> {
  const user = call.user()
  const known =
    name === undefined
      ? undefined
      : await user.sessions.get(name).catch((error: unknown) => {
          if (isRecollectError(error, 'not_found')) return undefined
          throw error
        })
  const alignment = await known?.align(asked.messages, historyOf(call.request.headers))
  const context = await user.preview(known === undefined ? undefined : name, {
    ...contextOptions(call, asked),
    messages: asked.messages.slice(alignment?.from ?? 0),
    ...(alignment?.kind === 'rewind' ? { rewindTo: alignment.toSeq } : {}),
  })
  call.leave()
  const messages = sentMessages(asked, context)
  const upstream =
    desk.upstream === undefined
      ? null
      : { name: desk.upstream.name, body: upstreamBody(call.body, messages, desk.upstream.takesCacheKey ? context.cacheKey : undefined) }
  return Response.json(
    { object: 'recollect.context', messages, receipt: context.receipt, upstream },
    { headers: replyHeaders(name ?? 'none', 'dry-run', context, undefined) },
  )
}

function askedOf(body: JsonObject): Asked {
  const messages = messagesOf(body)
  const raised = raiseOpenAiChat(messages) // refuses what is no message
  const first = messages.findIndex((one) => !['system', 'developer'].includes(String((one as JsonObject)['role'])))
  const leading = messages.slice(0, first === -1 ? messages.length : first)
  return { leading, system: raised.system, messages: raised.messages, tools: toolsOf(body) }
}

/** What is no list of tools is for the upstream to refuse. */
function toolsOf({ tools }: JsonObject): readonly ToolDefinition[] {
  return Array.isArray(tools) && tools.every(isJsonObject) ? (tools as readonly ToolDefinition[]) : []
}

function messagesOf(body: JsonObject): readonly Json[] {
  const messages = body['messages']
  const given = Array.isArray(messages) ? messages.length : 0
  if (given === 0 || given > limits.modelMessages)
    throw new RecollectError(
      given === 0 ? 'invalid_input' : 'payload_too_large',
      `messages holds 1 to ${limits.modelMessages} messages; got ${given}`,
      'Send `messages` as the API describes it.',
      { limit: limits.modelMessages, given, details: { param: 'messages' } },
    )
  return messages as readonly Json[]
}

/** The request's own leading messages, unchanged, then the context without its system message (OAI-12). */
const sentMessages = (asked: Asked, context: Context): readonly Json[] => [
  ...asked.leading,
  ...(context.messages as readonly JsonObject[]).filter((message) => message['role'] !== 'system' && message['role'] !== 'developer'),
]

const historyHeader = (alignment: Alignment): string | undefined =>
  alignment.kind === 'unknown' ? 'unknown' : alignment.altered ? 'altered' : undefined

function replyHeaders(session: string, mode: Mode, context: Context | undefined, history: string | undefined): Record<string, string> {
  return {
    'recollect-session': encodeURIComponent(session),
    'recollect-mode': mode,
    ...(history === undefined ? {} : { 'recollect-history': history }),
    ...(context === undefined
      ? {}
      : {
          'recollect-receipt': context.receipt.id,
          'recollect-context-tokens': String(context.tokens.predicted),
          'recollect-recalled': String(context.receipt.recall.items.filter((item) => item.outcome === 'injected').length),
          ...(context.degraded.length === 0 ? {} : { 'recollect-degraded': context.degraded.join(',') }),
        }),
  }
}

function parsedReply(bytes: Uint8Array): Json {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json
  } catch {
    return null // not ours to judge: it goes to the client as it came
  }
}
