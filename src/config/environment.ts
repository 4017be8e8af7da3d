// The process's environment: nothing else in the product looks at it (CFG-2).
import { RecollectError } from '../core/errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export const environment: Environment = process.env

/** Errors then show their stacks (CLI-6). */
export const debugging = (): boolean => environment['RECOLLECT_DEBUG'] === '1'

/** A terminal that cannot move its cursor, and shows the codes for it as text (CLI-5). */
export const dumbTerminal = (): boolean => environment['TERM'] === 'dumb'

/** The API key of commands that run on a gateway (CLI-1). @throws `unauthenticated` without one */
export function gatewayKey(): string {
  const key = environment['RECOLLECT_KEY']
  if (key === undefined) throw new RecollectError('unauthenticated', 'no key for the gateway', 'Set RECOLLECT_KEY, or give --key-file.')
  return key
}
