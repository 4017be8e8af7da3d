// Puts a data set into Recollect through the front door: real sessions of one owner a conversation, formed as any other (EVAL-2).
import { limits } from '../core/limits.ts'
import type { Recollect, User } from '../recollect.ts'
import type { Conversation, DataMessage } from './data-set.ts'

/** A conversation as Recollect holds it. */
export interface Replayed {
  readonly conversation: Conversation
  readonly user: User
  /** The data's message for a place in a session's log, and its session; undefined for what the data does not hold. */
  messageAt(sessionId: string, seq: number): { readonly id: string; readonly session: string } | undefined
}

const inputOf = ({ id, role, name, at, text }: DataMessage) => ({ id, role, text, createdAt: at, ...(name === undefined ? {} : { name }) })

/** Stretches of messages that one append takes. */
function* appends(messages: readonly DataMessage[]): Generator<readonly DataMessage[]> {
  for (let from = 0; from < messages.length;) {
    let bytes = 0
    let to = from
    while (
      to < messages.length &&
      to - from < limits.messagesAnAppend &&
      (to === from || bytes + 4 * messages[to]!.text.length < limits.appendBytes / 2)
    )
      bytes += 4 * messages[to++]!.text.length
    yield messages.slice(from, to)
    from = to
  }
}

/** Appends a conversation with its own times, session by session, and waits until memory has formed of it. */
async function replay(
  recollect: Pick<Recollect, 'user'>,
  owner: string,
  conversation: Conversation,
  appended: (messages: number) => void,
): Promise<Replayed> {
  const user = recollect.user(owner)
  const places = new Map<string, Map<number, { id: string; session: string }>>()
  for (const { id, messages } of conversation.sessions) {
    const session = await user.session(id)
    const bySeq = new Map<number, { id: string; session: string }>()
    places.set(session.id, bySeq)
    for (const some of appends(messages)) {
      const { seqs } = await session.append(some.map(inputOf))
      some.forEach((message, i) => bySeq.set(seqs[i]!, { id: message.id, session: id }))
      appended(some.length)
    }
  }
  await user.memories.settled()
  return { conversation, user, messageAt: (sessionId, seq) => places.get(sessionId)?.get(seq) }
}

const atOnce = 4 // conversations side by side, so that their commits share the disk's waits

/** Replays conversations, each as the owner `eval-N`; gives them in order. `appended` is told of the messages so far and in all. */
export async function replayAll(
  recollect: Pick<Recollect, 'user'>,
  conversations: readonly Conversation[],
  appended: (done: number, total: number) => void,
) {
  const sessions = conversations.flatMap((conversation) => conversation.sessions)
  const messages = sessions.reduce((sum, session) => sum + session.messages.length, 0)
  const replayed: Replayed[] = []
  let next = 0
  let done = 0
  const work = async () => {
    for (let i = next++; i < conversations.length; i = next++)
      replayed[i] = await replay(recollect, `eval-${i + 1}`, conversations[i]!, (count) => appended((done += count), messages))
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, conversations.length) }, work))
  return { replayed, sessions: sessions.length, messages }
}
