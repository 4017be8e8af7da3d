// Hashes of what hardly changes from call to call, remembered by its text: policy, system prompt, tools. Bounded.
import type { ToolDefinition } from '../../core/context.ts'
import { limits } from '../../core/limits.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'

/** Hashes that a session's contexts share, by what was hashed. */
export interface HashMemo {
  readonly hashes: Map<string, string> // of policies and system prompts, by their text
  readonly toolHashes: WeakMap<readonly ToolDefinition[], string>
}

export interface PolicyHashes {
  tag(fields: readonly string[]): string
  tools(tools: readonly ToolDefinition[]): string
}

export function policyHashes(keys: OwnerKeys, { hashes, toolHashes }: HashMemo): PolicyHashes {
  const tag = (fields: readonly string[]): string => {
    const name = fields.join('\u0000')
    const known = hashes.get(name)
    if (known !== undefined) return known
    const made = keys.tag('id', fields)
    if (hashes.size >= limits.hashesKept) hashes.clear()
    hashes.set(name, made)
    return made
  }
  return {
    tag,
    tools: (tools) => {
      if (tools.length === 0) return tag(['tools', ''])
      const known = toolHashes.get(tools)
      if (known !== undefined) return known
      const made = keys.tag('id', ['tools', JSON.stringify(tools)]) // definitions are sent as they were given (LOW-2)
      toolHashes.set(tools, made)
      return made
    },
  }
}
