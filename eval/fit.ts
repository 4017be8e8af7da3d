// Fits the weights of recall anew on LoCoMo and BEAM 100K together, and prints them beside those of the code (RCL-4). It changes no file.
// node scripts/run.mjs fit --locomo PATH --beam PATH [--seed 1]
import { parseArgs } from 'node:util'
import { loadDataSet } from '../src/eval/load-data.ts'
import { bootstrapInterval } from '../src/eval/metrics.ts'
import { collect, featureNames, quantityNames, type Case } from './collect.ts'
import { abstention, crossed, fitFeatures, fitRelevance, inCode, recalls, type ByFold } from './refit.ts'

const folds = 5

const { values } = parseArgs({ options: { locomo: { type: 'string' }, beam: { type: 'string' }, seed: { type: 'string', default: '1' } } })
const seed = Number(values.seed)
if (values.locomo === undefined || values.beam === undefined || !Number.isSafeInteger(seed))
  throw new Error('Give --locomo PATH and --beam PATH, since weights that fit one kind of chat break on the other; --seed is a whole number.')

const sets = [await loadDataSet(values.locomo, 'locomo'), await loadDataSet(values.beam, 'beam')]
const asked: Case[][] = []
for (const data of sets) asked.push(await collect(data, { folds, seed }))
const all = asked.flat()

function printRow(name: string, numbers: readonly (number | string)[], figures: readonly string[]): void {
  const cells = numbers.map((one) => (typeof one === 'string' ? one : one.toFixed(2)).padStart(13))
  console.log(`${name.padEnd(16)}${cells.join('')}   ${figures.join(' · ')}`)
}

interface Table {
  readonly names: readonly string[]
  readonly code: readonly number[]
  readonly figures: string
  readonly fit: (cases: readonly Case[], without?: number) => readonly number[]
  readonly figure: (cases: readonly Case[], at: ByFold) => string
}

/** The code's weights, the fitted ones, and what is left of the figures without each. */
function printTable(title: string, { names, code, figures, fit, figure }: Table): void {
  const figuresOf = (at: ByFold) => asked.map((cases) => figure(cases, at))
  console.log()
  printRow(title, names, [figures])
  printRow(
    '  code',
    code,
    figuresOf(() => code),
  )
  printRow('  fitted', fit(all), figuresOf(crossed(all, folds, fit)))
  for (const [column, name] of names.entries())
    if (name !== 'bias' && code[column] !== 0)
      printRow(
        `  no ${name}`,
        names.map(() => ''),
        figuresOf(crossed(all, folds, (some) => fit(some, column))),
      )
}

const sizes = sets.map(({ name, conversations }, set) => `${name}: ${conversations.length} conversations, ${asked[set]!.length} questions`)
console.log(`${sizes.join('; ')}; ${folds} folds by conversation, seed ${seed}, ${new Date().toISOString().slice(0, 10)}`)
console.log('Figures are LoCoMo · BEAM: of fitted weights those of the fold that took no part; the weights of the code have seen all folds.')
for (const [title, arm] of [
  ['relevance', 'hybrid'],
  ['relevanceOfWords', 'lexical'],
] as const)
  printTable(title, {
    names: [...quantityNames, 'bias'],
    code: inCode[arm],
    figures: 'AUROC, answered %, rightly silent %',
    fit: (cases, without) => fitRelevance(cases, arm, without),
    figure: (cases, at) => {
      const { auroc, answered, rightAbstentions } = abstention(cases, arm, at)
      return `${auroc.toFixed(3)} ${answered.toFixed(1)} ${rightAbstentions.toFixed(1)}`
    },
  })
printTable('features', {
  names: featureNames,
  code: inCode.features,
  figures: 'recall@10 %, and the 95 % interval of what differs from the code',
  fit: fitFeatures,
  figure: (cases, at) => {
    const found = recalls(cases, at)
    const before = recalls(cases, () => inCode.features)
    const [low, high] = bootstrapInterval(
      found.map((one, i) => one - before[i]!),
      seed,
    )
    return `${(found.reduce((sum, one) => sum + one, 0) / found.length).toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`
  },
})
