// Whose data: an unforgeable tenant and owner. Everything that touches data begins with one (design §1.3, ISO-1 to ISO-4).
import { RecollectError } from './errors.ts'
import { checkAnyId } from './ids.ts'

const token = Symbol('recollect.scope')

/** Tenant and owner, made only by `security/mint.ts`. An object of the same shape, a copy or a proxy is refused. */
export class Scope {
  readonly #tenantId: string
  readonly #ownerId: string

  constructor(pass: symbol, tenantId: string, ownerId: string) {
    if (pass !== token) throw forged()
    this.#tenantId = checkAnyId(tenantId, 'tenantId')
    this.#ownerId = checkAnyId(ownerId, 'ownerId')
    Object.freeze(this)
  }

  /** By a field that no other object can have, not by a list of those made: each request makes some, and a list of them burdens every collection. */
  static is(value: object): value is Scope {
    return #ownerId in value
  }

  get tenantId(): string {
    return this.#tenantId
  }

  get ownerId(): string {
    return this.#ownerId
  }
}

const forged = () =>
  new RecollectError(
    'forbidden',
    'this is not a scope',
    'Take the scope from recollect.user(…) or recollect.tenant(…).user(…); it cannot be built, copied or sent.',
  )

/** The scope itself if it was minted here; throws `forbidden` for all else (ISO-1). */
export function requireScope(scope: unknown): Scope {
  if (typeof scope !== 'object' || scope === null || !Scope.is(scope)) throw forged()
  return scope
}

/** What makes a scope from two names; handed down by `create-recollect.ts` to the few parts that need reserved owners or walk over all. */
export type Mint = (tenantId: string, ownerId: string) => Scope

/** Makes scopes. Held by `security/mint.ts` alone; the tidy test holds its list of importers (ISO-2). */
export const mintScope = (tenantId: string, ownerId: string): Scope => new Scope(token, tenantId, ownerId)

/** Whose data: a scope, or the ref of a log. */
export interface Owner {
  readonly tenantId: string
  readonly ownerId: string
}
export const sameOwner = (a: Owner, b: Owner): boolean => a.tenantId === b.tenantId && a.ownerId === b.ownerId
/** One string an owner, with no two owners alike: for maps in memory only. */
export const ownerKey = ({ tenantId, ownerId }: Owner): string => `${tenantId.length}:${tenantId}${ownerId}`
