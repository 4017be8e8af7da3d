// Exit codes by error code (CLI-7).
import type { ErrorCode } from '../core/errors.ts'

export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  invalid_input: 2,
  unauthenticated: 3,
  forbidden: 3,
  not_found: 4,
  conflict: 5,
  content_refused: 6,
  payload_too_large: 6,
  limit_exceeded: 7,
  integrity_failure: 8,
  internal: 1,
  unavailable: 9,
  timeout: 9,
}

/** It ran, and found a fault: residue, a failed check, a missed target. */
export const foundFault = 1

/** Of a command that a signal ended. */
export const signals = { SIGINT: 130, SIGTERM: 143 } as const
