// What is known of models, as one table: windows, price ratios, caches, counting. No other file names a model (PRO-1).
import { checkFields, type FieldKind } from '../../core/check-fields.ts'
import { formats, type Format } from '../../core/context.ts'
import { RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { ruleIds, type RuleId } from './rule-ids.ts'

export interface ModelProfile {
  readonly id: string
  /** model-name prefixes; the longest match wins; no match: 'generic' */
  readonly match: readonly string[]
  /** a change of family begins a new epoch */
  readonly family: string
  readonly format: Format
  readonly rules: readonly RuleId[]
  readonly windowTokens: number
  readonly maxOutputTokens?: number
  /** ratios are to the price of one fresh input token */
  readonly outputRatio: number
  readonly cache: {
    readonly readRatio: number
    readonly writeRatio: number
    /** after which a cache counts as cold */
    readonly ttlSeconds: number
    readonly minTokens: number
    readonly matching: 'prefix' | 'breakpoint' | 'best-effort' | 'none'
    readonly maxHints: number
  }
  readonly tokens: {
    /** o200k: by the tokenizer that was passed in, if one was; `ratio` is against it */
    readonly counter: 'classes' | 'o200k'
    /** tokens against o200k before any usage is known */
    readonly ratio: number
    readonly perMessage: number
    readonly perImage: number
    readonly perPdfPage: number
  }
  readonly reasoning: 'none' | 'replay' | 'signed' | 'prefix-bound'
  readonly asOf: string
  readonly source: string
}

/** A row that a deployment adds or overrides: what it leaves out comes from the row that it extends (default 'generic'). */
export interface ModelProfileInput extends Partial<Omit<ModelProfile, 'id' | 'cache' | 'tokens'>> {
  readonly id: string
  readonly extends?: string
  readonly cache?: Partial<ModelProfile['cache']>
  readonly tokens?: Partial<ModelProfile['tokens']>
}

type Change = Omit<ModelProfileInput, 'extends'>

const rulesOf = { openaiChat: ['I1', 'I3', 'I11', 'I12'], all: ['I1', 'I2', 'I3', 'I4', 'I11', 'I12'] } as const satisfies Record<
  string,
  readonly RuleId[]
>
const vendorPages = "vendor pages and '@pydantic/genai-prices' 0.1.8"

const generic: ModelProfile = {
  id: 'generic',
  match: [],
  family: 'generic',
  format: 'neutral',
  rules: rulesOf.all,
  windowTokens: 128_000,
  outputRatio: 4,
  cache: { readRatio: 0.5, writeRatio: 1, ttlSeconds: 300, minTokens: 1_024, matching: 'prefix', maxHints: 0 },
  tokens: { counter: 'o200k', ratio: 1, perMessage: 4, perImage: 1_600, perPdfPage: 2_250 }, // the dearest of the families below
  reasoning: 'none',
  asOf: '2026-11',
  source: 'assumed',
}

const row = (base: ModelProfile, { cache, tokens, ...change }: Change): ModelProfile => ({
  ...base,
  ...change,
  cache: { ...base.cache, ...cache },
  tokens: { ...base.tokens, ...tokens },
})

const openai = row(generic, {
  id: 'openai',
  family: 'openai',
  format: 'openai-chat',
  rules: rulesOf.openaiChat,
  tokens: { perImage: 1_100, perPdfPage: 1_500 },
  source: vendorPages,
})
// The formats and rules of Claude, Gemini and DeepSeek are not written yet: their rows lower to `neutral` by the rules that hold everywhere.
const claude = row(generic, {
  id: 'claude',
  family: 'anthropic',
  outputRatio: 5,
  windowTokens: 1_000_000,
  cache: { readRatio: 0.1, writeRatio: 1.25, matching: 'breakpoint', maxHints: 4 },
  tokens: { ratio: 1.2 },
  reasoning: 'signed',
  source: vendorPages,
})
const gemini = row(generic, {
  id: 'gemini',
  family: 'gemini',
  outputRatio: 6,
  windowTokens: 1_000_000,
  cache: { readRatio: 0.1, minTokens: 2_048, matching: 'best-effort' },
  tokens: { ratio: 1.1, perImage: 1_120, perPdfPage: 560 },
  reasoning: 'signed',
  source: vendorPages,
})

const claude5 = { tokens: { ratio: 1.5 } }
const claude55 = { ...claude5, reasoning: 'prefix-bound' } as const
const claudeRows: readonly ModelProfile[] = [
  row(claude, { id: 'claude-4.5', match: ['claude-sonnet-4-5'], windowTokens: 200_000 }),
  row(claude, { id: 'claude-4.5-4k', match: ['claude-opus-4-5', 'claude-haiku-4-5'], windowTokens: 200_000, cache: { minTokens: 4_096 } }),
  row(claude, { id: 'claude-4.6', match: ['claude-sonnet-4-6'] }),
  row(claude, { id: 'claude-4.6-4k', match: ['claude-opus-4-6', 'claude-opus-4-7', 'claude-opus-4-8'], cache: { minTokens: 4_096 } }),
  row(claude, { ...claude5, id: 'claude-5', match: ['claude-sonnet-5'] }),
  row(claude, { ...claude5, id: 'claude-5-512', match: ['claude-opus-5', 'claude-fable-5'], cache: { minTokens: 512 } }),
  row(claude, { ...claude55, id: 'claude-5.5', match: ['claude-sonnet-5-5', 'claude-haiku-5-5'] }),
  row(claude, { ...claude55, id: 'claude-5.5-opus', match: ['claude-opus-5-5'], cache: { readRatio: 0.05 } }),
  row(claude, { ...claude55, id: 'claude-5.5-fable', match: ['claude-fable-5-1'], cache: { readRatio: 0.025 } }),
]
// One-hour caches are chosen by the caller, so they match no model name.
const oneHour = (base: ModelProfile): ModelProfile => row(base, { id: `${base.id}-1h`, match: [], cache: { writeRatio: 2, ttlSeconds: 3_600 } })

/** The table of context.md §1.1. `generic` comes first; it stands for every model that no row names (PRO-2). */
export const profiles: readonly ModelProfile[] = [
  generic,
  row(openai, { id: 'openai-4o', match: ['gpt-4o'] }),
  row(openai, { id: 'openai-4.1', match: ['gpt-4.1'], windowTokens: 1_000_000, cache: { readRatio: 0.25 } }),
  row(openai, { id: 'openai-5', match: ['gpt-5'], windowTokens: 400_000, outputRatio: 8, cache: { readRatio: 0.1 }, reasoning: 'replay' }),
  row(openai, { id: 'openai-5.5', match: ['gpt-5.5'], windowTokens: 1_000_000, outputRatio: 6, cache: { readRatio: 0.1 }, reasoning: 'replay' }),
  row(openai, {
    id: 'openai-5.6',
    match: ['gpt-5.6', 'gpt-6'],
    windowTokens: 1_050_000,
    outputRatio: 5,
    cache: { readRatio: 0.1, writeRatio: 1.25, ttlSeconds: 1_800, matching: 'breakpoint', maxHints: 4 },
    reasoning: 'replay',
  }),
  ...claudeRows,
  ...claudeRows.map(oneHour),
  row(gemini, { id: 'gemini-2.5', match: ['gemini-2.5'] }),
  row(gemini, { id: 'gemini-3', match: ['gemini-3'], cache: { minTokens: 4_096 } }),
  row(generic, {
    id: 'deepseek',
    match: ['deepseek'],
    family: 'deepseek',
    windowTokens: 64_000,
    cache: { readRatio: 0.26 },
    reasoning: 'replay',
    source: vendorPages,
  }),
]

/** The profile of a model name, a profile id, or a profile itself. `known` is false where `generic` stands in (PRO-2). */
export function findProfile(
  model: string | ModelProfile | undefined,
  extra: readonly ModelProfile[] = [],
): { readonly profile: ModelProfile; readonly known: boolean } {
  if (typeof model === 'object') return { profile: checkProfile(model), known: true }
  const called = (name: string) => extra.find(({ id }) => id === name) ?? profiles.find(({ id }) => id === name)
  if (model === undefined) return { profile: called('generic') ?? generic, known: false }
  const named = called(model)
  if (named !== undefined) return { profile: named, known: true }
  let best: { profile: ModelProfile; length: number } | undefined
  // Of two rows that fit alike, the deployment's own.
  for (const profile of [...extra, ...profiles])
    for (const prefix of profile.match) if (model.startsWith(prefix) && prefix.length > (best?.length ?? 0)) best = { profile, length: prefix.length }
  return best === undefined ? findProfile(undefined, extra) : { profile: best.profile, known: true }
}

/** The rows of a deployment, complete and checked. @throws `invalid_input` naming the row and the fault */
export function extendProfiles(inputs: readonly ModelProfileInput[]): readonly ModelProfile[] {
  const made: ModelProfile[] = []
  for (const input of inputs) {
    checkRow(input)
    const { extends: from = 'generic', ...change } = input
    const base = [...made.toReversed(), ...profiles].find(({ id }) => id === from)
    if (base === undefined) throw fault(change.id, `it extends '${from}', which is no row`)
    made.push(checkProfile(row(base, { match: [], ...change })))
  }
  return made
}

const rowFields: Record<keyof ModelProfileInput, FieldKind> = {
  id: 'text',
  extends: 'text',
  match: 'texts',
  family: 'text',
  format: formats,
  rules: 'texts',
  windowTokens: 'number',
  maxOutputTokens: 'number',
  outputRatio: 'number',
  cache: 'object',
  tokens: 'object',
  reasoning: ['none', 'replay', 'signed', 'prefix-bound'],
  asOf: 'text',
  source: 'text',
}
const cacheFields: Record<keyof ModelProfile['cache'], FieldKind> = {
  readRatio: 'number',
  writeRatio: 'number',
  ttlSeconds: 'number',
  minTokens: 'number',
  matching: ['prefix', 'breakpoint', 'best-effort', 'none'],
  maxHints: 'number',
}
const tokenFields: Record<keyof ModelProfile['tokens'], FieldKind> = {
  counter: ['classes', 'o200k'],
  ratio: 'number',
  perMessage: 'number',
  perImage: 'number',
  perPdfPage: 'number',
}

function checkRow(row: ModelProfileInput): void {
  checkFields({ ...row, id: row.id ?? null }, rowFields, 'a model profile')
  checkFields(row.cache, cacheFields, 'cache of a model profile')
  checkFields(row.tokens, tokenFields, 'tokens of a model profile')
}

/** The profile itself if it can be used. @throws `invalid_input` with the fault (PRO-1) */
export function checkProfile(profile: ModelProfile): ModelProfile {
  const { id, cache, tokens } = profile
  const positive = { windowTokens: profile.windowTokens, outputRatio: profile.outputRatio, ratio: tokens.ratio, perMessage: tokens.perMessage }
  for (const [name, value] of Object.entries(positive)) if (!(value > 0 && value < Infinity)) throw fault(id, `${name} must be above 0; got ${value}`)
  if (!(cache.readRatio > 0 && cache.readRatio <= cache.writeRatio && cache.writeRatio < Infinity))
    throw fault(id, `0 < readRatio ≤ writeRatio must hold; got ${cache.readRatio} and ${cache.writeRatio}`)
  if (!(profile.windowTokens > 2 * limits.reserveOutputTokens))
    throw fault(id, `windowTokens must be above twice the reserve of ${limits.reserveOutputTokens}; got ${profile.windowTokens}`)
  const strange = profile.rules.find((rule) => !ruleIds.includes(rule))
  if (strange !== undefined) throw fault(id, `there is no rule '${strange}'`)
  return profile
}

const fault = (id: string, what: string): RecollectError =>
  new RecollectError('invalid_input', `the model profile '${id}' cannot be used: ${what}`, 'Correct the row that was given in `models` or `model`.')
