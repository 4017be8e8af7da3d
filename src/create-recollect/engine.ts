// Puts the engine together over open stores: security first, then long-term memory, then sessions.
import os from 'node:os'
import type { Random } from '../core/ids.ts'
import { limits } from '../core/limits.ts'
import type { Mint } from '../core/scope.ts'
import type { Clock } from '../ports/clock.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { createAuditLog } from '../security/audit-log.ts'
import { createCredentials } from '../security/credentials.ts'
import { createErasure } from '../security/erase-owner.ts'
import { createKeyRing } from '../security/key-ring.ts'
import { createReceipts } from '../security/receipts.ts'
import { rolePolicy, strictPolicy } from '../security/role-policy.ts'
import { createSealedTokens } from '../security/sealed-token.ts'
import { sealedStore } from '../security/sealed-store.ts'
import { createJobs } from '../session/jobs.ts'
import { defaultQuotas, ownerQuotas } from '../session/quotas.ts'
import { receiptLogs } from '../session/receipts.ts'
import { sessionLogs } from '../session/session-logs.ts'
import type { SessionParts } from '../session/session-parts.ts'
import { sessionSizes } from '../session/session-sizes.ts'
import { createSweeper } from '../session/sweep.ts'
import { sessionTurns } from '../session/turns.ts'
import type { OpenStores } from './open-stores.ts'
import type { RecollectOptions } from './options.ts'

export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export type Engine = ReturnType<typeof createEngine>

/** `mint` makes scopes of any name: for reserved owners, and for walks over all. */
export function createEngine(options: RecollectOptions, world: World, stores: OpenStores, mint: Mint) {
  const security = securityOver(options, world, stores, mint)
  const parts = sessionParts(options, world, security)
  const erasure = createErasure({
    ...world,
    stores: [
      { name: 'sessions', store: security.sessions, raw: stores.sessions.store, ...filesOf(stores.sessions) },
      { name: 'memories', store: security.memories, raw: stores.memories.store, ...filesOf(stores.memories) },
    ],
    ...(stores.keys.files === undefined ? {} : { keyFiles: stores.keys.files }),
    ring: security.ring,
    audit: security.audit,
    caches: [
      { place: 'jobs', drop: (owner) => parts.jobs.dropOwner(owner), holds: (owner) => parts.jobs.holds(owner) },
      { place: 'session cache', drop: (owner) => parts.logs.dropOwner(owner), holds: (owner) => parts.logs.holds(owner) },
      { place: 'receipt cache', drop: (owner) => parts.receipts.dropOwner(owner), holds: (owner) => parts.receipts.holds(owner) },
    ],
    snapshotNames: [],
    quiet: options.quiet ?? (async () => {}),
  })
  return { parts, security, erasure, sweeper: createSweeper(parts, mint) }
}

const filesOf = ({ files }: OpenStores['sessions']) => (files === undefined ? {} : { files })

function securityOver(options: RecollectOptions, { clock, random, telemetry }: World, stores: OpenStores, mint: Mint) {
  const ring = createKeyRing({ store: stores.keys.store, provider: stores.keyProvider, clock, random, mint })
  const sealing = { seal: options.seal ?? 'on', random, telemetry } as const
  const sessions = sealedStore(stores.sessions.store, ring, sealing)
  const memories = stores.memories.store === stores.sessions.store ? sessions : sealedStore(stores.memories.store, ring, sealing)
  const keys = sealedStore(stores.keys.store, ring, sealing)
  const audit = createAuditLog({ store: sessions, ring, clock, random, mint, node: os.hostname(), telemetry })
  return {
    ...{ ring, sessions, memories, audit },
    credentials: createCredentials({ store: keys, ring, audit, clock, random, mint, mode: options.keyMode ?? 'live' }),
    policy: strictPolicy(options.policy ?? rolePolicy(), clock),
    tokens: createSealedTokens({ ring, clock, random }),
  }
}

function sessionParts(options: RecollectOptions, world: World, security: ReturnType<typeof securityOver>): SessionParts {
  const { clock, random, telemetry } = world
  const { sessions, memories, ring, audit } = security
  const logs = sessionLogs(sessions)
  const jobs = createJobs({ clock, telemetry, background: options.background ?? true, work: async () => {} })
  return {
    ...{ sessions, memories, keys: ring, clock, random, telemetry, audit, jobs, logs },
    lives: { idleMs: limits.idleMs, absoluteMs: limits.absoluteMs, ...options.lives },
    quotas: ownerQuotas({ sessions, memories }, clock, { ...defaultQuotas, ...options.quotas }),
    turns: sessionTurns(sessions, clock, random, (scope, id) => jobs.due(scope, id, 'now')),
    receipts: receiptLogs(sessions, options.receipts ?? 'background', telemetry),
    sizes: sessionSizes(logs, (message) => message.parts.length * 4),
    signed: createReceipts(ring),
    upkeep: { exclusively: (_, run) => run(), loseEvidence: async () => ({ records: 0, rederived: 0, kept: [] }), expireRecords: async () => 0 },
  }
}
