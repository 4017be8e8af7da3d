// After the call: what the provider billed goes beside the receipt and corrects the next prediction (REC-2, TOK-9).
import { placedIds, type Receipt, type ReceiptUsage, type Usage } from '../../core/context.ts'
import { isRecollectError, RecollectError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { textOf } from '../../core/message.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import { anchorAfterOverflow, isPlausible, moveAnchor } from '../counting/anchor.ts'
import { endEpoch } from '../planning/epoch.ts'
import { citedCount } from './inject-cited.ts'
import { findProfile, type ModelProfile } from '../prompt/profiles.ts'
import type { ContextSource, LoadedSession } from '../planning/source.ts'

export interface Overflow {
  readonly overflow: true
  readonly actualTokens?: number
  readonly limitTokens?: number
}

export interface ReconcileParts {
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly profiles?: readonly ModelProfile[]
}

/**
 * Stores the usage of a receipt's call and moves the anchor by compare and swap; a lost swap is dropped. Twice gives the first result.
 * @throws `not_found` without such a receipt · `invalid_input` on a usage that cannot be · `payload_too_large` on a second overflow in a row
 */
export async function reconcile(
  source: ContextSource,
  receiptId: string,
  usage: Usage | null | Overflow,
  options: { readonly answer?: string },
  parts: ReconcileParts,
): Promise<ReceiptUsage> {
  const stored = await source.loadReceipt(receiptId)
  if (stored === undefined)
    throw new RecollectError('not_found', 'this session has no such receipt', 'Give the id of a receipt of this session that is still kept.')
  if (stored.usage !== undefined) return stored.usage
  const { receipt } = stored
  if (usage !== null && 'overflow' in usage) return overflowed(source, receipt, usage, parts)
  if (usage !== null) checkUsage(usage)
  const made = { ...usageOf(receipt, usage, parts), ...(options.answer === undefined ? {} : await answeredBy(source, receipt, options.answer)) }
  await source.saveUsage(made, receipt)
  if (usage !== null) await swapQuietly(source, (loaded) => movedAnchor(loaded, receipt, usage, parts.profiles))
  return made
}

type Change = Parameters<ContextSource['swapHead']>[1]

/** The head with the anchor of a newer call: an older one never takes its place. */
function movedAnchor({ body }: LoadedSession, receipt: Receipt, usage: Usage, profiles: ReconcileParts['profiles']): Change | undefined {
  const { epoch } = body
  if (epoch === undefined || (epoch.anchor !== undefined && epoch.anchor.upTo > receipt.upTo)) return undefined
  const { profile } = findProfile(receipt.model.profile, profiles)
  if (profile.family !== epoch.family) return undefined
  const ratio = profile.tokens.ratio
  const sent = { receiptId: receipt.id, upTo: receipt.upTo, estimatedTokens: estimated(receipt) }
  if (!isPlausible(usage.inputTokens, sent.estimatedTokens)) return undefined
  return { epoch: { ...epoch, anchor: moveAnchor(epoch.anchor, ratio, sent, usage) } }
}

/** The counter's estimate of what the receipt's call sent. */
const estimated = (receipt: Receipt): number => receipt.budget['estimated'] ?? receipt.tokens.predicted

async function overflowed(source: ContextSource, receipt: Receipt, usage: Overflow, parts: ReconcileParts): Promise<ReceiptUsage> {
  const before = (await source.load()).body.epoch?.anchor
  if (before !== undefined && (before.overflows ?? 0) > 0)
    throw new RecollectError(
      'payload_too_large',
      `the provider refused for length twice; ${receipt.tokens.predicted} tokens were predicted`,
      'Lower budgetTokens, or use a model with a larger window.',
      { given: usage.actualTokens ?? receipt.tokens.predicted, ...(usage.limitTokens === undefined ? {} : { limit: usage.limitTokens }) },
    )
  const { profile } = findProfile(receipt.model.profile, parts.profiles)
  const sent = { receiptId: receipt.id, upTo: receipt.upTo, estimatedTokens: estimated(receipt) }
  await swapQuietly(source, ({ body }) => {
    if (body.epoch === undefined) return undefined
    const anchor = anchorAfterOverflow(body.epoch.anchor, profile.tokens.ratio, sent, receipt.tokens.predicted, usage.actualTokens)
    return { epoch: endEpoch({ ...body.epoch, anchor }, 'overflow') }
  })
  parts.telemetry.count('recollect_context_overflows_total')
  const made: ReceiptUsage = { receiptId: receipt.id, at: parts.clock.now(), billed: null, answered: false }
  await source.saveUsage(made, receipt)
  return made
}

/** How many of this turn's memories the answer used (OBS-8); untold where they cannot be read. */
async function answeredBy(source: ContextSource, receipt: Receipt, answer: string): Promise<Pick<ReceiptUsage, 'answered' | 'cited'>> {
  const ids = placedIds(receipt)
  if (ids.length === 0) return { answered: true }
  try {
    const { fold } = await source.load()
    const sent = fold.messages.filter(({ seq }) => seq <= receipt.upTo)
    const from = sent.findLastIndex(({ message }, index) => message.role === 'user' && sent[index - 1]?.message.role !== 'user')
    const turn = sent.slice(Math.max(0, from)).map(({ message }) => textOf(message))
    return { answered: true, cited: citedCount([...(await source.records(ids)).values()], turn, answer) }
  } catch (error) {
    if (isRecollectError(error, 'unavailable') || isRecollectError(error, 'timeout')) return { answered: true }
    throw error
  }
}

/** One try: who loses the race leaves the winner's anchor. */
async function swapQuietly(source: ContextSource, change: (loaded: LoadedSession) => Change | undefined): Promise<void> {
  const loaded = await source.load()
  const wanted = change(loaded)
  if (wanted === undefined) return
  try {
    await source.swapHead(loaded, wanted)
  } catch (error) {
    if (!isRecollectError(error, 'conflict')) throw error
  }
}

function usageOf(receipt: Receipt, billed: Usage | null, { clock }: ReconcileParts): ReceiptUsage {
  const common = { receiptId: receipt.id, at: clock.now(), billed }
  if (billed === null) return common
  const read = billed.cacheReadTokens ?? 0
  const written = billed.cacheWriteTokens ?? 0
  const { r = 1, w = 1 } = receipt.budget
  const expected = receipt.cache.expectedReadTokens ?? 0
  const missed = receipt.cache.possible === true && billed.cacheReadTokens !== undefined && read < limits.expectedReadShare * expected
  return {
    ...common,
    ...(receipt.tokens.predicted === 0 ? {} : { errorRatio: billed.inputTokens / receipt.tokens.predicted - 1 }),
    ...(billed.inputTokens === 0 ? {} : { hitRate: read / billed.inputTokens }),
    cost: r * read + w * written + Math.max(0, billed.inputTokens - read - written),
    ...(missed ? { miss: firstMissed(receipt, read) } : {}),
  }
}

/** The first seq that the cache did not give back: where the tokens of the parts pass what was read. */
function firstMissed(receipt: Receipt, read: number): { firstDifferent?: number } {
  let tokens = 0
  for (const part of receipt.parts) {
    tokens += part.tokens
    if (tokens > read && part.seqs !== undefined) return { firstDifferent: part.seqs[0] }
  }
  return {}
}

function checkUsage(usage: Usage): void {
  for (const name of ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'] as const) {
    const value = usage[name]
    if (value === undefined && name !== 'inputTokens' && name !== 'outputTokens') continue
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > limits.contextWindowTokensMost)
      throw new RecollectError(
        'invalid_input',
        `${name} is a whole number from 0 to ${limits.contextWindowTokensMost}`,
        `Give ${name} as the provider reported it.`,
        {
          limit: limits.contextWindowTokensMost,
          ...(typeof value === 'number' ? { given: value } : {}),
        },
      )
  }
}
