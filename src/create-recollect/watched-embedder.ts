// An embedder that knows how its last call went: so health can tell without asking, which may cost money and time (GW-16).
import { limits } from '../core/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { Embedder } from '../ports/models.ts'

export interface WatchedEmbedder extends Embedder {
  /** The last call failed, was late, or gave other vectors than the port promises. */
  readonly failing: boolean
}

export function watchedEmbedder(embedder: Embedder, clock: Clock): WatchedEmbedder {
  const { info } = embedder
  let failing = false
  return {
    info,
    nearWords(word) {
      try {
        return embedder.nearWords?.(word) ?? []
      } catch {
        failing = true
        return [] // the search goes on with the words as they are
      }
    },
    get failing() {
      return failing
    },
    async embed(texts, kind, signal) {
      const due = clock.now() + (kind === 'query' ? limits.embedQueryMs : limits.embedRecordsMs)
      const isLate = () => clock.now() >= due
      // Whoever waits gives up at that time, and the call may never end. A client that went away before it says nothing of the embedder.
      const givenUp = () => void (failing ||= isLate())
      signal?.addEventListener('abort', givenUp)
      try {
        const vectors = await embedder.embed(texts, kind, signal)
        if (vectors.length !== texts.length || vectors.some(({ length }) => length !== info.dimensions))
          throw new Error(`an embedder gives one vector of ${info.dimensions} numbers a text`)
        failing = isLate()
        return vectors
      } catch (error) {
        failing ||= signal?.aborted !== true || isLate()
        throw error
      } finally {
        signal?.removeEventListener('abort', givenUp) // a signal may outlive many calls, and what comes after one says nothing of it
      }
    },
  }
}
