// The session state as blocks: whole at the start of an epoch, as far as its share of the budget goes, then each change (INJ-6, BUD-2). Pure.
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import { mergePatch, type StateChange } from '../../core/session.ts'
import type { FenceItem } from '../../security/data-fence.ts'
import type { TokenCounter } from '../../ports/token-counter.ts'
import { block, type BlockRendering, type RenderedBlock } from './pack-blocks.ts'

/** What the state may take, by this counter; its fence comes on top. */
export interface StateRoom {
  readonly tokens: number
  readonly counter: TokenCounter
}

/** The state as of a change, or as much of it as there is room for. Nothing to show: no block. */
export function stateBlock(changes: readonly StateChange[], upTo: number, by: BlockRendering, room?: StateRoom): RenderedBlock | undefined {
  const known = changes.filter(({ seq }) => seq <= upTo)
  const state = known.reduce<Json>((sum, { patch }) => mergePatch(sum, patch), null)
  if (state === null || (isJsonObject(state) && Object.keys(state).length === 0)) return undefined
  const whole = stateItem(`state:${upTo}`, state)
  if (room === undefined || room.counter.count(whole.text) <= room.tokens) return block('session-state', 'state', 'state', [whole], by)
  return { ...block('session-state', 'state', 'state', shortened(isJsonObject(state) ? state : {}, known, upTo, room), by), change: 'cut' }
}

/** Changes since, as patches, in one block. */
export const stateChangeBlock = (changes: readonly StateChange[], by: BlockRendering): RenderedBlock =>
  block(
    'session-state',
    'state',
    `state:${changes.at(-1)?.seq ?? 0}`,
    changes.map(({ seq, patch }) => stateItem(`change:${seq}`, patch)),
    by,
  )

/** The members that fit, those changed last first, each of them whole; and how many are not there, so that none is taken for missing. */
function shortened(state: JsonObject, changes: readonly StateChange[], upTo: number, { tokens, counter }: StateRoom): FenceItem[] {
  const changedAt = new Map<string, number>()
  for (const { seq, patch } of changes) if (isJsonObject(patch)) for (const key of Object.keys(patch)) changedAt.set(key, seq)
  const keys = Object.keys(state)
  const kept = new Set<string>()
  let left = tokens
  for (const key of keys.toSorted((a, b) => (changedAt.get(b) ?? 0) - (changedAt.get(a) ?? 0))) {
    const cost = counter.count(JSON.stringify({ [key]: state[key] as Json }))
    if (cost > left) continue
    kept.add(key)
    left -= cost
  }
  const out = keys.filter((key) => !kept.has(key))
  const names = out.filter((key) => key.length <= limits.stateNameUnits).slice(0, limits.stateNames)
  const more = out.length - names.length
  const told = [...names.map((name) => JSON.stringify(name)), ...(more > 0 ? [`${more} more`] : [])].join(', ')
  const members = Object.fromEntries(keys.flatMap((key) => (kept.has(key) ? [[key, state[key] as Json]] : [])))
  return [
    ...(kept.size === 0 ? [] : [stateItem(`state:${upTo}`, members)]),
    { ...stateItem(`left-out:${upTo}`, null), text: `Left out of the state, which is over its share of the prompt: ${told}` },
  ]
}

// The application's own words about the session: neither the user's nor the model's.
const stateItem = (id: string, value: Json): FenceItem => ({
  id,
  kind: 'state',
  origin: 'unknown',
  authority: 'untrusted',
  text: JSON.stringify(value),
})
