// The same key, sent again, has one effect: entry ids follow from scope, route, key and place, so the log itself is the memory (GW-6).
import { RecollectError } from '../core/errors.ts'
import type { Answer, Call } from './route.ts'

const running = new Set<string>()

/** Runs with a maker of ids for this key. @throws `conflict` while the first request with the key still runs */
export async function once(call: Call, route: string, run: (tag: (place: string) => Promise<string>) => Promise<Answer>): Promise<Answer> {
  const key = JSON.stringify([call.actor.tenantId, call.user.ownerId, route, call.idempotencyKey])
  if (running.has(key))
    throw new RecollectError('conflict', 'a request with this Idempotency-Key is still running', 'Wait for its answer, then send again.')
  running.add(key)
  try {
    return await run((place) => call.user.tag([route, call.idempotencyKey as string, place]))
  } finally {
    running.delete(key)
  }
}

export const otherBody = (): RecollectError =>
  new RecollectError('invalid_input', 'this Idempotency-Key was used with another body', 'Use a new key for a new request.')
