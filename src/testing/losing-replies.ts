// A store whose replies can be lost on the way: the call was carried out, and its caller does not know (LOG-5).
import { RecollectError } from '../core/errors.ts'
import type { LogStore } from '../ports/log-store.ts'

export interface LosingReplies extends LogStore {
  /** The next write is carried out in full, and then rejects with `unavailable`. */
  loseNext(): void
}

/** `inner` with replies that are lost on demand. Reads pass. */
export function losingReplies(inner: LogStore): LosingReplies {
  let losing = false

  const lossy =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const reply = await call(...args)
      if (!losing) return reply
      losing = false
      throw new RecollectError('unavailable', 'the connection was lost', 'Make the same call again; it is safe to.')
    }

  return {
    ...inner,
    open: lossy(inner.open),
    append: lossy(inner.append),
    updateHead: lossy(inner.updateHead),
    rewrite: lossy(inner.rewrite),
    saveSnapshot: lossy(inner.saveSnapshot),
    lease: lossy(inner.lease),
    renew: lossy(inner.renew),
    release: lossy(inner.release),
    delete: lossy(inner.delete),
    erase: lossy(inner.erase),
    loseNext: () => {
      losing = true
    },
  }
}
