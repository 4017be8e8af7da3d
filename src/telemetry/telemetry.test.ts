// Names from one table, series that cannot grow, and lines that hold nothing but what is listed.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { newApiKey } from '../security/access/api-key.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { events, metrics } from './names.ts'
import { prometheusSink } from './prometheus.ts'
import { createTelemetry } from './telemetry.ts'

const telemetryOf = (level: 'debug' | 'info' | 'silent' = 'debug') => {
  const lines: string[] = []
  return {
    lines,
    telemetry: createTelemetry({ clock: manualClock(Date.UTC(2026, 0, 1)), level, write: (line) => void lines.push(line), version: '1.2.3' }),
  }
}

test('counters, gauges and histograms are written as Prometheus reads them [OBS-10]', () => {
  const sink = prometheusSink()
  sink.count('recollect_tokens_total', 5, { kind: 'billed' })
  sink.count('recollect_tokens_total', 2, { kind: 'billed' })
  sink.gauge('recollect_http_in_flight', 3)
  for (const value of [0, 1, 4]) sink.observe('recollect_injected_memories', value)
  const text = sink.scrape()
  expect(text).toContain('# TYPE recollect_tokens_total counter\nrecollect_tokens_total{kind="billed"} 7\n')
  expect(text).toContain('recollect_http_in_flight 3\n')
  expect(text).toContain('recollect_injected_memories_bucket{le="1"} 2\n')
  expect(text).toContain('recollect_injected_memories_bucket{le="5"} 3\n')
  expect(text).toContain('recollect_injected_memories_sum 5\nrecollect_injected_memories_count 3\n')
  expect(text).toContain('recollect_turns_total 0\n')
})

test('the delay of the event loop is told since the last scrape, without the timer that measures it [OBS-10]', () => {
  let resets = 0
  const loopDelay = { percentile: (percentile: number) => (percentile === 50 ? 19e6 : percentile === 99 ? 25e6 : 120e6), reset: () => void resets++ }
  const telemetry = createTelemetry({ clock: manualClock(0), level: 'silent', write: () => {}, version: '1.2.3', loopDelay })
  const lines = telemetry.scrape().split('\n')
  expect(lines.filter((line) => line.startsWith('recollect_event_loop_delay_seconds'))).toEqual([
    'recollect_event_loop_delay_seconds{quantile="0.5"} 0',
    'recollect_event_loop_delay_seconds{quantile="0.99"} 0.005',
    'recollect_event_loop_delay_seconds{quantile="1"} 0.1',
  ])
  expect(resets).toBe(1)
})

test('ten thousand owners, models and routes leave the number of series bounded [OBS-6]', () => {
  const sink = prometheusSink()
  for (let i = 0; i < 10_000; i++) {
    sink.count('recollect_tokens_total', 1, { kind: `model-${i}`, owner: `owner-${i}` })
    sink.count('recollect_http_requests_total', 1, { route: `/made/up/${i}`, method: 'GET', status: '200' })
  }
  expect(
    sink
      .scrape()
      .split('\n')
      .filter((line) => line.startsWith('recollect_tokens_total')).length,
  ).toBe(1)
  expect(sink.scrape().split('\n').length).toBeLessThan(500)
})

test('what the table does not know is dropped and counted [OBS-6, ACC-15]', () => {
  const { telemetry, lines } = telemetryOf()
  telemetry.count('recollect_made_up_total')
  telemetry.count('recollect_turns_total', -1)
  telemetry.log('info', 'made_up_event')
  // @ts-expect-error a field that is not listed does not compile, and is dropped where it comes all the same (ACC-15)
  telemetry.log('info', 'request', { route: '/healthz', text: 'canary' })
  expect(lines).toEqual(['{"time":"2026-01-01T00:00:00.000Z","level":"info","event":"request","route":"/healthz"}'])
  expect(telemetry.scrape()).toContain('recollect_telemetry_dropped_total{sink="metrics"} 2')
  expect(telemetry.scrape()).toContain('recollect_telemetry_dropped_total{sink="log"} 2')
})

test('an API key that a client put into a value is not written [ACC-4, ACC-15]', () => {
  const { telemetry, lines } = telemetryOf()
  const { text } = newApiKey(seededRandom(1), 'live')
  telemetry.log('info', 'request', { requestId: `<${text}> ${text.replace('live', 'test')}`, status: 200 })
  expect(JSON.parse(lines[0] as string)).toMatchObject({ requestId: '<rec_…> rec_…', status: 200 })
})

test('a line is one line, whatever a value holds, and below the level there is none [OBS-11]', () => {
  const { telemetry, lines } = telemetryOf('info')
  telemetry.log('debug', 'request', { route: 'x' })
  const route = 'a\n{"level":"error"}\u007f\u0085\u009b\u2028\u2029é'
  telemetry.log('warn', 'request', { route })
  expect(lines.length).toBe(1)
  expect(lines[0]).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
  expect(lines[0]).toContain('é')
  expect((JSON.parse(lines[0] as string) as { route: string }).route).toBe(route)
})

test('every metric and event that the source names stands in the table, and every metric of the table is measured [OBS-1, OBS-10]', () => {
  const source = path.join(import.meta.dirname, '..')
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('telemetry'),
  )
  const text = files.map((name) => readFileSync(path.join(source, name), 'utf8')).join('\n')
  const named = [...text.matchAll(/['"](recollect_[a-z_]+)['"]/g)].map((m) => m[1] as string)
  expect([...new Set(named)].filter((name) => !Object.hasOwn(metrics, name))).toEqual([])
  const own =
    readFileSync(path.join(import.meta.dirname, 'telemetry.ts'), 'utf8') + readFileSync(path.join(import.meta.dirname, 'prometheus.ts'), 'utf8')
  expect(Object.keys(metrics).filter((name) => !named.includes(name) && !own.includes(`'${name}'`))).toEqual([])
  const logged = [...text.matchAll(/\.log\(\s*(?:[^'\n]{0,60}\? )?'\w+'(?: : '\w+')?,\s*'([a-z_]+)'/g)].map((m) => m[1] as string)
  expect([...new Set(logged)].filter((name) => !Object.hasOwn(events, name))).toEqual([])
  expect(Object.keys(events).filter((name) => !text.includes(`'${name}'`))).toEqual([])
})
