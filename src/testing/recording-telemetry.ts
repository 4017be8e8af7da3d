// Telemetry that keeps what it is told, so that a test can ask what was counted and logged.
import type { Labels, LogFields, LogLevel, Telemetry } from '../ports/telemetry.ts'

export interface RecordedLine {
  readonly level: LogLevel
  readonly event: string
  readonly fields: LogFields
}

export interface RecordingTelemetry extends Telemetry {
  readonly lines: readonly RecordedLine[]
  /** The sum of a counter over all series that have these labels; 0 if there is none. */
  counted(metric: string, labels?: Labels): number
  /** Every value that a histogram or gauge was given, in order. */
  values(metric: string, labels?: Labels): readonly number[]
}

export function recordingTelemetry(): RecordingTelemetry {
  const counts: { metric: string; value: number; labels: Labels }[] = []
  const values: { metric: string; value: number; labels: Labels }[] = []
  const lines: RecordedLine[] = []
  const matching = (list: typeof counts, metric: string, labels: Labels) =>
    list.filter((one) => one.metric === metric && Object.entries(labels).every(([name, value]) => one.labels[name] === value)).map((one) => one.value)

  return {
    count: (metric, by = 1, labels = {}) => void counts.push({ metric, value: by, labels }),
    observe: (metric, value, labels = {}) => void values.push({ metric, value, labels }),
    gauge: (metric, value, labels = {}) => void values.push({ metric, value, labels }),
    log: (level, event, fields = {}) => void lines.push({ level, event, fields }),
    lines,
    counted: (metric, labels = {}) => matching(counts, metric, labels).reduce((sum, value) => sum + value, 0),
    values: (metric, labels = {}) => matching(values, metric, labels),
  }
}
