// Makes a context: reads, recalls, plans, writes the head, answers. What is decided is decided in `planContext`.
import type { Random } from '../core/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { TokenCounter } from './count.ts'
import type { ContextCache } from './pack-cache.ts'
import type { ModelProfile } from './profiles.ts'
import type { Strategy } from './strategies.ts'

/** The world, the deployment's tables, and what the session keeps between its contexts. */
export interface ContextParts {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly counter?: TokenCounter // default: the class counter
  readonly profiles?: readonly ModelProfile[] // added to, and before, the built-in rows
  readonly strategies?: readonly Strategy[] // usable by name
  readonly cache: ContextCache
}
