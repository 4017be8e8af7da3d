// Puts the answer of a model together, whole or from the pieces of a stream, as the parts of one assistant message (choice 0, OAI-12).
import type { Usage } from '../../core/context.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { PartInput } from '../../core/message.ts'

export interface Answer {
  readonly parts: readonly PartInput[]
  readonly usage: Usage | null // null: the upstream reported none (OAI-17)
  readonly finished: boolean
  readonly upstreamId?: string
  readonly model?: string
}

interface Building {
  text: string
  refusal: string
  reasoning: string
  calls: { readonly index: number; id: string; name: string; arguments: string; custom: boolean }[] // in order of arrival
  finished: boolean
  usage: Usage | null
  upstreamId: string | undefined
  model: string | undefined
}

const fresh = (): Building => ({
  text: '',
  refusal: '',
  reasoning: '',
  calls: [],
  finished: false,
  usage: null,
  upstreamId: undefined,
  model: undefined,
})

/** Takes the chunks of a stream one by one, and `[DONE]`; what is no chunk is passed over, since the bytes go to the client as they came. */
export function answerAssembler(): { add(chunk: Json): void; answer(): Answer } {
  const building = fresh()
  return {
    add(chunk) {
      if (chunk === '[DONE]') building.finished = true
      if (!isJsonObject(chunk)) return
      takeHead(building, chunk)
      const choice = first(chunk['choices'])
      if (choice === undefined) return
      if (isJsonObject(choice['delta'])) takeDelta(building, choice['delta'])
      if (typeof choice['finish_reason'] === 'string') building.finished = true
    },
    answer: () => finish(building),
  }
}

/** The answer of a call that was not streamed. */
export function answerOf(body: Json): Answer | undefined {
  if (!isJsonObject(body)) return undefined
  const choice = first(body['choices'])
  if (choice === undefined || !isJsonObject(choice['message'])) return undefined
  const building = fresh()
  takeHead(building, body)
  takeDelta(building, choice['message'])
  building.finished = true
  return finish(building)
}

/** `usage` as the chat API reports it; undefined fields stay out. */
export function usageOf(usage: Json | undefined): Usage | null {
  if (!isJsonObject(usage)) return null
  const count = (value: Json | undefined) => (typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined)
  const [inputTokens, outputTokens] = [count(usage['prompt_tokens']), count(usage['completion_tokens'])]
  if (inputTokens === undefined || outputTokens === undefined) return null
  const detail = (group: string, name: string) => (isJsonObject(usage[group]) ? count(usage[group][name]) : undefined)
  const cacheReadTokens = detail('prompt_tokens_details', 'cached_tokens')
  const cacheWriteTokens = detail('prompt_tokens_details', 'cache_write_tokens')
  const reasoningTokens = detail('completion_tokens_details', 'reasoning_tokens')
  return {
    inputTokens,
    outputTokens,
    ...(cacheReadTokens === undefined ? {} : { cacheReadTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  }
}

function takeHead(building: Building, body: JsonObject): void {
  if (typeof body['id'] === 'string') building.upstreamId ??= body['id']
  if (typeof body['model'] === 'string') building.model ??= body['model']
  building.usage = usageOf(body['usage']) ?? building.usage
}

/** A delta of a stream, or a whole message: the fields are the same. */
function takeDelta(building: Building, delta: JsonObject): void {
  building.text += textOf(delta['content'])
  building.refusal += textOf(delta['refusal'])
  building.reasoning += textOf(delta['reasoning_content'])
  if (!Array.isArray(delta['tool_calls'])) return
  for (const [place, call] of (delta['tool_calls'] as Json[]).entries()) if (isJsonObject(call)) takeCall(building, call, place)
}

function takeCall(building: Building, call: JsonObject, place: number): void {
  const index = typeof call['index'] === 'number' ? call['index'] : place
  const id = textOf(call['id'])
  let one = building.calls.findLast((known) => known.index === index)
  // Some servers give every call the index 0, or none: another id is another call.
  if (one === undefined || (id !== '' && one.id !== '' && one.id !== id)) {
    if (building.calls.length > limits.messageParts) return // more than a message may have: it is refused whole, and told
    one = { index, id: '', name: '', arguments: '', custom: false }
    building.calls.push(one)
  }
  one.id ||= id
  const { function: named, custom } = call
  if (isJsonObject(named)) {
    one.name += textOf(named['name'])
    one.arguments += textOf(named['arguments'])
  } else if (isJsonObject(custom)) {
    one.custom = true
    one.name += textOf(custom['name'])
    one.arguments += textOf(custom['input'])
  }
}

function finish(building: Building): Answer {
  const parts: PartInput[] = []
  if (building.reasoning !== '') parts.push({ type: 'reasoning', family: 'openai-compatible', data: { reasoning_content: building.reasoning } })
  if (building.text !== '') parts.push({ type: 'text', text: building.text })
  if (building.refusal !== '') parts.push({ type: 'foreign', family: 'openai', data: { refusal: building.refusal } })
  for (const { id, name, arguments: given, custom } of building.calls.toSorted((a, b) => a.index - b.index))
    // A call that was cut was never made, and what is no JSON goes into no later request.
    if (id !== '' && name !== '' && (building.finished || (!custom && isJson(given))))
      parts.push({ type: 'tool-call', callId: id, name, arguments: given, ...(custom ? { custom } : {}) })
  return {
    parts,
    usage: building.usage,
    finished: building.finished,
    ...(building.upstreamId === undefined ? {} : { upstreamId: building.upstreamId }),
    ...(building.model === undefined ? {} : { model: building.model }),
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const first = (choices: Json | undefined): JsonObject | undefined =>
  Array.isArray(choices) ? (choices as Json[]).filter(isJsonObject).find((one) => one['index'] === undefined || one['index'] === 0) : undefined
