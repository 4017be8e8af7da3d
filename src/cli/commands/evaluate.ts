// `recollect eval retrieval`: a public set, replayed through the public API on a store of its own (memory.md §9).
import { constants, rmSync } from 'node:fs'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Configuration } from '../../config/load.ts'
import { openRecollect } from '../../config/open.ts'
import { RecollectError } from '../../core/errors.ts'
import { systemClock } from '../../create-recollect/system-clock.ts'
import type { Arms } from '../../eval/ask.ts'
import { loadDataSet } from '../../eval/load-data.ts'
import type { Metrics } from '../../eval/metrics.ts'
import { currentCommit, describeMachine } from '../../eval/provenance.ts'
import { evaluateRetrieval, type RetrievalResult } from '../../eval/run-retrieval.ts'
import { countTokens } from '../../recollect.ts'
import { createTelemetry } from '../../telemetry/telemetry.ts'
import { signals } from '../exit-codes.ts'
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
  const options = given({
    arms: armsOf(flags['arms']),
    categories: listOf(flags['categories'], '--categories'),
    limit: wholeOf(flags['limit'], '--limit'),
    seed: wholeOf(flags['seed'], '--seed'),
  })
  const data = await loadDataSet(flags['data'], flags['format'] as Parameters<typeof loadDataSet>[1])
  const out = flags['out'] === undefined ? undefined : await toWrite(flags['out']) // before the work, so that it is not done in vain
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-eval-'))
  const telemetry = createTelemetry({ clock: systemClock, level: 'silent', write: () => {}, version: '' })
  const own: Configuration = {
    ...configuration,
    get: (name) => (name === 'dataDir' ? path.join(folder, 'data') : name.startsWith('stores.') ? undefined : configuration.get(name)),
  }
  const stopped = onSignal(() => rmSync(folder, { recursive: true, force: true }))
  const recollect = await openRecollect(own, { clock: systemClock, telemetry })
  try {
    const result = await evaluateRetrieval(recollect, {
      ...options,
      data,
      countTokens,
      machine: describeMachine(),
      commit: await currentCommit(),
      date: new Date(systemClock.now()).toISOString().slice(0, 10),
      progress: ({ done, total, stage }) => terminal.progress(done, total, stage === 'replay' ? 'messages' : 'searches'),
    })
    await out?.truncate(0)
    await out?.writeFile(`${JSON.stringify(result, undefined, 2)}\n`)
    terminal.result(result, () => linesOf(result))
    return 0
  } finally {
    stopped()
    await out?.close()
    await recollect.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const allArms: readonly Arms[] = ['hybrid', 'lexical', 'dense']

function armsOf(flag: string | undefined): readonly Arms[] | undefined {
  const named = listOf(flag, '--arms')
  if (named?.some((one) => !(allArms as readonly string[]).includes(one)) === true)
    throw new RecollectError('invalid_input', '--arms names an arm that is none', `Use any of: ${allArms.join(', ')}.`)
  return named as readonly Arms[] | undefined
}

/** Without NONBLOCK a pipe that nobody reads hangs here. */
async function toWrite(file: string): Promise<FileHandle> {
  const refused = (cause?: unknown) =>
    new RecollectError('invalid_input', '--out cannot be written', 'Give a file in a folder that is there, and that you may write.', { cause })
  const { O_WRONLY, O_CREAT, O_APPEND, O_NONBLOCK } = constants
  const out = await open(file, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK).catch((cause: unknown) => {
    throw refused(cause)
  })
  if ((await out.stat()).isFile()) return out
  await out.close()
  throw refused()
}

/** The store of a run that is cut off goes with it; gives what ends the watch. */
function onSignal(clear: () => void): () => void {
  const watched = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const end = () => {
      clear()
      process.exit(signals[signal])
    }
    process.once(signal, end)
    return () => process.off(signal, end)
  })
  return () => watched.forEach((stop) => stop())
}

function linesOf(result: RetrievalResult): string[] {
  const row = (name: string, f: Metrics) =>
    `${name.padEnd(26)}${[f.n, f.r1, f.r5, f.r10, f.all10, f.mrr, f.ndcg10].map((value) => String(value).padStart(8)).join('')}   ${f.r10ci.join('–')}`
  return [
    `${result.name}: ${result.messages} messages, ${result.questions} questions (a development set where it is LoCoMo or BEAM 100K)`,
    `${''.padEnd(26)}${['n', 'r@1', 'r@5', 'r@10', 'all@10', 'MRR', 'NDCG@10'].map((name) => name.padStart(8)).join('')}   95 % of r@10`,
    row('all', result.all),
    ...Object.entries(result.categories).map(([name, figures]) => row(`  ${name}`, figures)),
    ...Object.entries(result.ablation).map(([name, figures]) => row(`arm ${name}`, figures)),
    ...(result.abstention === undefined
      ? []
      : [
          `abstention: AUROC ${result.abstention.auroc}; at the default floor answered ${result.abstention.answered} %, rightly silent ${result.abstention.rightAbstentions} %`,
        ]),
    `replay ${(result.latency.replayMs / 1000).toFixed(1)} s; a search ${result.latency.p50} ms p50, ${result.latency.p99} ms p99`,
  ]
}
