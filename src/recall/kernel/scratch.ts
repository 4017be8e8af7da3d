// Arrays that one search fills and the next overwrites: a search waits for nothing, so a process needs one set.

/** How many steps scores are counted by. */
export const scoreSteps = 1_024

export interface Scratch {
  own: Float64Array // BM25 of a unit
  near: Float64Array // with its neighbours' share
  win: Float64Array
  best: Float64Array // of one term, in the window; all zero between terms
  touched: Int32Array
  coversLow: Int32Array // one bit a query term that the unit holds
  coversHigh: Int32Array
  message: Float64Array // best BM25 of 1 + message; of none, 0
  thread: Float64Array // of a thread
  readonly steps: Int32Array // candidates by the step of their score
  /** All zero, for so many units, messages and threads. */
  clear(units: number, messages: number, threads: number): void
}

export function createScratch(): Scratch {
  const scratch: Scratch = {
    own: new Float64Array(0),
    near: new Float64Array(0),
    win: new Float64Array(0),
    best: new Float64Array(0),
    touched: new Int32Array(0),
    coversLow: new Int32Array(0),
    coversHigh: new Int32Array(0),
    message: new Float64Array(0),
    thread: new Float64Array(0),
    steps: new Int32Array(scoreSteps),
    clear(units, messages, threads) {
      if (scratch.own.length < units) {
        const room = Math.ceil(1.25 * units)
        for (const name of ['own', 'near', 'win', 'best'] as const) scratch[name] = new Float64Array(room)
        for (const name of ['touched', 'coversLow', 'coversHigh'] as const) scratch[name] = new Int32Array(room)
      } else {
        scratch.own.fill(0, 0, units)
        scratch.win.fill(0, 0, units)
        scratch.coversLow.fill(0, 0, units)
        scratch.coversHigh.fill(0, 0, units)
      }
      if (scratch.message.length <= messages) scratch.message = new Float64Array(Math.ceil(1.25 * messages) + 1)
      else scratch.message.fill(0, 0, messages + 1)
      if (scratch.thread.length < threads) scratch.thread = new Float64Array(Math.ceil(1.25 * threads))
      else scratch.thread.fill(0, 0, threads)
    },
  }
  return scratch
}
