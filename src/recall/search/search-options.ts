// What a search is asked, checked before anything is read (RCL-11).
import { authorities, atLeast, type Authority } from '../../core/authority.ts'
import { RecollectError, numberGiven } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { memoryKinds, type MemoryKind } from '../../core/memory.ts'
import type { SearchOptions } from '../search-types.ts'

const armNames = ['hybrid', 'lexical', 'dense'] as const
type ArmName = (typeof armNames)[number]

/** Options with their defaults. */
export interface Asked {
  readonly query: string
  readonly limit: number
  readonly kinds?: readonly MemoryKind[]
  readonly validAt?: number
  readonly since?: number
  readonly until?: number
  readonly speaker?: string
  readonly subject?: string
  readonly slot?: string
  readonly minAuthority?: Authority
  readonly arms: ArmName
  readonly floor: number
  readonly explain: boolean
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

const known: Readonly<Record<keyof SearchOptions, true>> = {
  limit: true,
  kinds: true,
  validAt: true,
  since: true,
  until: true,
  speaker: true,
  subject: true,
  slot: true,
  minAuthority: true,
  arms: true,
  floor: true,
  explain: true,
  timeoutMs: true,
  signal: true,
}

/** @throws `invalid_input` on an empty query, an unknown option, or one of a wrong type or out of range */
export function askedOf(query: unknown, options: SearchOptions = {}, floor: number = limits.relevanceFloor): Asked {
  if (typeof options !== 'object' || options === null) throw refused('the options of a search must be an object', 'Give an object, or leave it out.')
  if (typeof query !== 'string' || !query.isWellFormed()) throw refused('a query is well-formed text', 'Give the query as a string.')
  if (query.trim() === '') throw refused('the query is empty', 'Give at least one word to look for.')
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name)) throw refused('a search has no such option', `Use one of ${Object.keys(known).join(', ')}.`)
  return {
    query,
    limit: wholeNumber('limit', options.limit ?? limits.recallLimit, 1, limits.recallLimitMost),
    arms: oneOf('arms', options.arms ?? 'hybrid', armNames),
    floor: number('floor', options.floor ?? floor, 0, 1),
    explain: flag('explain', options.explain ?? false),
    timeoutMs: wholeNumber('timeoutMs', options.timeoutMs ?? limits.recallMs, 1, limits.requestMs),
    ...(options.kinds === undefined ? {} : { kinds: kindsOf(options.kinds) }),
    ...(options.minAuthority === undefined ? {} : { minAuthority: oneOf('minAuthority', options.minAuthority, authorities) }),
    ...times(options),
    ...names(options),
    ...(options.signal === undefined ? {} : { signal: signalOf(options.signal) }),
  }
}

/** True if the level may be returned. */
export const isAllowed = (asked: Asked, authority: Authority): boolean => asked.minAuthority === undefined || atLeast(authority, asked.minAuthority)

const refused = (what: string, next: string, given?: { limit?: number; given?: number }) => new RecollectError('invalid_input', what, next, given)

function signalOf(signal: unknown): AbortSignal {
  if (signal instanceof AbortSignal) return signal
  throw refused('signal must be an AbortSignal', 'Give the signal of an AbortController, or leave it out.')
}

function number(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw refused(
      `${name} is ${least} to ${most}; got ${numberGiven(value)}`,
      `Give ${name} as a number from ${least} to ${most}.`,
      typeof value === 'number' ? { limit: value < least ? least : most, given: value } : {},
    )
  return value
}

function wholeNumber(name: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(number(name, value, least, most))) throw refused(`${name} is a whole number`, `Give ${name} without a fraction.`)
  return value as number
}

function oneOf<T extends string>(name: string, value: unknown, all: readonly T[]): T {
  if (!all.includes(value as T)) throw refused(`${name} is none of its values`, `Use one of ${all.join(', ')}.`)
  return value as T
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw refused(`${name} is true or false; got ${typeof value}`, `Give ${name} as true or false.`)
  return value
}

function kindsOf(kinds: unknown): readonly MemoryKind[] {
  if (!Array.isArray(kinds)) throw refused('kinds is a list', `Give kinds as a list of ${memoryKinds.join(', ')}.`)
  return kinds.map((kind) => oneOf('kinds', kind, memoryKinds))
}

function times(options: SearchOptions): Pick<Asked, 'validAt' | 'since' | 'until'> {
  const out: { validAt?: number; since?: number; until?: number } = {}
  for (const name of ['validAt', 'since', 'until'] as const)
    if (options[name] !== undefined) out[name] = number(name, options[name], -limits.timeMsMost, limits.timeMsMost)
  return out
}

function names(options: SearchOptions): Pick<Asked, 'speaker' | 'subject' | 'slot'> {
  const out: { speaker?: string; subject?: string; slot?: string } = {}
  for (const name of ['speaker', 'subject', 'slot'] as const) {
    const value = options[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || value === '' || value.length > limits.queryCharacters)
      throw refused(`${name} is text of 1 to ${limits.queryCharacters} characters`, `Give ${name} as a name.`)
    out[name] = value
  }
  return out
}
