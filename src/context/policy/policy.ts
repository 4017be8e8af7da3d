// What one context is made by: the caller's options over the session's setup, checked, with every default in one place (context §1, CTX-6). Pure.
import { formats, type Format, type ToolDefinition } from '../../core/context.ts'
import { RecollectError, numberGiven } from '../../core/errors.ts'
import { isJsonObject, type Json } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { textOf, type LoggedMessage } from '../../core/message.ts'
import { emptyFold, type SessionFold } from '../../core/session.ts'
import { checkDefaultFields } from './context-fields.ts'
import type { ContextDefaults, ContextOptions } from './context-options.ts'
import type { PolicyHashes } from './policy-memo.ts'
import { findProfile, type ModelProfile } from '../prompt/profiles.ts'
import { optionsText, resolveStrategy, type Strategy, type StrategyChoice } from './strategies.ts'

/** Bumped when the same record would be rendered to other bytes: ends the epochs of older versions (`policy`). */
export const renderVersion = 2

export interface Policy {
  readonly profile: ModelProfile
  readonly known: boolean // false: `generic` stands in (PRO-2)
  readonly modelName?: string
  readonly format: Format
  readonly budgetTokens: number
  readonly reserveTokens: number
  readonly strategy: Strategy
  readonly policyHash: string
  readonly system: string // empty: none
  readonly systemSeqs: readonly number[] // of the leading system messages that stand for it
  readonly systemHash: string
  readonly tools: readonly ToolDefinition[]
  readonly toolsHash: string
  readonly state: boolean
  readonly pins: readonly number[]
  readonly minTurns: number
  readonly recall: { readonly query?: string; readonly maxItems: number; readonly maxTokens: number; readonly onFailure: 'omit' | 'fail' } | undefined
}

/** The deployment's tables. */
export interface PolicyTables {
  readonly profiles?: readonly ModelProfile[] // added to, and before, the built-in rows
  readonly strategies?: readonly Strategy[] // usable by name
  readonly defaults?: ContextDefaults
}

/** @throws `invalid_input` on defaults that no context could be made by */
export function checkDefaults(tables: PolicyTables): void {
  checkDefaultFields(tables.defaults)
  contextTimeout({}, tables.defaults)
  resolvePolicy({}, emptyFold, tables, { tag: () => '', tools: () => '' })
}

/** @throws `invalid_input` with limit and value (CTX-6) */
export function resolvePolicy(options: ContextOptions, fold: SessionFold, tables: PolicyTables, hashes: PolicyHashes): Policy {
  if (options.messages !== undefined && options.preview !== true)
    throw new RecollectError('invalid_input', 'messages are taken only with preview', 'Append the messages first, or set preview: true (CTX-1).')
  const { defaults = {} } = tables
  const model = options.model ?? fold.setup.model ?? defaults.model
  const { profile, known } = findProfile(model, tables.profiles)
  const choice = options.strategy ?? (fold.setup.strategy as StrategyChoice | undefined) ?? defaults.strategy
  const strategy = checkedStrategy(resolveStrategy(choice, tables.strategies))
  const tools = options.tools ?? fold.setup.tools ?? []
  const prompt = systemPrompt(options.system ?? fold.setup.system, fold.messages)
  const state = options.state ?? defaults.state ?? true
  return {
    profile,
    known,
    ...(typeof model === 'string' ? { modelName: model } : {}),
    format: checkedFormat(options.format ?? profile.format),
    ...budgetOf(options, defaults, profile),
    strategy,
    policyHash: hashes.tag(['policy', strategy.name, optionsText(strategy), state ? 'state' : 'stateless', `${renderVersion}`]),
    ...prompt,
    systemHash: hashes.tag(['system', prompt.system]),
    tools,
    toolsHash: hashes.tools(tools),
    state,
    pins: checkedPins(options.pins ?? [], fold),
    minTurns: within('minTurns', options.minTurns ?? defaults.minTurns ?? limits.minTurns, 0, limits.minTurnsMost),
    recall: recallOptions(options.recall ?? defaults.recall, defaults.recall),
  }
}

/** The summary's cap of the strategy in force, or 0 where it makes none. */
export function summaryCap(strategy: Strategy): number {
  const tokens = optionOf(strategy, 'summaryTokens')
  return typeof tokens === 'number' ? tokens : limits.summaryTokens
}

/** One of a strategy's own options. */
export function optionOf({ options }: Strategy, name: string): Json | undefined {
  return isJsonObject(options) ? options[name] : undefined
}

/** What a call asks for is refused where it does not fit the model's window; a default is clipped to it. */
function budgetOf(options: ContextOptions, defaults: ContextDefaults, profile: ModelProfile): Pick<Policy, 'budgetTokens' | 'reserveTokens'> {
  const half = Math.floor(profile.windowTokens / 2)
  const reserve = options.reserveOutputTokens ?? Math.min(defaults.reserveOutputTokens ?? limits.reserveOutputTokens, half)
  const reserveTokens = within('reserveOutputTokens', reserve, 0, half)
  const room = profile.windowTokens - reserveTokens
  const budgetTokens = options.budgetTokens ?? Math.min(defaults.budgetTokens ?? limits.contextBudgetTokens, room)
  return { reserveTokens, budgetTokens: within('budgetTokens', budgetTokens, limits.contextBudgetTokensLeast, room) }
}

/** I3: one system prompt. Without one in setup or options, system messages that lead the log stand for it. */
function systemPrompt(given: string | undefined, messages: readonly LoggedMessage[]): Pick<Policy, 'system' | 'systemSeqs'> {
  if (given !== undefined) return { system: given, systemSeqs: [] }
  let count = 0
  while (messages[count]?.message.role === 'system') count++
  const leading = messages.slice(0, count)
  return { system: leading.map(({ message }) => textOf(message)).join('\n\n'), systemSeqs: leading.map(({ seq }) => seq) }
}

function checkedStrategy(strategy: Strategy): Strategy {
  if (typeof strategy.name === 'string' && strategy.name.length > 0 && strategy.name.length <= limits.strategyNameCharacters) return strategy
  throw new RecollectError(
    'invalid_input',
    `a strategy's name has 1 to ${limits.strategyNameCharacters} characters`,
    'Give the strategy a short name.',
    { limit: limits.strategyNameCharacters },
  )
}

function checkedFormat(format: Format): Format {
  if (formats.includes(format)) return format
  throw new RecollectError('invalid_input', 'no such format', `Use one of ${formats.join(', ')}.`)
}

function checkedPins(pins: readonly number[], fold: SessionFold): readonly number[] {
  if (pins.length > limits.pins)
    throw new RecollectError('invalid_input', `at most ${limits.pins} pins; got ${pins.length}`, 'Pin fewer messages.', {
      limit: limits.pins,
      given: pins.length,
    })
  if (pins.length === 0) return pins
  const seqs = new Set(fold.messages.map(({ seq }) => seq))
  const strange = pins.find((pin) => !seqs.has(pin))
  if (strange !== undefined) throw new RecollectError('invalid_input', 'a pin is no message of this session', 'Pin seqs of messages that are there.')
  return [...new Set(pins)].toSorted((a, b) => a - b)
}

function recallOptions(asked: ContextOptions['recall'], defaults: ContextOptions['recall']): Policy['recall'] {
  if (asked === false) return undefined
  const { query, maxItems, maxTokens, onFailure } = { ...(defaults === false ? {} : defaults), ...asked }
  return {
    ...(query === undefined ? {} : { query }),
    maxItems: within('recall.maxItems', maxItems ?? limits.recallItems, 0, limits.recallLimitMost),
    maxTokens: within('recall.maxTokens', maxTokens ?? limits.recallTokens, 0, limits.contextWindowTokensMost),
    onFailure: onFailure === 'fail' ? 'fail' : 'omit',
  }
}

/** How long a context may take. */
export const contextTimeout = ({ timeoutMs }: ContextOptions, defaults: ContextDefaults | undefined): number =>
  within('timeoutMs', timeoutMs ?? defaults?.timeoutMs ?? limits.contextTimeoutMs, 1, limits.contextTimeoutMsMost)

function within(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RecollectError(
    'invalid_input',
    `${what} is a whole number from ${least} to ${most}; got ${numberGiven(value)}`,
    `Give ${what} within these bounds.`,
    {
      limit: value > most ? most : least,
      ...(typeof value === 'number' ? { given: value } : {}),
    },
  )
}
