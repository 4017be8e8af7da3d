// `recollect chat`: a conversation in the terminal, through the same steps as the gateway; without an upstream it shows the context.
import { createInterface } from 'node:readline/promises'
import type { Configuration } from '../../config/load.ts'
import { RecollectError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { systemClock } from '../../create-recollect/system-clock.ts'
import { answerOf } from '../../gateway/openai/assemble-answer.ts'
import { readReply } from '../../gateway/openai/upstream-reply.ts'
import { createUpstream, upstreamBody, type Upstream } from '../../gateway/openai/upstream.ts'
import type { Context, Session } from '../../recollect.ts'
import { silentTelemetry } from '../../telemetry/silent.ts'
import { signals } from '../exit-codes.ts'
import { wholeOf } from '../flags.ts'
import { refuse, visible } from '../terminal.ts'
import type { Work } from '../work.ts'

export async function chat(work: Work, flags: Readonly<Record<string, string | undefined>>): Promise<number> {
  const { user, configuration, terminal } = work
  if (user === undefined)
    throw new RecollectError('invalid_input', 'chat runs in process', 'Leave --url out, or point an OpenAI client at the gateway.')
  const budgetTokens = wholeOf(flags['budgetTokens'], '--budget-tokens')
  const model = flags['model'] as string
  const upstream = upstreamOf(configuration)
  const session = await user.session(flags['session'])
  terminal.note(
    upstream === undefined
      ? 'No upstream is set: each turn shows the context. /why, /context, /memories, /quit'
      : 'Say something. /why, /context, /memories, /quit',
  )
  const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: terminal.interactive })
  let ended = false // lines that came before the end are still to be answered, without a prompt
  const stop = new AbortController()
  reader.on('close', () => (ended = true)).setPrompt('> ')
  reader.on('SIGINT', () => {
    stop.abort() // a model that is slow to answer is not waited for
    reader.close()
  })
  const prompt = () => {
    if (terminal.interactive && !ended) reader.prompt()
  }
  prompt()
  let last: Context | undefined
  const turn = async (text: string): Promise<void> => {
    await session.append({ role: 'user', text })
    last = await session.context({ format: 'openai-chat', model, ...(budgetTokens === undefined ? {} : { budgetTokens }) })
    terminal.note(bar(last))
    if (upstream === undefined) for (const message of last.messages) process.stdout.write(`${visible(JSON.stringify(message))}\n`)
    else await answer(work, session, last, upstream, model, stop.signal)
  }
  for await (const line of reader) {
    const said = line.trim()
    if (said === '/quit') break
    try {
      if (said.startsWith('/')) await command(work, said, session, last)
      else if (said !== '') await turn(said)
    } catch (error) {
      if (stop.signal.aborted) break
      if (!terminal.interactive) throw error
      refuse(error, terminal.json, false) // a person may say the next thing
    }
    prompt()
  }
  if (terminal.interactive && ended) process.stderr.write('\n') // a prompt stands open: what comes next begins a line
  reader.close()
  return stop.signal.aborted ? signals.SIGINT : 0
}

/** The same upstream as the gateway's, with its patience and its faults. */
function upstreamOf(configuration: Configuration): Upstream | undefined {
  const baseUrl = configuration.get('upstream.url') as string | undefined
  const apiKey = configuration.get('upstream.key') as string | undefined
  if (baseUrl === undefined) return undefined
  const options = { name: configuration.get('upstream.name') as string, baseUrl, ...(apiKey === undefined ? {} : { apiKey }) }
  return createUpstream(options, 'authorization', fetch, { clock: systemClock, telemetry: silentTelemetry })
}

async function answer({ terminal }: Work, session: Session, context: Context, upstream: Upstream, model: string, signal: AbortSignal): Promise<void> {
  const patience = upstream.patience()
  const body = upstreamBody({ model }, context.messages as readonly Json[], upstream.takesCacheKey ? context.cacheKey : undefined)
  const response = await upstream.post('/chat/completions', body, new Headers(), signal)
  const bytes = await readReply(response, patience)
  if (!response.ok)
    throw new RecollectError('unavailable', `the model upstream answered ${response.status}`, 'Check the model and the key; what you said is kept.')
  const given = answerOf(jsonOf(bytes))
  if (given === undefined)
    throw new RecollectError('unavailable', 'the model upstream sent no answer of a chat', 'Check upstream.url; what you said is kept.')
  const text = given.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  if (text === '') terminal.note('The model gave no text.')
  else process.stdout.write(`${visible(text)}\n`)
  if (given.parts.length > 0) await session.append({ role: 'assistant', parts: given.parts })
  await context.reconcile(given.usage, { answer: text })
}

function jsonOf(bytes: Uint8Array): Json {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json
  } catch {
    return null // no answer of a chat
  }
}

async function command({ user }: Work, said: string, session: Session, last: Context | undefined): Promise<void> {
  if (said === '/why') process.stdout.write(`${visible(JSON.stringify(last?.receipt ?? 'no context yet', undefined, 2))}\n`)
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
