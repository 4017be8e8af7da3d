// Every way Recollect can say no. Surfaces translate these and add none.

/** The one table of error codes: HTTP status, and whether the same call may succeed later (design §7). */
export const errorCodes = {
  invalid_input: { status: 400, retryable: false },
  unauthenticated: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false }, // also for what belongs to somebody else (ISO-15)
  conflict: { status: 409, retryable: true },
  payload_too_large: { status: 413, retryable: false },
  content_refused: { status: 422, retryable: false },
  limit_exceeded: { status: 429, retryable: true },
  integrity_failure: { status: 500, retryable: false },
  internal: { status: 500, retryable: false }, // a bug of ours
  unavailable: { status: 503, retryable: true },
  timeout: { status: 504, retryable: true },
} as const

export type ErrorCode = keyof typeof errorCodes

export interface ErrorOptions {
  cause?: unknown
  /** The limit that was met, and what was given, in the same unit. */
  limit?: number
  given?: number
  /** More numbers and names for the caller (BUD-5); never content. */
  details?: Readonly<Record<string, number | string | Readonly<Record<string, number>>>>
}

/** The one error of Recollect: a code of the table, a message without content, and what to do next. */
export class RecollectError extends Error {
  override readonly name = 'RecollectError'
  readonly code: ErrorCode
  readonly nextStep: string
  // Declared only, so that one who prints the error sees those that are there.
  declare readonly limit: number | undefined
  declare readonly given: number | undefined
  declare readonly details: ErrorOptions['details'] | undefined

  constructor(code: ErrorCode, message: string, nextStep: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.nextStep = nextStep
    if (options.limit !== undefined) this.limit = options.limit
    if (options.given !== undefined) this.given = options.given
    if (options.details !== undefined) this.details = options.details
  }

  get status(): number {
    return errorCodes[this.code].status
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }
}

/** True for a RecollectError, and of this code if one is given. */
export const isRecollectError = (error: unknown, code?: ErrorCode): error is RecollectError =>
  error instanceof RecollectError && (code === undefined || error.code === code)

/** A bug of ours, said so: for states the types cannot rule out. */
export const bug = (what: string, cause?: unknown): RecollectError =>
  new RecollectError('internal', what, 'Report this with the request id; nothing of yours needs to change.', { cause })

/** What a message may say of a value that should be a number: a number as it is, of anything else its type, since that may be content. */
export const numberGiven = (value: unknown): number | string => (typeof value === 'number' ? value : typeof value)
