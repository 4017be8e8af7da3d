// Errors of ours in the form that the official clients read.
import { expect, test } from 'vitest'
import { errorCodes, RecollectError, type ErrorCode } from '../core/errors.ts'
import { openaiError, problemResponse } from './problem.ts'

const types: Record<ErrorCode, string> = {
  invalid_input: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  not_found: 'invalid_request_error',
  conflict: 'invalid_request_error',
  payload_too_large: 'invalid_request_error',
  content_refused: 'invalid_request_error',
  limit_exceeded: 'rate_limit_error',
  integrity_failure: 'server_error',
  internal: 'server_error',
  unavailable: 'server_error',
  timeout: 'server_error',
}

test.each(Object.entries(types))('%s is a %s, with our code and the next step in its message [OAI-22]', async (code, type) => {
  const error = new RecollectError(code as ErrorCode, 'what happened', 'What to do next.')
  const body = { error: { message: 'what happened. What to do next.', type, param: null, code } }
  expect(openaiError(error)).toEqual(body)
  const response = problemResponse(error, { requestId: 'r', shape: 'openai' })
  expect([response.status, response.headers.get('recollect-error-source'), await response.json()]).toEqual([
    errorCodes[code as ErrorCode].status,
    'recollect',
    body,
  ])
})
