// A native row under an Idempotency-Key: the same request again gets its first answer, and has one effect (GW-6).
import { RecollectError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { limits } from '../core/limits.ts'
import type { Answer, Call, Route } from './route.ts'

interface Kept {
  readonly status: number
  readonly revision: number | null
  readonly body: Json
}

/** `key` as the header has it. The answer is kept without what a forgotten text, a deleted session or a secret would live on in. */
export async function runKeyed({ retry, method, path, scope, handle }: Route, call: Call, key: string | null): Promise<Answer> {
  if (key === null || typeof retry !== 'object') return handle(call)
  const checked = checkedKey(key)
  if (retry.looks?.(call.body) === true) return handle(call)
  const owner = scope === 'owner' ? call.user.ownerId : ''
  const { actor, params, body, ifMatch = null } = call
  let first: Answer | undefined
  const { kept } = await call.recollect.requests.run<Kept & { [name: string]: Json }>(
    {
      tenantId: actor.tenantId,
      ...(scope === 'owner' && retry.outlivesOwner !== true ? { ownerId: owner } : {}),
      name: [`${method} ${path}`, JSON.stringify(params), owner, checked],
      body: JSON.stringify([body ?? null, ifMatch]),
    },
    async (tagOf) => {
      first = await handle(call, tagOf)
      return { status: first.status, revision: first.revision ?? null, body: retry.keep?.(first.body) ?? (first.body as Json) }
    },
  )
  if (first !== undefined) return first
  const { status, revision, body: keptBody } = kept
  const again: Omit<Answer, 'status'> = (await retry.answer?.(call, keptBody)) ?? {
    body: keptBody,
    ...(revision === null ? {} : { revision }),
  }
  return { ...again, status, headers: { ...again.headers, 'recollect-replayed': 'true' } }
}

function checkedKey(key: string): string {
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= limits.idempotencyKeyBytes) return key
  throw new RecollectError(
    'invalid_input',
    `an Idempotency-Key has 1 to ${limits.idempotencyKeyBytes} visible ASCII characters`,
    'Send a shorter, plain key.',
    { limit: limits.idempotencyKeyBytes, given: key.length },
  )
}
