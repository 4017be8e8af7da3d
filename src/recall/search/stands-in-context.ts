// Whether a record is no news to the context: what it rests on was taken back, or its text stands there already, in the live window, or in a kept message of the session or of what it was forked from (RCL-6).
import type { Evidence, MemoryRecord } from '../../core/memory.ts'
import { quotable, type Message } from '../../core/message.ts'
import { indexFrom } from '../../core/session.ts'
import type { OwnerKeys } from '../../security/keys/owner-keys.ts'
import type { Kept } from '../recall-types.ts'

export function standsInContext(kept: Kept, keys: OwnerKeys): (record: MemoryRecord) => boolean {
  const takenBack = ({ log, birth, seq }: Evidence) => log === kept.session && birth === kept.birth && kept.gone?.has(seq) === true
  return (record) =>
    kept.liveIds.has(record.id) ||
    (record.evidence.length > 0 && record.evidence.every(takenBack)) ||
    record.evidence.some((span) => stands(span, record.text, kept, keys))
}

/** Copies are found by the quote's HMAC, so that a fork's messages count; it is made only where the text itself does not tell. */
function stands(span: Evidence, text: string, { session, birth, messages }: Kept, keys: OwnerKeys): boolean {
  if (span.log === session && span.birth === birth && messages[indexFrom(messages, span.seq)]?.seq === span.seq) return true
  return messages.some(({ message }) => {
    const said = quotableText(message)
    if (said.length < span.end) return false
    const quote = said.slice(span.start, span.end)
    if (quote.length === text.length) return quote === text
    return keys.tag('evidence', [quote]) === span.mac
  })
}

const texts = new WeakMap<Message, string>()

function quotableText(message: Message): string {
  const known = texts.get(message) ?? quotable(message).text
  texts.set(message, known)
  return known
}
