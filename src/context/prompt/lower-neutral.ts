// Recollect's own format: the parts as the log has them, without what only the log needs. Keys stand in a fixed order (LOW-2).
import type { ToolDefinition } from '../../core/context.ts'
import type { MediaPart, OpaquePart, Role, ToolCallPart } from '../../core/message.ts'
import type { Part } from '../../core/message.ts'
import type { Emitted } from './emitted.ts'
import { emptyMessage } from './placeholders.ts'

export interface ToLower {
  readonly system?: string
  readonly tools?: readonly ToolDefinition[]
  readonly messages: readonly Emitted[]
}
export interface LoweredFormat<M> {
  readonly messages: readonly M[]
  readonly system?: string
  readonly tools?: readonly ToolDefinition[]
}

export type NeutralPart =
  | { readonly type: 'text'; readonly text: string }
  | ToolCallPart
  | { readonly type: 'tool-result'; readonly callId: string; readonly content: readonly NeutralPart[]; readonly failed?: boolean }
  | OpaquePart
  | MediaPart
export interface LoweredNeutral {
  readonly role: Role
  readonly name?: string
  readonly parts: readonly NeutralPart[]
}

export const lowerNeutral = ({ system, tools, messages }: ToLower): LoweredFormat<LoweredNeutral> => ({
  messages: messages.map(lowerMessage),
  ...(system === undefined ? {} : { system }),
  ...(tools === undefined ? {} : { tools }),
})

const lowerMessage = ({ role, name, parts }: Emitted): LoweredNeutral => ({
  role,
  ...(name === undefined ? {} : { name }),
  parts: filled(parts.map(lowerPart)),
})

function lowerPart(part: Part): NeutralPart {
  if (part.type === 'text') return { type: 'text', text: part.text }
  if (part.type !== 'tool-result') return part
  const { callId, content, failed } = part
  return { type: 'tool-result', callId, content: filled(content.map(lowerPart)), ...(failed === undefined ? {} : { failed }) }
}

/** No empty text, and never nothing (I11). */
function filled(parts: readonly NeutralPart[]): readonly NeutralPart[] {
  const full = parts.filter((part) => part.type !== 'text' || part.text !== '')
  return full.length === 0 ? [{ type: 'text', text: emptyMessage }] : full
}
