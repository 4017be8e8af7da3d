// A model request on its way: what has been checked of it, and what it is answered with.
import type { JsonObject } from '../../core/json.ts'
import type { Recollect } from '../../recollect.ts'
import type { Caller } from '../authenticate.ts'
import type { GatewayOptions } from '../gateway-options.ts'
import type { Upstream } from './upstream.ts'

/** A request that has passed the door: its body read, its owner known. `leave` is called when its answer has ended. */
export interface ModelCall {
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  readonly caller: Caller
  readonly body: JsonObject
  leave(): void
}

export interface ModelDesk {
  readonly recollect: Recollect
  readonly options: GatewayOptions
  readonly upstream: Upstream | undefined
}
