// Every metric and event by name, once: kind, help, labels from closed lists (OBS-6, OBS-10, OBS-11). What is not here is dropped and counted.

interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Values a label may take; others become `other`. `open`: bounded by the code that sets it (route templates, store names). */
  readonly labels?: Readonly<Record<string, readonly string[] | 'open'>>
  readonly buckets?: readonly number[]
}

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const counts = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000, 100_000]
const sizes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const tokenSizes = [100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000]
const job = ['session', 'sweep', 'formation']

export const metrics = {
  // memory size (OBS-8)
  recollect_session_messages: { kind: 'histogram', help: 'Messages of a session, at the end of a turn.', buckets: counts },
  recollect_session_bytes: { kind: 'histogram', help: 'Sealed bytes of a session, at the end of a turn.', buckets: sizes },
  recollect_session_tokens: { kind: 'histogram', help: 'Estimated tokens of a session, at the end of a turn.', buckets: tokenSizes },
  recollect_owner_records: { kind: 'histogram', help: 'Memory records of an owner, after formation.', buckets: counts },
  recollect_owner_bytes: { kind: 'histogram', help: "Sealed bytes of an owner's memory log, after formation.", buckets: sizes },
  recollect_records_formed_total: { kind: 'counter', help: 'Memory records formed.' },
  // retrieval
  recollect_recalls_total: { kind: 'counter', help: 'Recalls for contexts.' },
  recollect_recalls_abstained_total: { kind: 'counter', help: 'Recalls with nothing over the floor.' },
  recollect_recalled_records_total: { kind: 'counter', help: 'Records that recalls returned.' },
  recollect_recalled_stale_total: { kind: 'counter', help: 'Returned records whose validity is past.' },
  // token usage
  recollect_tokens_total: {
    kind: 'counter',
    help: 'Tokens by kind.',
    labels: { kind: ['estimated', 'billed', 'cache_read', 'cache_write', 'output', 'full_history'] },
  },
  recollect_token_estimate_error_ratio: {
    kind: 'histogram',
    help: 'Billed over estimated, minus one.',
    buckets: [-0.5, -0.25, -0.1, -0.05, -0.02, 0, 0.02, 0.05, 0.1, 0.25, 0.5, 1],
  },
  // injection
  recollect_turns_total: { kind: 'counter', help: 'Contexts that began a turn.' },
  recollect_turns_injected_total: { kind: 'counter', help: 'Of these, with at least one memory put in.' },
  recollect_injected_memories: { kind: 'histogram', help: 'Memories put in, a turn.', buckets: [0, 1, 2, 3, 5, 8, 13, 20] },
  recollect_injections_total: { kind: 'counter', help: 'Memories put in.' },
  recollect_injections_repeat_total: { kind: 'counter', help: 'Of these, put into the same session before.' },
  recollect_injections_answered_total: { kind: 'counter', help: 'Injections whose turn has an answer.' },
  recollect_injections_cited_total: { kind: 'counter', help: 'Of these, whose distinctive terms the answer holds, at least half of them (lexical).' },
  // surfaces
  recollect_http_requests_total: {
    kind: 'counter',
    help: 'Requests.',
    labels: { route: 'open', method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], status: 'open' },
  },
  recollect_http_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time to the head of the answer.',
    labels: { route: 'open' },
    buckets: seconds,
  },
  recollect_http_in_flight: { kind: 'gauge', help: 'Requests in flight.' },
  recollect_upstream_duration_seconds: {
    kind: 'histogram',
    help: "Time to the upstream's head.",
    labels: { outcome: ['ok', 'refused', 'failed'] },
    buckets: [...seconds, 30, 60, 120],
  },
  // work
  recollect_job_runs_total: { kind: 'counter', help: 'Background jobs.', labels: { job, outcome: ['done', 'failed', 'gone', 'dropped'] } },
  recollect_job_lag_entries: { kind: 'gauge', help: 'Entries not yet formed.', labels: { job } },
  recollect_sweep_deleted_total: { kind: 'counter', help: 'Expired logs removed.' },
  recollect_sweep_failed_total: { kind: 'counter', help: 'Owners whose sweep failed.' },
  // faults
  recollect_degraded_total: {
    kind: 'counter',
    help: 'Work that went on without a part.',
    labels: { part: ['recall', 'embedder', 'store', 'receipt'] },
  },
  recollect_receipts_lost_total: { kind: 'counter', help: 'Receipts that could not be written.' },
  recollect_context_overflows_total: { kind: 'counter', help: 'Contexts that an upstream refused for length.' },
  recollect_snapshots_dropped_total: { kind: 'counter', help: 'Snapshots that did not open, and were made anew.' },
  recollect_audit_dropped_total: { kind: 'counter', help: 'Audit notes that could not be queued.' },
  recollect_audit_failures_total: { kind: 'counter', help: 'Audit writes that failed.' },
  recollect_erasures_total: { kind: 'counter', help: 'Erasures.', labels: { clean: ['true', 'false'] } },
  recollect_erase_residue_total: { kind: 'counter', help: 'Finds of erased data after an erasure.' },
  recollect_telemetry_dropped_total: {
    kind: 'counter',
    help: 'Data points that no name or label of this table fits.',
    labels: { sink: ['metrics', 'log'] },
  },
  recollect_event_loop_delay_seconds: {
    kind: 'gauge',
    help: 'How late the event loop came to its timer since the last scrape: half of the time, 99 % of it, at most.',
    labels: { quantile: ['0.5', '0.99', '1'] },
  },
  recollect_build_info: { kind: 'gauge', help: 'Always 1.', labels: { version: 'open', node: 'open' } },
} as const satisfies Record<string, Metric>

export const metricNamed = (name: string): Metric | undefined =>
  Object.hasOwn(metrics, name) ? (metrics as Record<string, Metric>)[name] : undefined

/** Events of the log, and what each says. */
export const events = {
  request: 'A request has ended.',
  started: 'The gateway serves.',
  stopping: 'The gateway ends.',
  certificate_renewed: 'A renewed TLS certificate is served.',
  certificate_refused: 'The TLS certificate or key on disk cannot be served; the one in use stays.',
  answer_not_stored: 'A model answered, and its answer could not be stored.',
  refused_not_taken_back: 'A message was refused, and could not be taken off the path of its session.',
  sweep_owner_failed: 'The sweeper leaves an owner alone for a while.',
  degraded: 'Work went on without a part; `reason` names it.',
  job_failed: 'A background job failed and will run again.',
} as const
