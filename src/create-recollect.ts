// The one file that knows all parts: sets every default, opens the stores, and puts the engine together.
import { randomBytes } from 'node:crypto'
import os from 'node:os'
import { openStores, type OpenStores } from './create-recollect/open-stores.ts'
import type { RecollectOptions } from './create-recollect/options.ts'
import { systemClock } from './create-recollect/system-clock.ts'
import { RecollectError } from './core/errors.ts'
import type { Random } from './core/ids.ts'
import { limits } from './core/limits.ts'
import type { Scope } from './core/scope.ts'
import type { Clock } from './ports/clock.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Recollect, User } from './recollect.ts'
import { createAuditLog } from './security/audit-log.ts'
import { createCredentials } from './security/credentials.ts'
import { createKeyRing } from './security/key-ring.ts'
import { mint, mintAny } from './security/mint.ts'
import { ownerPseudonym } from './security/pseudonyms.ts'
import { createReceipts } from './security/receipts.ts'
import { rolePolicy, strictPolicy } from './security/role-policy.ts'
import { createSealedTokens } from './security/sealed-token.ts'
import { sealedStore } from './security/sealed-store.ts'
import { createJobs } from './session/jobs.ts'
import { defaultQuotas, ownerQuotas } from './session/quotas.ts'
import { receiptLogs } from './session/receipts.ts'
import { sessionLogs } from './session/session-logs.ts'
import type { SessionParts } from './session/session-parts.ts'
import { createSessions } from './session/sessions.ts'
import { sessionTurns } from './session/turns.ts'

export type { GivenStore, RecollectOptions } from './create-recollect/options.ts'

interface World {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** Opens the stores and starts background work. @throws `invalid_input` on a setting · `integrity_failure` where sealed data has no key · `unavailable` */
export async function createRecollect(options: RecollectOptions = {}): Promise<Recollect> {
  const world: World = {
    clock: options.clock ?? systemClock,
    random: options.random ?? ((bytes) => new Uint8Array(randomBytes(bytes))),
    telemetry: options.telemetry ?? silent,
  }
  const stores = await openStores(options, world)
  try {
    return assemble(options, world, stores)
  } catch (error) {
    await stores.close()
    throw error
  }
}

function assemble(options: RecollectOptions, world: World, stores: OpenStores): Recollect {
  const { engine, security } = partsOf(options, world, stores)
  const sessions = createSessions(engine)
  const later = () => Promise.reject(new RecollectError('unavailable', 'this part is not wired yet', 'Try again.'))
  const userOf = (scope: Scope): User => ({
    tenantId: scope.tenantId,
    ownerId: scope.ownerId,
    session: async (name, sessionOptions) => (await sessions.open(scope, name, sessionOptions)).session,
    sessions: {
      open: (name, sessionOptions) => sessions.open(scope, name, sessionOptions),
      get: (id) => sessions.get(scope, id),
      list: (page) => sessions.list(scope, page),
    },
    memories: { remember: later, search: later, list: later, get: later, forget: later, explain: later, settled: () => engine.jobs.settled(scope) },
    preview: later,
    usage: later,
    erase: later,
    pseudonym: async () => ownerPseudonym(await security.ring.ownerKeys(scope), scope.ownerId),
    tag: async (fields) => (await security.ring.ownerKeys(scope)).tag('id', ['tag', ...fields]),
  })
  let closing: Promise<void> | undefined
  return {
    user: (ownerId) => userOf(mint('default', ownerId)),
    tenant: (tenantId) => {
      mint(tenantId, 'any') // refuses a bad name here
      return { user: (ownerId) => userOf(mint(tenantId, ownerId)) }
    },
    credentials: security.credentials,
    policy: security.policy,
    tokens: security.tokens,
    audit: security.audit,
    sweep: later,
    totals: later,
    health: later,
    embed: later,
    settled: async () => {
      await engine.jobs.settled()
      await engine.receipts.settled()
    },
    close: () => (closing ??= closeAll(engine, stores)),
  }
}

async function closeAll(engine: SessionParts, stores: OpenStores): Promise<void> {
  engine.turns.close()
  await engine.jobs.close()
  await engine.receipts.settled()
  await engine.audit.close()
  await stores.close()
}

function partsOf(options: RecollectOptions, world: World, stores: OpenStores) {
  const { clock, random, telemetry } = world
  const ring = createKeyRing({ store: stores.keys.store, provider: stores.keyProvider, clock, random, mint: mintAny })
  const sealing = { seal: options.seal ?? 'on', random, telemetry } as const
  const sessions = sealedStore(stores.sessions.store, ring, sealing)
  const memories = stores.memories.store === stores.sessions.store ? sessions : sealedStore(stores.memories.store, ring, sealing)
  const keys = sealedStore(stores.keys.store, ring, sealing)
  const audit = createAuditLog({ store: sessions, ring, clock, random, mint: mintAny, node: os.hostname(), telemetry })
  const jobs = createJobs({ clock, telemetry, background: options.background ?? true, work: async () => {} })
  const engine: SessionParts = {
    ...{ sessions, memories, keys: ring, clock, random, telemetry, audit, jobs },
    lives: { idleMs: limits.idleMs, absoluteMs: limits.absoluteMs, ...options.lives },
    logs: sessionLogs(sessions),
    quotas: ownerQuotas({ sessions, memories }, clock, { ...defaultQuotas, ...options.quotas }),
    turns: sessionTurns(sessions, clock, random, (scope, id) => jobs.due(scope, id, 'now')),
    receipts: receiptLogs(sessions, options.receipts ?? 'background', telemetry),
    signed: createReceipts(ring),
    upkeep: { exclusively: (_, run) => run(), loseEvidence: async () => ({ records: 0, rederived: 0, kept: [] }), expireRecords: async () => 0 },
  }
  const security = {
    ring,
    audit,
    credentials: createCredentials({ store: keys, ring, audit, clock, random, mint: mintAny, mode: options.keyMode ?? 'live' }),
    policy: strictPolicy(options.policy ?? rolePolicy(), clock),
    tokens: createSealedTokens({ ring, clock, random }),
  }
  return { engine, security }
}

const silent: Telemetry = { count: () => {}, observe: () => {}, gauge: () => {}, log: () => {} }
