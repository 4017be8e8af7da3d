// Where counts, durations and log lines go. Names and labels come from closed lists in `telemetry/`; a sink that fails delays nothing (OBS-7).

export type Labels = Readonly<Record<string, string>>
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
/** Only the fields of ACC-15; the sink drops and counts others. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Telemetry {
  /** Adds to a counter. */
  count(metric: string, by?: number, labels?: Labels): void
  /** One observation of a histogram. */
  observe(metric: string, value: number, labels?: Labels): void
  /** Sets a gauge. */
  gauge(metric: string, value: number, labels?: Labels): void
  log(level: LogLevel, event: string, fields?: LogFields): void
}
