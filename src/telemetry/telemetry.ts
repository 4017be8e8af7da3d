// The two sinks as one Telemetry: metrics in memory, lines on a stream. A sink that throws loses its data point and delays nothing (OBS-7).
import { limits } from '../core/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogLevel, Telemetry } from '../ports/telemetry.ts'
import { lineLogger } from './logger.ts'
import { prometheusSink, type PrometheusSink } from './prometheus.ts'

export interface Measured extends Telemetry {
  scrape(): string
}

/** How late the event loop's timer came, in ns: `monitorEventLoopDelay` of node:perf_hooks at `limits.loopDelayMs`. */
export interface LoopDelay {
  percentile(percentile: number): number
  reset(): void
}

export function createTelemetry(parts: {
  readonly clock: Clock
  readonly level: LogLevel | 'silent'
  readonly write: (line: string) => void
  readonly version: string
  readonly loopDelay?: LoopDelay
}): Measured {
  const metrics = prometheusSink()
  const lost = (sink: 'metrics' | 'log', count: number) => metrics.count('recollect_telemetry_dropped_total', count, { sink })
  const log = lineLogger({ ...parts, dropped: (count) => lost('log', count) })
  metrics.gauge('recollect_build_info', 1, { version: parts.version, node: process.versions.node })
  return {
    ...metrics,
    scrape() {
      if (parts.loopDelay !== undefined) gaugeDelay(metrics, parts.loopDelay)
      return metrics.scrape()
    },
    log(level, event, fields) {
      try {
        log(level, event, fields)
      } catch {
        lost('log', 1)
      }
    },
  }
}

/** Since the last scrape. The timer's own interval is in what it measures. */
function gaugeDelay(metrics: PrometheusSink, delay: LoopDelay): void {
  for (const quantile of [0.5, 0.99, 1]) {
    const seconds = (delay.percentile(quantile * 100) - limits.loopDelayMs * 1e6) / 1e9
    metrics.gauge('recollect_event_loop_delay_seconds', Math.max(0, seconds), { quantile: String(quantile) })
  }
  delay.reset()
}
