// A model request on its way: what has been checked of it, and what it is answered with.
import type { JsonObject } from '../../core/json.ts'
import type { User } from '../../recollect.ts'
import type { Caller, UnscopedRecollect } from '../authenticate.ts'
import type { GatewayOptions } from '../gateway-options.ts'
import type { Upstream } from './upstream.ts'

/** A request that has passed the door: its body read, its owner known. `leave` is called when its answer has ended. */
export interface ModelCall {
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  readonly caller: Caller
  /** The owner's data. @throws `invalid_input` where the key has no owner and the request names none */
  user(): User
  readonly body: JsonObject
  leave(): void
}

export interface ModelDesk {
  readonly recollect: UnscopedRecollect
  readonly options: GatewayOptions
  readonly upstream: Upstream | undefined
}
