// The hash chain over what is sent: equal chains mean equal prompts, and the first difference shows where a prefix cache stops (EPO-6).
import type { Part } from '../../core/message.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import type { Emitted } from '../prompt/emitted.ts'

/** h₀: of tools and system, by their hashes. */
export const chainStart = (keys: OwnerKeys, toolsHash: string, systemHash: string): string => keys.tag('id', ['chain', toolsHash, systemHash])

/** One link a block; merged messages (I4) have the blocks of each. */
export function extendChain(keys: OwnerKeys, from: string, messages: readonly Emitted[]): string {
  let hash = from
  for (const { role, parts } of messages) for (const part of parts) hash = keys.tag('id', [hash, role, blockBytes(part)])
  return hash
}

/** One string for a part; media by what names them, bytes as base64. */
function blockBytes(part: Part): string {
  if (part.type === 'text') return part.text
  if (part.type === 'tool-result') return JSON.stringify([part.type, part.callId, part.failed ?? false, part.content.map(blockBytes)])
  if ((part.type === 'image' || part.type === 'file') && part.data !== undefined)
    return JSON.stringify({ ...part, data: Buffer.from(part.data.buffer, part.data.byteOffset, part.data.byteLength).toString('base64') })
  return JSON.stringify(part)
}
