// Sessions, what a model would see of them, and receipts.
import type { SessionInfo } from '../../recollect.ts'
import { foundFault } from '../exit-codes.ts'
import { given, wholeOf } from '../flags.ts'
import { confirm, counted } from '../terminal.ts'
import type { Work } from '../work.ts'
import { verdictOf } from './memory.ts'

export async function context({ backend, terminal }: Work, session: string, flags: Record<string, string | undefined>): Promise<number> {
  await backend.session(session) // a preview makes a session up where there is none: here that is a slip of the pen
  const made = await backend.context(
    session,
    given({
      budgetTokens: wholeOf(flags['budgetTokens'], '--budget-tokens'),
      model: flags['model'],
      format: flags['format'],
      strategy: flags['strategy'],
    }) as object,
  )
  const { reconcile: _, ...shown } = made
  terminal.result(shown, () => [
    ...(made.system === undefined ? [] : [`system: ${textIn(made.system)}`]),
    ...(made.messages as readonly unknown[]).map((message) => lineOf(message as Record<string, unknown>)),
    `— ${made.tokens.predicted} tokens (${made.tokens.low} to ${made.tokens.high}), limit ${made.tokens.hard}; epoch ${made.receipt.epoch.no} (${made.receipt.epoch.cause})`,
    ...(flags['explain'] === undefined ? [] : JSON.stringify(made.receipt, undefined, 2).split('\n')),
  ])
  return 0
}

export async function listSessions({ backend, terminal }: Work, flags: { limit: string }): Promise<number> {
  const sessions = await backend.sessions(wholeOf(flags.limit, '--limit') as number)
  terminal.result(sessions, () =>
    sessions.length === 0
      ? ['no sessions']
      : sessions.map((one) =>
          `${one.id}  ${new Date(one.updatedAt).toISOString()}  ${counted(one.size.entries, 'entry', 'entries')}  ${one.title ?? ''}`.trimEnd(),
        ),
  )
  return 0
}

export async function showSession({ backend, terminal }: Work, id: string): Promise<number> {
  const info: SessionInfo = await backend.session(id)
  terminal.result(info, () => JSON.stringify(info, undefined, 2).split('\n'))
  return 0
}

export async function deleteSession({ backend, terminal, flags }: Work, id: string): Promise<number> {
  await backend.session(id)
  await confirm(terminal, flags.yes === true, id, 'This deletes the session and forgets what rests on it alone')
  const receipt = await backend.deleteSession(id)
  terminal.result(receipt, () => [`deleted; ${counted(receipt.records, 'memory', 'memories')} forgotten; ${verdictOf(receipt)}`])
  return receipt.clean ? 0 : foundFault
}

export async function receipt(
  work: Work,
  id: string | undefined,
  other: string | undefined,
  flags: { session: string; limit: string },
): Promise<number> {
  const { backend, terminal } = work
  if (id === undefined) return listReceipts(work, flags.session, wholeOf(flags.limit, '--limit') as number)
  const shown = other === undefined ? await backend.receipt(flags.session, id) : await backend.diff(flags.session, id, other)
  terminal.result(shown, () => JSON.stringify(shown, undefined, 2).split('\n'))
  return 0
}

async function listReceipts({ backend, terminal }: Work, session: string, limit: number): Promise<number> {
  const receipts = await backend.receipts(session, limit)
  terminal.result(receipts, () =>
    receipts.length === 0
      ? ['no receipts']
      : receipts.map(
          (one) =>
            `${one.id}  ${new Date(one.at).toISOString()}  ${counted(one.tokens, 'token')}, ${counted(one.injected, 'memory', 'memories')} put in`,
        ),
  )
  return 0
}

const lineOf = (message: Record<string, unknown>): string => `${String(message['role'])}: ${textIn(message['content'] ?? message['parts'])}`

function textIn(content: unknown): string {
  if (typeof content === 'string') return content
  if (Array.isArray(content))
    return content
      .map((part) =>
        typeof (part as { text?: unknown }).text === 'string' ? (part as { text: string }).text : `[${(part as { type?: string }).type ?? 'part'}]`,
      )
      .join(' ')
  return JSON.stringify(content)
}
