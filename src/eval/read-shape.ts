// JSON of others, held against the shape that a loader expects; what does not fit is refused and says what was expected (EVAL-1).
import type { z } from 'zod'
import { RecollectError } from '../core/errors.ts'

const next = 'Give the path of a file or folder as its authors publish it, or JSON lines; see `recollect eval retrieval --help`.'

export const unexpected = (expected: string, found: string, cause?: unknown): RecollectError =>
  new RecollectError('invalid_input', `expected ${expected}; ${found}`, next, { cause })

export function parseJson(text: string, expected: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unexpected(expected, 'the file is not JSON', cause)
  }
}

/** The value in its type. The message names the place that does not fit, and never the value. */
export function readShape<T>(schema: z.ZodType<T>, value: unknown, expected: string): T {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const place = read.error.issues[0]?.path.map(String).join('.') ?? ''
  throw unexpected(expected, place === '' ? 'it has another shape' : `it has another shape at ${place}`, read.error)
}

/** A time in ms from the groups of a pattern; a text that does not match is refused. UTC, since the sets name no time zone. */
export function readTime(text: string, pattern: RegExp, toTime: (groups: Record<string, string>) => number, expected: string): number {
  const groups = pattern.exec(text)?.groups
  const time = groups === undefined ? NaN : toTime(groups)
  if (!Number.isFinite(time)) throw unexpected(expected, 'a date has another form')
  return time
}

/** Month from 0 by its first three letters in English; NaN for all else. */
export function monthOf(name: string): number {
  const at = 'janfebmaraprmayjunjulaugsepoctnovdec'.indexOf(name.slice(0, 3).toLowerCase())
  return at >= 0 && at % 3 === 0 ? at / 3 : NaN
}
