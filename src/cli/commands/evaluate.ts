// `recollect eval retrieval`: a public set, replayed through the public API on a store of its own (memory.md §9).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Configuration } from '../../config/load.ts'
import { openRecollect } from '../../config/open.ts'
import { RecollectError } from '../../core/errors.ts'
import { systemClock } from '../../create-recollect/system-clock.ts'
import { loadDataSet } from '../../eval/load-data.ts'
import { currentCommit, describeMachine } from '../../eval/provenance.ts'
import { evaluateRetrieval, type RetrievalOptions } from '../../eval/run-retrieval.ts'
import { countTokens } from '../../recollect.ts'
import { createTelemetry } from '../../telemetry/telemetry.ts'
import { given, listOf, wholeOf } from '../flags.ts'
import { terminalFor, type GlobalFlags } from '../work.ts'

export async function evaluate(
  flags: Readonly<Record<string, string | undefined>>,
  global: GlobalFlags,
  configuration: Configuration,
): Promise<number> {
  const terminal = terminalFor(global)
  if (flags['data'] === undefined)
    throw new RecollectError('invalid_input', 'not run: no data', 'Give --data PATH: LoCoMo, REALTALK, BEAM, LongMemEval, or JSON lines.')
  const data = await loadDataSet(flags['data'], flags['format'] as Parameters<typeof loadDataSet>[1])
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-eval-'))
  const telemetry = createTelemetry({ clock: systemClock, level: 'silent', write: () => {}, version: '' })
  const own: Configuration = {
    ...configuration,
    get: (name) => (name === 'dataDir' ? path.join(folder, 'data') : name.startsWith('stores.') ? undefined : configuration.get(name)),
  }
  const recollect = await openRecollect(own, { clock: systemClock, telemetry })
  try {
    const options = given({
      arms: listOf(flags['arms']),
      categories: listOf(flags['categories']),
      limit: wholeOf(flags['limit'], '--limit'),
      seed: wholeOf(flags['seed'], '--seed'),
    })
    const result = await evaluateRetrieval(recollect, {
      ...options,
      data,
      countTokens,
      machine: describeMachine(),
      commit: await currentCommit(),
      date: new Date(systemClock.now()).toISOString().slice(0, 10),
      progress: ({ done, total, step }: { done: number; total: number; step: string }) => terminal.progress(done, total, step),
    } as unknown as RetrievalOptions)
    if (flags['out'] !== undefined) await writeFile(flags['out'], `${JSON.stringify(result, undefined, 2)}\n`)
    terminal.result(result, () => linesOf(result as unknown as Result))
    return 0
  } finally {
    await recollect.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Figures {
  n: number
  r1: number
  r5: number
  r10: number
  all10: number
  mrr: number
  ndcg10: number
  r10ci?: readonly number[]
}
interface Result {
  name: string
  questions: number
  messages: number
  all: Figures
  categories: Record<string, Figures>
  ablation?: Record<string, Figures>
  abstention?: { auroc: number; answered: number; rightAbstentions: number }
  latency: { replayMs: number; p50: number; p99: number }
}

function linesOf(result: Result): string[] {
  const row = (name: string, f: Figures) =>
    `${name.padEnd(26)}${[f.n, f.r1, f.r5, f.r10, f.all10, f.mrr, f.ndcg10].map((value) => String(value).padStart(8)).join('')}${f.r10ci === undefined ? '' : `   ${f.r10ci.join('–')}`}`
  return [
    `${result.name}: ${result.messages} messages, ${result.questions} questions (a development set where it is LoCoMo or BEAM 100K)`,
    `${''.padEnd(26)}${['n', 'r@1', 'r@5', 'r@10', 'all@10', 'MRR', 'NDCG@10'].map((name) => name.padStart(8)).join('')}   95 % of r@10`,
    row('all', result.all),
    ...Object.entries(result.categories).map(([name, figures]) => row(`  ${name}`, figures)),
    ...Object.entries(result.ablation ?? {}).map(([name, figures]) => row(`arm ${name}`, figures)),
    ...(result.abstention === undefined
      ? []
      : [
          `abstention: AUROC ${result.abstention.auroc}; at the default floor answered ${result.abstention.answered} %, rightly silent ${result.abstention.rightAbstentions} %`,
        ]),
    `replay ${(result.latency.replayMs / 1000).toFixed(1)} s; a search ${result.latency.p50} ms p50, ${result.latency.p99} ms p99`,
  ]
}
