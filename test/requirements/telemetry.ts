// Promises of metrics and logs (surfaces.md §8).
export const telemetry = {
  'OBS-1': 'names of metrics and events lie in one file',
  'OBS-6': 'the number of series is bounded, whatever owners, sessions and models there are',
  'OBS-7': 'a sink that fails loses its data point, counted, and fails nothing',
  'OBS-10': 'every metric has a kind, a help and its labels in the table, and is written as Prometheus reads it',
  'OBS-11': 'log lines hold listed events and fields and nothing else; a request has one, at its end, with the code of what went wrong',
} as const
