// JSON lines by an allowlist of events and fields: what is not listed is dropped and counted, so that no content can slip in (ACC-15, OBS-11).
import type { Clock } from '../ports/clock.ts'
import { logFields, type LogFields, type LogLevel } from '../ports/telemetry.ts'
import { events } from './names.ts'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const allowed: ReadonlySet<string> = new Set(logFields)

/** Writes one line an event at or above a level. `dropped` is told how many fields or events were left out. */
export function lineLogger(parts: {
  readonly clock: Clock
  readonly level: LogLevel | 'silent'
  readonly write: (line: string) => void
  readonly dropped: (count: number) => void
}): (level: LogLevel, event: string, fields?: LogFields) => void {
  const least = parts.level === 'silent' ? levels.length : levels.indexOf(parts.level)
  return (level, event, fields = {}) => {
    if (levels.indexOf(level) < least) return
    if (!Object.hasOwn(events, event)) return parts.dropped(1)
    const line: Record<string, string | number | boolean> = { time: new Date(parts.clock.now()).toISOString(), level, event }
    let left = 0
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue
      if (allowed.has(name)) line[name] = typeof value === 'string' ? withoutKeys(value) : value
      else left++
    }
    if (left > 0) parts.dropped(left)
    parts.write(escaped(JSON.stringify(line)))
  }
}

/** A client may put its API key where it does not belong, such as its own request id (ACC-4). */
const withoutKeys = (value: string): string => value.replaceAll(/rec_(?:live|test)_\w+/g, 'rec_…')

/** JSON escapes the control characters up to 1F, so that a value cannot begin a line of its own. These are what else a terminal or a reader of lines obeys. */
const escaped = (json: string): string =>
  json.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
