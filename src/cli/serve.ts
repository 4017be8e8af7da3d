// `recollect serve`: opens everything, makes the first key, says what to do next, and ends in order (RUN-7, GW-14).
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { certificateFiles, readCertificate } from '../config/certificate.ts'
import type { Configuration } from '../config/load.ts'
import { openRecollect, random } from '../config/open.ts'
import { limits } from '../core/limits.ts'
import { systemClock } from '../create-recollect/system-clock.ts'
import { createGateway, serveGateway, type GatewayOptions } from '../gateway/index.ts'
import type { Recollect } from '../recollect.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { takeRenewals } from './renewal.ts'
import { welcome } from './welcome.ts'

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
  const files = certificateFiles(configuration)
  let certificate = files === undefined ? undefined : readCertificate(files, systemClock.now()) // before anything is made: a first start shows its key once
  const recollect = await openRecollect(configuration, { clock: systemClock, telemetry })
  const closing = new AbortController()
  try {
    const gateway = createGateway(recollect, {
      ...gatewayOptions(configuration, telemetry, version),
      ...(certificate === undefined ? {} : { certificateEnds: () => systemClock.now() >= (certificate?.renewFrom ?? 0) }),
    })
    const served = await serveGateway(gateway, {
      host: configuration.get('gateway.host'),
      port: configuration.get('gateway.port'),
      clock: systemClock,
      trustedProxy: configuration.get('gateway.trustedProxy'),
      drainDelayMs: configuration.get('gateway.drainDelayMs'),
      ...(certificate === undefined ? {} : { tls: certificate }),
    })
    const key = await firstKey(recollect)
    for (const line of welcome(served.url, key, configuration, certificate)) say(line)
    telemetry.log('info', 'started', { port: served.port })
    if (files !== undefined && certificate !== undefined)
      void takeRenewals(
        {
          clock: systemClock,
          telemetry,
          read: () => readCertificate(files, systemClock.now()),
          use(renewed) {
            certificate = renewed
            served.renew(renewed)
          },
        },
        certificate,
        closing.signal,
      )
    await ended
    telemetry.log('info', 'stopping')
    const all = await served.stop()
    await recollect.close()
    return all ? 0 : 1
  } catch (error) {
    await recollect.close()
    throw error
  } finally {
    closing.abort()
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
