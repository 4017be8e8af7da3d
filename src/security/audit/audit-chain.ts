// One audit event as it is stored, and the hash that chains it to the one before (AUD-2, AUD-3). Pure.
import type { KeyObject } from 'node:crypto'
import { base64url } from '../../core/bytes.ts'
import { checkFields } from '../../core/check-fields.ts'
import { RecollectError } from '../../core/errors.ts'
import { fromUtf8, toUtf8 } from '../../core/json.ts'
import { macOf } from '../keys/derive.ts'

export interface AuditInput {
  readonly tenantId: string
  readonly actor?: string // credential id, or `in-process`
  readonly role?: string
  readonly action: string
  readonly target?: { readonly kind: string; readonly pseudonym: string }
  readonly decision: 'allow' | 'deny' | 'done' | 'failed'
  readonly reason?: string
  readonly counts?: Readonly<Record<string, number>>
}

/** Where a chain stands: how many events, and the hash of the last. */
export interface ChainHead {
  readonly count: number
  readonly hash: string // base64url of 32 bytes
}
/** The last event of the month before, in the first event of a month (AUD-1). */
export interface MonthBefore extends ChainHead {
  readonly month: string
}

export const chainStart: Uint8Array = new Uint8Array(32)

// Codes and ids only, so that no content can come in by a reason or a name.
const code = /^[\w.~:/-]{1,128}$/

/** @throws `invalid_input` if a field is not a code, an id or a number: the trail never holds content (AUD-2) */
export function checkEvent(event: AuditInput): void {
  checkFields({ event: event ?? null }, { event: 'object' }, 'what is audited')
  const texts: unknown[] = [
    event.action,
    event.actor,
    event.role,
    event.reason,
    event.target?.kind,
    event.target?.pseudonym,
    ...Object.keys(event.counts ?? {}),
  ]
  const bad =
    texts.some((text) => text !== undefined && (typeof text !== 'string' || !code.test(text))) ||
    Object.values(event.counts ?? {}).some((count) => !Number.isFinite(count))
  if (bad)
    throw new RecollectError(
      'invalid_input',
      'an audit event holds something that is no code, id or number',
      'Audit events take codes of 1 to 128 letters, digits and _.~:/- only.',
    )
}

/** The event with its fields in one fixed order, so that the same event has one spelling. */
export function canonicalEvent(
  event: AuditInput,
  at: number,
  node: string,
  seq: number,
  previous: Uint8Array,
  before: MonthBefore | undefined,
): Uint8Array {
  const { actor, role, action, target, decision, reason, counts } = event
  const ordered = counts === undefined ? undefined : Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return toUtf8(
    JSON.stringify({
      seq,
      at,
      actor,
      role,
      action,
      target: target && { kind: target.kind, pseudonym: target.pseudonym },
      decision,
      reason,
      counts: ordered,
      node,
      before,
      previous: base64url(previous),
    }),
  )
}

export const linkHash = (key: KeyObject, previous: Uint8Array, canonical: Uint8Array): Uint8Array => macOf(key, [previous, canonical])

/** The body of an entry: the canonical event, a line break, its hash. It begins with a brace, never with the mark of a seal. */
export const auditBody = (canonical: Uint8Array, hash: Uint8Array): Uint8Array =>
  new Uint8Array(Buffer.concat([canonical, toUtf8(`\n${base64url(hash)}`)]))

export interface StoredEvent {
  readonly canonical: Uint8Array
  readonly hash: Uint8Array
  readonly seq: number
  readonly previous: string
  readonly before: MonthBefore | undefined
}

const hashCharacters = 43

/** An entry's body taken apart, or undefined if it is no event. */
export function parseAuditBody(body: Uint8Array): StoredEvent | undefined {
  const cut = body.length - hashCharacters - 1
  if (cut < 0 || body[cut] !== 0x0a) return undefined
  try {
    const canonical = body.subarray(0, cut)
    const { seq, previous, before } = JSON.parse(fromUtf8(canonical)) as { seq: number; previous: string; before?: MonthBefore }
    return { canonical, hash: new Uint8Array(Buffer.from(fromUtf8(body.subarray(cut + 1)), 'base64url')), seq, previous, before }
  } catch {
    return undefined
  }
}
