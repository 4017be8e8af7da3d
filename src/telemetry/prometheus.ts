// Metrics in memory, and their text for Prometheus (format 0.0.4). Series are bounded: labels come from the table, others become `other` (OBS-6).
import { limits } from '../core/limits.ts'
import type { Labels, Telemetry } from '../ports/telemetry.ts'
import { metricNamed, metrics } from './names.ts'

interface Histogram {
  readonly buckets: number[]
  sum: number
  count: number
}

export interface PrometheusSink extends Pick<Telemetry, 'count' | 'observe' | 'gauge'> {
  /** Text of all series. */
  scrape(): string
}

export function prometheusSink(): PrometheusSink {
  const values = new Map<string, Map<string, number>>()
  const histograms = new Map<string, Map<string, Histogram>>()
  const openValues = new Map<string, Set<string>>()

  const labelText = (name: string, labels: Labels): string => {
    const wanted = metricNamed(name)?.labels ?? {}
    return Object.entries(wanted)
      .map(([label, allowed]) => {
        const given = labels[label] ?? 'other'
        if (allowed !== 'open') return `${label}="${allowed.includes(given) ? given : 'other'}"`
        const seen = openValues.get(`${name} ${label}`) ?? new Set()
        openValues.set(`${name} ${label}`, seen)
        if (seen.size < limits.metricLabelValues) seen.add(given)
        return `${label}="${escaped(seen.has(given) ? given : 'other')}"`
      })
      .join(',')
  }
  const series = <V>(kept: Map<string, Map<string, V>>, name: string): Map<string, V> => {
    const found = kept.get(name) ?? new Map<string, V>()
    kept.set(name, found)
    return found
  }
  const drop = () => add('recollect_telemetry_dropped_total', 1, { sink: 'metrics' })
  const add = (name: string, by: number, labels: Labels) => {
    const kept = series(values, name)
    const key = labelText(name, labels)
    kept.set(key, (kept.get(key) ?? 0) + by)
  }

  return {
    count(name, by = 1, labels = {}) {
      if (metricNamed(name)?.kind !== 'counter' || !Number.isFinite(by) || by < 0) return drop()
      add(name, by, labels)
    },
    gauge(name, value, labels = {}) {
      if (metricNamed(name)?.kind !== 'gauge' || !Number.isFinite(value)) return drop()
      series(values, name).set(labelText(name, labels), value)
    },
    observe(name, value, labels = {}) {
      const metric = metricNamed(name)
      if (metric?.kind !== 'histogram' || metric.buckets === undefined || !Number.isFinite(value)) return drop()
      const kept = series(histograms, name)
      const key = labelText(name, labels)
      const histogram = kept.get(key) ?? { buckets: metric.buckets.map(() => 0), sum: 0, count: 0 }
      kept.set(key, histogram)
      const bucket = metric.buckets.findIndex((bound) => value <= bound)
      if (bucket !== -1) histogram.buckets[bucket] = (histogram.buckets[bucket] as number) + 1
      histogram.sum += value
      histogram.count += 1
    },
    scrape: () =>
      Object.entries(metrics)
        .flatMap(([name, metric]) => [
          `# HELP ${name} ${metric.help}`,
          `# TYPE ${name} ${metric.kind}`,
          ...(metric.kind === 'histogram'
            ? histogramLines(name, metric.buckets, histograms.get(name))
            : valueLines(name, values.get(name), 'labels' in metric)),
        ])
        .join('\n') + '\n',
  }
}

const braces = (labels: string): string => (labels === '' ? '' : `{${labels}}`)

/** A metric without labels is there from the start, at 0, so that a rate has a beginning. */
const valueLines = (name: string, kept: ReadonlyMap<string, number> | undefined, labelled: boolean): string[] =>
  kept === undefined ? (labelled ? [] : [`${name} 0`]) : [...kept].map(([labels, value]) => `${name}${braces(labels)} ${value}`)

function histogramLines(name: string, bounds: readonly number[], kept: ReadonlyMap<string, Histogram> | undefined): string[] {
  return [...(kept ?? [])].flatMap(([labels, histogram]) => {
    const joined = labels === '' ? '' : `${labels},`
    let below = 0
    return [
      ...bounds.map((bound, i) => `${name}_bucket{${joined}le="${bound}"} ${(below += histogram.buckets[i] as number)}`),
      `${name}_bucket{${joined}le="+Inf"} ${histogram.count}`,
      `${name}_sum${braces(labels)} ${histogram.sum}`,
      `${name}_count${braces(labels)} ${histogram.count}`,
    ]
  })
}

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
