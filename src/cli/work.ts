// What a command works with: the terminal, and Recollect in process or behind a gateway; opened before it and closed after it.
import { dumbTerminal, gatewayKey } from '../config/environment.ts'
import type { Configuration } from '../config/load.ts'
import { readFileWhole } from '../config/read-file.ts'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import { systemClock } from '../create-recollect/system-clock.ts'
import type { Recollect, User } from '../recollect.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { localBackend, remoteBackend, type Backend } from './backend.ts'
import { wholeOf } from './flags.ts'
import { createTerminal, type Terminal } from './terminal.ts'

export interface GlobalFlags {
  readonly url?: string
  readonly keyFile?: string
  readonly tenant: string
  readonly owner?: string // default: me in process, on a gateway that of the key
  readonly json?: boolean
  readonly quiet?: boolean
  readonly yes?: boolean
  readonly timeoutMs: string
}

export interface Work {
  readonly backend: Backend
  readonly terminal: Terminal
  readonly flags: GlobalFlags
  readonly configuration: Configuration
  /** In process only. */
  readonly user?: User
  readonly recollect?: Recollect
}

export const terminalFor = (flags: Partial<GlobalFlags>): Terminal =>
  createTerminal({ json: flags.json === true, quiet: flags.quiet === true, dumb: dumbTerminal(), now: () => performance.now() })

export async function inWork(flags: GlobalFlags, configuration: Configuration, run: (work: Work) => Promise<number>): Promise<number> {
  const terminal = terminalFor(flags)
  if (flags.url !== undefined)
    return run({
      backend: remoteBackend({ url: addressOf(flags.url), key: keyOf(flags), ...ownerOf(flags) }, fetch, timeoutOf(flags)),
      terminal,
      flags,
      configuration,
    })
  const { openRecollect } = await import('../config/open.ts') // the engine: a command over a gateway does without
  const telemetry = createTelemetry({ clock: systemClock, level: 'silent', write: () => {}, version: '' })
  const recollect = await openRecollect(configuration, { clock: systemClock, telemetry }, false)
  try {
    const user = recollect.tenant(flags.tenant).user(flags.owner ?? 'me')
    return await run({ backend: localBackend(recollect, user), terminal, flags, configuration, user, recollect })
  } finally {
    await recollect.settled().catch(() => {}) // what is not formed now is formed at the next start
    await recollect.close()
  }
}

function addressOf(url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url
  throw new RecollectError('invalid_input', '--url is no http or https URL', 'Give --url as the gateway printed it at its start.')
}

function timeoutOf(flags: GlobalFlags): number {
  const timeoutMs = wholeOf(flags.timeoutMs, '--timeout-ms') as number
  if (timeoutMs >= 1 && timeoutMs <= limits.cliCallMsMost) return timeoutMs
  throw new RecollectError('invalid_input', `--timeout-ms is 1 to ${limits.cliCallMsMost}; given ${timeoutMs}`, 'Give a time in that range.', {
    limit: limits.cliCallMsMost,
    given: timeoutMs,
  })
}

/** For a key that acts for owners. @throws `invalid_input` for what no header can carry */
function ownerOf({ owner }: GlobalFlags): { readonly owner?: string } {
  if (owner === undefined) return {}
  if (/^[\x21-\x7e]+$/.test(owner)) return { owner }
  throw new RecollectError('invalid_input', 'with --url, --owner is plain ASCII, as headers are', 'Use a key of this owner, and leave --owner out.')
}

/** @throws `unauthenticated` for what no header can carry, so that no key is */
function keyOf(flags: GlobalFlags): string {
  const key = givenKey(flags)
  if (/^[\x21-\x7e]*$/.test(key)) return key
  throw new RecollectError(
    'unauthenticated',
    'the API key has characters that no key has',
    'Set RECOLLECT_KEY, or give --key-file, with the key alone.',
  )
}

function givenKey(flags: GlobalFlags): string {
  if (flags.keyFile !== undefined) {
    const read = readFileWhole(flags.keyFile, limits.secretFileBytes)
    if ('bytes' in read) return Buffer.from(read.bytes).toString('utf8').trim()
    throw new RecollectError('invalid_input', `the key file ${read.fault}`, 'Give --key-file a file that holds the API key.')
  }
  return gatewayKey()
}
