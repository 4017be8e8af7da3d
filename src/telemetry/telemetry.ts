// The two sinks as one Telemetry: metrics in memory, lines on a stream. A sink that throws loses its data point and delays nothing (OBS-7).
import type { Clock } from '../ports/clock.ts'
import type { LogLevel, Telemetry } from '../ports/telemetry.ts'
import { lineLogger } from './logger.ts'
import { prometheusSink } from './prometheus.ts'

export interface Measured extends Telemetry {
  scrape(): string
}

export function createTelemetry(parts: {
  readonly clock: Clock
  readonly level: LogLevel | 'silent'
  readonly write: (line: string) => void
  readonly version: string
}): Measured {
  const metrics = prometheusSink()
  const lost = (sink: 'metrics' | 'log', count: number) => metrics.count('recollect_telemetry_dropped_total', count, { sink })
  const log = lineLogger({ ...parts, dropped: (count) => lost('log', count) })
  metrics.gauge('recollect_build_info', 1, { version: parts.version, node: process.versions.node })
  return {
    ...metrics,
    log(level, event, fields) {
      try {
        log(level, event, fields)
      } catch {
        lost('log', 1)
      }
    },
  }
}
