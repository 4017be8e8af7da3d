// `recollect doctor`: the effective configuration with each value's source, then checks, each with a next step. It changes nothing (CFG-6).
import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import type { Configuration } from '../../config/load.ts'
import { openRecollect } from '../../config/open.ts'
import { settings, type SettingName } from '../../config/settings.ts'
import { isRecollectError } from '../../core/errors.ts'
import { systemClock } from '../../create-recollect/system-clock.ts'
import { createTelemetry } from '../../telemetry/telemetry.ts'
import { foundFault } from '../exit-codes.ts'
import { terminalFor, type GlobalFlags } from '../work.ts'

interface Check {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly said: string
  readonly next?: string
}

const lowDiskBytes = 512 * 1024 * 1024

export async function doctor(load: () => Configuration, flags: GlobalFlags): Promise<number> {
  const terminal = terminalFor(flags)
  const configuration = load()
  const shown = [...configuration.values].map(([name, { value, source, from }]) => ({
    name,
    value: 'secret' in settings[name as SettingName] ? (value === undefined ? 'not set' : `set (${from})`) : (value ?? 'not set'),
    source,
  }))
  const checks = await allChecks(configuration)
  terminal.result({ configuration: shown, checks }, () => [
    ...shown.map(({ name, value, source }) => `${name.padEnd(24)} ${String(value)}  (${source})`),
    '',
    ...checks.map(({ name, state, said, next }) => `${state.padEnd(5)} ${name}: ${said}${next === undefined ? '' : ` — ${next}`}`),
  ])
  return checks.some((check) => check.state === 'fail') ? foundFault : 0
}

async function allChecks(configuration: Configuration): Promise<Check[]> {
  const dataDir = path.resolve(configuration.get('dataDir'))
  const there = await stat(dataDir).catch(() => undefined)
  const checks = [
    node(),
    await writable(dataDir, there !== undefined),
    ...(await modes(`${dataDir}-keys`)),
    await disk(dataDir),
    await port(configuration),
  ]
  if (there === undefined)
    return [...checks, { name: 'stores', state: 'warn', said: 'nothing is there yet', next: 'the first `recollect serve` makes it' }]
  return [...checks, ...(await opened(configuration)), await upstream(configuration)]
}

function node(): Check {
  return { name: 'node', state: 'ok', said: process.versions.node }
}

async function writable(dataDir: string, there: boolean): Promise<Check> {
  const place = there ? dataDir : path.dirname(dataDir)
  const can = await access(place, constants.W_OK | constants.R_OK).then(
    () => true,
    () => false,
  )
  return can
    ? { name: 'data folder', state: 'ok', said: there ? 'there, and writable' : 'not made yet' }
    : { name: 'data folder', state: 'fail', said: 'it cannot be written', next: 'give the process a folder it owns (--data-dir)' }
}

async function modes(keysDir: string): Promise<Check[]> {
  const found = await stat(path.join(keysDir, 'key.json')).catch(() => undefined)
  if (found === undefined) return []
  const open = (found.mode & 0o077) !== 0
  return [
    open
      ? { name: 'key file', state: 'fail', said: `mode ${(found.mode & 0o777).toString(8)}`, next: 'chmod 600 the key file and 700 its folder' }
      : { name: 'key file', state: 'ok', said: 'mode 600' },
  ]
}

async function disk(dataDir: string): Promise<Check> {
  const free = await statfs(dataDir)
    .catch(() => statfs(path.dirname(dataDir)))
    .then(
      (fs) => fs.bavail * fs.bsize,
      () => undefined,
    )
  if (free === undefined) return { name: 'disk', state: 'warn', said: 'free space is not known' }
  const said = `${Math.round(free / 1e6)} MB free`
  return free < lowDiskBytes
    ? { name: 'disk', state: 'warn', said, next: 'free some space; a full disk refuses writes' }
    : { name: 'disk', state: 'ok', said }
}

function port(configuration: Configuration): Promise<Check> {
  const [host, wanted] = [configuration.get('gateway.host') as string, configuration.get('gateway.port') as number]
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () =>
      resolve({
        name: 'port',
        state: 'warn',
        said: `${host}:${wanted} is in use`,
        next: 'a gateway may run there already; else choose another with --port',
      }),
    )
    probe.listen(wanted, host, () => probe.close(() => resolve({ name: 'port', state: 'ok', said: `${host}:${wanted} is free` })))
  })
}

/** Opens the stores as the gateway would, and asks their health: a write, a read and a delete in a scratch log stand in it. */
async function opened(configuration: Configuration): Promise<Check[]> {
  const telemetry = createTelemetry({ clock: systemClock, level: 'silent', write: () => {}, version: '' })
  try {
    const recollect = await openRecollect(configuration, { clock: systemClock, telemetry }, false)
    try {
      const { checks } = await recollect.health()
      const vector = await recollect.embed(['a text'], 'query').then(
        ({ model }) => model,
        () => undefined,
      )
      return [
        ...checks.map(({ name, state }) => ({ name, state, said: state })),
        vector === undefined
          ? { name: 'embedder', state: 'warn' as const, said: 'none: recall is by words alone' }
          : { name: 'embedder', state: 'ok' as const, said: vector },
      ]
    } finally {
      await recollect.close()
    }
  } catch (error) {
    return [
      {
        name: 'stores',
        state: 'fail',
        said: isRecollectError(error) ? error.message : 'they cannot be opened',
        ...(isRecollectError(error) ? { next: error.nextStep } : {}),
      },
    ]
  }
}

async function upstream(configuration: Configuration): Promise<Check> {
  const url = configuration.get('upstream.url') as string | undefined
  if (url === undefined) return { name: 'upstream', state: 'warn', said: 'none', next: 'set RECOLLECT_UPSTREAM_URL for chat; all else works without' }
  const key = configuration.get('upstream.key') as string | undefined
  const answer = await fetch(`${url.replace(/\/+$/, '')}/models`, {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined)
  if (answer?.ok === true) return { name: 'upstream', state: 'ok', said: 'it lists its models' }
  return {
    name: 'upstream',
    state: 'fail',
    said: answer === undefined ? 'it does not answer' : `it answers ${answer.status}`,
    next: 'check upstream.url and upstream.key',
  }
}
