// One alarm for the earliest of many times, so that no job needs a timer of its own.
import type { Clock } from '../../ports/clock.ts'

export interface Alarm {
  /** Rings at this time, or before. */
  at(ms: number): void
  stop(): void
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let stopped = false
  let set: { readonly at: number; readonly cancel: AbortController } | undefined
  return {
    at(ms) {
      if (stopped || (set !== undefined && set.at <= ms)) return
      set?.cancel.abort(null)
      const mine = { at: ms, cancel: new AbortController() }
      set = mine
      void clock.sleep(ms - clock.now(), mine.cancel.signal, 'background').then(() => {
        if (set !== mine || stopped) return
        set = undefined
        ring()
      })
    },
    stop() {
      stopped = true
      set?.cancel.abort(null)
    },
  }
}
