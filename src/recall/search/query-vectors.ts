// The vector of a query: from a bounded memory by keyed hash, or from the embedder within its deadline (EMB-6, EMB-7).
import { createHmac, createSecretKey } from 'node:crypto'
import type { Random } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { quantizeQuery, type Int16Vector } from '../../core/quantize.ts'
import { sameOwner, type Owner, type Scope } from '../../core/scope.ts'
import { late } from '../../ports/clock.ts'
import type { Deadlines } from '../../ports/deadlines.ts'
import type { Embedder } from '../../ports/models.ts'
import { boundedMap } from '../../security/bounded-map.ts'

export interface QueryVectors {
  /** `undefined` where the embedder failed or was late: words alone then. */
  of(scope: Scope, text: string, signal?: AbortSignal): Promise<Int16Vector | undefined>
  /** A vector tells much of its text (T12): an owner's go with it. */
  drop(owner: Owner): void
  holds(owner: Owner): number
}

export function createQueryVectors(embedder: Embedder, deadlines: Deadlines, random: Random): QueryVectors {
  const key = createSecretKey(random(32)) // of this process: the memory ends with it
  const known = boundedMap<{ readonly owner: Owner; readonly vector: Int16Vector }>(limits.queryVectors)
  let drops = 0
  const ofOwner = (whose: Owner) => known.keysWhere(({ owner }) => sameOwner(owner, whose))
  return {
    async of(scope, text, signal) {
      // the text itself is not kept: its keyed hash names it, to its owner alone
      const name = createHmac('sha256', key)
        .update(JSON.stringify([scope.tenantId, scope.ownerId, text]))
        .digest('base64')
      const found = known.get(name)
      if (found !== undefined) return found.vector
      const before = drops
      const vector = await embedWithin(embedder, text, deadlines, signal)
      if (vector === undefined || vector.length !== embedder.info.dimensions) return undefined
      const made = quantizeQuery(vector)
      // what was asked before an owner went is not kept after it
      if (drops === before) known.set(name, { owner: { tenantId: scope.tenantId, ownerId: scope.ownerId }, vector: made })
      return made
    },
    drop(owner) {
      drops++
      for (const name of ofOwner(owner)) known.delete(name)
    },
    holds: (owner) => ofOwner(owner).length,
  }
}

/** Also of an embedder in this process, which may wait for a worker. One that fails or is late leaves the words, and the result says so. */
async function embedWithin(embedder: Embedder, text: string, deadlines: Deadlines, signal?: AbortSignal): Promise<Float32Array | undefined> {
  const stop = new AbortController()
  const until = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const vector = await deadlines.within(limits.embedQueryMs, first(embedder, text, until))
  if (vector !== late) return vector
  stop.abort(null)
  return undefined
}

async function first(embedder: Embedder, text: string, signal: AbortSignal): Promise<Float32Array | undefined> {
  try {
    return (await embedder.embed([text], 'query', signal))[0]
  } catch {
    return undefined
  }
}
