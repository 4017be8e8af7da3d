// Errors in the shape of each API: problem details on native routes (GW-10), OpenAI's own on `/v1` (OAI-22). Statuses come from the one table.
import { bug, errorCodes, RecollectError, type ErrorCode } from '../core/errors.ts'

const titles: Record<ErrorCode, string> = {
  invalid_input: 'The request cannot be read as asked for',
  unauthenticated: 'A valid credential is missing',
  forbidden: 'This credential may not do that',
  not_found: 'Not found',
  conflict: 'Something else came first',
  payload_too_large: 'Too large',
  content_refused: 'The content is refused',
  limit_exceeded: 'A limit is reached',
  integrity_failure: 'Stored data does not hold',
  internal: 'A fault of ours',
  unavailable: 'Unavailable',
  timeout: 'Took too long',
}

const openaiTypes: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  limit_exceeded: 'rate_limit_error',
  integrity_failure: 'server_error',
  internal: 'server_error',
  unavailable: 'server_error',
  timeout: 'server_error',
}

/** HTTP's own statuses beside the table; both carry the code `invalid_input`. */
export type HttpStatus = 405 | 415

/** Whatever was thrown, as an error of ours: what is not ours is a bug, and its text stays out (GW-10). */
export const asError = (thrown: unknown): RecollectError =>
  thrown instanceof RecollectError ? thrown : bug('something went wrong inside Recollect', thrown)

export interface ProblemOptions {
  readonly requestId: string
  readonly shape: 'native' | 'openai'
  readonly status?: HttpStatus
  readonly retryAfterSeconds?: number
  readonly param?: string
}

/** The answer to an error: no content, no driver text, no path, no stack. */
export function problemResponse(thrown: unknown, options: ProblemOptions): Response {
  const error = asError(thrown)
  const status = options.status ?? errorCodes[error.code].status
  const headers = new Headers()
  if (error.retryable) headers.set('retry-after', String(options.retryAfterSeconds ?? 1))
  if (options.shape === 'openai') {
    headers.set('content-type', 'application/json')
    headers.set('recollect-error-source', 'recollect')
    if (error.code === 'unavailable' && error.details?.['noRetry'] === 'true') headers.set('x-should-retry', 'false')
    return new Response(JSON.stringify(openaiError(error, options.param)), { status, headers })
  }
  headers.set('content-type', 'application/problem+json')
  const body = {
    type: `urn:recollect:error:${error.code}`,
    title: titles[error.code],
    status,
    detail: error.message,
    code: error.code,
    retryable: error.retryable,
    nextStep: error.nextStep,
    requestId: options.requestId,
    ...(error.limit === undefined ? {} : { limit: error.limit }),
    ...(error.given === undefined ? {} : { given: error.given }),
    ...(error.details === undefined ? {} : { details: error.details }),
  }
  return new Response(JSON.stringify(body), { status, headers })
}

/** OpenAI's form: also what an error event in the middle of a stream holds (OAI-16). */
export function openaiError(error: RecollectError, param?: string): { error: { message: string; type: string; param: string | null; code: string } } {
  return {
    error: {
      message: `${error.message}. ${error.nextStep}`,
      type: openaiTypes[error.code] ?? 'invalid_request_error',
      param: param ?? null,
      code: error.code,
    },
  }
}
