// OpenAI's chat format (context §3.2). What it cannot carry becomes a placeholder (I11); keys stand in a fixed order (LOW-2).
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { MediaPart, Part, ToolCallPart, ToolResultPart } from '../../core/message.ts'
import type { Emitted } from './emitted.ts'
import type { LoweredFormat, ToLower } from './lower-neutral.ts'
import { emptyMessage, mediaPlaceholder, textOnly } from './placeholders.ts'

/** The family whose opaque parts this format carries, and the prefix of a URL that names an uploaded file. */
export const openaiFamily = 'openai'
export const uploadedFile = 'openai-file:'

export type ChatMessage = JsonObject & { readonly role: 'system' | 'user' | 'assistant' | 'tool' }

/** The system prompt is the first message; `tools` are as they were given. */
export const lowerOpenaiChat = ({ system, tools, messages }: ToLower): Omit<LoweredFormat<ChatMessage>, 'system'> => ({
  messages: [...(system === undefined ? [] : [{ role: 'system' as const, content: system }]), ...messages.flatMap(lowerMessage)],
  ...(tools === undefined ? {} : { tools }),
})

function lowerMessage(message: Emitted): ChatMessage[] {
  const results = message.parts.filter((part) => part.type === 'tool-result').map(lowerResult)
  const others = message.parts.filter((part) => part.type !== 'tool-result')
  if (others.length === 0 && results.length > 0) return results
  return [...results, message.role === 'assistant' ? lowerAssistant(message, others) : lowerUser(message, others)] // results before text (I4)
}

const lowerResult = ({ callId, content }: ToolResultPart): ChatMessage => ({
  role: 'tool',
  tool_call_id: callId,
  content: textContent(textOnly(content)) ?? emptyMessage,
})

const lowerUser = ({ name }: Emitted, parts: readonly Part[]): ChatMessage => ({
  role: 'user',
  ...named(name),
  content: content(parts.flatMap(userPart)) ?? emptyMessage,
})

function lowerAssistant({ name }: Emitted, parts: readonly Part[]): ChatMessage {
  const calls = parts.flatMap((part) => (part.type === 'tool-call' ? [lowerCall(part)] : []))
  // Fields of the message that the engine does not read, such as `refusal` and `audio`, go back as they came.
  const fields = foreignOf(parts).filter((data) => data['type'] === undefined)
  const said = content([...textOnly(parts).map((text) => ({ type: 'text', text })), ...foreignOf(parts).filter((data) => data['type'] !== undefined)])
  const body = said ?? (calls.length === 0 && fields.length === 0 ? emptyMessage : undefined)
  return Object.assign(
    {
      role: 'assistant' as const,
      ...named(name),
      ...(body === undefined ? {} : { content: body }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    ...fields.map(withoutOwnFields),
  )
}

const lowerCall = ({ callId, name, arguments: given, custom }: ToolCallPart): JsonObject =>
  custom === true
    ? { id: callId, type: 'custom', custom: { name, input: given } }
    : { id: callId, type: 'function', function: { name, arguments: given } }

const ownFields = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id'])
const withoutOwnFields = (fields: JsonObject): JsonObject => Object.fromEntries(Object.entries(fields).filter(([key]) => !ownFields.has(key)))

const foreignOf = (parts: readonly Part[]): JsonObject[] =>
  parts.flatMap((part) => (part.type === 'foreign' && part.family === openaiFamily && isJsonObject(part.data) ? [part.data] : []))

function userPart(part: Part): JsonObject[] {
  if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }]
  if (part.type === 'image') return [imagePart(part)]
  if (part.type === 'file') return [filePart(part)]
  return foreignOf([part])
}

function imagePart(part: MediaPart): JsonObject {
  const url = part.url ?? dataUrl(part)
  if (url === undefined) return { type: 'text', text: mediaPlaceholder(part) }
  return { type: 'image_url', image_url: { url, ...(part.detail === undefined ? {} : { detail: part.detail }) } }
}

function filePart(part: MediaPart): JsonObject {
  if (part.url?.startsWith(uploadedFile) === true) return { type: 'file', file: { file_id: part.url.slice(uploadedFile.length) } }
  const data = dataUrl(part)
  if (data === undefined) return { type: 'text', text: mediaPlaceholder(part) } // the format takes no URL of a file
  return { type: 'file', file: { ...(part.name === undefined ? {} : { filename: part.name }), file_data: data } }
}

const dataUrl = ({ mediaType, data }: MediaPart): string | undefined =>
  data === undefined ? undefined : `data:${mediaType};base64,${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`

/** One text is a string, as clients write it; anything more is a list of parts. */
function content(parts: readonly JsonObject[]): string | readonly JsonObject[] | undefined {
  const [only, ...more] = parts
  if (only === undefined) return undefined
  return more.length === 0 && only['type'] === 'text' ? (only['text'] as string) : parts
}

const textContent = (texts: readonly string[]) => content(texts.map((text) => ({ type: 'text', text })))

// Other names are refused by the API.
const legalName = /^[A-Za-z0-9_-]{1,64}$/
const named = (name: string | undefined): { name?: string } => (name !== undefined && legalName.test(name) ? { name } : {})
