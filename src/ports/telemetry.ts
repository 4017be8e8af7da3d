// Where counts, durations and log lines go. Names and labels come from closed lists in `telemetry/`; a sink that fails delays nothing (OBS-7).

export type Labels = Readonly<Record<string, string>>
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
/** The fields a log line may have (ACC-15). No text, no ids that callers gave, no third party's message. */
export const logFields = [
  'requestId',
  'route',
  'method',
  'status',
  'code',
  'durationMs',
  'owner',
  'session',
  'tenant',
  'credentialId',
  'role',
  'action',
  'decision',
  'reason',
  'count',
  'bytes',
  'tokens',
  'store',
  'keyVersion',
  'node',
  'port',
  'clean',
] as const

/** Other fields do not compile, and a sink drops and counts them. */
export type LogFields = { readonly [F in (typeof logFields)[number]]?: string | number | boolean | undefined }

export interface Telemetry {
  /** Adds to a counter. */
  count(metric: string, by?: number, labels?: Labels): void
  /** One observation of a histogram. */
  observe(metric: string, value: number, labels?: Labels): void
  /** Sets a gauge. */
  gauge(metric: string, value: number, labels?: Labels): void
  log(level: LogLevel, event: string, fields?: LogFields): void
}

/** Work goes on without a part of it: counted, and told. */
export function noteDegraded(telemetry: Pick<Telemetry, 'count' | 'log'>, part: 'recall' | 'embedder' | 'receipt'): void {
  telemetry.count('recollect_degraded_total', 1, { part })
  telemetry.log('warn', 'degraded', { reason: part })
}

/** A sink that throws, at once or later, loses its data point, counted (OBS-7). */
export function harmless(telemetry: Telemetry): Telemetry {
  const trying = (send: () => unknown, failed: () => void): void => {
    try {
      const sent = send()
      if (sent instanceof Promise) sent.catch(failed)
    } catch {
      failed()
    }
  }
  const tell = (sink: 'metrics' | 'log', send: () => unknown): void =>
    trying(send, () =>
      trying(
        () => telemetry.count('recollect_telemetry_dropped_total', 1, { sink }),
        () => {}, // nothing counts any more
      ),
    )
  return {
    count: (metric, by, labels) => tell('metrics', () => telemetry.count(metric, by, labels)),
    observe: (metric, value, labels) => tell('metrics', () => telemetry.observe(metric, value, labels)),
    gauge: (metric, value, labels) => tell('metrics', () => telemetry.gauge(metric, value, labels)),
    log: (level, event, fields) => tell('log', () => telemetry.log(level, event, fields)),
  }
}
