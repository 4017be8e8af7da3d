// A session as if some messages had been appended: for a context that shows what would be sent, and writes nothing (CTX-1, OAI-23).
import { RecollectError } from '../core/errors.ts'
import type { Origin } from '../core/authority.ts'
import { limits } from '../core/limits.ts'
import type { MessageInput, Part, PartInput, Role, SpanInput } from '../core/message.ts'
import { foldSession } from '../core/session.ts'
import type { Clock } from '../ports/clock.ts'
import type { LoadedSession } from './source.ts'

/** @throws `invalid_input` on more messages than an append takes */
export function withPreview(loaded: LoadedSession, messages: readonly MessageInput[], { clock }: { readonly clock: Clock }): LoadedSession {
  if (messages.length === 0) return loaded
  if (messages.length > limits.messagesAnAppend)
    throw new RecollectError(
      'invalid_input',
      `a preview takes at most ${limits.messagesAnAppend} messages; got ${messages.length}`,
      'Preview fewer messages.',
      {
        limit: limits.messagesAnAppend,
        given: messages.length,
      },
    )
  const { fold } = loaded
  const entries = messages.map((input, index) => {
    const seq = fold.upTo + 1 + index
    const parts = (input.parts ?? [{ type: 'text' as const, text: input.text ?? '' }]).map((part) => asPart(part, input.role))
    const message = {
      id: input.id ?? `preview-${seq}`,
      role: input.role,
      ...(input.name === undefined ? {} : { name: input.name }),
      createdAt: input.createdAt ?? clock.now(),
      parts,
    }
    return { seq, entry: { type: 'message' as const, message } }
  })
  // The ids of a fold are shared by all folds of its log: a preview's must not go in.
  return { ...loaded, fold: foldSession({ ...fold, ids: new Map(fold.ids) }, entries) }
}

const defaultOrigin: Record<Role, Origin> = { system: 'admin-policy', user: 'user-typed', assistant: 'assistant', tool: 'tool' }

function asPart(part: PartInput, role: Role): Part {
  if (part.type === 'text') return { type: 'text', text: part.text, spans: spans(part.text, part.spans, role) }
  if (part.type !== 'tool-result') return part
  const content: readonly PartInput[] = typeof part.content === 'string' ? [{ type: 'text', text: part.content }] : part.content
  return { ...part, content: content.map((one) => asPart(one, 'tool')) }
}

/** What the caller labels is labelled; the rest has the role's own origin. */
function spans(
  text: string,
  labelled: readonly SpanInput[] | undefined,
  role: Role,
): { start: number; end: number; origin: Origin; labelled: boolean }[] {
  const all: { start: number; end: number; origin: Origin; labelled: boolean }[] = []
  let at = 0
  for (const span of (labelled ?? []).toSorted((a, b) => a.start - b.start)) {
    if (span.start < at || span.end > text.length || span.end <= span.start) continue
    if (span.start > at) all.push({ start: at, end: span.start, origin: defaultOrigin[role], labelled: false })
    all.push({ ...span, labelled: true })
    at = span.end
  }
  if (at < text.length) all.push({ start: at, end: text.length, origin: defaultOrigin[role], labelled: false })
  return all
}
