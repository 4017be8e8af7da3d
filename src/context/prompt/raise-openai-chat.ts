// From the messages of OpenAI's chat format to those of a session (context §3.2, OAI-12). What the engine does not read is kept as it came.
import { RecollectError } from '../../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import type { MediaPart, MessageInput, OpaquePart, PartInput, Role } from '../../core/message.ts'
import { openaiFamily, uploadedFile } from './lower-openai-chat.ts'

/**
 * `system` joins the texts of the leading system and developer messages, which are the request's own and not the log's; undefined without any.
 * `messages` are all that follow, without ids, times or origins.
 * @throws `invalid_input` naming the field, never its content
 */
export function raiseOpenAiChat(messages: readonly Json[]): { readonly system: string | undefined; readonly messages: readonly MessageInput[] } {
  const raised = messages.map((message, index) => raiseMessage(message, `messages[${index}]`))
  const first = raised.findIndex(({ role }) => role !== 'system')
  const [leading, rest] = first === -1 ? [raised, []] : [raised.slice(0, first), raised.slice(first)]
  return { system: leading.length === 0 ? undefined : leading.map(textOfParts).join('\n\n'), messages: rest }
}

const roleOf: Readonly<Record<string, Role>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool', // the older form of a tool's answer
}

function raiseMessage(message: Json, at: string): MessageInput {
  if (!isJsonObject(message)) throw wrong(at, 'an object')
  const role = roleOf[String(message['role'])]
  if (typeof message['role'] !== 'string' || role === undefined) throw wrong(`${at}.role`, 'one of system, developer, user, assistant, tool')
  const name = message['name']
  if (name !== undefined && name !== null && typeof name !== 'string') throw wrong(`${at}.name`, 'a string')
  const said = raiseContent(message['content'], `${at}.content`)
  if (role === 'tool') return { role, parts: [{ type: 'tool-result', callId: resultId(message, at), content: said }] }
  const parts = role === 'assistant' ? [...said, ...raiseCalls(message, at), ...raiseReasoning(message), ...raiseFields(message)] : said
  return { role, parts, ...(typeof name === 'string' ? { name } : {}) }
}

function resultId(message: JsonObject, at: string): string {
  if (message['role'] === 'function') return functionCallId(message['name'])
  if (typeof message['tool_call_id'] !== 'string') throw wrong(`${at}.tool_call_id`, 'a string')
  return message['tool_call_id']
}

// The older form has no ids: a function's answer belongs to the last call of its name.
const functionCallId = (name: Json | undefined): string => `function:${typeof name === 'string' ? name : ''}`

function raiseContent(content: Json | undefined, at: string): readonly PartInput[] {
  if (content === undefined || content === null || content === '') return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw wrong(at, 'a string, null, or a list of parts')
  return (content as readonly Json[]).map((part, index) => raisePart(part, `${at}[${index}]`))
}

function raisePart(part: Json, at: string): PartInput {
  if (!isJsonObject(part) || typeof part['type'] !== 'string') throw wrong(at, 'an object with a type')
  if (part['type'] === 'text') {
    if (typeof part['text'] !== 'string') throw wrong(`${at}.text`, 'a string')
    return { type: 'text', text: part['text'] }
  }
  if (part['type'] === 'image_url') return raiseImage(part, at)
  if (part['type'] === 'file') return raiseFile(part) ?? foreign(part)
  return foreign(part) // input_audio, refusal, and what comes after this was written
}

function raiseImage(part: JsonObject, at: string): MediaPart {
  const { url, detail } = isJsonObject(part['image_url']) ? part['image_url'] : {}
  if (typeof url !== 'string') throw wrong(`${at}.image_url.url`, 'a string')
  return { type: 'image', ...(dataOf(url) ?? { mediaType: 'image/*', url }), ...(typeof detail === 'string' ? { detail } : {}) }
}

function raiseFile(part: JsonObject): MediaPart | undefined {
  const file = part['file']
  if (!isJsonObject(file)) return undefined
  if (typeof file['file_id'] === 'string') return { type: 'file', mediaType: 'application/octet-stream', url: `${uploadedFile}${file['file_id']}` }
  const data = typeof file['file_data'] === 'string' ? dataOf(file['file_data']) : undefined
  if (data === undefined) return undefined
  return { type: 'file', ...data, ...(typeof file['filename'] === 'string' ? { name: file['filename'] } : {}) }
}

const dataHead = /^data:([A-Za-z0-9.+-]{1,100}\/[A-Za-z0-9.+-]{1,100});base64,/

/** The bytes of a data URL, so that the log holds them and not their base64; undefined for any other URL. */
function dataOf(url: string): { readonly mediaType: string; readonly data: Uint8Array } | undefined {
  const head = dataHead.exec(url)
  return head === null ? undefined : { mediaType: head[1] as string, data: new Uint8Array(Buffer.from(url.slice(head[0].length), 'base64')) }
}

function raiseCalls(message: JsonObject, at: string): PartInput[] {
  const calls = message['tool_calls'] ?? []
  if (!Array.isArray(calls)) throw wrong(`${at}.tool_calls`, 'a list')
  const raised = (calls as readonly Json[]).map((call, index) => raiseCall(call, `${at}.tool_calls[${index}]`))
  const older = message['function_call']
  if (isJsonObject(older) && typeof older['name'] === 'string' && typeof older['arguments'] === 'string')
    raised.push({ type: 'tool-call', callId: functionCallId(older['name']), name: older['name'], arguments: older['arguments'] })
  return raised
}

function raiseCall(call: Json, at: string): PartInput {
  if (!isJsonObject(call) || typeof call['id'] !== 'string') throw wrong(`${at}.id`, 'a string')
  const { function: named, custom } = call
  if (isJsonObject(custom) && typeof custom['name'] === 'string' && typeof custom['input'] === 'string')
    return { type: 'tool-call', callId: call['id'], name: custom['name'], arguments: custom['input'], custom: true }
  if (!isJsonObject(named)) return foreign({ tool_calls: [call] }) // a kind of call that the engine does not read
  if (typeof named['name'] !== 'string' || typeof named['arguments'] !== 'string') throw wrong(`${at}.function`, 'a name and arguments, both strings')
  return { type: 'tool-call', callId: call['id'], name: named['name'], arguments: named['arguments'] }
}

/** Reasoning that compatible servers put beside the answer: opaque, and not sent back by this format. */
const raiseReasoning = ({ reasoning_content: text }: JsonObject): OpaquePart[] =>
  typeof text === 'string' && text !== '' ? [{ type: 'reasoning', family: 'openai-compatible', data: { reasoning_content: text } }] : []

const readFields = new Set(['role', 'content', 'name', 'tool_calls', 'function_call', 'reasoning_content', 'annotations'])

/** Fields of an answer that the engine does not read (`refusal`, `audio`, …), one part each. */
const raiseFields = (message: JsonObject): OpaquePart[] =>
  Object.entries(message).flatMap(([key, value]) => (readFields.has(key) || value === null ? [] : [foreign({ [key]: value })]))

const foreign = (data: JsonObject): OpaquePart => ({ type: 'foreign', family: openaiFamily, data })

const textOfParts = ({ parts }: MessageInput): string => (parts ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')

const wrong = (at: string, what: string): RecollectError =>
  new RecollectError('invalid_input', `${at} must be ${what}`, 'Send `messages` as the API describes it.', { details: { param: at } })
