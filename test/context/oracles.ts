// What a provider accepts, as a state machine, and what a prompt is made of, as a list of blocks.
import type { Context } from '../../src/context/policy/context-options.ts'

interface ChatMessage {
  readonly role: string
  readonly content?: unknown
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[]
  readonly tool_call_id?: string
}

/** OpenAI chat: system first and once, each call answered at once and in full, no result without its call, nothing empty. */
export function chatOracle(messages: readonly unknown[]): string {
  let open = new Set<string>()
  const used = new Set<string>()
  for (const [index, message] of (messages as readonly ChatMessage[]).entries()) {
    const { role, content, tool_calls: calls = [] } = message
    if (role === 'system' && index > 0) return `system message at ${index}`
    if (role === 'tool') {
      if (message.tool_call_id === undefined || !open.delete(message.tool_call_id)) return `result at ${index} without its call`
      if (isEmpty(content)) return `empty result at ${index}`
      continue
    }
    if (open.size > 0) return `no tool output for a call before ${index}`
    if (!['system', 'user', 'assistant'].includes(role)) return `role ${role} at ${index}`
    if (isEmpty(content) && calls.length === 0) return `empty message at ${index}`
    if (content === '' || (Array.isArray(content) && content.length === 0)) return `empty content at ${index}`
    for (const { id, function: called } of calls) {
      if (used.has(id) || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) return `call id ${id} at ${index}`
      if (called.name === '' || typeof called.arguments !== 'string') return `call at ${index}`
      used.add(id)
    }
    open = new Set(calls.map(({ id }) => id))
  }
  return open.size > 0 ? 'no tool output at the end' : 'accepted'
}

const isEmpty = (content: unknown): boolean =>
  content === undefined || content === null || content === '' || (Array.isArray(content) && content.length === 0)

/** Role and block, one a string; merged messages have the blocks of each (EPO-1). */
export function blocksOfContext({ messages, system, tools }: Context): string[] {
  const front = [JSON.stringify(tools ?? null), JSON.stringify(system ?? null)]
  return [...front, ...messages.flatMap((message) => blocksOf(message as Record<string, unknown>))]
}

function blocksOf({ role, parts, content, ...rest }: Record<string, unknown>): string[] {
  const blocks = (parts ?? content) as unknown
  const list = Array.isArray(blocks) ? blocks : [typeof blocks === 'string' ? { type: 'text', text: blocks } : blocks]
  const bare = list.map((block) => JSON.stringify([role, block]))
  const { tool_calls: calls, tool_call_id: id } = rest
  return [
    ...bare,
    ...(Array.isArray(calls) ? calls.map((one) => JSON.stringify([role, one])) : []),
    ...(id === undefined ? [] : [JSON.stringify([role, id])]),
  ]
}

export const isPrefix = (before: readonly string[], after: readonly string[]): boolean => before.every((block, index) => after[index] === block)
