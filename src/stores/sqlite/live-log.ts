// The log that a call is about, if it is there and lives.
import type { LogRef } from '../../core/log-ref.ts'
import { noLog } from '../store-errors.ts'
import { isOver } from './expiry.ts'
import type { KnownLog, KnownLogs } from './known-logs.ts'
import type { Statements } from './statements.ts'

export interface Tables {
  readonly statements: Statements
  readonly logs: KnownLogs
}

/** The log that is there and has not expired. */
export function liveLog({ logs }: Tables, ref: LogRef, now: number): KnownLog {
  const log = logs.find(ref)
  if (log === undefined || isOver(log.head, now)) throw noLog()
  return log
}
