// `recollect chat`: a conversation in the terminal, through the same steps as the gateway; without an upstream it shows the context.
import { createInterface } from 'node:readline/promises'
import { RecollectError } from '../../core/errors.ts'
import type { Context, Session } from '../../recollect.ts'
import { wholeOf } from '../flags.ts'
import { visible } from '../terminal.ts'
import type { Work } from '../work.ts'

export async function chat(work: Work, flags: Readonly<Record<string, string | undefined>>): Promise<number> {
  const { user, configuration, terminal } = work
  if (user === undefined)
    throw new RecollectError('invalid_input', 'chat runs in process', 'Leave --url out, or point an OpenAI client at the gateway.')
  const session = await user.session(flags['session'])
  const budgetTokens = wholeOf(flags['budgetTokens'], '--budget-tokens')
  const upstream = configuration.get('upstream.url') as string | undefined
  terminal.note(
    upstream === undefined
      ? 'No upstream is set: each turn shows the context. /why, /context, /memories, /quit'
      : 'Say something. /why, /context, /memories, /quit',
  )
  const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: terminal.interactive })
  let ended = false // lines that came before the end are still to be answered, without a prompt
  reader.on('close', () => (ended = true)).setPrompt('> ')
  const prompt = () => {
    if (terminal.interactive && !ended) reader.prompt()
  }
  prompt()
  let last: Context | undefined
  for await (const line of reader) {
    const said = line.trim()
    if (said === '/quit') break
    if (said.startsWith('/')) await command(work, said, session, last)
    else if (said !== '') {
      await session.append({ role: 'user', text: said })
      last = await session.context({
        format: 'openai-chat',
        model: flags['model'] as string,
        ...(budgetTokens === undefined ? {} : { budgetTokens }),
      })
      terminal.note(bar(last))
      if (upstream === undefined) for (const message of last.messages) process.stdout.write(`${visible(JSON.stringify(message))}\n`)
      else await answer(work, session, last, upstream, flags['model'] as string)
    }
    prompt()
  }
  reader.close()
  return 0
}

async function answer({ configuration }: Work, session: Session, context: Context, upstream: string, model: string): Promise<void> {
  const key = configuration.get('upstream.key') as string | undefined
  const response = await fetch(`${upstream.replace(/\/+$/, '')}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model, messages: context.messages }),
  }).catch((cause: unknown) => {
    throw new RecollectError('unavailable', 'the model upstream cannot be reached', 'Check upstream.url; what you said is kept.', { cause })
  })
  if (!response.ok)
    throw new RecollectError('unavailable', `the model upstream answered ${response.status}`, 'Check the model and the key; what you said is kept.')
  const body = (await response.json()) as {
    choices?: { message?: { content?: string } }[]
    usage?: { prompt_tokens?: number; completion_tokens?: number }
  }
  const text = body.choices?.[0]?.message?.content ?? ''
  process.stdout.write(`${visible(text)}\n`)
  if (text !== '') await session.append({ role: 'assistant', text })
  const { prompt_tokens, completion_tokens } = body.usage ?? {}
  await context.reconcile(
    prompt_tokens === undefined || completion_tokens === undefined ? null : { inputTokens: prompt_tokens, outputTokens: completion_tokens },
    { answer: text },
  )
}

async function command({ user }: Work, said: string, session: Session, last: Context | undefined): Promise<void> {
  if (said === '/why') process.stdout.write(`${JSON.stringify(last?.receipt ?? 'no context yet', undefined, 2)}\n`)
  else if (said === '/context')
    for (const message of (await session.context({ preview: true, format: 'openai-chat' })).messages)
      process.stdout.write(`${visible(JSON.stringify(message))}\n`)
  else if (said === '/memories')
    for (const record of (await user?.memories.list())?.items ?? []) process.stdout.write(`${record.id}  ${visible(record.text)}\n`)
  else process.stderr.write('/why, /context, /memories, /quit\n')
}

/** Who has how much of the window, in one line. */
function bar(context: Context): string {
  const classes = Object.entries(context.receipt.tokens.byClass).filter(([, tokens]) => tokens > 0)
  return `[${classes.map(([name, tokens]) => `${name} ${tokens}`).join(' | ')} | free ${Math.max(0, context.tokens.hard - context.tokens.predicted)}]`
}
