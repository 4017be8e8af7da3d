// The one file that hands out scopes: opens the stores, starts the engine, and gives the public surface.
import { randomBytes } from 'node:crypto'
import { createEngine, type Engine, type World } from './create-recollect/engine.ts'
import { checkHealth } from './create-recollect/health.ts'
import { openStores, type OpenStores } from './create-recollect/open-stores.ts'
import type { RecollectOptions } from './create-recollect/options.ts'
import { systemClock } from './create-recollect/system-clock.ts'
import { RecollectError } from './core/errors.ts'
import type { Scope } from './core/scope.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Recollect, User } from './recollect.ts'
import { mint, mintAny } from './security/mint.ts'
import { ownerPseudonym } from './security/pseudonyms.ts'
import { createSessions } from './session/sessions.ts'

export type { GivenStore, RecollectOptions } from './create-recollect/options.ts'

/** Opens the stores and starts background work. @throws `invalid_input` on a setting · `integrity_failure` where sealed data has no key · `unavailable` */
export async function createRecollect(options: RecollectOptions = {}): Promise<Recollect> {
  const world: World = {
    clock: options.clock ?? systemClock,
    random: options.random ?? ((bytes) => new Uint8Array(randomBytes(bytes))),
    telemetry: options.telemetry ?? silent,
  }
  const stores = await openStores(options, world)
  try {
    const engine = createEngine(options, world, stores, mintAny)
    if (options.seal === 'off') await noteUnsealed(engine)
    if (options.background ?? true) engine.sweeper.start()
    return surfaceOf(options, engine, stores)
  } catch (error) {
    await stores.close()
    throw error
  }
}

function surfaceOf(options: RecollectOptions, engine: Engine, stores: OpenStores): Recollect {
  const { parts, security, sweeper } = engine
  const users = usersOf(engine)
  let closing: Promise<void> | undefined
  return {
    user: (ownerId) => users(mint('default', ownerId)),
    tenant: (tenantId) => {
      mint(tenantId, 'anybody') // refuses a bad name here, not at the first user
      return { user: (ownerId) => users(mint(tenantId, ownerId)) }
    },
    credentials: security.credentials,
    policy: security.policy,
    tokens: security.tokens,
    audit: security.audit,
    sweep: (sweepOptions) => sweeper.sweep(sweepOptions),
    totals: () => later(),
    health: () => checkHealth(options, stores),
    embed: () => later(),
    async settled() {
      await parts.jobs.settled()
      await parts.receipts.settled()
    },
    close: () => (closing ??= closeAll(engine, stores)),
  }
}

const later = () => Promise.reject(new RecollectError('unavailable', 'this part is not wired yet', 'Try again.'))

function usersOf({ parts, security, erasure }: Engine): (scope: Scope) => User {
  const sessions = createSessions(parts)
  return (scope) => ({
    tenantId: scope.tenantId,
    ownerId: scope.ownerId,
    session: async (name, options) => (await sessions.open(scope, name, options)).session,
    sessions: {
      open: (name, options) => sessions.open(scope, name, options),
      get: (id) => sessions.get(scope, id),
      list: (page) => sessions.list(scope, page),
    },
    preview: later,
    memories: { remember: later, search: later, list: later, get: later, forget: later, explain: later, settled: () => parts.jobs.settled(scope) },
    usage: later,
    async erase(options) {
      const receipt = await erasure.eraseOwner(scope, options)
      parts.quotas.forget(scope)
      return receipt
    },
    pseudonym: async () => ownerPseudonym(await security.ring.ownerKeys(scope), scope.ownerId),
    tag: async (fields) => (await security.ring.ownerKeys(scope)).tag('id', ['tag', ...fields]),
  })
}

async function closeAll({ parts, security, sweeper }: Engine, stores: OpenStores): Promise<void> {
  parts.turns.close()
  await sweeper.close()
  await parts.jobs.close()
  await parts.receipts.settled()
  await security.audit.close()
  await stores.close()
}

/** SEAL-1: that bodies lie in clear is in the audit trail from the first start on. */
const noteUnsealed = (engine: Engine) => engine.security.audit.record({ tenantId: '~system', actor: 'in-process', action: 'seal.off', decision: 'done' })

const silent: Telemetry = { count: () => {}, observe: () => {}, gauge: () => {}, log: () => {} }
