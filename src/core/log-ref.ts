// The address of one log. `refOf` is its one maker (ISO-5).
import { RecollectError } from './errors.ts'
import { checkAnyId } from './ids.ts'
import { requireScope, type Scope } from './scope.ts'

export const logKinds = ['session', 'memory', 'receipt', 'part', 'audit', 'key'] as const
export type LogKind = (typeof logKinds)[number]

/** The address of one log. */
export interface LogRef {
  readonly tenantId: string
  readonly ownerId: string
  readonly kind: LogKind
  readonly logId: string
}

/** What only this file makes: frozen, and with its key, which stands on every call, made once. */
class MadeRef implements LogRef {
  readonly tenantId: string
  readonly ownerId: string
  readonly kind: LogKind
  readonly logId: string
  readonly #key: string

  constructor({ tenantId, ownerId, kind, logId }: LogRef) {
    this.tenantId = tenantId
    this.ownerId = ownerId
    this.kind = kind
    this.logId = logId
    this.#key = keyOf(this)
    Object.freeze(this)
  }

  static is(ref: object): ref is MadeRef {
    return #key in ref
  }

  static key(ref: LogRef): string {
    return #key in ref ? ref.#key : keyOf(ref)
  }
}

/** The ref of a log inside a scope: frozen, and known to the sealing wrapper. */
export function refOf(scope: Scope, kind: LogKind, logId: string): LogRef {
  const { tenantId, ownerId } = requireScope(scope)
  if (!logKinds.includes(kind)) throw new RecollectError('invalid_input', 'unknown kind of log', `Use one of ${logKinds.join(', ')}.`)
  return registerRef({ tenantId, ownerId, kind, logId: checkAnyId(logId, 'logId') })
}

/** For the sealing wrapper alone: refs that a store's `list` and `expired` gave (ISO-5). */
export const registerRef = (address: LogRef): LogRef => new MadeRef(address)

/** The ref itself if it was made here; throws `forbidden` for all else. */
export function requireRef(ref: unknown): LogRef {
  if (typeof ref === 'object' && ref !== null && MadeRef.is(ref)) return ref
  throw new RecollectError('forbidden', 'this is not the address of a log', 'Make it with refOf(scope, kind, logId).')
}

/** One string a ref, with no two refs alike: for maps in memory only. */
export const refKey = (ref: LogRef): string => MadeRef.key(ref)

const keyOf = (ref: LogRef): string => `${ref.tenantId.length}:${ref.tenantId}${ref.ownerId.length}:${ref.ownerId}${ref.kind}:${ref.logId}`
