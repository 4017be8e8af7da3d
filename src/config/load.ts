// Settings from flags, environment, file and defaults, in this order; every error at once, with its source (CFG-2 to CFG-4).
import { existsSync, readFileSync } from 'node:fs'
import { isRecollectError, RecollectError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { readJson } from '../core/strict-json.ts'
import { settings, variableOf, type Setting, type SettingName } from './settings.ts'

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

/** @throws `invalid_input` naming every fault and where it stands */
export function loadConfiguration(given: Given): Configuration {
  const faults: string[] = []
  const file = readSettingsFile(given.file, faults)
  for (const name of Object.keys(given.environment))
    if (name.startsWith('RECOLLECT_') && !variables.has(name) && !others.has(name))
      faults.push(`environment: ${name} is no setting${hint(name, [...variables.keys()])}`)
  const values = new Map<SettingName, Value>()
  for (const name of names) values.set(name, valueOf(name, given, file, faults))
  if (faults.length > 0)
    throw new RecollectError(
      'invalid_input',
      `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults.join('; ')}`,
      'See docs/reference/config.md for every setting.',
    )
  return { values, get: (name) => values.get(name)?.value }
}

function valueOf(name: SettingName, given: Given, file: { path: string; values: ReadonlyMap<string, Json> } | undefined, faults: string[]): Value {
  const setting: Setting = settings[name]
  const variable = variableOf(name)
  const candidates: (Value | undefined)[] = [
    given.flags[name] === undefined ? undefined : { value: given.flags[name], source: 'flag', from: 'flag' },
    given.environment[variable] === undefined || given.environment[variable] === ''
      ? undefined
      : { value: given.environment[variable], source: 'environment', from: variable },
    file?.values.get(name) === undefined ? undefined : { value: file.values.get(name), source: 'file', from: file.path },
  ]
  const found = candidates.find((one) => one !== undefined)
  if (found === undefined) return { value: setting.fallback, source: 'default', from: 'default' }
  const value = setting.secret === true && found.source === 'file' ? referenced(name, found.value, given.environment, faults) : found.value
  if (value === undefined) return { ...found, value }
  const parsed = setting.schema.safeParse(value)
  if (parsed.success) return { ...found, value: parsed.data }
  faults.push(
    `${found.from}: ${name} ${parsed.error.issues[0]?.code === 'invalid_value' ? `is one of ${(parsed.error.issues[0] as { values?: unknown[] }).values?.join(', ')}` : 'does not fit'} (${setting.reason})`,
  )
  return { ...found, value: setting.fallback }
}

/** A secret in a file is a reference: `{ "env": NAME }` or `{ "file": PATH }`; a literal is refused (CFG-4). */
function referenced(name: string, value: unknown, environment: Given['environment'], faults: string[]): string | undefined {
  const reference = value as { env?: unknown; file?: unknown } | null
  if (typeof reference === 'object' && reference !== null) {
    if (typeof reference.env === 'string') {
      const found = environment[reference.env]
      if (found === undefined) faults.push(`${name} names the variable ${reference.env}, which is not set`)
      return found
    }
    if (typeof reference.file === 'string') {
      if (existsSync(reference.file)) return readFileSync(reference.file, 'utf8').trim()
      faults.push(`${name} names a file that is not there`)
      return undefined
    }
  }
  faults.push(`${name} stands in the file as it is; write { "env": NAME } or { "file": PATH }`)
  return undefined
}

function readSettingsFile(path: string | undefined, faults: string[]): { path: string; values: ReadonlyMap<string, Json> } | undefined {
  const file = path ?? 'recollect.json'
  if (!existsSync(file)) {
    if (path !== undefined) faults.push(`--config: ${path} is not there`)
    return undefined
  }
  try {
    const values = new Map<string, Json>()
    flatten(readJson(readFileSync(file)), '', values)
    for (const name of values.keys()) if (!Object.hasOwn(settings, name)) faults.push(`${file}: ${name} is no setting${hint(name, names)}`)
    return { path: file, values }
  } catch (error) {
    faults.push(`${file}: ${isRecollectError(error) ? error.message : 'it cannot be read'}`)
    return undefined
  }
}

function flatten(value: Json, at: string, out: Map<string, Json>): void {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value)
  const isGroup = at === '' || names.some((name) => name.startsWith(`${at}.`))
  const leaf = !object || Object.hasOwn(settings, at) || (!isGroup && Object.keys(value).length === 0)
  if (leaf) out.set(at, value)
  else for (const [key, inner] of Object.entries(value as JsonObject)) flatten(inner, at === '' ? key : `${at}.${key}`, out)
}

/** The nearest known name, where one is near. */
function hint(name: string, known: readonly string[]): string {
  const near = known.map((one) => [distance(name, one), one] as const).toSorted(([a], [b]) => a - b)[0]
  return near !== undefined && near[0] <= Math.max(2, name.length / 4) ? `; did you mean ${near[1]}?` : ''
}

/** Edits between two names (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length] as number
}
