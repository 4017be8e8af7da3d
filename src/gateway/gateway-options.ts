// What a gateway is made with: the world, its upstream, and the deployment's choices.
import type { Random } from '../core/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { UpstreamOptions } from './openai/upstream.ts'

export interface GatewayOptions {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly version: string // told by /metrics and /openapi.json
  readonly upstream?: UpstreamOptions
  readonly fetch?: typeof fetch // to the upstream
  /** Names of this host that a request may carry (ACC-14). */
  readonly hosts: readonly string[]
  readonly corsOrigins?: readonly string[]
  readonly credentials?: 'operator' | 'caller' // OAI-20
  readonly withoutSession?: 'pass' | 'refuse' // OAI-4
  readonly onEdit?: 'rewind' | 'fork' | 'refuse' // OAI-8
  readonly sessionHeaders?: readonly string[] // OAI-2; beside `recollect-session`
  readonly metrics: () => string // the text of /metrics
  /** Of a gateway that speaks TLS itself: whether its certificate ends soon, as readiness tells (GW-16). */
  readonly certificateEnds?: () => boolean
}
