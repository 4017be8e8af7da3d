// Where a provider is told that a prompt may be cached (PRO-3), and whether a cache can be counted on at all.
import { limits } from '../../core/limits.ts'
import type { ModelProfile } from './profiles.ts'

/** A message list by the tokens up to the end of each message, system and tools included. */
export interface HintInput {
  readonly fixedTokens: number // system and tools
  readonly tokensUpTo: readonly number[]
  readonly summaryEnd?: number // index of the last message of the summary
  readonly turnStart: number // index of the first message of the newest turn
}

/**
 * Indexes of messages after which a cache mark may stand, ascending; -1 is the end of system and tools.
 * The newest message has first claim, then the fixed part, the summary, and each 15th message inside the newest turn, the latest first.
 */
export function cacheHints(profile: ModelProfile, input: HintInput): { index: number; ttlSeconds: number }[] {
  const { cache } = profile
  if (!cachePossible(profile, input.tokensUpTo.at(-1) ?? input.fixedTokens)) return []
  const last = input.tokensUpTo.length - 1
  const inside: number[] = []
  for (let index = input.turnStart + limits.hintEvery - 1; index < last; index += limits.hintEvery) inside.unshift(index)
  const wanted = [last, -1, ...(input.summaryEnd === undefined ? [] : [input.summaryEnd]), ...inside]
  const tokens = (index: number): number => (index === -1 ? input.fixedTokens : (input.tokensUpTo[index] ?? 0))
  return [...new Set(wanted)]
    .filter((index) => tokens(index) >= cache.minTokens)
    .slice(0, cache.maxHints)
    .toSorted((a, b) => a - b)
    .map((index) => ({ index, ttlSeconds: cache.ttlSeconds }))
}

/** True if the provider promises to cache a prompt of this size. `generic` claims no saving (PRO-2). */
export const cachePossible = (profile: ModelProfile, tokens: number): boolean =>
  profile.id !== 'generic' && (profile.cache.matching === 'prefix' || profile.cache.matching === 'breakpoint') && tokens >= profile.cache.minTokens
