// Flags as values: numbers, dates and lists, refused with their name.
import { RecollectError } from '../core/errors.ts'

/** A date or a time in ms, as a flag gives it. */
export function timeOf(flag: string | undefined, name: string): number | undefined {
  if (flag === undefined) return undefined
  const time = /^\d{10,}$/.test(flag) ? Number(flag) : Date.parse(flag)
  if (!Number.isFinite(time))
    throw new RecollectError('invalid_input', `${name} is no date`, 'Give an ISO date or time, as 2026-11-25 or 2026-11-25T12:00:00Z.')
  return time
}

export function wholeOf(flag: string | undefined, name: string): number | undefined {
  if (flag === undefined) return undefined
  const value = Number(flag)
  if (!/^\d{1,15}$/.test(flag)) throw new RecollectError('invalid_input', `${name} is no whole number`, `Give ${name} as digits.`)
  return value
}

export function listOf(flag: string | undefined, name: string): string[] | undefined {
  const items = flag
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (items?.length === 0) throw new RecollectError('invalid_input', `${name} names nothing`, `Give ${name} one name or more, with commas between.`)
  return items
}

/** What is undefined stays out, as exact options ask. */
export const given = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }
