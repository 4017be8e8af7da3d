// The door of every public call: an object of options holds known fields of the right type, or nothing is done. Ranges are checked where they matter.
import { numberGiven, RecollectError } from './errors.ts'
import { limits } from './limits.ts'
import { hint } from './nearest.ts'

/** What a field may be: one of these kinds, or one of some words. `undefined` always fits: the field is then left out. */
export type FieldKind = keyof typeof kinds | readonly string[]
export type Fields = Readonly<Record<string, FieldKind>>

/** The options of a call that gives a page of a list. */
export const pageFields: Fields = { limit: 'number', cursor: 'text' }

/** How many items a page has. @throws `invalid_input` outside of the bounds */
export function pageLimit(given: number = limits.pageItems): number {
  if (Number.isInteger(given) && given >= 1 && given <= limits.pageItemsMost) return given
  throw new RecollectError(
    'invalid_input',
    `a page has 1 to ${limits.pageItemsMost} items; asked for ${numberGiven(given)}`,
    'Ask for a number in that range, and go on from the end of that page.',
    { limit: limits.pageItemsMost, ...(typeof given === 'number' ? { given } : {}) },
  )
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const kinds = {
  text: ['well-formed text', (value: unknown) => typeof value === 'string' && value.isWellFormed()],
  flag: ['true or false', (value: unknown) => typeof value === 'boolean'],
  number: ['a number', (value: unknown) => typeof value === 'number' && !Number.isNaN(value)],
  object: ['an object', isObject],
  objects: ['a list of objects', (value: unknown) => Array.isArray(value) && value.every(isObject)],
  numbers: ['a list of numbers', (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'number')],
  texts: ['a list of texts', (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string' && one.isWellFormed())],
  signal: ['an AbortSignal', (value: unknown) => value instanceof AbortSignal],
  any: ['anything', () => true],
} as const satisfies Record<string, readonly [string, (value: unknown) => boolean]>

/** @throws `invalid_input` on what is no object, an unknown field, or a field of another type; says which, never the value */
export function checkFields(value: unknown, fields: Fields, what: string): void {
  if (value === undefined) return
  const names = Object.keys(fields)
  const known = names.join(', ')
  if (!isObject(value)) throw refused(`${what} must be an object`, `Give { ${known} }, each of them optional.`)
  const ofPath = what.startsWith('the ') ? `${what}: ` : `${what}.` // words, or a path such as messages[0]
  for (const [name, given] of Object.entries(value as object)) {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (kind === undefined) throw refused(`there is an unknown field in ${what}${hint(name, names)}`, `Fields are ${known}.`)
    if (given === undefined) continue
    const [expected, fits] = typeof kind === 'string' ? kinds[kind] : [`one of ${kind.join(', ')}`, (one: unknown) => kind.includes(one as string)]
    if (!fits(given)) throw refused(`${ofPath}${name} must be ${expected}`, `Give ${name} as ${expected}, or leave it out.`)
  }
}

const refused = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)
