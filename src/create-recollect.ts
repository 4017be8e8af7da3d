// The one file that hands out scopes: opens the stores, starts the engine, and gives the public surface.
import { exactly } from './create-recollect/brought-parts.ts'
import { createEngine, type Engine, type World } from './create-recollect/engine.ts'
import { createHealth } from './create-recollect/health.ts'
import { embedderFor, loadStemmers } from './create-recollect/models.ts'
import { openStores, type OpenStores } from './create-recollect/open-stores.ts'
import { checkOptions, type RecollectOptions } from './create-recollect/options.ts'
import { pooledRandom } from './create-recollect/pooled-random.ts'
import { systemClock } from './create-recollect/system-clock.ts'
import { watchedEmbedder } from './create-recollect/watched-embedder.ts'
import { checkFields } from './core/check-fields.ts'
import { isRecollectError, RecollectError } from './core/errors.ts'
import type { Scope } from './core/scope.ts'
import type { Embedder } from './ports/models.ts'
import type { Actor } from './ports/policy.ts'
import { harmless } from './ports/telemetry.ts'
import type { Recollect, User } from './recollect.ts'
import { createMemories } from './formation/memories.ts'
import { auditActor, type AuditActor } from './security/audit/actor.ts'
import { mint, mintAny } from './security/mint.ts'
import { ownerPseudonym } from './security/keys/pseudonyms.ts'
import { previewContext } from './session/contexts/context-calls.ts'
import { eraseFields, sweepFields, usageFields } from './session/input/session-fields.ts'
import { createSessions } from './session/sessions.ts'
import { ownerUsage, totals } from './session/usage/usage.ts'
import { silentTelemetry } from './telemetry/silent.ts'

export type { GivenStore, RecollectOptions } from './create-recollect/options.ts'

/** Opens the stores and starts background work. @throws `invalid_input` on a setting · `integrity_failure` where sealed data has no key · `unavailable` */
export async function createRecollect(options: RecollectOptions = {}): Promise<Recollect> {
  checkOptions(options)
  const clock = options.clock ?? systemClock
  const embedder = await embedderFor(options.embedder)
  const world: World = {
    clock,
    random: options.random === undefined ? pooledRandom() : exactly(options.random),
    telemetry: options.telemetry === undefined ? silentTelemetry : harmless(options.telemetry),
    embedder: embedder === undefined ? undefined : watchedEmbedder(embedder, clock),
    stemmers: await loadStemmers(),
  }
  const stores = await openStores(options, world)
  try {
    const engine = createEngine(options, world, stores, mintAny)
    if (options.seal === 'off') await noteUnsealed(engine)
    if (options.background ?? true) engine.sweeper.start()
    return surfaceOf(options, world, engine, stores)
  } catch (error) {
    await stores.close()
    throw error
  }
}

function surfaceOf(options: RecollectOptions, world: World, engine: Engine, stores: OpenStores): Recollect {
  const { parts, security, sweeper } = engine
  const users = usersOf(engine)
  const health = createHealth({ ...world, options, stores, jobLagMs: parts.jobs.lagMs })
  let closing: Promise<void> | undefined
  return {
    user: (ownerId, actor) => users(mint('default', ownerId), actor),
    tenant: (tenantId) => {
      mint(tenantId, 'anybody') // refuses a bad name here, not at the first user
      return { user: (ownerId, actor) => users(mint(tenantId, ownerId), actor) }
    },
    credentials: security.credentials,
    policy: security.policy,
    tokens: security.tokens,
    requests: security.requests,
    audit: security.audit,
    async sweep(sweepOptions) {
      checkFields(sweepOptions, sweepFields, 'the options of a sweep')
      return sweeper.sweep(sweepOptions)
    },
    totals: () => totals(parts, mintAny),
    health,
    embed: async (texts, kind) => embedWith(world.embedder, texts, kind),
    async settled() {
      await parts.jobs.settled()
      await parts.receipts.settled()
    },
    close: () => (closing ??= closeAll(engine, stores)),
  }
}

async function embedWith(embedder: Embedder | undefined, texts: readonly string[], kind: 'query' | 'record') {
  checkFields({ texts: texts ?? null, kind }, { texts: 'texts', kind: ['query', 'record'] }, 'an embedding')
  if (embedder === undefined)
    throw new RecollectError('unavailable', 'there is no embedder', 'Set one up, or leave embedder out for the bundled one.')
  const vectors = await embedder.embed(texts, kind).catch((cause: unknown) => {
    if (isRecollectError(cause)) throw cause
    throw new RecollectError('unavailable', 'the embedder failed', 'Try again; its own error is the cause of this one.', { cause })
  })
  return { model: embedder.info.id, vectors }
}

const usersOf = (engine: Engine) => (scope: Scope, actor?: Actor) => userOf(engine, scope, auditActor(scope.tenantId, actor))

function userOf({ parts, security, memories, erasure }: Engine, scope: Scope, by: AuditActor): User {
  const sessions = createSessions(parts, scope, by)
  return {
    tenantId: scope.tenantId,
    ownerId: scope.ownerId,
    session: async (name, options) => (await sessions.open(name, options)).session,
    sessions,
    preview: async (session, options = {}) => previewContext(parts, scope, session, options),
    memories: createMemories(memories, scope, by),
    async usage(options) {
      checkFields(options, usageFields, 'the options of usage')
      return ownerUsage(parts, scope, options)
    },
    async erase(options) {
      checkFields(options, eraseFields, 'the options of an erasure')
      const receipt = await erasure.eraseOwner(scope, by, options)
      parts.quotas.forget(scope)
      if (!receipt.dryRun) parts.telemetry.count('recollect_erasures_total', 1, { clean: String(receipt.clean) })
      return receipt
    },
    pseudonym: async () => ownerPseudonym(await security.ring.ownerKeys(scope), scope.ownerId),
  }
}

async function closeAll({ parts, security, sweeper }: Engine, stores: OpenStores): Promise<void> {
  try {
    parts.turns.close()
    await sweeper.close()
    await parts.jobs.close()
    await parts.receipts.settled()
    await security.audit.close()
  } finally {
    await stores.close()
  }
}

/** SEAL-1: that bodies lie in clear is in the audit trail from the first start on. */
const noteUnsealed = (engine: Engine) =>
  engine.security.audit.record({ tenantId: '~system', ...auditActor('~system'), action: 'seal.off', decision: 'allow' })
