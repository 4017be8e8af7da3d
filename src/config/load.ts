// Settings from flags, environment, file and defaults, in this order; every error at once, with its source (CFG-2 to CFG-4).
import { isRecollectError, RecollectError } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import { hint, shown } from '../core/nearest.ts'
import { readJson } from '../core/strict-json.ts'
import { readFileWhole } from './read-file.ts'
import { flagOf, settings, variableOf, type Setting, type SettingName } from './settings.ts'

export type Source = 'flag' | 'environment' | 'file' | 'default'

export interface Value {
  readonly value: unknown
  readonly source: Source
  readonly from: string // the flag, the variable, the file
}

export interface Configuration {
  readonly values: ReadonlyMap<SettingName, Value>
  get(name: SettingName): any
}

export interface Given {
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file?: string // --config; else recollect.json in the working folder, if it is there
}

/** Variables with our prefix that are not settings. */
const others = new Set(['RECOLLECT_KEY', 'RECOLLECT_DEBUG', 'RECOLLECT_NOT_COVERED'])
const names = Object.keys(settings) as SettingName[]
const variables = new Map(names.map((name) => [variableOf(name), name]))

/** @throws `invalid_input` naming every fault and where it stands, and no value that may be a secret */
export function loadConfiguration(given: Given): Configuration {
  const faults: string[] = []
  const file = readSettingsFile(given.file, faults)
  for (const name of Object.keys(given.environment))
    if (name.startsWith('RECOLLECT_') && !variables.has(name) && !others.has(name))
      faults.push(`environment: ${shown(name)} is no setting${hint(name, [...variables.keys()])}`)
  const values = new Map<SettingName, Value>()
  for (const name of names) values.set(name, valueOf(name, given, file, faults))
  if (faults.length === 0) return { values, get: (name) => values.get(name)?.value }
  const told = faults.slice(0, limits.settingFaults)
  const rest = faults.length > told.length ? `; and ${faults.length - told.length} more` : ''
  throw new RecollectError(
    'invalid_input',
    `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${told.join('; ')}${rest}`,
    'See docs/reference/config.md for every setting.',
  )
}

function valueOf(name: SettingName, given: Given, file: SettingsFile | undefined, faults: string[]): Value {
  const setting: Setting = settings[name]
  const found = foundOf(name, given, file)
  if (found === undefined) return { value: setting.fallback, source: 'default', from: 'default' }
  const value =
    found.source !== 'file'
      ? (setting.kind.read?.(found.value as string) ?? found.value)
      : setting.secret === true
        ? referenced(`${found.from}: ${name}`, found.value, given.environment, faults)
        : found.value
  if (value === undefined) return { ...found, value }
  if (setting.kind.schema.safeParse(value).success) return { ...found, value }
  faults.push(`${found.from}: ${name} must be ${setting.kind.expected}; given ${sortOf(value)}`)
  return { ...found, value: setting.fallback }
}

/** An empty variable is one that is not set. */
function foundOf(name: SettingName, given: Given, file: SettingsFile | undefined): Value | undefined {
  const variable = variableOf(name)
  if (given.flags[name] !== undefined) return { value: given.flags[name], source: 'flag', from: flagOf(name) ?? name }
  if ((given.environment[variable] ?? '') !== '') return { value: given.environment[variable], source: 'environment', from: variable }
  return file?.values.has(name) === true ? { value: file.values.get(name), source: 'file', from: file.path } : undefined
}

/** What was given, without saying it: only a number cannot be a secret that was put in the wrong place. */
function sortOf(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value === '' ? 'empty text' : 'other text'
  if (typeof value === 'boolean' || value === null) return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return 'an object'
}

/** A secret in a file is a reference: `{ "env": NAME }` or `{ "file": PATH }`; a literal is refused (CFG-4). */
function referenced(where: string, value: unknown, environment: Given['environment'], faults: string[]): string | undefined {
  const [[by, to] = [], ...more] = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (typeof to !== 'string' || more.length > 0 || (by !== 'env' && by !== 'file')) {
    faults.push(`${where} must be { "env": NAME } or { "file": PATH }, never the secret itself`)
    return undefined
  }
  if (by === 'env') {
    const found = environment[to]
    if ((found ?? '') === '') faults.push(`${where} names a variable that is not set`)
    return found
  }
  const read = readFileWhole(to, limits.secretFileBytes)
  const text = 'bytes' in read ? Buffer.from(read.bytes).toString('utf8').trim() : ''
  if (text === '') faults.push(`${where} names a file that ${'fault' in read ? read.fault : 'is empty'}`)
  return text === '' ? undefined : text
}

interface SettingsFile {
  readonly path: string
  readonly values: ReadonlyMap<string, Json>
}

function readSettingsFile(given: string | undefined, faults: string[]): SettingsFile | undefined {
  const path = given ?? 'recollect.json'
  const read = readFileWhole(path, limits.settingsFileBytes)
  if ('fault' in read) {
    if (given !== undefined || read.fault !== 'is not there') faults.push(`${given === undefined ? path : `--config: ${path}`} ${read.fault}`)
    return undefined
  }
  try {
    const values = new Map<string, Json>()
    flatten(readJson(read.bytes), '', values)
    for (const name of values.keys())
      if (!Object.hasOwn(settings, name))
        faults.push(name === '' ? `${path}: it must hold one object of settings` : `${path}: ${shown(name)} is no setting${hint(name, names)}`)
    return { path, values }
  } catch (error) {
    faults.push(`${path}: ${isRecollectError(error) ? error.message : 'it cannot be read'}`)
    return undefined
  }
}

function flatten(value: Json, at: string, out: Map<string, Json>): void {
  const isGroup = at === '' || names.some((name) => name.startsWith(`${at}.`))
  if (!isJsonObject(value) || Object.hasOwn(settings, at) || (!isGroup && Object.keys(value).length === 0)) out.set(at, value)
  else for (const [key, inner] of Object.entries(value)) flatten(inner, at === '' ? key : `${at}.${key}`, out)
}
