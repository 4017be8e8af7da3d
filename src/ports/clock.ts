// Time comes in by the door: `now` to read it, `sleep` to let it pass.

export interface Clock {
  /** ms since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. A `background` sleep does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal, kind?: 'background'): Promise<void>
}
