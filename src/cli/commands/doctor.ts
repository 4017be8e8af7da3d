// `recollect doctor`: the effective configuration with each value's source, then checks, each with a next step. It changes nothing (CFG-6).
import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { certificateFiles, dayOf, readCertificate } from '../../config/certificate.ts'
import type { Configuration } from '../../config/load.ts'
import { openRecollect, storePlaces, withStore } from '../../config/open.ts'
import { settings, type SettingName } from '../../config/settings.ts'
import { isRecollectError, RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { systemClock } from '../../create-recollect/system-clock.ts'
import { checkBind } from '../../gateway/index.ts'
import { createTelemetry } from '../../telemetry/telemetry.ts'
import { foundFault } from '../exit-codes.ts'
import { terminalFor, type GlobalFlags } from '../work.ts'

interface Check {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly said: string
  readonly next?: string
}

export async function doctor(load: () => Configuration, flags: GlobalFlags): Promise<number> {
  if (flags.url !== undefined)
    throw new RecollectError(
      'invalid_input',
      'doctor looks at this machine',
      'Run it where the gateway runs, without --url; from afar ask /readyz, or /api/v1/health.',
    )
  const terminal = terminalFor(flags)
  const configuration = load()
  const shown = [...configuration.values].map(([name, { value, source, from }]) => ({
    name,
    value: 'secret' in settings[name as SettingName] ? (value === undefined ? 'not set' : `set (${from})`) : (value ?? 'not set'),
    source,
  }))
  const checks = await allChecks(configuration)
  const width = Math.max(...shown.map(({ name }) => name.length))
  terminal.result({ configuration: shown, checks }, () => [
    ...shown.map(({ name, value, source }) => `${name.padEnd(width)} ${typeof value === 'string' ? value : JSON.stringify(value)}  (${source})`),
    '',
    ...checks.map(({ name, state, said, next }) => `${state.padEnd(5)} ${name}: ${said}${next === undefined ? '' : ` — ${next}`}`),
  ])
  return checks.some((check) => check.state === 'fail') ? foundFault : 0
}

async function allChecks(configuration: Configuration): Promise<Check[]> {
  const dataDir = path.resolve(configuration.get('dataDir'))
  const checks = [
    node(),
    await writable(dataDir),
    ...(await modes(`${dataDir}-keys`)),
    await disk(dataDir),
    await port(configuration),
    ...certificate(configuration),
  ]
  const missing = await missingFiles(configuration)
  const lost = await lostKeys(configuration, missing)
  const stores: Check[] =
    lost !== undefined
      ? [lost]
      : missing.length > 0
        ? [notYet(configuration, missing)]
        : [...(await opened(configuration)), ...(await scratched(configuration))]
  return [...checks, ...stores, await upstream(configuration)]
}

/** Files that opening would make: a doctor makes none, so that then no store is opened. */
async function missingFiles(configuration: Configuration): Promise<string[]> {
  const files = storePlaces(configuration).flatMap(({ file }) => (file === undefined ? [] : [file]))
  const found = await Promise.all(
    [...new Set(files)].map((file) =>
      stat(file).then(
        () => [],
        () => [file],
      ),
    ),
  )
  return found.flat()
}

/** A start makes what is missing. Where the keys of an earlier one lie, its data may be on a disk that is not there just now. */
function notYet(configuration: Configuration, missing: readonly string[]): Check {
  const keys = storePlaces(configuration).find(({ name }) => name === 'keys')?.file
  const said = `not there yet: ${missing.join(', ')}`
  if (keys === undefined || missing.includes(keys))
    return { name: 'stores', state: 'warn', said, next: 'the first `recollect serve` makes what is missing' }
  return {
    name: 'stores',
    state: 'warn',
    said: `${said}; the keys of an earlier start are`,
    next: 'look for its disk, or restore a copy, before `recollect serve` makes it anew and empty',
  }
}

/** Data that may be sealed lies there and its keys do not: a start would refuse, so no doctor may call that a first start (SEAL-2). */
async function lostKeys(configuration: Configuration, missing: readonly string[]): Promise<Check | undefined> {
  if (configuration.get('seal') === 'off') return undefined
  const places = storePlaces(configuration)
  const keys = places.find(({ name, file }) => name === 'keys' && file !== undefined && missing.includes(file))?.file
  const data = places.find(({ name, file }) => name !== 'keys' && file !== undefined && !missing.includes(file))?.file
  if (keys === undefined || data === undefined) return undefined
  return {
    name: 'stores',
    state: 'fail',
    said: `${data} is there, and its keys are not: ${keys} is missing`,
    next: 'restore the keys folder from your copy; without it sealed data cannot be read',
  }
}

/** Writes, reads and deletes a log of its own in each file, and says how durable the file is. */
async function scratched(configuration: Configuration): Promise<Check[]> {
  const ref = { tenantId: '~doctor', ownerId: '~doctor', kind: 'part', logId: 'scratch' } as const
  const checks: Check[] = []
  for (const { name, file } of storePlaces(configuration)) {
    if (file === undefined) {
      checks.push({
        name: `${name} durability`,
        state: 'warn',
        said: 'in memory: nothing outlives the process',
        next: `set stores.${name} to sqlite:PATH`,
      })
      continue
    }
    const tried = await withStore(file, async (store) => {
      await store.open(ref, { body: new Uint8Array() })
      try {
        await store.append(ref, [{ id: 'scratch', body: new Uint8Array([1]) }])
        return (await store.read(ref)).length === 1 && store.info.durable
      } finally {
        await store.delete(ref)
      }
    }).catch(asCheck(`${name} write`))
    checks.push(
      typeof tried === 'object'
        ? tried
        : { name: `${name} write`, state: tried ? 'ok' : 'warn', said: `written, read and deleted; durable: ${tried}` },
    )
  }
  return checks
}

const asCheck =
  (name: string) =>
  (error: unknown): Check => ({
    name,
    state: 'fail',
    said: isRecollectError(error) ? error.message : 'it failed',
    ...(isRecollectError(error) ? { next: error.nextStep } : {}),
  })

function node(): Check {
  return { name: 'node', state: 'ok', said: process.versions.node }
}

async function writable(dataDir: string): Promise<Check> {
  const name = 'data folder'
  const place = await nearestThere(dataDir)
  if (!(await stat(place)).isDirectory())
    return { name, state: 'fail', said: `${place} is a file`, next: 'give the process a folder it owns (--data-dir)' }
  const can = await access(place, constants.W_OK | constants.R_OK).then(
    () => true,
    () => false,
  )
  return can
    ? { name, state: 'ok', said: place === dataDir ? 'there, and writable' : 'not made yet' }
    : { name, state: 'fail', said: `${place} cannot be written`, next: 'give the process a folder it owns (--data-dir)' }
}

/** The folder itself, or the nearest above it that is there. */
async function nearestThere(folder: string): Promise<string> {
  const there = await stat(folder).then(
    () => true,
    () => false,
  )
  return there || path.dirname(folder) === folder ? folder : nearestThere(path.dirname(folder))
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
  const free = await statfs(await nearestThere(dataDir)).then(
    (fs) => fs.bavail * fs.bsize,
    () => undefined,
  )
  if (free === undefined) return { name: 'disk', state: 'warn', said: 'free space is not known' }
  const said = `${Math.round(free / 1e6)} MB free`
  return free < limits.diskFreeBytesLeast
    ? { name: 'disk', state: 'warn', said, next: 'free some space; a full disk refuses writes' }
    : { name: 'disk', state: 'ok', said }
}

async function port(configuration: Configuration): Promise<Check> {
  const [host, wanted] = [configuration.get('gateway.host') as string, configuration.get('gateway.port') as number]
  try {
    checkBind({ host, trustedProxy: configuration.get('gateway.trustedProxy') }, configuration.get('gateway.tls.certFile') !== undefined)
  } catch (error) {
    return asCheck('port')(error)
  }
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

/** As a start would read it, and whether a client that calls a name of the gateway will accept it. */
function certificate(configuration: Configuration): Check[] {
  const name = 'certificate'
  try {
    const files = certificateFiles(configuration)
    if (files === undefined) return []
    const now = systemClock.now()
    const { covers, renewFrom, validUntil } = readCertificate(files, now)
    const covered = (configuration.get('gateway.hosts') as readonly string[]).filter(covers)
    if (covered.length === 0)
      return [{ name, state: 'warn', said: 'it covers no name in gateway.hosts', next: 'set gateway.hosts to the names that clients call' }]
    const said = `valid until ${dayOf(validUntil)}, for ${covered.join(', ')}`
    return [
      now < renewFrom ? { name, state: 'ok', said } : { name, state: 'warn', said, next: 'renew it: a running gateway takes it up within a minute' },
    ]
  } catch (error) {
    return [asCheck(name)(error)]
  }
}

/** Opens everything as the gateway would, and asks its health. */
async function opened(configuration: Configuration): Promise<Check[]> {
  const telemetry = createTelemetry({ clock: systemClock, level: 'silent', write: () => {}, version: '' })
  try {
    const recollect = await openRecollect(configuration, { clock: systemClock, telemetry }, false)
    try {
      const vector = await recollect.embed(['a text'], 'query').then(
        ({ model }) => model,
        () => undefined,
      )
      const { checks } = await recollect.health() // after it, since health tells of the embedder what its last call did
      return [
        ...checks.map(({ name, state }) => ({ name, state, said: state })),
        vector === undefined
          ? {
              name: 'one vector',
              state: 'warn' as const,
              said: 'none: recall is by words alone',
              next: 'set embedder to bundled; if it is, install the package again',
            }
          : { name: 'one vector', state: 'ok' as const, said: vector },
      ]
    } finally {
      await recollect.close()
    }
  } catch (error) {
    return [asCheck('stores')(error)]
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
