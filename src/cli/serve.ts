// `recollect serve`: opens everything, makes the first key, says what to do next, and ends in order (RUN-7, GW-14).
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Configuration } from '../config/load.ts'
import { openRecollect, random } from '../config/open.ts'
import { limits } from '../core/limits.ts'
import { systemClock } from '../create-recollect/system-clock.ts'
import { createGateway, serveGateway, type GatewayOptions } from '../gateway/index.ts'
import type { Recollect } from '../recollect.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'

export async function serve(configuration: Configuration, version: string, say: (line: string) => void): Promise<number> {
  const loopDelay = monitorEventLoopDelay({ resolution: limits.loopDelayMs })
  loopDelay.enable()
  const telemetry = createTelemetry({
    clock: systemClock,
    level: configuration.get('log.level'),
    write: (line) => void process.stderr.write(`${line}\n`),
    version,
    loopDelay,
  })
  const ended = signalled() // from the first moment, so that a signal at any time ends in order
  const recollect = await openRecollect(configuration, { clock: systemClock, telemetry })
  try {
    const gateway = createGateway(recollect, gatewayOptions(configuration, telemetry, version))
    const port = configuration.get('gateway.port') as number
    const served = await serveGateway(gateway, {
      host: configuration.get('gateway.host'),
      port,
      clock: systemClock,
      trustedProxy: configuration.get('gateway.trustedProxy'),
      drainDelayMs: configuration.get('gateway.drainDelayMs'),
    })
    const key = await firstKey(recollect)
    for (const line of welcome(served.url, key, configuration)) say(line)
    telemetry.log('info', 'started', { port: served.port })
    await ended
    const all = await served.stop()
    await recollect.close()
    return all ? 0 : 1
  } catch (error) {
    await recollect.close()
    throw error
  }
}

export function gatewayOptions(configuration: Configuration, telemetry: ReturnType<typeof createTelemetry>, version: string): GatewayOptions {
  const url = configuration.get('upstream.url') as string | undefined
  const key = configuration.get('upstream.key') as string | undefined
  const sessionHeaders = configuration.get('gateway.sessionHeaders') as readonly string[] | undefined
  return {
    clock: systemClock,
    random,
    telemetry,
    version,
    metrics: () => telemetry.scrape(),
    hosts: configuration.get('gateway.hosts'),
    corsOrigins: configuration.get('gateway.cors'),
    credentials: configuration.get('gateway.credentials'),
    withoutSession: configuration.get('gateway.withoutSession'),
    onEdit: configuration.get('gateway.onEdit'),
    ...(sessionHeaders === undefined ? {} : { sessionHeaders }),
    ...(url === undefined
      ? {}
      : { upstream: { name: configuration.get('upstream.name'), baseUrl: url, ...(key === undefined ? {} : { apiKey: key }) } }),
  }
}

/** Made once, for the owner `me`, and shown once (ACC-4). */
async function firstKey(recollect: Recollect): Promise<string | undefined> {
  if ((await recollect.credentials.list('default', { limit: 1 })).items.length > 0) return undefined
  const made = await recollect.credentials.create('default', { name: 'first', ownerId: 'me', roles: ['owner'], userText: 'user-typed' })
  return made.secret
}

/** The first of SIGINT and SIGTERM; a second one ends the process at once. What comes within a second is the same word, said by npm, its shell and the terminal. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let askedAt: number | undefined
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)
      process.on(signal, () => {
        if (askedAt !== undefined && systemClock.now() - askedAt >= limits.signalRepeatMs) process.exit(code)
        askedAt ??= systemClock.now()
        resolve()
      })
  })
}

function welcome(url: string, key: string | undefined, configuration: Configuration): string[] {
  const upstream = configuration.get('upstream.url') as string | undefined
  const shown = key ?? '$RECOLLECT_KEY'
  const chat = `curl ${url}/s/first/v1/chat/completions -H "authorization: Bearer ${shown}" -H 'content-type: application/json'`
  const body = `-d '{"model":"any","messages":[{"role":"user","content":"I live in Lisbon."}]}'`
  return [
    `Recollect serves on ${url}`,
    '',
    `  OpenAI base URL   ${url}/s/SESSION/v1    (any session name; or ${url}/v1 with the header recollect-session)`,
    `  native API        ${url}/api/v1          (described in ${url}/openapi.json)`,
    `  store             ${configuration.get('stores.sessions') ?? `SQLite in ${configuration.get('dataDir')}`}, sealing ${configuration.get('seal')}`,
    `  embedder          ${configuration.get('embedder')}`,
    `  upstream          ${upstream ?? 'none: set RECOLLECT_UPSTREAM_URL (up to /v1) and RECOLLECT_UPSTREAM_KEY, and start again'}`,
    '',
    ...(key === undefined
      ? ['The key was shown at the first start. Make another with: npm start -- keys create --name NAME --user-text user-typed']
      : ['Your key, shown this once (tenant default, owner me):', '', `  ${key}`]),
    '',
    `A chat turn in the session "first"${upstream === undefined ? ', once an upstream is set' : ''}:`,
    `  ${chat} ${body}`,
    'What would be in the prompt, without a model and without storing anything:',
    `  ${chat} -H 'recollect-mode: dry-run' ${body}`,
  ]
}
