// One message of a context before it is lowered to a provider's format: what it says, where it comes from, and why it is there.
import type { Authority } from '../../core/authority.ts'
import type { BlockType, ReceiptPart, TokenClass } from '../../core/context.ts'
import type { Part, Role } from '../../core/message.ts'

export interface Emitted {
  readonly role: Exclude<Role, 'system'> // the system prompt stands apart (I3)
  readonly name?: string
  readonly parts: readonly Part[]
  readonly seq?: number // of the log; none for blocks that Recollect places
  readonly block?: BlockType
  readonly hash?: string // of a block that Recollect places
  readonly class: TokenClass
  readonly why: ReceiptPart['why']
  readonly change?: ReceiptPart['change']
  readonly savedTokens?: number // by a mask or a cut; estimated
  readonly authority?: Authority // the lowest in a block that Recollect places
  readonly tokens: number // estimated, as sent
}
